"""From the truth of a run to every bill, usage report and invoice."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import polars as pl

from pipelines.truth.bills import write_anthropic, write_openai
from pipelines.truth.catalogue import ANTHROPIC, AWS, BILLING_ACCOUNTS, OPENAI
from pipelines.truth.cur import CENT, ExtraCharge, extra_charges, write_run
from pipelines.truth.output import dollars
from pipelines.truth.plan import Fault, Plan

DELIVERY_DAYS = 7
"""Days in one download of an API report."""
OPENAI_TAX_RATE = Decimal("0.08")
"""On the invoice, and nowhere in OpenAI's daily costs."""

_MONEY = pl.Decimal(38, 18)


@dataclass(frozen=True)
class Invoice:
    """One invoice, and the part of its total that no bill line shows."""

    issuer: str
    month: date
    charged: Decimal
    """Sum of the bill lines, to the last digit."""
    tax_outside: Decimal = Decimal(0)

    @property
    def invoice_id(self) -> str:
        """Its number."""
        return f"{self.issuer.upper()}-{self.month:%Y-%m}"

    @property
    def total(self) -> Decimal:
        """What is to be paid: the lines, rounded to cents once, and the tax outside them."""
        return self.charged.quantize(CENT, ROUND_HALF_EVEN) + self.tax_outside

    @property
    def row(self) -> dict[str, str]:
        """Its row of invoices.csv."""
        return {
            "invoice_id": self.invoice_id,
            "issuer": self.issuer,
            "billing_account_id": BILLING_ACCOUNTS[self.issuer],
            "billing_period": str(self.month),
            "currency": "USD",
            "total_amount": f"{self.total:f}",
            "issued_on": str((self.month + timedelta(days=31)).replace(day=3)),
        }

    @property
    def items(self) -> list[dict[str, str]]:
        """Its rows of reconciling_items.csv."""
        if not self.tax_outside:
            return []
        return [
            {
                "invoice_id": self.invoice_id,
                "item": "sales tax",
                "amount": f"{self.tax_outside:f}",
                "evidence": f"page 2 of {self.invoice_id}",
            }
        ]


