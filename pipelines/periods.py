"""A billing period's statements: exact lines from SQL, cents from `round_statements`.

Here lines meet invoices. What an invoice asks for beyond the bill export is a reconciling item
that finance named, rounding below half a cent, or unexplained; never nothing.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pyarrow as pa

from models.money import MONEY_CONTEXT, minor_digits
from models.vocabulary import ROUNDING, Cause
from pipelines.statements import UNEXPLAINED, ExactLine, Invoice, round_statements

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

_Account = tuple[date, str, str, str]
"""Billing period, issuer, billing account, currency: what one statement is for."""


class Statements:
    """The statements of some billing periods, as engine inputs."""

    def __init__(
        self, lines: pa.Table, reference: Mapping[str, pa.Table], periods: set[date]
    ) -> None:
        """Round and name everything.

        Args:
            lines: Rows of `int_statement_lines`.
            reference: Reference tables; invoices and reconciling items are used.
            periods: Billing periods computed now; invoices of others are left alone.

        Raises:
            StatementError: Lines that cannot be put on a statement.
        """
        issued = issued_invoices(reference, periods)
        exact: dict[_Account, dict[str, Decimal]] = defaultdict(dict)
        for row in lines.to_pylist():
            account = _account(row)
            exact[account][f"{row['cost_center_id'] or ''}|{row['cause']}"] = row["amount_exact"]
        for account, item, amount in _reconciling(reference, issued):
            key = f"reconciling|{item}"
            exact[account][key] = exact[account].get(key, Decimal(0)) + amount
        invoices = {
            account: _invoice(account, exact[account], issued.get(account))
            for account in sorted({*exact, *issued})
        }
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
        rows: dict[tuple[object, ...], dict[str, object]] = {}
        added: list[dict[str, object]] = []
        for line in rounded:
            kind, cost_center, cause = _kind(line.key)
            digits = minor_digits(line.invoice.billing_currency)
            amount = Decimal(line.minor_units).scaleb(-digits)
            row = rows.setdefault(
                (line.invoice, kind, cost_center, cause),
                {
                    **line.invoice._asdict(),
                    "invoice_id": line.invoice.invoice_id or None,
                    "line_kind": kind,
                    "cost_center_id": cost_center,
                    "cause": cause,
                    "amount_exact": Decimal(0),
                    "amount": Decimal(0),
                },
            )
            with localcontext(MONEY_CONTEXT):
                row["amount_exact"] += line.amount_exact  # type: ignore[operator]
                row["amount"] += amount  # type: ignore[operator]
            if line.key == ROUNDING:
                added.append(
                    {
                        "billing_period": line.invoice.billing_period,
                        "billing_currency": line.invoice.billing_currency,
                        "rounding_added": line.amount_exact,
                    }
                )
        self.rounded = pa.Table.from_pylist(list(rows.values()), schema=STATEMENT_SCHEMA)
        self.rounding = pa.Table.from_pylist(added, schema=ROUNDING_SCHEMA)
        self.totals = pa.Table.from_pylist(
            [
                dict(zip(INVOICE_TOTAL_SCHEMA.names, (*account, total), strict=True))
                for account, (_, total) in issued.items()
            ],
            schema=INVOICE_TOTAL_SCHEMA,
        )


def _account(row: dict[str, object]) -> _Account:
    return (
        row["billing_period"],
        row["issuer"],
        row["billing_account_id"],
        row.get("billing_currency") or row["currency"],
    )  # type: ignore[return-value]


def issued_invoices(
    reference: Mapping[str, pa.Table], periods: set[date]
) -> dict[_Account, tuple[str, Decimal]]:
    """Invoice ids and total per account; several invoices of one account are one total."""
    issued: dict[_Account, tuple[str, Decimal]] = {}
    rows = reference["ref_invoices"].to_pylist()
    for row in sorted(rows, key=lambda row: str(row["invoice_id"])):
        if row["billing_period"] in periods:
            ids, total = issued.get(_account(row), ("", Decimal(0)))
            joined = f"{ids}, {row['invoice_id']}" if ids else row["invoice_id"]
            issued[_account(row)] = (joined, total + row["total_amount"])
    return issued


def _reconciling(
    reference: Mapping[str, pa.Table], issued: dict[_Account, tuple[str, Decimal]]
) -> list[tuple[_Account, str, Decimal]]:
    by_id = {
        invoice_id: account
        for account, (ids, _) in issued.items()
        for invoice_id in ids.split(", ")
    }
    return [
        (by_id[row["invoice_id"]], row["item"], row["amount"])
        for row in reference["ref_reconciling_items"].to_pylist()
        if row["invoice_id"] in by_id
    ]


def _invoice(
    account: _Account, amounts: dict[str, Decimal], issued: tuple[str, Decimal] | None
) -> tuple[Invoice, int]:
    """The invoice of an account with its total in minor units; without one, its rounded sum."""
    period, issuer, billing_account_id, currency = account
    with localcontext(MONEY_CONTEXT):
        total = issued[1] if issued else sum(amounts.values(), start=Decimal(0))
        minor = total.scaleb(minor_digits(currency)).to_integral_value(ROUND_HALF_EVEN)
    invoice = Invoice(issuer, billing_account_id, issued[0] if issued else "", period, currency)
    return invoice, int(minor)


def _kind(key: str) -> tuple[str, str | None, str]:
    if key == ROUNDING:
        return "residual", None, Cause.ROUNDING.value
    if key == UNEXPLAINED:
        return "residual", None, "unexplained"
    owner, cause = key.split("|", 1)
    if owner == "reconciling":
        return "reconciling", None, cause
    return ("cost_center", owner, cause) if owner else ("residual", None, cause)
