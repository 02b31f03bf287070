"""A billing period's statements: exact lines from SQL, cents from `round_statements`.

Here lines meet invoices. What an invoice asks for beyond the bill export is a reconciling item
that finance named, rounding of the invoice's own lines where that explains it exactly, rounding
below half a cent, or unexplained; never nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from typing import Any, NamedTuple

import pyarrow as pa

from models.money import MONEY_CONTEXT, minor_digits
from models.vocabulary import Cause
from pipelines.statements import (
    ROUNDING,
    UNEXPLAINED,
    ExactLine,
    Invoice,
    LineKey,
    RoundedLine,
    round_statements,
)

STATEMENT_SCHEMA = pa.schema(
    [
        ("billing_period", pa.date32()),
        ("issuer", pa.string()),
        ("billing_account_id", pa.string()),
        ("invoice_id", pa.string()),
        ("billing_currency", pa.string()),
        ("line_kind", pa.string()),
        ("cost_center_id", pa.string()),
        ("cause", pa.string()),
        ("amount_exact", pa.decimal128(38, 18)),
        ("amount", pa.decimal128(38, 4)),
        ("gross_cost", pa.decimal128(38, 18)),
    ]
)
ROUNDING_SCHEMA = pa.schema(
    [
        ("billing_period", pa.date32()),
        ("billing_currency", pa.string()),
        ("rounding_added", pa.decimal128(38, 18)),
    ]
)
INVOICE_TOTAL_SCHEMA = pa.schema(
    [
        ("billing_period", pa.date32()),
        ("issuer", pa.string()),
        ("billing_account_id", pa.string()),
        ("billing_currency", pa.string()),
        ("total_amount", pa.decimal128(38, 18)),
    ]
)

COST_CENTER = "cost_center"
RESIDUAL = "residual"
RECONCILING = "reconciling"
UNEXPLAINED_CAUSE = "unexplained"
ROUNDING_PER_LINE = "rounding_per_line"
"""The reconciling item of an invoice whose own lines were rounded before they were added up."""

BILL_LINE = (
    "invoice_id",
    "charge_category",
    "service_name",
    "charge_description",
    "sku_id",
    "provider",
    "model_text",
    "meter",
    "service_tier",
)
"""What names a line of a bill, besides whose it is."""
_GROUPINGS: tuple[tuple[str, ...], ...] = (
    BILL_LINE,
    (*BILL_LINE, "sub_account_id"),
    (*BILL_LINE, "sub_account_id", "charge_date"),
)
"""What an invoice may round as one line: a name by month, the same by project, or by day."""


class Account(NamedTuple):
    """What one statement is for."""

    billing_period: date
    issuer: str
    billing_account_id: str
    billing_currency: str


@dataclass(frozen=True)
class Issued:
    """The invoices of one account and period: several are one total."""

    invoice_ids: tuple[str, ...]
    total: Decimal

    @property
    def name(self) -> str:
        """All of them, for people."""
        return ", ".join(self.invoice_ids)


class Statements:
    """The statements of some billing periods, as engine inputs."""

    def __init__(
        self,
        lines: pa.Table,
        reference: Mapping[str, pa.Table],
        periods: set[date],
        bill_lines: Callable[[], pa.Table],
        default_cost_center: str | None = None,
    ) -> None:
        """Round and name everything.

        Args:
            lines: Rows of `int_statement_lines`.
            reference: Reference tables; invoices and reconciling items are used.
            periods: Billing periods computed now; invoices of others are left alone.
            bill_lines: Rows of `fct_bill_lines` of these periods; asked for only if an invoice
                differs from its lines by more than half a cent.
            default_cost_center: Pays what has a name and no owner; nobody by default.

        Raises:
            StatementError: Lines that cannot be put on a statement.
        """
        issued = issued_invoices(reference, periods)
        exact: dict[Account, dict[LineKey, Decimal]] = defaultdict(dict)
        gross: dict[tuple[Account, LineKey], Decimal] = {}
        for row in lines.to_pylist():
            center = row["cost_center_id"]
            kind = RESIDUAL if center is None else COST_CENTER
            key = (kind, center or "", row["cause"])
            exact[_account(row)][key] = row["amount_exact"]
            gross[_account(row), key] = row["gross_cost"]
        for account, item, amount in _reconciling(reference, issued):
            _add(exact[account], (RECONCILING, "", item), amount)
        for account, gap in _rounded_per_line(exact, issued, bill_lines).items():
            _add(exact[account], (RECONCILING, "", ROUNDING_PER_LINE), gap)
        invoices = {
            account: _invoice(account, exact[account], issued.get(account))
            for account in sorted({*exact, *issued})
        }
        accounts = {invoice: account for account, (invoice, _) in invoices.items()}
        rounded = round_statements(
            (
                ExactLine(invoices[account][0], key, amount)
                for account, amounts in exact.items()
                for key, amount in amounts.items()
            ),
            dict(invoices.values()),
        )
        self.invoices = {
            invoice: total for invoice, total in invoices.values() if invoice.invoice_id
        }
        """Invoice totals in minor units, of invoices that were issued."""
        rows: dict[tuple[Invoice, LineKey], dict[str, object]] = {}
        for line in rounded:
            of_line = gross.get((accounts[line.invoice], line.key), abs(line.amount_exact))
            _merge(rows, line, of_line, default_cost_center)
        added = [
            {
                "billing_period": line.invoice.billing_period,
                "billing_currency": line.invoice.billing_currency,
                "rounding_added": line.amount_exact,
            }
            for line in rounded
            if line.key == ROUNDING
        ]
        self.rounded = pa.Table.from_pylist(list(rows.values()), schema=STATEMENT_SCHEMA)
        self.rounding = pa.Table.from_pylist(added, schema=ROUNDING_SCHEMA)
        self.totals = pa.Table.from_pylist(
            [
                dict(zip(INVOICE_TOTAL_SCHEMA.names, (*account, one.total), strict=True))
                for account, one in issued.items()
            ],
            schema=INVOICE_TOTAL_SCHEMA,
        )


def issued_invoices(reference: Mapping[str, pa.Table], periods: set[date]) -> dict[Account, Issued]:
    """Invoice ids and total per account; several invoices of one account are one total."""
    issued: dict[Account, Issued] = {}
    rows = reference["ref_invoices"].to_pylist()
    for row in sorted(rows, key=lambda row: str(row["invoice_id"])):
        if row["billing_period"] in periods:
            before = issued.get(_account(row), Issued((), Decimal(0)))
            ids = (*before.invoice_ids, row["invoice_id"])
            issued[_account(row)] = Issued(ids, before.total + row["total_amount"])
    return issued


def _account(row: Mapping[str, Any]) -> Account:
    return Account(
        row["billing_period"],
        row["issuer"],
        row["billing_account_id"],
        row.get("billing_currency") or row["currency"],
    )


def _add(amounts: dict[LineKey, Decimal], key: LineKey, amount: Decimal) -> None:
    with localcontext(MONEY_CONTEXT):
        amounts[key] = amounts.get(key, Decimal(0)) + amount


def _reconciling(
    reference: Mapping[str, pa.Table], issued: Mapping[Account, Issued]
) -> list[tuple[Account, str, Decimal]]:
    by_id = {
        invoice_id: account for account, one in issued.items() for invoice_id in one.invoice_ids
    }
    return [
        (by_id[row["invoice_id"]], row["item"], row["amount"])
        for row in reference["ref_reconciling_items"].to_pylist()
        if row["invoice_id"] in by_id
    ]


def _rounded_per_line(
    exact: Mapping[Account, Mapping[LineKey, Decimal]],
    issued: Mapping[Account, Issued],
    bill_lines: Callable[[], pa.Table],
) -> dict[Account, Decimal]:
    """What rounding line by line added to an invoice, where it explains the difference exactly."""
    gaps: dict[Account, Decimal] = {}
    with localcontext(MONEY_CONTEXT):
        for account, one in issued.items():
            gap = one.total - sum(exact[account].values(), start=Decimal(0))
            half = Decimal("0.5").scaleb(-minor_digits(account.billing_currency))
            if abs(gap) > half and exact[account]:
                gaps[account] = gap
        if not gaps:
            return {}
        bills: dict[Account, list[dict[str, Any]]] = defaultdict(list)
        for row in bill_lines().to_pylist():
            bills[_account(row)].append(row)
        return {
            account: gap
            for account, gap in gaps.items()
            if gap in _roundings(bills[account], minor_digits(account.billing_currency))
        }


def _roundings(rows: list[dict[str, Any]], digits: int) -> set[Decimal]:
    """What a bill's sum grows by if each of its lines is rounded, for each idea of a line."""
    cent = Decimal(1).scaleb(-digits)
    found = set()
    for grouping in _GROUPINGS:
        sums: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
        for row in rows:
            sums[tuple(row[name] for name in grouping)] += row["billed_cost"]
        found.add(
            sum((s.quantize(cent, ROUND_HALF_UP) - s for s in sums.values()), start=Decimal(0))
        )
    return found


