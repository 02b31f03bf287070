"""`everycent run`: land, compute, publish, and say what it came to."""

import shlex
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from models.landing import Rejected
from pipelines.commands import terminal
from pipelines.commands.guard import NOT_GREEN, UserError
from pipelines.commands.land import show_notes
from pipelines.commands.program import near, program
from pipelines.commands.summary import (
    MEANING,
    PARTS,
    Report,
    Statement,
    by_rule,
    missing_records,
    quarantine,
    report_on,
)
from pipelines.commands.terminal import cents, counted, safe, say
from pipelines.landing.set_aside import files_set_aside
from pipelines.percent import percent
from pipelines.places import is_remote
from pipelines.run import RunSummary, lake_of, run
from pipelines.workspace import Workspace, load_workspace

SHOWN = 20
_SIDE_BY_SIDE = 4
QUERY = (
    "select application_id, billing_currency, sum(billed_cost) as billed, "
    "sum(estimated_cost) as estimated from mart_showback_daily group by all order by billed desc"
)
_STATES = {
    "tied": "[green]tied[/]",
    "no_invoice": "[yellow]no invoice yet[/]",
    "unexplained": "[red]unexplained[/]",
}


def run_command(
    folder: Path, from_date: date | None, to_date: date | None, *, as_json: bool
) -> int:
    """Run, and show the summary.

    Returns:
        The exit code: 1 if a figure is not what it says, as a file was refused, records of a bill
        were set aside, or an invoice has a difference that nobody has explained.
    """
    workspace = load_workspace(folder)
    with terminal.progress() as note:
        summary = run(workspace, from_date, to_date, note)
    if summary.published is None:
        return _nothing_yet(workspace, summary, as_json=as_json)
    report = report_on(workspace, summary)
    if as_json:
        terminal.say_json(report)
    else:
        _show_work(summary, is_new=summary.published.changed, version=report.version)
        show(report, workspace, summary.computed.periods)
    return NOT_GREEN if report.refused or report.open else 0


def _nothing_yet(workspace: Workspace, summary: RunSummary, *, as_json: bool) -> int:
    """Say why there is nothing to publish. Returns the exit code if files are the reason."""
    rejects = files_set_aside(lake_of(workspace))
    if not summary.problems and not rejects:
        places = ", ".join(
            s.location if is_remote(s.location) else near(workspace.inbox(s))
            for s in workspace.settings.sources
        )
        raise UserError(
            "Nothing is computed yet: no file has arrived, or none of the days asked for. "
            f"Put bills and logs into: {places}."
        )
    if as_json:
        terminal.say_json(summary)
    else:
        _show_open(list(missing_records(workspace, rejects)))
        _show_quarantined(quarantine(rejects))
        _show_refused(summary.problems)
        say("Nothing else has arrived, so nothing is published.")
    return NOT_GREEN


def show(report: Report, workspace: Workspace, periods: Collection[date]) -> None:
    """Write the summary for people, with the statements of the periods that changed."""
    _show_statements(report, periods)
    _show_coverage(report)
    _show_unknown(report)
    _show_places(report, workspace)


def _show_work(summary: RunSummary, *, is_new: bool, version: str) -> None:
    landings = summary.landings
    files, rows = sum(s.files for s in landings), sum(s.rows_accepted for s in landings)
    days, seconds = len(summary.computed.days), sum(summary.seconds.values())
    word = "new version" if is_new else "nothing changed, still version"
    say(
        f"Landed {counted(files, 'file')} with {counted(rows, 'row')}, "
        f"computed {counted(days, 'day')}, "
        f"{word} {version} ({seconds:,.1f} s)."
    )
    show_notes(landings)


def _show_statements(report: Report, periods: Collection[date]) -> None:
    """Write the statements of some periods, or of the newest, side by side."""
    everything = report.statements
    if not everything:
        is_waiting = report.refused or report.open
        why = "No bill has landed: see below" if is_waiting else "There is no bill yet"
        say(f"\n{why}, so there is no statement.")
        return
    newest = max(s.billing_period for s in everything)
    wanted = [s for s in everything if s.billing_period in (set(periods) or {newest})]
    named = [n for n in PARTS if n == "attributed" or any(s.parts.get(n) for s in wanted)]
    # what nobody can explain is the difference, not a part of the explanation
    names = [n for n in named if n != "unexplained"]
    say("\n[bold]Does every cent of the bills have a name?[/]")
    for start in range(0, len(wanted), _SIDE_BY_SIDE):
        _show_side_by_side(wanted[start : start + _SIDE_BY_SIDE], names)
    for name in names:
        say(f"  [bold]{name}[/]: {MEANING[name]}.")
    if len(names) < len(named):
        say(f"  [bold]difference[/]: {MEANING['unexplained']}.")
    _show_default(wanted)
    if len(wanted) < len(everything):
        more = len(everything) - len(wanted)
        say(f"  {more:,} more statements of other periods are in mart_invoice_tie_out.")


