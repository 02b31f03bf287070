"""What a line of a statement is made of: its cost lines, and the invoice it is part of."""

from dataclasses import dataclass
from decimal import Decimal, localcontext

from models.money import MONEY_CONTEXT
from pipelines.commands import terminal
from pipelines.commands.guard import UserError
from pipelines.commands.published import Row
from pipelines.commands.summary import meaning
from pipelines.commands.terminal import cents, exact, safe, say
from pipelines.commands.views import Views
from pipelines.periods import ROUNDING_PER_LINE

SHOWN = 20

_LINES = """
select
    cost_line_id,
    charge_date,
    cause,
    application_id,
    coalesce(model_id, charge_description, charge_category) as what,
    meter,
    call_count,
    billed_cost
from fct_cost_lines
where
    billing_period = $billing_period
    and issuer = $issuer
    and billing_account_id = $billing_account_id
    and billing_currency = $billing_currency
    and cost_center_id is not distinct from $cost_center_id
    and cause = $cause
    -- shared cost with a rule is split over cost centres, without one it is a residual
    and (cause <> 'shared' or (shared_rule_id is not null) = $is_split)
    and cost_basis = 'billed'
order by abs(billed_cost) desc, cost_line_id
"""


@dataclass(frozen=True)
class StatementLine:
    """One row of a statement, and the cost lines it sums up."""

    row: Row
    """The row of `mart_chargeback_monthly`."""
    line_count: int
    lines: tuple[Row, ...]
    """The largest, by amount."""
    rest: Decimal
    """Sum of the others."""
    note: str | None
    """Where the amount comes from if not from cost lines alone."""


@dataclass(frozen=True)
class StatementExplanation:
    """All rows of a statement with one cost centre or one cause, and their invoices."""

    kind: str
    lines: tuple[StatementLine, ...]
    invoices: tuple[Row, ...]
    """Rows of `mart_invoice_tie_out`."""


def explain_statement(views: Views, period: str, issuer: str, name: str) -> StatementExplanation:
    """Explain what a cost centre is charged, or what a residual is, on one issuer's statement.

    Args:
        views: The workspace.
        period: Billing period, `YYYY-MM`.
        issuer: Issuer id.
        name: Cost centre id, or the cause of a residual or reconciling line.

    Raises:
        UserError: The statement has no such line; says which there are.
    """
    bound = {"period": f"{period}-01", "issuer": issuer}
    rows = views.data.rows(
        "select * from mart_chargeback_monthly"
        " where billing_period = cast($period as date) and issuer = $issuer"
        " order by billing_account_id, billing_currency, line_kind, cost_center_id, cause",
        bound,
    )
    mine = [row for row in rows if name in _names(row)]
    if not mine:
        raise _nothing(views, rows, period, issuer, name)
    invoices = views.data.rows(
        "select * from mart_invoice_tie_out"
        " where billing_period = cast($period as date) and issuer = $issuer"
        " order by billing_account_id, billing_currency",
        bound,
    )
    accounts = {row["billing_account_id"] for row in mine}
    return StatementExplanation(
        kind="statement",
        lines=tuple(_line(views, row) for row in mine),
        invoices=tuple(row for row in invoices if row["billing_account_id"] in accounts),
    )


def show_statement(found: StatementExplanation) -> None:
    """Write the explanation of a statement line for people."""
    for line in found.lines:
        _show(line)
    for invoice in found.invoices:
        currency = invoice["billing_currency"]
        number = invoice["invoice_id"] or "no invoice yet"
        say(
            f"\nInvoice: {safe(number)}, {cents(invoice['invoice_total'], currency)} {currency}, "
            f"statement {cents(invoice['statement_total'], currency)}, difference "
            f"{cents(invoice['difference'], currency)}."
        )


def _line(views: Views, row: Row) -> StatementLine:
    is_owned = row["line_kind"] == "cost_center"
    is_split = row["cause"] == "shared" and is_owned
    names = "billing_period issuer billing_account_id billing_currency cause"
    bound = {name: row[name] for name in names.split()}
    center = row["cost_center_id"] if is_owned and not is_split else None
    lines = views.data.rows(_LINES, {**bound, "cost_center_id": center, "is_split": is_split})
    with localcontext(MONEY_CONTEXT):
        total = sum((line["billed_cost"] for line in lines), Decimal(0))
        rest = sum((line["billed_cost"] for line in lines[SHOWN:]), Decimal(0))
    return StatementLine(row, len(lines), tuple(lines[:SHOWN]), rest, _note(row, total))


def _note(row: Row, total: Decimal) -> str | None:
    """Why the exact amount is not the sum of the cost lines, where it is not."""
    if row["amount_exact"] == total:
        return None
    if row["line_kind"] == "reconciling" and row["cause"] == ROUNDING_PER_LINE:
        return "the invoice rounded its own lines before it added them up"
    if row["line_kind"] == "reconciling":
        return "named by finance in reference/reconciling_items.csv"
    if row["cause"] == "shared":
        return "its part of the lines below, which reference/shared_cost_rules.csv splits"
    return "what rounding to whole cents leaves, so that the statement adds up to the invoice"


def _show(line: StatementLine) -> None:
    row = line.row
    currency = row["billing_currency"]
    who = row["cost_center_name"] or row["cost_center_id"] or "nobody yet"
    say(
        f"[bold]{row['billing_period']:%Y-%m} {safe(row['issuer'])} "
        f"{safe(row['billing_account_id'])}, {safe(row['cause'])}, charged to {safe(who)}[/]: "
        f"[green]{cents(row['amount'], currency)} {currency}[/] "
        f"({exact(row['amount_exact'])} exactly)"
    )
    is_owned = row["line_kind"] == "cost_center"
    if why := meaning(row["cause"], is_owned=is_owned):
        say(f"  {why}")
    if row["cost_center_id"] and not is_owned:
        say("  nobody owns it: it goes to the default cost centre of everycent.yaml")
    if line.note:
        say(f"  {safe(line.note)}")
    if not line.lines:
        return
    numbers = ["calls", "billed"]
    terminal.show_table(
        "",
        ["cost line", "day", "application", "what", *numbers],
        [
            [
                cost["cost_line_id"],
                str(cost["charge_date"]),
                safe(cost["application_id"]),
                safe(" ".join(text for text in (cost["what"], cost["meter"]) if text)),
                "" if cost["call_count"] is None else f"{cost['call_count']:,}",
                exact(cost["billed_cost"]),
            ]
            for cost in line.lines
        ],
        right=numbers,
    )
    if line.line_count > SHOWN:
        say(f"  and {line.line_count - SHOWN:,} smaller ones, {exact(line.rest)} in all")


def _names(row: Row) -> set[str]:
    """What a line is called: who pays it, and, if nobody owns it, why it is there."""
    names = {row["cost_center_id"], row["cause"] if row["line_kind"] != "cost_center" else None}
    return {name for name in names if name}


def _nothing(views: Views, rows: list[Row], period: str, issuer: str, name: str) -> UserError:
    if rows:
        known = ", ".join(sorted({known for row in rows for known in _names(row)}))
        return UserError(f"{period}/{issuer} has no line {name!r}. It has: {known}.")
    pairs = views.data.rows(
        "select distinct strftime(billing_period, '%Y-%m') || '/' || issuer as statement"
        " from mart_chargeback_monthly order by statement"
    )
    known = ", ".join(pair["statement"] for pair in pairs) or "none"
    return UserError(f"There is no statement {period}/{issuer}. There are: {known}.")