def _invoice(
    account: Account, amounts: Mapping[LineKey, Decimal], issued: Issued | None
) -> tuple[Invoice, int]:
    """The invoice of an account with its total in minor units; without one, its rounded sum."""
    period, issuer, billing_account_id, currency = account
    with localcontext(MONEY_CONTEXT):
        total = issued.total if issued else sum(amounts.values(), start=Decimal(0))
        minor = total.scaleb(minor_digits(currency)).to_integral_value(ROUND_HALF_EVEN)
    invoice = Invoice(issuer, billing_account_id, issued.name if issued else "", period, currency)
    return invoice, int(minor)


def _merge(
    rows: dict[tuple[Invoice, LineKey], dict[str, object]],
    line: RoundedLine,
    gross: Decimal,
    default_cost_center: str | None,
) -> None:
    """Add a rounded line to the rows of the statement."""
    kind, center, cause = _row_key(line.key)
    # what nobody can explain is nobody's to pay, before it has a name
    payer = center or (None if line.key == UNEXPLAINED else default_cost_center)
    row = rows.setdefault(
        (line.invoice, (kind, center, cause)),
        {
            **line.invoice._asdict(),
            "invoice_id": line.invoice.invoice_id or None,
            "line_kind": kind,
            "cost_center_id": payer,
            "cause": cause,
            "amount_exact": Decimal(0),
            "amount": Decimal(0),
            "gross_cost": Decimal(0),
        },
    )
    digits = minor_digits(line.invoice.billing_currency)
    with localcontext(MONEY_CONTEXT):
        row["amount_exact"] += line.amount_exact  # type: ignore[operator]
        row["amount"] += Decimal(line.minor_units).scaleb(-digits)  # type: ignore[operator]
        row["gross_cost"] += gross  # type: ignore[operator]


def _row_key(key: LineKey) -> tuple[str, str, str]:
    """Kind of line, cost centre, cause."""
    if key == ROUNDING:
        return RESIDUAL, "", Cause.ROUNDING.value
    if key == UNEXPLAINED:
        return RESIDUAL, "", UNEXPLAINED_CAUSE
    kind, center, cause = key
    return kind, center, cause
