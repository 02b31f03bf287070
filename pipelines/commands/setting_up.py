"""`everycent init`, `check`, `sources` and `simulate`: before the first run."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.commands import terminal
from pipelines.commands.guard import MISTAKE, UserError
from pipelines.commands.terminal import cents, near, safe, say
from pipelines.problems import Problem, did_you_mean

_NEW_KEY = 'python -c "import secrets; print(secrets.token_hex(32))"'


def init_command(folder: Path) -> None:
    """Write a fresh workspace and say what to do next."""
    from pipelines.scaffold import init_workspace

    written = init_workspace(folder)
    place = safe(shlex.quote(near(folder)))
    say(f"Wrote {len(written)} files to {place}. Next:")
    say(f"  1. export EVERYCENT_PSEUDONYM_KEY=$({_NEW_KEY})")
    say("     Keep the key safe: pseudonyms of people are made with it.")
    say(f"  2. Describe your sources in {safe(near(folder / 'everycent.yaml'))}")
    say(f"  3. Put files into {safe(near(folder / 'inbox'))}")
    say(f"  4. everycent check {place}")
    say(f"  5. everycent run {place}")


def check_command(folder: Path, *, as_json: bool) -> int:
    """Check settings and reference tables. Returns the exit code: 2 if anything is wrong."""
    from pipelines.reference import check_workspace

    report = check_workspace(folder)
    if as_json:
        terminal.say_json(report)
    else:
        _show_problems("Problems: they stop every command", report.problems)
        _show_problems("Warnings", report.warnings)
        counts = ", ".join(f"{count:,} {safe(name)}" for name, count in report.counts.items())
        if counts:
            say(f"Read: {counts}.")
        say("[green]Good.[/]" if report.is_good else f"[red]{len(report.problems)} to fix.[/]")
    return 0 if report.is_good else MISTAKE


def _show_problems(title: str, problems: Sequence[Problem]) -> None:
    if not problems:
        return
    rows = [
        [
            safe(p.file if p.line is None else f"{p.file}:{p.line}"),
            safe(p.column or ""),
            safe(f"{p.message} {p.fix}"),
            safe(p.rule),
        ]
        for p in problems
    ]
    terminal.show_table(title, ["file", "column", "what is wrong, what to do", "rule"], rows)


def sources_command(*, as_json: bool) -> None:
    """List the kinds of feeds that can be read."""
    from pipelines.sources import all_sources
    from pipelines.sources.base import Source

    def described(source: Source) -> dict[str, Any]:
        names = "name summary facts delivery money_unit proof suffixes token_rules"  # no functions
        return {name: getattr(source, name) for name in names.split()}

    kinds = [described(source) for source in all_sources().values()]
    if as_json:
        terminal.say_json(kinds)
        return
    terminal.show_table(
        "Source kinds, for `kind:` in everycent.yaml",
        ["kind", "what it is", "facts", "delivery", "money unit", "tested on"],
        [
            [
                safe(kind["name"]),
                safe(kind["summary"]),
                safe(", ".join(kind["facts"])),
                safe(kind["delivery"]),
                safe(kind["money_unit"]),
                safe(kind["proof"]),
            ]
            for kind in kinds
        ],
    )
    terminal.show_table(
        "What their token totals mean: inclusive totals hold their details (cache, reasoning)",
        ["format", "provider", "input total", "output total", "note"],
        [
            [
                safe(rule.source_format),
                safe(rule.provider),
                safe(rule.input_totals),
                safe(rule.output_totals),
                safe(rule.note),
            ]
            for kind in kinds
            for rule in kind["token_rules"]
        ],
    )


@dataclass(frozen=True)
class Simulation:
    """What to simulate."""

    out: Path
    seed: int
    days: int
    calls: int
    start: date
    faults: tuple[str, ...]


def simulate_command(wanted: Simulation) -> None:
    """Write a made-up company and say what is in it."""
    from pipelines.truth import Fault, simulate

    for name in sorted(set(wanted.faults) - set(Fault)):
        hint = did_you_mean(name, Fault) or f"There are: {', '.join(Fault)}."
        raise UserError(f"There is no fault of the name {name!r}. {hint}")
    with terminal.progress() as note:
        try:
            summary = simulate(
                wanted.out,
                seed=wanted.seed,
                days=wanted.days,
                calls=wanted.calls,
                start=wanted.start,
                faults=wanted.faults,
                progress=None if note is None else lambda done, of: note("days", done, of),
            )
        except (ValueError, FileExistsError) as error:
            raise UserError(str(error)) from error
    place = safe(shlex.quote(near(wanted.out)))
    say(
        f"Wrote {summary.days} days of a made-up company to {place}: {summary.calls_logged:,} "
        f"logged calls, {summary.calls_billed:,} billed ones."
    )
    terminal.show_table(
        "Invoices",
        ["invoice", "total USD"],
        [[safe(name), cents(total, "USD")] for name, total in summary.invoiced.items()],
        right=["total USD"],
    )
    if wanted.faults:
        say(f"Planted: {', '.join(map(safe, wanted.faults))} (see truth/faults.json).")
    say(f"What really happened is in {safe(near(wanted.out / 'truth'))}. Next:")
    say(f"  export EVERYCENT_PSEUDONYM_KEY=$({_NEW_KEY})")
    say(f"  everycent run {place}")
