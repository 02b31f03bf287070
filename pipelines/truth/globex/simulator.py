"""Writes globex: its workspace, and what really happened in it."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from pipelines.truth.globex.bills import (
    Charge,
    charges_of,
    invoices_of,
    of_issuer,
    write_bills,
)
from pipelines.truth.globex.calls import Call, draw_day
from pipelines.truth.globex.company import (
    BILLING_ACCOUNTS,
    GOOGLE,
    METERS,
    PROMOTION,
    START,
    TRACES,
)
from pipelines.truth.globex.feeds import write_feeds
from pipelines.truth.globex.reference import write_reference
from pipelines.truth.output import dollars, write_parquet
from pipelines.truth.plan import shares_of

_MONEY = pl.Decimal(38, 18)


def simulate_globex(out: Path, *, seed: int = 7, days: int = 5, calls: int = 200) -> None:
    """Write the workspace of a second made-up company, small enough to read by eye.

    Args:
        out: Folder to write; must be empty or missing.
        seed: The same seed gives the same bytes.
        days: From `START` on, UTC; five of them lie in two billing periods.
        calls: Logged calls, spread evenly; each day has at least one of them.

    Raises:
        ValueError: There are fewer calls than days, or no days.
        FileExistsError: `out` holds something.
    """
    if not 1 <= days <= calls:
        raise ValueError("days are at least 1, and calls at least as many as days")
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty: choose another folder")
    dates = [START + timedelta(days=n) for n in range(days)]
    all_calls: list[Call] = []
    for day, count in zip(dates, shares_of(calls, [1] * days), strict=True):
        drawn = draw_day(seed, day, count)
        write_feeds(out / "inbox", day, drawn)
        all_calls += drawn
    charges = charges_of(all_calls)
    write_bills(out / "inbox", charges)
    write_reference(out, invoices_of(charges, START))
    truth = out / "truth"
    truth.mkdir(parents=True)
    write_parquet(truth / "truth.parquet", pl.DataFrame([_call_row(c) for c in all_calls]))
    write_parquet(truth / "billed.parquet", _billed(charges))


def _call_row(call: Call) -> dict[str, object]:
    return {
        "call_id": call.call_id,
        "response_id": call.response_id,
        "source": TRACES if call.call_id else None,
        "started_at": call.started,
        "charge_date": call.started.date(),
        "issuer": call.served.issuer,
        "billing_account_id": BILLING_ACCOUNTS[call.served.issuer],
        "sub_account_id": call.sub_account,
        "model_id": call.served.model_id,
        "application_id": call.application_id,
        "is_logged": call.call_id is not None,
        **{f"{meter}_tokens": call.tokens[meter] for meter in METERS},
        "cost": dollars(call.cost),
    }


def _billed(charges: list[Charge]) -> pl.DataFrame:
    """Every charge as it must come out of the bills: corrections inside, the promotion beside."""
    promoted = of_issuer((c for c in charges if c.charge_date == START), GOOGLE)[-1]
    rows = [_charge_row(charge, "Usage", dollars(charge.picos)) for charge in charges]
    credit = _charge_row(promoted, "Credit", PROMOTION) | {"quantity": None}
    return pl.DataFrame([*rows, credit]).with_columns(pl.col("cost").cast(_MONEY))


def _charge_row(charge: Charge, category: str, cost: Decimal) -> dict[str, object]:
    issuer = charge.served.issuer
    return {
        "charge_date": charge.charge_date,
        "billing_period": charge.charge_date.replace(day=1),
        "issuer": issuer,
        "billing_account_id": BILLING_ACCOUNTS[issuer],
        "sub_account_id": charge.sub_account,
        "charge_category": category,
        "model_id": charge.served.model_id,
        "meter": str(charge.meter),
        "quantity": charge.tokens,
        "cost": cost,
    }
