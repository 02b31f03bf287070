"""Files that lie in an inbox and are in no number: each with why, and what to do."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines import durable
from pipelines.control_totals import sha256_of
from pipelines.lake import Lake
from pipelines.landing.finding import UNFINISHED, file_names, is_read_me, key_of
from pipelines.sources.base import Source

_LEFT_BY_SYSTEMS = {".ds_store", ".gitkeep", ".gitignore", ".keep", "thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Waiting:
    """One file, or a folder of them, that has not landed."""

    name: str
    """Below the source's location."""
    why: str
    fix: str

    def __str__(self) -> str:
        return f"{self.name}: {self.why}. {self.fix}."


def not_read(folder: Path, sources: Sequence[Source]) -> Iterator[Waiting]:
    """Files that no run will ever read, by their names: hidden, links, of another type.

    Read-me files, and those that systems leave behind, are nobody's concern.
    """
    for directory, folders, files in os.walk(folder):
        place = Path(directory)
        for name in sorted([*folders, *files]):
            is_folder = name in folders
            found = _reason(place / name, sources, is_folder=is_folder)
            if found:
                path = (place / name).relative_to(folder).as_posix()
                yield Waiting(path + "/" * is_folder, *found)
        folders[:] = sorted(name for name in folders if not name.startswith("."))


def _reason(path: Path, sources: Sequence[Source], *, is_folder: bool) -> tuple[str, str] | None:
    name = path.name.lower()
    if name in _LEFT_BY_SYSTEMS or name.startswith("._") or is_read_me(name):
        return None
    if path.is_symlink():
        return "it is a link, and links are never followed", "Put what it leads to in its place"
    if name.startswith("."):
        what = "is not looked into" if is_folder else "is taken for unfinished"
        return f"its name begins with a dot, so it {what}", "Rename it once it is whole"
    if is_folder:
        return None
    if name.endswith(UNFINISHED):
        return "it is named like an upload that has not ended", "Rename it once it is whole"
    if not any(source.takes(path.name) for source in sources):
        types = ", ".join(suffix or "names without a dot" for suffix in sources[0].suffixes)
        fix = "Export it as one of those, or move it out of this location"
        return f"{sources[0].name} reads {types}", fix
    return None


@dataclass(frozen=True)
class Inbox:
    """What lies in a source's folder besides the files that landed."""

    waiting: tuple[Waiting, ...]
    copies: tuple[str, ...]
    """Names of files whose content landed under another name."""


def look(folder: Path, sources: Sequence[Source], source_id: str, lake: Lake) -> Inbox:
    """Every file of a source's folder that is in no number: new, refused or never read.

    Reads the bytes of files that have not landed under their name.

    Args:
        folder: Where the source's files lie.
        sources: What takes files from there: first the source's own kind.
        source_id: The source.
        lake: What has landed of it.
    """
    waiting = list(not_read(folder, sources))
    unread = {item.name for item in waiting}
    known = lake.known_files(source_id)
    landed = {file.name for record in lake.landed_by(source_id) for file in record.files}
    refused = _refusals(lake, source_id)
    copies = []
    for name in sorted(file_names(folder)):
        if name in landed or name in unread or not sources[0].takes(name):
            continue
        if sha256_of(folder / name) in known:
            copies.append(name)
        else:
            why, fix = refused.get(key_of(name)) or ("it has not landed yet", "Run `everycent run`")
            waiting.append(Waiting(name, why, fix))
    return Inbox(tuple(sorted(waiting, key=lambda item: item.name)), tuple(copies))


def remember_refusals(lake: Lake, source_id: str, refused: Mapping[str, tuple[str, str]]) -> None:
    """Note for `look` why files did not land, and what to do: by a hash of their names.

    Who loses the note loses the reasons only.
    """
    path, now = lake.refused(source_id), {key_of(name): said for name, said in refused.items()}
    if now or path.exists():
        durable.keep(path, json.dumps(now).encode())


def _refusals(lake: Lake, source_id: str) -> dict[str, tuple[str, str]]:
    try:
        noted = json.loads(lake.refused(source_id).read_bytes())
        return {key: (str(why), str(fix)) for key, (why, fix) in noted.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
