"""What each attempt really cost and who really owned it: the truth, in whole pico-dollars."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import cache

import numpy as np
import polars as pl

from models.vocabulary import Meter
from pipelines.truth.catalogue import (
    BATCH_FACTOR,
    DEPLOYMENTS,
    METERS,
    REPRICED_FACTOR,
    REPRICED_MODEL,
    Deployment,
)
from pipelines.truth.company import (
    CONSUMER_APPLICATION,
    MOVED_KEY,
    MOVED_KEY_TO,
    REORGANISED_APPLICATION,
    REORGANISED_TO,
    TAG_OVERRIDE_APPLICATION,
    WORKLOADS,
)
from pipelines.truth.plan import Plan
from pipelines.truth.register import APPLICATIONS, USER_COUNT, user_cost_center
from pipelines.truth.traffic import SUCCESS, Ints

_MERGED = (Meter.CACHE_READ, Meter.CACHE_WRITE_5M, Meter.CACHE_WRITE_1H)

Owners = tuple[tuple[str, str], ...]


def price_per_million(deployment: Deployment, meter: Meter, *, is_repriced: bool) -> Decimal | None:
    """Dollars per million units that the provider bills; null if it does not meter this."""
    text = deployment.served.prices.get(meter)
    if text is None:
        return None
    price = Decimal(text)
    if is_repriced and deployment.model_key == REPRICED_MODEL:
        price *= REPRICED_FACTOR
    if deployment.tier == "batch" and meter is not Meter.WEB_SEARCH:
        price *= BATCH_FACTOR
    return price


@cache
def _unit_prices(is_repriced: bool) -> Ints:
    """Pico-dollars per unit, by deployment and meter; -1 where the provider has no such meter."""
    prices = [
        [price_per_million(d, m, is_repriced=is_repriced) for m in METERS]
        for d in DEPLOYMENTS.values()
    ]
    picos = [[-1 if p is None else int(p * 1_000_000) for p in row] for row in prices]
    return np.array(picos, dtype=np.int64)


def price(frame: pl.DataFrame, plan: Plan, day: date) -> pl.DataFrame:
    """Add what each attempt cost, per meter and in all.

    Args:
        frame: Attempts of one charge date.
        plan: Says when the price changes.
        day: The charge date.

    Returns:
        `frame` with `value_picos` (what its tokens are worth), `cost_picos` (what is billed:
        nothing for failures and cache hits) and `cost_<meter>`. Cache tokens of a provider that
        does not meter them have become uncached input.
    """
    unit = _unit_prices(day >= plan.middle)[frame["deployment"].to_numpy()]
    tokens = frame.select(METERS).to_numpy().copy()
    for meter in _MERGED:
        position = METERS.index(meter)
        moved = np.where(unit[:, position] < 0, tokens[:, position], 0)
        tokens[:, 0] += moved
        tokens[:, position] -= moved
    value = tokens * np.maximum(unit, 0)
    is_billed = ((frame["status"] == SUCCESS) & frame["is_billed"]).to_numpy()
    cost = np.where(is_billed[:, None], value, 0)
    return frame.with_columns(
        *(pl.Series(str(meter), tokens[:, i]) for i, meter in enumerate(METERS)),
        *(pl.Series(f"cost_{meter}", cost[:, i]) for i, meter in enumerate(METERS)),
        pl.Series("value_picos", value.sum(axis=1)),
        pl.Series("cost_picos", cost.sum(axis=1)),
    )


def owner_sets() -> tuple[Owners, ...]:
    """Every combination of owners a call can have; the first is nobody."""
    found: dict[Owners, None] = {(): None}
    for workload in WORKLOADS:
        found[workload.owners] = None
    found[((MOVED_KEY_TO, "1"),)] = None
    found[((TAG_OVERRIDE_APPLICATION, "1"),)] = None
    return tuple(found)


def _code_of(owners: Owners) -> int:
    return owner_sets().index(owners)


def own(frame: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Add `owners`: the code of the applications each attempt belongs to (see `owner_sets`)."""
    by_workload = pl.Series([_code_of(w.owners) for w in WORKLOADS], dtype=pl.Int64)
    names = [w.name for w in WORKLOADS]
    moved_us = int(plan.key_moves_at.timestamp()) * 1_000_000
    is_moved = (pl.col("workload") == names.index(MOVED_KEY)) & (pl.col("started_us") >= moved_us)
    return frame.with_columns(by_workload.gather(frame["workload"]).alias("owners")).with_columns(
        pl.when(pl.col("is_orphan"))
        .then(0)
        .when(pl.col("is_overridden"))
        .then(_code_of(((TAG_OVERRIDE_APPLICATION, "1"),)))
        .when(is_moved)
        .then(_code_of(((MOVED_KEY_TO, "1"),)))
        .otherwise(pl.col("owners"))
        .alias("owners")
    )