def _show_default(statements: Sequence[Statement]) -> None:
    """Say what somebody pays only because nobody owns it."""
    for statement in statements:
        if statement.defaulted:
            say(
                f"  The default cost centre pays {cents(statement.defaulted, statement.currency)} "
                f"{statement.currency} of what nobody owns on {statement.billing_period:%Y-%m} "
                f"{safe(statement.issuer)} {safe(statement.billing_account_id)}."
            )


def _show_side_by_side(statements: Sequence[Statement], names: Sequence[str]) -> None:
    def row(label: str, amounts: Iterable[Decimal | None]) -> list[str]:
        pairs = zip(amounts, statements, strict=True)
        return [
            label,
            *(cents(amount, s.currency) if amount is not None else "-" for amount, s in pairs),
        ]

    colours = ["red" if s.difference else "green" for s in statements]
    differences = row("difference", (s.difference for s in statements))
    heads = [
        f"{s.billing_period:%Y-%m}\n{safe(s.issuer)}\n{safe(s.billing_account_id)}\n{s.currency}"
        for s in statements
    ]
    terminal.show_table(
        "",
        ["", *heads],
        [
            row("invoice", (s.invoice_total for s in statements)),
            *(row(name, (s.parts.get(name, Decimal(0)) for s in statements)) for name in names),
            [
                "[bold]difference[/]",
                *(
                    f"[{colour}]{text}[/]"
                    for colour, text in zip(colours, differences[1:], strict=True)
                ),
            ],
            ["", *(_STATES.get(s.state, safe(s.state)) for s in statements)],
        ],
        right=heads,
    )


def _show_coverage(report: Report) -> None:
    money = [
        f"{percent(o.owned, o.total)} of the {o.currency} ({cents(o.owned, o.currency)} of "
        f"{cents(o.total, o.currency)} gross: charges and credits cancel nothing out)"
        for o in report.owned
    ]
    calls = percent(report.owned_calls, report.all_calls)
    days = f"{report.first_day} to {report.last_day}" if report.first_day else "no days yet"
    say(
        f"\n[bold]Owned[/]: {', '.join(money) or 'no money yet'}; {calls} of "
        f"{report.all_calls:,} calls ({days})."
    )


def _show_unknown(report: Report) -> None:
    unknown = report.unknown
    for currency, amount in unknown.estimated.items():
        say(
            f"[yellow]Estimated[/]: {cents(amount, currency)} {currency} of calls no bill covers "
            "yet; replaced when the bill arrives."
        )
    if unknown.unpriced_calls:
        exposure = cents(unknown.unpriced_exposure_usd, "USD")
        said = "say nothing of it" if exposure == "-" else f"say {exposure} USD"
        say(
            f"[yellow]Unpriced[/]: {unknown.unpriced_calls:,} calls without bill or price; the "
            f"gateways {said}. Add a row to reference/contract_prices.csv."
        )
    if unknown.overlogged_pools:
        say(
            f"[yellow]Overlogged[/]: {unknown.overlogged_pools:,} pools have more usage in the log "
            "than on the bill; no money is invented for it (mart_reconciliation_daily)."
        )
    for name in unknown.names[:SHOWN]:
        like = f"; the nearest known is {safe(name.nearest)}" if name.nearest else ""
        say(
            f"[yellow]Unknown name[/]: {safe(name.model_text)} of "
            f"{safe(name.provider or 'no provider')}{like}. Say in reference/model_aliases.csv "
            "which AI model it is."
        )
    for warning in report.warnings[:SHOWN]:
        say(f"[yellow]Check[/]: {safe(warning)}")
    _show_open(report.open)
    _show_quarantined(report.quarantined)
    _show_refused(report.refused)


def _show_open(reasons: Sequence[str]) -> None:
    for reason in reasons[:SHOWN]:
        say(f"[red]Not green[/]: {safe(reason)}.")
    if len(reasons) > SHOWN:
        say(f"[red]Not green[/]: and {len(reasons) - SHOWN:,} more.")


def _show_quarantined(rejected: Sequence[Rejected]) -> None:
    for row, count in by_rule(rejected)[:SHOWN]:
        more = f" (and {count - 1:,} more)" if count > 1 else ""
        say(
            f"[yellow]Quarantined[/]: {safe(row.file_name)}, row {row.source_row}{more}: "
            f"{safe(row.rule)}. {safe(row.next_action.removesuffix('.'))}."
        )


def _show_refused(problems: Sequence[str]) -> None:
    for problem in problems:
        say(f"[red]Refused[/]: {safe(problem.removesuffix('.'))}.")


def _show_places(report: Report, workspace: Workspace) -> None:
    places = report.places
    database = near(places.database)
    say(f"\nAnalysts:  {safe(database)}")
    say(f"Finance:   {safe(near(places.chargeback))}  (CSV per cost centre)")
    say(f"Report:    {safe(near(places.report))}  (a page per billing period)")
    place = safe(shlex.quote(near(workspace.root)))
    say(f'\nTry:  {safe(program())} query "{QUERY}" --workspace {place}')
