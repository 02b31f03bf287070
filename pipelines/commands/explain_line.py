"""What a cost line is made of: its pool, the billed lines in it, its owner, and their files."""

from dataclasses import dataclass

from pipelines.commands import terminal
from pipelines.commands.lineage import Origin
from pipelines.commands.published import Row, rows_of
from pipelines.commands.summary import meaning
from pipelines.commands.terminal import exact, safe, say, units
from pipelines.commands.views import (
    GRADES,
    Ownership,
    Views,
    coarseness,
    show_ownership,
    show_stale,
)

SHOWN = 20
_SAME = (
    "issuer",
    "billing_account_id",
    "billing_period",
    "billing_currency",
    "sub_account_id",
    "invoice_id",
    "provider",
    "model_id",
    "meter",
    "service_tier",
    "charge_category",
    "charge_description",
)
"""Columns in which a line that no call causes and its charges agree."""

_CHARGE_COLUMNS = (
    "source, scope, delivery, charge_key, charge_category, charge_description, billed_cost, "
    "billing_currency, consumed_quantity, invoice_id"
)


@dataclass(frozen=True)
class BilledLine:
    """One line of a bill."""

    charge: Row
    origin: Origin | None


@dataclass(frozen=True)
class LineExplanation:
    """One cost line, from the statement back to the bill."""

    kind: str
    line: Row
    """The row of `fct_cost_lines`."""
    pool: Row | None
    """The row of `mart_reconciliation_daily`; null for money that no call causes."""
    owners: tuple[Ownership, ...]
    charges: tuple[BilledLine, ...]
    """All of the pool's, whoever owns parts of it; largest first."""
    is_stale: bool


def explain_line(views: Views, cost_line_id: str) -> LineExplanation | None:
    """Explain a cost line; null if there is none of this id."""
    rows = views.published_rows("fct_cost_lines", "cost_line_id", cost_line_id)
    if not rows:
        return None
    line = rows[0]
    pools = views.data.rows(
        "select * from mart_reconciliation_daily where pool_id = $pool_id",
        {"pool_id": line["pool_id"]},
    )
    return LineExplanation(
        kind="cost_line",
        line=line,
        pool=next(iter(pools), None),
        owners=views.owners(line["ownership_rule_id"], line["charge_date"]),
        charges=tuple(_charges(views, line)),
        is_stale=views.is_stale(line["charge_date"]),
    )


def show_line(found: LineExplanation) -> None:
    """Write the explanation of a cost line for people."""
    line = found.line
    say(f"[bold]Cost line {line['cost_line_id']}[/]")
    say(
        f"{line['charge_date']}, {safe(line['issuer'])} {safe(line['billing_account_id'])}, "
        f"{safe(_what(line))}"
    )
    show_stale(is_stale=found.is_stale)
    basis = "estimated" if line["billed_cost"] is None else "billed"
    amount = line[f"{basis}_cost"]
    cost = "unknown" if amount is None else f"[green]{exact(amount)}[/]"
    say(f"Cost: {cost} {safe(line['billing_currency'] or '')} {basis}{_grade(line)}.")
    why = meaning(line["cause"], is_owned=line["owner_state"] == "owned")
    say(f"Cause: {safe(line['cause'])}: {why}.")
    if line["call_count"]:
        say(f"Calls: {line['call_count']:,} with {units(line['quantity'])} units in all.")
    show_ownership(found.owners, line)
    if line["shared_rule_id"]:
        say(f"Split at the end of the period by shared-cost rule {safe(line['shared_rule_id'])}.")
    if found.pool:
        _show_pool(found.pool)
    _show_charges(found)


def _what(line: Row) -> str:
    names = ("model_id", "meter", "service_tier", "charge_category", "charge_description")
    return ", ".join(line[name] for name in names if line[name]) or "not told what"


def _grade(line: Row) -> str:
    """How well calls and bill matched, for lines that are about calls."""
    grade = line["grade"] if line["pool_id"] or line["call_count"] else None
    return f", grade {grade}: {GRADES[grade]}" if grade else ""


def _show_pool(pool: Row) -> None:
    say(
        f"Pool: {safe(pool['pool_id'])}\n"
        f"  {pool['pool_state']} by {pool['match_basis']} in {safe(pool['match_level'] or '-')}: "
        f"billed {units(pool['billed_quantity'])}, logged {units(pool['logged_quantity'])}\n"
        f"  {exact(pool['billed_cost'])} billed = {exact(pool['matched_cost'])} to calls + "
        f"{exact(pool['unlogged_cost'])} unlogged + {exact(pool['rounding_cost'])} rounding"
    )
    if why := coarseness(pool["coarsened_by"]):
        say(f"  {why}")
    if pool["estimated_beside"]:
        say(
            f"  Beside it stand estimates of {safe(pool['estimated_beside'])}: probably the same"
            " use. Where a name differs, add it to reference/model_aliases.csv."
        )


def _show_charges(found: LineExplanation) -> None:
    if not found.charges:
        say("Bill: no line of a bill yet.")
        return
    terminal.show_table(
        "\nBilled lines" + (" of the pool" if found.pool else ""),
        ["billed", "quantity", "description"],
        [
            [
                exact(c.charge["billed_cost"]),
                units(c.charge["consumed_quantity"]),
                safe(c.charge["charge_description"] or c.charge["charge_category"]),
            ]
            for c in found.charges[:SHOWN]
        ],
        right=["billed", "quantity"],
    )
    if len(found.charges) > SHOWN:
        say(f"  and {len(found.charges) - SHOWN:,} more (all with --json)")
    for origin in dict.fromkeys(str(c.origin) for c in found.charges[:SHOWN] if c.origin):
        say(f"From: {origin}")


def _charges(views: Views, line: Row) -> list[BilledLine]:
    """The billed lines behind a cost line, largest first."""
    if line["cost_basis"] != "billed":
        return []
    day = line["charge_date"]
    with views.day_tables(day, "int_charges__pooled", "int_charges__classified") as session:
        if line["pool_id"]:
            charges = rows_of(
                session.con,
                f"select {_CHARGE_COLUMNS} from int_charges__pooled"  # noqa: S608 - our own columns
                " where pool_id = $pool_id order by abs(billed_cost) desc, charge_key",
                {"pool_id": line["pool_id"]},
            )
        else:
            agree = " and ".join(f"{name} is not distinct from ${name}" for name in _SAME)
            charges = rows_of(
                session.con,
                f"select {_CHARGE_COLUMNS} from int_charges__classified"  # noqa: S608
                f" where charge_part <> 'pooled' and {agree}"
                " order by abs(billed_cost) desc, charge_key",
                {name: line[name] for name in _SAME},
            )
    found = views.lineage.charges(day, [charge["charge_key"] for charge in charges])
    return [BilledLine(charge, _origin(views, found, charge)) for charge in charges]


def _origin(views: Views, found: dict[tuple[str, ...], Row], charge: Row) -> Origin | None:
    key = (charge["source"], charge["scope"], charge["delivery"], charge["charge_key"])
    return views.lineage.origin(found[key]) if key in found else None