def cost_center_of(application_id: str, day: date, plan: Plan) -> str:
    """The cost centre that an application belongs to on a day, by the register."""
    if application_id == REORGANISED_APPLICATION and day >= plan.middle:
        return REORGANISED_TO
    return next(a.cost_center_id for a in APPLICATIONS if a.application_id == application_id)


def charged_cost_centers(
    frame: pl.DataFrame, application_id: Sequence[str | None], plan: Plan, day: date
) -> pl.Series:
    """The cost centre that pays, per row; null where there is no single one."""
    by_application = {
        a.application_id: cost_center_of(a.application_id, day, plan) for a in APPLICATIONS
    }
    by_user = pl.Series([user_cost_center(n) for n in range(USER_COUNT)])
    ids = pl.Series("application_id", application_id, dtype=pl.String)
    users = by_user.gather(frame["user"] % USER_COUNT)
    return pl.select(
        pl.when(ids == CONSUMER_APPLICATION)
        .then(users)
        .otherwise(ids.replace_strict(by_application, default=None, return_dtype=pl.String))
        .alias("cost_center_id")
    )["cost_center_id"]


def owned_daily(frame: pl.DataFrame, plan: Plan, day: date) -> pl.DataFrame:
    """What each application and cost centre owns on one day, to the last digit.

    Returns:
        Rows by application, cost centre, issuer, model and whether a gateway logged the call;
        `cost` is DECIMAL(38,18), and adds up to the day's bill for usage exactly.
    """
    frames = []
    for code, owners in enumerate(owner_sets()):
        part = frame.filter((pl.col("owners") == code) & (pl.col("cost_picos") > 0))
        if part.is_empty():
            continue
        for application_id, share in owners or ((None, "1"),):
            centers = charged_cost_centers(part, [application_id] * part.height, plan, day)
            totals = (
                part.with_columns(centers)
                .group_by("cost_center_id", "issuer", "model_id", "is_logged")
                .agg(pl.col("cost_picos").sum(), pl.len().cast(pl.Int64).alias("calls"))
            )
            scaled = [Decimal(picos).scaleb(-12) * Decimal(share) for picos in totals["cost_picos"]]
            frames.append(
                totals.select(
                    pl.lit(day).alias("charge_date"),
                    pl.lit(application_id, pl.String).alias("application_id"),
                    "cost_center_id",
                    "issuer",
                    "model_id",
                    "is_logged",
                    "calls",
                    pl.Series("cost", scaled, dtype=pl.Decimal(38, 18)),
                )
            )
    keys = ("application_id", "cost_center_id", "issuer", "model_id", "is_logged")
    return pl.concat(frames).sort(keys, nulls_last=True)


def billed_daily(frame: pl.DataFrame, day: date) -> pl.DataFrame:
    """What the providers bill for one day: one row per account, key, model, meter and tier.

    Returns:
        `quantity` in single units and `cost_picos`, both whole, sorted by the other columns.
        `requests` counts the calls.
    """
    keys = ("issuer", "sub_account", "deployment", "model_id", "tier", "workload")
    billed = frame.filter((pl.col("status") == SUCCESS) & pl.col("is_billed"))
    per_meter = [
        billed.group_by(keys)
        .agg(
            pl.col(str(meter)).sum().alias("quantity"),
            pl.col(f"cost_{meter}").sum().alias("cost_picos"),
            pl.len().cast(pl.Int64).alias("requests"),
            pl.col("is_logged").all(),
        )
        .with_columns(pl.lit(str(meter)).alias("meter"), pl.lit(i).alias("meter_order"))
        for i, meter in enumerate(METERS)
    ]
    return (
        pl.concat(per_meter)
        .filter(pl.col("quantity") > 0)
        .select(pl.lit(day).alias("charge_date"), pl.all())
        .sort("charge_date", *keys, "meter_order")
    )
