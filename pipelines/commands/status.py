"""`everycent status`: what has landed, what is missing, what waits, what is published."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from models.landing import HeldBack, Landed, Rejected
from models.settings import SourceSettings
from pipelines.commands import terminal
from pipelines.commands.inbox import inbox_of, reading_notes
from pipelines.commands.program import near
from pipelines.commands.published import opened
from pipelines.commands.summary import quality_warnings, quarantine
from pipelines.commands.terminal import safe, say
from pipelines.landing.set_aside import files_set_aside
from pipelines.landing.waiting import Waiting
from pipelines.publishing.versions import current_version, versions
from pipelines.run import lake_of, pending_days
from pipelines.workspace import Workspace, load_workspace

SHOWN = 20


@dataclass(frozen=True)
class SourceStatus:
    """One feed, as landed so far."""

    source: str
    kind: str
    files: int
    rows: int
    rows_quarantined: int
    duplicates: int
    """Files in its folder whose content landed under another name."""
    waiting: int
    """Files in its folder that have not landed: new, refused, hidden or of another type."""
    waiting_files: tuple[Waiting, ...]
    """Those files, each with why and what to do."""
    last_day: date | None
    notes: tuple[str, ...]
    """Files that were read with other settings than today's, a sentence each."""
    missing_days: tuple[date, ...]
    """Days since its `first_day`, up to the newest day of any feed, for which it has nothing."""


@dataclass(frozen=True)
class Status:
    """The state of a workspace."""

    sources: tuple[SourceStatus, ...]
    pending_days: tuple[date, ...]
    """Days whose inputs changed since they were computed."""
    version: str | None
    versions: tuple[str, ...]
    """Kept versions, oldest first; `everycent rollback` goes back to one."""
    warnings: tuple[str, ...]
    quarantined: tuple[Rejected, ...]
    held_back: tuple[HeldBack, ...]
    """Snapshots that landed and do not count; `everycent accept` lets one count."""


def status_of(workspace: Workspace) -> Status:
    """Look at a workspace without changing it."""
    lake = lake_of(workspace)
    landed = lake.landed()
    newest = max((p.charge_date for record in landed for p in record.parts), default=None)
    version = current_version(workspace.published_dir)
    warnings: tuple[str, ...] = ()
    if version is not None:
        with opened(workspace) as data:
            warnings = quality_warnings(data)
    return Status(
        sources=tuple(
            _source(workspace, settings, landed, newest) for settings in workspace.settings.sources
        ),
        pending_days=tuple(pending_days(workspace)),
        version=version,
        versions=tuple(versions(workspace.published_dir)),
        warnings=warnings,
        quarantined=quarantine(files_set_aside(lake)),
        held_back=tuple(lake.held_back()),
    )


def status_command(folder: Path, *, as_json: bool, show_all: bool) -> None:
    """Show the state of a workspace."""
    workspace = load_workspace(folder)
    status = status_of(workspace)
    if as_json:
        terminal.say_json(status)
        return
    _show_sources(status)
    _show_waiting(status, show_all=show_all)
    for held in status.held_back:
        say(f"[red]Held back[/]: {safe(str(held))}")
    _show_published(workspace, status)
    _show_quarantine(status, show_all=show_all)


def _source(
    workspace: Workspace, settings: SourceSettings, landed: list[Landed], newest: date | None
) -> SourceStatus:
    mine = [record for record in landed if record.source == settings.source]
    files = [file for record in mine for file in record.files]
    days = {part.charge_date for record in mine for part in record.parts}
    inbox = inbox_of(workspace, settings)
    return SourceStatus(
        source=settings.source,
        kind=settings.kind,
        files=len(files),
        rows=sum(file.rows_accepted for file in files),
        rows_quarantined=sum(file.rows_quarantined for file in files),
        duplicates=len(inbox.copies),
        waiting=len(inbox.waiting),
        waiting_files=inbox.waiting,
        notes=reading_notes(workspace, settings),
        last_day=max(days, default=None),
        missing_days=_missing(settings.first_day, newest, days),
    )


def _missing(first: date | None, newest: date | None, days: set[date]) -> tuple[date, ...]:
    if first is None or newest is None:
        return ()
    expected = (first + timedelta(days=n) for n in range((newest - first).days + 1))
    return tuple(day for day in expected if day not in days)


def _show_sources(status: Status) -> None:
    numbers = ["files", "rows", "quarantined", "copies", "waiting"]
    rows = [
        [
            safe(s.source),
            f"{s.files:,}",
            f"{s.rows:,}",
            f"[yellow]{s.rows_quarantined:,}[/]" if s.rows_quarantined else "0",
            f"{s.duplicates:,}",
            f"{s.waiting:,}",
            str(s.last_day or "-"),
            f"[yellow]{_days(s.missing_days)}[/]" if s.missing_days else "",
        ]
        for s in status.sources
    ]
    columns = ["source", *numbers, "last day", "missing days"]
    terminal.show_table("Sources", columns, rows, right=numbers)


def _show_waiting(status: Status, *, show_all: bool) -> None:
    """Name the files that are in no number, and those read with other settings."""
    waiting = [(source.source, item) for source in status.sources for item in source.waiting_files]
    shown = waiting if show_all else waiting[:SHOWN]
    for source, item in shown:
        say(f"[yellow]Waiting[/]: {safe(source)}: {safe(str(item))}")
    if len(shown) < len(waiting):
        say(f"{len(waiting) - len(shown):,} more wait: `everycent status --all`.")
    for note in (note for source in status.sources for note in source.notes):
        say(f"[yellow]Note[/]: {safe(note)}")


def _days(days: tuple[date, ...]) -> str:
    few = ", ".join(map(str, days[:3]))
    return f"{few} and {len(days) - 3} more" if len(days) > 3 else few


def _show_published(workspace: Workspace, status: Status) -> None:
    if status.pending_days:
        days = safe(_days(status.pending_days))
        say(f"[yellow]To compute[/]: {days}. Run `everycent run`.")
    if status.version is None:
        say("Published: nothing yet.")
        return
    others = [version for version in status.versions if version != status.version]
    kept = f" (also kept: {', '.join(others)})" if others else ""
    say(f"Published: version {status.version}{kept} in {safe(near(workspace.published_dir))}")
    for warning in status.warnings[:SHOWN]:
        say(f"[yellow]Check[/]: {safe(warning)}")


def _show_quarantine(status: Status, *, show_all: bool) -> None:
    rejected = status.quarantined
    shown = rejected if show_all else rejected[:SHOWN]
    if not rejected:
        say("Quarantine: empty.")
        return
    terminal.show_table(
        "\nQuarantine: records set aside, and what to do",
        ["file", "row", "rule", "column", "next action"],
        [
            [
                safe(row.file_name),
                str(row.source_row),
                safe(row.rule),
                safe(row.column or ""),
                safe(row.next_action),
            ]
            for row in shown
        ],
        right=["row"],
    )
    if len(shown) < len(rejected):
        say(f"{len(rejected) - len(shown):,} more: `everycent status --all`.")
