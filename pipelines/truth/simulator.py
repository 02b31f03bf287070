"""The simulator: from a plan to a whole workspace, day by day."""

from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from pipelines.truth.billing import Billing
from pipelines.truth.catalogue import BILLING_ACCOUNTS, METERS
from pipelines.truth.faults import FaultLog
from pipelines.truth.gateways import GatewayWriter
from pipelines.truth.labels import label
from pipelines.truth.ledger import (
    billed_daily,
    charged_cost_centers,
    own,
    owned_daily,
    owner_sets,
    price,
)
from pipelines.truth.outcomes import OutcomeWriter, outcomes_of, truth_of
from pipelines.truth.output import json_text, money, plain_table, write, write_parquet
from pipelines.truth.plan import Fault, Plan
from pipelines.truth.reference import write_reference
from pipelines.truth.traffic import SUCCESS, attempts_by_day

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SimulationSummary:
    """What was written."""

    out: Path
    seed: int
    days: int
    calls_logged: int
    """Records in the gateways' logs, failures and cache hits included."""
    calls_billed: int
    """Attempts a provider billed, bypass traffic included."""
    billed: dict[str, Decimal]
    """Dollars billed for usage, per issuer."""
    invoiced: dict[str, Decimal]
    """Dollars on each invoice, by its number."""

    @property
    def record(self) -> dict[str, object]:
        """The content of truth/summary.json: amounts as text, nothing about the machine."""
        return {
            "seed": self.seed,
            "days": self.days,
            "calls_logged": self.calls_logged,
            "calls_billed": self.calls_billed,
            "billed_usd": {issuer: f"{amount:f}" for issuer, amount in self.billed.items()},
            "invoiced_usd": {number: f"{total:f}" for number, total in self.invoiced.items()},
        }


def simulate(
    out: Path,
    *,
    seed: int,
    days: int,
    calls: int,
    start: date = date(2026, 9, 1),
    faults: Collection[str] = (),
    progress: Progress | None = None,
) -> SimulationSummary:
    """Write a whole company: bills, usage reports, gateway logs, outcomes, reference and truth.

    Args:
        out: Folder that becomes the workspace; must be missing or empty.
        seed: Same seed (and arguments), same bytes.
        days: Days to simulate, at least one.
        calls: Records the gateways log in all; traffic that bypasses them comes on top.
        start: First UTC day.
        faults: Names of faults to plant, see `plan.Fault`.
        progress: Called after each day with the days done and the days to do.

    Returns:
        Counts and sums of what was written.

    Raises:
        ValueError: An unknown fault, fewer than one day, or a day without calls.
        FileExistsError: `out` holds something.
    """
    plan = _plan(seed, start, days, calls, faults)
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty: choose another folder, or clear it.")
    (out / "truth").mkdir(parents=True, exist_ok=True)
    faulty = FaultLog(plan)
    days_done = _simulate_days(out, plan, faulty, progress)
    billing = Billing(pl.concat(days_done.billed), plan)
    billing.write(out / "inbox")
    faulty.plant(out / "inbox", restated_picos=billing.restated_picos)
    invoices = list(billing.invoices())
    items = [item for invoice in invoices for item in invoice.items]
    write_reference(out, plan, (invoice.row for invoice in invoices), items)
    summary = SimulationSummary(
        out=out,
        seed=seed,
        days=days,
        calls_logged=days_done.logged,
        calls_billed=days_done.billable,
        billed=billing.usage_by_issuer,
        invoiced={invoice.invoice_id: invoice.total for invoice in invoices},
    )
    _write_truth(out / "truth", days_done, billing, faulty, summary)
    return summary


@dataclass
class _Days:
    """What the days of a run add up to."""

    billed: list[pl.DataFrame] = field(default_factory=list)
    owned: list[pl.DataFrame] = field(default_factory=list)
    outcomes: list[pl.DataFrame] = field(default_factory=list)
    logged: int = 0
    billable: int = 0


def _simulate_days(out: Path, plan: Plan, faulty: FaultLog, progress: Progress | None) -> _Days:
    """Write logs, outcomes and the truth of every call, one day at a time."""
    done = _Days()
    with (
        closing(GatewayWriter(out / "inbox", plan.seed)) as gateways,
        closing(OutcomeWriter(out / "inbox")) as events,
        closing(_TruthWriter(out / "truth" / "truth.parquet")) as writer,
    ):
        for number, (day, attempts) in enumerate(attempts_by_day(plan), start=1):
            priced = own(price(label(attempts, plan, day), plan, day), plan)
            frame = gateways.identify(priced.with_columns(_logged_columns(plan)))
            gateways.write_day(day, frame.filter("is_written"))
            done.billable += writer.write(frame, plan, day)
            outcomes = outcomes_of(frame, day)
            events.write_day(day, outcomes)
            faulty.count(frame)
            done.outcomes.append(truth_of(outcomes, day))
            done.billed.append(billed_daily(frame, day))
            done.owned.append(owned_daily(frame, plan, day))
            done.logged += frame.filter("is_written").height
            if progress:
                progress(number, plan.days)
    return done


