"""What lies in the inboxes and is in no number, and what was read with other settings."""

from pathlib import Path

from models.settings import SourceSettings
from pipelines.landing.again import outdated
from pipelines.landing.finding import hashes_seen
from pipelines.landing.result import left_as_read, some
from pipelines.landing.waiting import Inbox, Waiting, look, not_read
from pipelines.places import is_remote
from pipelines.problems import Problem
from pipelines.run import lake_of, reading_of
from pipelines.sources import source_of
from pipelines.sources.base import Source
from pipelines.workspace import SETTINGS_FILE, Workspace, load_workspace


def inbox_of(workspace: Workspace, settings: SourceSettings) -> Inbox:
    """The files of one source that have not landed. Changes nothing."""
    kinds = _kinds(workspace, settings)
    return look(workspace.inbox(settings), kinds, settings.source, lake_of(workspace))


def _kinds(workspace: Workspace, settings: SourceSettings) -> list[Source]:
    """What takes files from a source's folder, its own kind first."""
    beside = [
        other
        for other in workspace.settings.sources
        if other.location == settings.location and other.source != settings.source
    ]
    return [source_of(one) for one in (settings, *beside)]


def reading_notes(workspace: Workspace, settings: SourceSettings) -> tuple[str, ...]:
    """What has landed of a source that would be read differently today, a sentence each."""
    lake = lake_of(workspace)
    before = outdated(lake, settings.source, reading_of(workspace, settings))
    present = hashes_seen(lake.seen(settings.source))
    here = {sha256 for sha256 in before.files if present is None or sha256 in present}
    again = [file.name for sha256, file in before.files.items() if sha256 in here]
    gone = [file.name for sha256, file in before.files.items() if sha256 not in here]
    why = " and ".join(before.why)
    notes = []
    if again:
        notes.append(
            f"{settings.source}: {some(again)} land again with the next `everycent run`: {why}."
        )
    if gone:
        notes.append(left_as_read(settings.source, gone, why))
    return tuple(notes)


def inbox_warnings(folder: Path) -> list[Problem]:
    """What a check says of the inboxes of a workspace that is good otherwise.

    Nothing is read but names and what has landed: this is quick, however much lies there.
    """
    workspace = load_workspace(folder)
    found = []
    for number, settings in enumerate(workspace.settings.sources):
        setting = f"sources[{number}]"
        if not is_remote(settings.location):
            unread = not_read(workspace.inbox(settings), _kinds(workspace, settings))
            found += [_warning(settings, item) for item in unread]
        found += [
            Problem(SETTINGS_FILE, None, setting, "read_before", note, "")
            for note in reading_notes(workspace, settings)
        ]
    return found


def _warning(settings: SourceSettings, item: Waiting) -> Problem:
    place = f"{settings.location}/{item.name}"
    why = f"{item.why[0].upper()}{item.why[1:]}."
    return Problem(place, None, None, "not_read", f"It is never read. {why}", f"{item.fix}.")