class Billing:
    """Every bill of a run.

    Args:
        billed: `ledger.billed_daily` of all days.
        plan: Says which faults to plant.
    """

    def __init__(self, billed: pl.DataFrame, plan: Plan) -> None:
        self._billed = billed
        self._plan = plan
        self.months = sorted({day.replace(day=1) for day in plan.dates})

    def extras(self, month: date) -> list[ExtraCharge]:
        """Charges of AWS in a month that no call caused."""
        first_day = max(month, self._plan.start)
        return extra_charges(self._usage(AWS, month), first_day)

    def invoices(self) -> Iterator[Invoice]:
        """One invoice per issuer and month."""
        for month in self.months:
            usage = self._usage(OPENAI, month)
            tax = (usage * OPENAI_TAX_RATE).quantize(CENT, ROUND_HALF_EVEN)
            yield Invoice(OPENAI, month, usage, tax)
            yield Invoice(ANTHROPIC, month, self._usage(ANTHROPIC, month))
            extras = sum((extra.amount for extra in self.extras(month)), Decimal(0))
            yield Invoice(AWS, month, self._usage(AWS, month) + extras)

    def write(self, inbox: Path) -> None:
        """Write the deliveries of all three providers."""
        is_restated = self._plan.has(Fault.RESTATED_BILL)
        first = _understated(self._billed, self._plan.fault_day) if is_restated else self._billed
        days = self._plan.dates
        for position in range(0, len(days), DELIVERY_DAYS):
            covered = days[position : position + DELIVERY_DAYS]
            name = str(covered[-1] + timedelta(days=1))
            write_openai(inbox / "openai" / name, first, covered)
            write_anthropic(inbox / "anthropic" / name, self._billed, covered)
            if is_restated and self._plan.fault_day in covered:
                again = f"{name}-again"
                write_openai(inbox / "openai" / again, self._billed, [self._plan.fault_day])
        for month in self.months:
            is_month = is_restated and month == self._plan.fault_day.replace(day=1)
            self._write_aws(inbox / "aws", first if is_month else None, month)

    @property
    def usage_by_issuer(self) -> dict[str, Decimal]:
        """Dollars of usage per issuer, over all days."""
        sums = self._billed.group_by("issuer").agg(pl.col("cost_picos").sum()).sort("issuer")
        return {issuer: dollars(picos) for issuer, picos in sums.rows()}

    @property
    def restated_picos(self) -> int:
        """What the first deliveries of the restated day left out."""
        restated = self._billed.filter(pl.col("issuer") != ANTHROPIC)
        first = _understated(restated, self._plan.fault_day)
        return int(restated["cost_picos"].sum()) - int(first["cost_picos"].sum())

    def _write_aws(self, folder: Path, first: pl.DataFrame | None, month: date) -> None:
        extras = self.extras(month)
        ended = min(self._plan.end, (month + timedelta(days=31)).replace(day=1))
        runs = [(self._billed, ended + timedelta(days=2))]
        if first is not None:
            runs.insert(0, (first, ended))
        for billed, run_day in runs:
            lines = _of_month(billed, AWS, month)
            write_run(folder, lines, extras=extras, month=month, run_day=run_day)

    def _usage(self, issuer: str, month: date) -> Decimal:
        return dollars(int(_of_month(self._billed, issuer, month)["cost_picos"].sum()))

    def truth(self) -> pl.DataFrame:
        """Every charge as it must come out of the bills: sorted, money at scale 18."""
        searches = pl.col("meter") == "web_search"
        usage = (
            self._billed.with_columns(
                # a search has neither model nor tier on the bill, and OpenAI tells no tier
                pl.when(searches).then(None).otherwise(pl.col("model_id")).alias("model_id"),
                pl.when(searches | (pl.col("issuer") == OPENAI))
                .then(None)
                .otherwise(pl.col("tier"))
                .alias("service_tier"),
            )
            .group_by("charge_date", "issuer", "sub_account", "model_id", "meter", "service_tier")
            .agg(pl.col("quantity").sum(), pl.col("cost_picos").sum())
            .sort(
                "charge_date",
                "issuer",
                "sub_account",
                "model_id",
                "meter",
                "service_tier",
                nulls_last=True,
            )
        )
        scale = pl.lit(Decimal("0.000000000001"))
        rows = usage.select(
            "charge_date",
            pl.col("charge_date").dt.truncate("1mo").alias("billing_period"),
            "issuer",
            pl.col("issuer").replace_strict(BILLING_ACCOUNTS).alias("billing_account_id"),
            pl.col("sub_account").alias("sub_account_id"),
            pl.lit("Usage").alias("charge_category"),
            pl.lit(None, pl.String).alias("charge_description"),
            "model_id",
            "meter",
            "service_tier",
            "quantity",
            (pl.col("cost_picos").cast(pl.Decimal(38, 0)) * scale).cast(_MONEY).alias("cost"),
        )
        return pl.concat([rows, self._extra_rows(rows.schema)])

    def _extra_rows(self, schema: pl.Schema) -> pl.DataFrame:
        extras = [
            {
                "charge_date": extra.charge_date,
                "billing_period": month,
                "issuer": AWS,
                "billing_account_id": BILLING_ACCOUNTS[AWS],
                "sub_account_id": BILLING_ACCOUNTS[AWS],
                "charge_category": extra.charge_category,
                "charge_description": extra.description,
                "cost": extra.amount,
            }
            for month in self.months
            for extra in self.extras(month)
        ]
        return pl.DataFrame(extras, schema=schema)


def _of_month(billed: pl.DataFrame, issuer: str, month: date) -> pl.DataFrame:
    in_month = pl.col("charge_date").dt.truncate("1mo") == month
    return billed.filter((pl.col("issuer") == issuer) & in_month)


def _understated(billed: pl.DataFrame, day: date) -> pl.DataFrame:
    """The bill as it looked before it was restated: half of one day was not known yet."""
    is_early = pl.col("charge_date") == day
    return billed.with_columns(
        pl.when(is_early).then(pl.col(name) // 2).otherwise(pl.col(name)).alias(name)
        for name in ("quantity", "cost_picos")
    )