def _write_truth(
    folder: Path, days: _Days, billing: Billing, faulty: FaultLog, summary: SimulationSummary
) -> None:
    write_parquet(folder / "billed.parquet", billing.truth())
    write_parquet(folder / "owned_daily.parquet", pl.concat(days.owned))
    write_parquet(folder / "outcomes.parquet", pl.concat(days.outcomes))
    write(folder / "faults.json", json_text(faulty.notes).encode("ascii"))
    write(folder / "summary.json", json_text(summary.record).encode("ascii"))


def _plan(seed: int, start: date, days: int, calls: int, faults: Collection[str]) -> Plan:
    if days < 1 or calls < 1:
        raise ValueError("days and calls are at least 1")
    unknown = sorted(set(faults) - set(Fault))
    if unknown:
        raise ValueError(f"unknown faults {unknown}; known are {sorted(Fault)}")
    plan = Plan(seed, start, days, calls, frozenset(Fault(name) for name in faults))
    if min(plan.calls_by_day.values()) < 1:
        raise ValueError("too few calls: each day needs at least 1")
    return plan


def _logged_columns(plan: Plan) -> list[pl.Expr]:
    factor = 3 if plan.has(Fault.WRONG_GATEWAY_COST) else 1
    is_us = pl.col("gateway") == 1
    is_success = pl.col("status") == SUCCESS
    return [
        pl.when(is_success).then(pl.col("value_picos") * factor).otherwise(0).alias("logged_picos"),
        # the payload counts attempts, the spend log counts client requests
        pl.when(is_us).then("number").otherwise("group").alias("call_number"),
    ]


class _TruthWriter:
    """One row per attempt a provider billed, appended day by day."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None

    def close(self) -> None:
        """Finish the file."""
        if self._writer:
            self._writer.close()

    def write(self, frame: pl.DataFrame, plan: Plan, day: date) -> int:
        """Append the billed attempts of a day; returns how many."""
        billed = frame.filter((pl.col("status") == SUCCESS) & pl.col("is_billed"))
        table = plain_table(_truth_rows(billed, plan, day))
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_table(table)
        return billed.height


def _truth_rows(billed: pl.DataFrame, plan: Plan, day: date) -> pl.DataFrame:
    sets = owner_sets()
    sole = [owners[0][0] if len(owners) == 1 else None for owners in sets]
    texts = [",".join(f"{a}:{share}" for a, share in owners) or None for owners in sets]
    application = pl.Series("application_id", sole, dtype=pl.String).gather(billed["owners"])
    accounts = billed["issuer"].replace_strict(BILLING_ACCOUNTS).alias("billing_account_id")
    source = pl.when(pl.col("gateway") >= 0).then(pl.format("gateway_{}", _gateway_name()))
    return billed.with_columns(
        application,
        accounts,
        charged_cost_centers(billed, application.to_list(), plan, day),
        pl.Series("owner_shares", texts, dtype=pl.String).gather(billed["owners"]),
    ).select(
        pl.when("is_logged").then(pl.col("call_id")).alias("call_id"),
        "response_id",
        source.alias("source"),
        pl.from_epoch("started_us", "us").dt.replace_time_zone("UTC").alias("started_at"),
        pl.lit(day).alias("charge_date"),
        "issuer",
        "billing_account_id",
        pl.col("sub_account").alias("sub_account_id"),
        "model_id",
        pl.col("tier").alias("service_tier"),
        "task_id",
        "trace_id",
        "application_id",
        "owner_shares",
        "cost_center_id",
        "is_logged",
        *(pl.col(str(m)).alias(_quantity_name(m)) for m in METERS),
        *(money(f"cost_{m}").alias(f"cost_{m}") for m in METERS),
        money("cost_picos").alias("cost"),
    )


def _gateway_name() -> pl.Expr:
    return pl.when(pl.col("gateway") == 0).then(pl.lit("eu")).otherwise(pl.lit("us"))


def _quantity_name(meter: str) -> str:
    return "web_search_requests" if meter == "web_search" else f"{meter}_tokens"
