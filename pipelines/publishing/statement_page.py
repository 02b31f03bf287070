"""One offline page per period: does it tie out, who pays, what has no owner.

Plain HTML with inline style and drawings: no script, no request, every value escaped.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from functools import partial
from pathlib import Path

from markupsafe import Markup

from models.money import MONEY_CONTEXT, minor_digits
from pipelines.percent import percent

UNEXPLAINED = ("residual", "unexplained")
_TEMPLATE = Path(__file__).with_suffix(".html")
_BAR = Markup(
    '<svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">'
    '<rect class="back" width="1000" height="10"/>'
    '<rect class="{}" width="{}" height="10"/></svg>'
)


@dataclass(frozen=True)
class TieOut:
    """One invoice, and where its money went. Amounts in billing_currency."""

    issuer: str
    billing_account_id: str
    invoice_id: str | None
    billing_currency: str
    invoiced: Decimal | None
    """Null while no invoice has arrived."""
    parts: Mapping[tuple[str, str], Decimal]
    """Amount by line kind and cause: what is charged, and each residual by name."""

    @property
    def explained(self) -> dict[tuple[str, str], Decimal]:
        """The parts that have a name."""
        return {key: amount for key, amount in self.parts.items() if key != UNEXPLAINED}

    @property
    def difference(self) -> Decimal | None:
        """The invoice less what is explained of it; null without an invoice."""
        if self.invoiced is None:
            return None
        with localcontext(MONEY_CONTEXT):
            return self.invoiced - sum(self.explained.values(), start=Decimal(0))


@dataclass(frozen=True)
class CostCenterTotal:
    """What one cost centre pays, in one currency."""

    cost_center_id: str
    name: str | None
    billing_currency: str
    amount: Decimal


@dataclass(frozen=True)
class Coverage:
    """Money and calls that are owned, or why they are not, in one currency."""

    state: str
    billing_currency: str | None
    """Null for calls that have no price, and so no amount."""
    amount: Decimal | None
    calls: int | None
    gross_cost: Decimal | None = None
    """Sum of the sizes of the lines, which shares are of; null for what is no money yet."""


@dataclass(frozen=True)
class StatementPage:
    """All that is on the page of one period."""

    company: str
    billing_period: date
    tie_outs: tuple[TieOut, ...] = ()
    cost_centers: tuple[CostCenterTotal, ...] = ()
    coverage: tuple[Coverage, ...] = ()

    @property
    def state(self) -> tuple[str, str]:
        """Style and words of what the differences say."""
        if any(row.difference for row in self.tie_outs):
            return "bad", "does not tie out"
        is_invoiced = self.tie_outs and all(row.invoiced is not None for row in self.tie_outs)
        return ("good", "ties out") if is_invoiced else ("", "estimate")


def render_page(page: StatementPage) -> bytes:
    """The page as UTF-8 HTML; equal input gives equal bytes."""
    # its lexer compiles for longer than most commands run
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"money": _money, "words": _words}
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    html = template.render(
        page=page,
        tie_outs=sorted(page.tie_outs, key=_by_invoice),
        period=f"{page.billing_period:%Y-%m}",
        bar=partial(_bar, _largest((c.billing_currency, c.amount) for c in page.cost_centers)),
        coverage=sorted(page.coverage, key=_by_state),
        share=partial(_share, _total(page.coverage)),
    )
    return html.encode() + b"\n"


def report_files(pages: Iterable[StatementPage]) -> dict[str, bytes]:
    """Every page by path below the version: `report/<YYYY-MM>.html`."""
    return {f"report/{page.billing_period:%Y-%m}.html": render_page(page) for page in pages}


def _by_invoice(row: TieOut) -> tuple[str, ...]:
    return row.issuer, row.billing_account_id, row.billing_currency, row.invoice_id or ""


def _by_state(row: Coverage) -> tuple[str, str]:
    return row.billing_currency or "~", row.state


def _words(name: str) -> str:
    return {"cost_center": "charged"}.get(name, name.replace("_", " "))


def _money(amount: Decimal | None, currency: str | None) -> str:
    if amount is None or currency is None:
        return "unknown"
    with localcontext(MONEY_CONTEXT):
        digits = minor_digits(currency)
        least = Decimal(1).scaleb(-digits)
        rounded = amount.quantize(least)
    if rounded or not amount:
        return f"{rounded:,f} {currency}"
    # too small to be read, and yet not nothing
    return f"< {least} {currency}" if amount > 0 else f"> -{least} {currency}"


def _largest(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    largest: dict[str, Decimal] = {}
    for currency, amount in amounts:
        largest[currency] = max(largest.get(currency, Decimal(0)), abs(amount))
    return largest


def _total(rows: Iterable[Coverage]) -> dict[str | None, Decimal]:
    totals: dict[str | None, Decimal] = {}
    with localcontext(MONEY_CONTEXT):
        for row in rows:
            total = totals.get(row.billing_currency, Decimal(0))
            totals[row.billing_currency] = total + (row.gross_cost or 0)
    return totals


def _bar(largest: Mapping[str, Decimal], amount: Decimal, currency: str) -> Markup:
    width = int(abs(amount) * 1000 // largest[currency]) if largest[currency] else 0
    return _BAR.format("credit" if amount < 0 else "bar", width)


def _share(totals: Mapping[str | None, Decimal], row: Coverage) -> str:
    """Percent of all charges and credits of the currency, by size; none of what is no money."""
    total = totals[row.billing_currency]
    return "–" if row.gross_cost is None or not total else percent(row.gross_cost, total)
