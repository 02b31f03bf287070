"""`everycent demo`, `init`, `check`, `sources` and `simulate`: before the first run."""

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pipelines.commands import terminal
from pipelines.commands.guard import MISTAKE, UserError
from pipelines.commands.program import near, program, typed
from pipelines.commands.terminal import cents, safe, say
from pipelines.known_key import ENV_FILE
from pipelines.problems import Problem, WorkspaceError, did_you_mean, in_order


def init_command(folder: Path) -> None:
    """Write a fresh workspace and say what to do next."""
    from pipelines.scaffold import init_workspace

    try:
        written = init_workspace(folder)
    except WorkspaceError as error:
        first, *others = error.problems
        more = f" {len(others):,} more of its files exist, too." if others else ""
        raise UserError(f"{first.file}: {first.message}{more} {first.fix}") from error
    place = safe(shlex.quote(near(folder)))
    say(f"Wrote {len(written)} files to {place}.")
    _say_key(folder)
    say("Next:")
    say(f"  1. Describe your sources in {safe(near(folder / 'everycent.yaml'))}")
    say(f"  2. Put files into {safe(near(folder / 'inbox'))}")
    say(f"  3. {safe(program())} check {place}")
    say(f"  4. {safe(program())} run {place}")


def demo_command(folder: Path) -> int:
    """Copy the sample company and run it. Returns the exit code of the run.

    Raises:
        UserError: The folder exists.
    """
    from pipelines.commands.run import run_command
    from pipelines.rotation import make_key
    from pipelines.scaffold import SAMPLE_COMPANY

    if folder.exists():
        raise UserError(
            f"{near(folder)} exists already. Give another folder, or run it again: "
            f"{program()} run {shlex.quote(near(folder))}"
        )
    shutil.copytree(SAMPLE_COMPANY, folder)
    make_key(folder)
    return run_command(folder, None, None, as_json=False)


def _say_key(folder: Path) -> None:
    """Say where the key of the pseudonyms is: whoever loses it lands everything again."""
    path = folder / ENV_FILE
    if path.is_file():
        say(
            f"The key of people's pseudonyms is in {safe(near(path))}, for your eyes only: keep a "
            "copy in a safe place, and never put it under version control."
        )
    else:
        say("The key of people's pseudonyms is the one in your environment.")


def new_key_command(folder: Path, *, rotate: bool, without_gone: bool) -> None:
    """Write a workspace's first key, or replace it."""
    from pipelines.rotation import KeyRefusedError, make_key, rotate_key

    try:
        if not rotate:
            make_key(folder)
            _say_key(folder)
            return
        done = rotate_key(folder, without_gone=without_gone)
    except KeyRefusedError as error:
        raise UserError(str(error)) from error
    where = safe(near(done.written)) if done.written else "the environment or .env, as you put it"
    say(f"The key of people's pseudonyms is a new one, in {where}. The earlier one is not kept.")
    say(
        f"`{safe(program())} run` lands {done.files:,} files again and gives every person another "
        "name. Versions that are published already hold the earlier names until they are pruned."
    )
    for name in done.gone[:20]:
        say(f"[yellow]Gone[/]: {safe(name)}: its records are in no number from the next run on.")


def check_command(folder: Path, *, as_json: bool) -> int:
    """Check settings and reference tables. Returns the exit code: 2 if anything is wrong."""
    from pipelines.reference import check_workspace

    report = check_workspace(folder)
    if report.is_good:
        from pipelines.commands.inbox import inbox_warnings

        found = in_order([*report.warnings, *inbox_warnings(folder)])
        report = replace(report, warnings=found)
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
            safe(typed(f"{p.message} {p.fix}")),
            safe(p.rule),
        ]
        for p in problems
    ]
    terminal.show_table(title, ["file", "column", "what is wrong, what to do", "rule"], rows)


@dataclass(frozen=True)
class Simulation:
    """What to simulate; the company's own numbers where there is none."""

    out: Path
    company: str
    seed: int
    days: int | None
    calls: int | None
    start: date | None
    faults: tuple[str, ...]


def simulate_command(wanted: Simulation) -> None:
    """Write a made-up company and say what is in it."""
    try:
        if wanted.company == "globex":
            _simulate_globex(wanted)
        else:
            _simulate_acme(wanted)
    except (ValueError, FileExistsError) as error:
        raise UserError(str(error)) from error
    from pipelines.scaffold import first_key

    first_key(wanted.out)
    place = safe(shlex.quote(near(wanted.out)))
    say(f"What really happened is in {safe(near(wanted.out / 'truth'))}. Next:")
    say(f"  {safe(program())} run {place}")


def _simulate_acme(wanted: Simulation) -> None:
    from pipelines.truth import Fault, simulate

    for name in sorted(set(wanted.faults) - set(Fault)):
        hint = did_you_mean(name, Fault) or f"There are: {', '.join(Fault)}."
        raise UserError(f"There is no fault of the name {name!r}. {hint}")
    with terminal.progress() as note:
        summary = simulate(
            wanted.out,
            seed=wanted.seed,
            days=_or(wanted.days, 7),
            calls=_or(wanted.calls, 5000),
            start=wanted.start or date(2026, 9, 1),
            faults=wanted.faults,
            progress=None if note is None else lambda done, of: note("days", done, of),
        )
    say(
        f"Wrote {summary.days} days of acme, a made-up company, to {safe(near(wanted.out))}: "
        f"{summary.calls_logged:,} logged calls, {summary.calls_billed:,} billed ones."
    )
    terminal.show_table(
        "Invoices",
        ["invoice", "total USD"],
        [[safe(name), cents(total, "USD")] for name, total in summary.invoiced.items()],
        right=["total USD"],
    )
    if wanted.faults:
        say(f"Planted: {', '.join(map(safe, wanted.faults))} (see truth/faults.json).")


def _simulate_globex(wanted: Simulation) -> None:
    from pipelines.truth import simulate_globex

    if wanted.start or wanted.faults:
        raise UserError("--start and --fault are for acme: globex has one first day and no faults.")
    days, calls = _or(wanted.days, 5), _or(wanted.calls, 200)
    simulate_globex(wanted.out, seed=wanted.seed, days=days, calls=calls)
    say(
        f"Wrote {days} days of globex, a second made-up company, to {safe(near(wanted.out))}: "
        f"{calls:,} logged calls."
    )


def _or(number: int | None, usual: int) -> int:
    return usual if number is None else number
