"""Cents: the one place where exact amounts become statement lines that add up to an invoice."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import NamedTuple

from models.money import MONEY_CONTEXT, allocate, minor_digits

LineKey = tuple[str, ...]
"""What a line of a statement is: never one joined text, as an id may hold any sign or word."""

ROUNDING: LineKey = ("__rounding__",)
UNEXPLAINED: LineKey = ("__unexplained__",)
_HALF = Decimal("0.5")


class StatementError(Exception):
    """Lines that cannot be put on a statement. The text names the invoice."""


class Invoice(NamedTuple):
    """What one invoice total is known by. No id while there is no invoice, only an estimate."""

    issuer: str
    billing_account_id: str
    invoice_id: str | None
    billing_period: date
    billing_currency: str


@dataclass(frozen=True)
class ExactLine:
    """One line before rounding: a cost centre's total, or a named residual."""

    invoice: Invoice
    key: LineKey
    """Stable and unique within the invoice; decides who gets the cent on a tie."""
    amount: Decimal
    """In units of the billing currency, at full precision."""


@dataclass(frozen=True)
class RoundedLine:
    """One statement line. The keys `ROUNDING` and `UNEXPLAINED` are added here."""

    invoice: Invoice
    key: LineKey
    amount_exact: Decimal
    minor_units: int


def round_statements(
    lines: Iterable[ExactLine], invoices: Mapping[Invoice, int]
) -> list[RoundedLine]:
    """Round the lines of each invoice so that they add up to it, to the minor unit.

    Lines are rounded by largest remainder, ties by key. Where their exact sum differs from the
    invoice by at most half a minor unit the difference becomes a `ROUNDING` line; a larger one
    becomes `UNEXPLAINED`, which must keep the period from closing.

    Args:
        lines: Exact lines, of any sign, in any order.
        invoices: Invoice totals in minor units (cents).

    Returns:
        One row per line and per difference, by invoice and key. An invoice without lines is all
        unexplained.

    Raises:
        StatementError: A line without an invoice total, a key used twice, or a reserved key.
    """
    amounts: dict[Invoice, dict[LineKey, Decimal]] = {invoice: {} for invoice in invoices}
    for line in lines:
        group = amounts.get(line.invoice)
        if group is None:
            raise StatementError(f"invoice {line.invoice.invoice_id}: lines, but no invoice total")
        if line.key in group or line.key in (ROUNDING, UNEXPLAINED):
            raise StatementError(
                f"invoice {line.invoice.invoice_id}: line {' '.join(line.key)} is there twice"
            )
        group[line.key] = line.amount
    return [
        rounded
        for invoice in sorted(amounts, key=lambda i: i._replace(invoice_id=i.invoice_id or ""))
        for rounded in _round_one(invoice, amounts[invoice], invoices[invoice])
    ]


def _round_one(invoice: Invoice, amounts: dict[LineKey, Decimal], total: int) -> list[RoundedLine]:
    digits = minor_digits(invoice.billing_currency)
    with localcontext(MONEY_CONTEXT):
        units = {key: amount.scaleb(digits) for key, amount in amounts.items()}
        gap = total - sum(units.values(), start=Decimal(0))
        if gap:
            units[ROUNDING if abs(gap) <= _HALF else UNEXPLAINED] = gap
        minor = _largest_remainder(units, total)
        return [
            RoundedLine(invoice, key, units[key].scaleb(-digits), minor[key])
            for key in sorted(units)
        ]


def _largest_remainder(units: Mapping[LineKey, Decimal], total: int) -> dict[LineKey, int]:
    """Whole units per key, each less than one from its exact amount; `units` add up to `total`.

    Only the fractions are allocated, so lines of opposite sign keep their size even where the
    total is zero. A credit is rounded as the mirror of the charge it undoes.
    """
    sign = -1 if total < 0 else 1
    floors = {
        key: int((sign * value).to_integral_value("ROUND_FLOOR")) for key, value in units.items()
    }
    fractions = {key: sign * units[key] - floor for key, floor in floors.items()}
    extra = allocate(sign * total - sum(floors.values()), fractions)
    return {key: sign * (floor + extra[key]) for key, floor in floors.items()}
