"""`everycent run`: land, compute, publish, and say what it came to."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from pipelines.commands import terminal
from pipelines.commands.guard import NOT_GREEN, UserError
from pipelines.commands.summary import MEANING, PARTS, Report, Statement, by_rule, report_on
from pipelines.commands.terminal import cents, near, percent, safe, say
from pipelines.run import RunSummary, run
from pipelines.workspace import Workspace, load_workspace

SHOWN = 20
QUERY = "select * from mart_showback_daily order by charge_date, billed_cost desc limit 20"
_STATES = {
    "tied": "[green]tied[/]",
    "no_invoice": "[yellow]no invoice yet[/]",
    "unexplained": "[red]unexplained[/]",
}


def run_command(
    folder: Path, from_date: date | None, to_date: date | None, *, as_json: bool
) -> int:
    """Run, and show the summary. Returns the exit code: 1 if a file was refused."""
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
        show(report)
    return NOT_GREEN if report.refused else 0


def _nothing_yet(workspace: Workspace, summary: RunSummary, *, as_json: bool) -> int:
    """Say why there is nothing to publish. Returns the exit code if that is refused files."""
    if not summary.problems:
        places = ", ".join(near(workspace.inbox(s)) for s in workspace.settings.sources)
        raise UserError(
            "Nothing is computed yet: no file has arrived, or none of the days asked for. "
            f"Put bills and logs into: {places}."
        )
    if as_json:
        terminal.say_json(summary)
    else:
        _show_refused(summary.problems)
        say("Nothing else has arrived, so nothing is published.")
    return NOT_GREEN


def show(report: Report) -> None:
    """Write the summary for people."""
    _show_statements(report.statements)
    _show_coverage(report)
    _show_unknown(report)
    _show_places(report)


def _show_work(summary: RunSummary, *, is_new: bool, version: str) -> None:
    landings = summary.landings
    files, rows = sum(s.files for s in landings), sum(s.rows_accepted for s in landings)
    days, seconds = len(summary.computed.days), sum(summary.seconds.values())
    word = "new version" if is_new else "nothing changed, still version"
    say(
        f"Landed {files:,} files with {rows:,} rows, computed {days:,} days, "
        f"{word} {version} ({seconds:,.1f} s)."
    )


def _show_statements(statements: Sequence[Statement]) -> None:
    if not statements:
        say("\nThere is no bill yet, so there is no statement.")
        return
    names = [n for n in PARTS if n == "attributed" or any(s.parts.get(n) for s in statements)]
    issuers = {(s.billing_period, s.issuer, s.currency) for s in statements}
    with_account = len(issuers) < len(statements)
    labels = [_label(name) for name in names]
    terminal.show_table(
        "\nDoes every cent of the bills have a name?",
        ["period", "issuer", "", "invoice", *labels, "difference", "state"],
        [_statement_row(s, names, with_account=with_account) for s in statements],
        right=["invoice", *labels, "difference"],
    )
    for name in names:
        say(f"  [bold]{name}[/]: {MEANING[name]}.")


def _statement_row(s: Statement, names: Sequence[str], *, with_account: bool) -> list[str]:
    def money(amount: Decimal | None) -> str:
        return cents(amount, s.currency)

    colour = "red" if s.difference else "green"
    return [
        f"{s.billing_period:%Y-%m}",
        safe(f"{s.issuer} {s.billing_account_id}" if with_account else s.issuer),
        s.currency,
        money(s.invoice_total),
        *(money(s.parts[name]) if name in s.parts else "" for name in names),
        f"[{colour}]{money(s.difference)}[/]",
        _STATES.get(s.state, safe(s.state)),
    ]


def _label(name: str) -> str:
    return name.replace("_", "\n")


def _show_coverage(report: Report) -> None:
    money = [
        f"{percent(o.owned, o.total)} of the {o.currency} ({cents(o.owned, o.currency)} of "
        f"{cents(o.total, o.currency)})"
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
    for warning in report.warnings[:SHOWN]:
        say(f"[yellow]Check[/]: {safe(warning)}")
    for row, count in by_rule(report.quarantined)[:SHOWN]:
        more = f" (and {count - 1:,} more)" if count > 1 else ""
        say(
            f"[yellow]Quarantined[/]: {safe(row.file_name)}, row {row.source_row}{more}: "
            f"{safe(row.rule)}. {safe(row.next_action)}."
        )
    _show_refused(report.refused)


def _show_refused(problems: Sequence[str]) -> None:
    for problem in problems:
        say(f"[red]Refused[/]: {safe(problem)}.")


def _show_places(report: Report) -> None:
    places = report.places
    database = near(places.database)
    say(f"\nAnalysts:  {safe(database)}")
    say(f"Finance:   {safe(near(places.chargeback))}  (CSV per cost centre)")
    say(f"Report:    {safe(near(places.report))}  (a page per billing period)")
    say(f'\nTry:  duckdb "{safe(database)}" "{QUERY}"')
