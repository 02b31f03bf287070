"""Which files a source's location holds, by content. A file is read for that while it is new."""

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from pipelines import durable
from pipelines.durable import TEMPORARY
from pipelines.sources.base import FoundFile

UNFINISHED = (".tmp", ".part", ".partial", ".crdownload")

SETTLED_NS = 2_000_000_000
"""A file that changed less than this ago may change again within one tick of its clock."""

_NO_MARKS = [-1, -1, -1, -1]
"""Of a file that is to be read again in any case."""

Seen = Mapping[str, list[int | str]]
"""By hash of the name, which may say who somebody is: size, times of the last change of content and
of anything, inode; then the hash."""


def find_files(folder: Path, seen_path: Path) -> list[FoundFile]:
    """Every file below a folder, hashed, ordered by name.

    Hidden files, unfinished uploads and read-me files are passed over. Links are never followed,
    neither to files nor to folders. A missing folder holds no files.

    Args:
        folder: Where to look.
        seen_path: Remembers hashes, so that a file is not read again while the system says that
            nothing of it changed. Whoever removes it loses time only.
    """
    seen = _remembered(seen_path)
    names = sorted(file_names(folder))
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        looked_at = list(pool.map(lambda name: _found(folder, name, seen), names, chunksize=64))
    settled = time.time_ns() - SETTLED_NS
    now = {
        key_of(file.name): [*(marks if max(marks[1:3]) < settled else _NO_MARKS), file.sha256]
        for file, marks in looked_at
    }
    if now != seen:
        durable.keep(seen_path, json.dumps(now).encode())
    return [file for file, _ in looked_at]


def hashes_seen(seen_path: Path) -> set[str] | None:
    """SHA-256 of every file that lay there when it was last looked; null if that is not known."""
    try:
        seen = json.loads(seen_path.read_bytes())
        return {str(digest) for *_, digest in seen.values()}
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _remembered(path: Path) -> Seen:
    try:
        seen = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return seen if isinstance(seen, dict) else {}


def file_names(folder: Path) -> Iterator[str]:
    """Names of the files that `find_files` finds, in no order. Opens none of them."""
    for directory, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".")]
        for name in files:
            path = Path(directory, name)
            if _counts(name) and not path.is_symlink():
                yield path.relative_to(folder).as_posix()


def key_of(name: str) -> str:
    """By what a file is remembered: its name may say who somebody is."""
    return hashlib.sha256(os.fsencode(name)).hexdigest()


def _counts(name: str) -> bool:
    lower = name.lower()
    is_hidden = lower.startswith((".", TEMPORARY))
    return not is_hidden and not is_read_me(lower) and not lower.endswith(UNFINISHED)


def is_read_me(name: str) -> bool:
    """Whether a file explains the folder it is in."""
    return name.lower().startswith("readme")


def _found(folder: Path, name: str, seen: Seen) -> tuple[FoundFile, list[int]]:
    """A file, and the marks by which a change of it would show."""
    path = folder / name
    with path.open("rb") as file:
        state = os.fstat(file.fileno())
        marks = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
        *known, digest = seen.get(key_of(name)) or [""]
        if known != marks:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FoundFile(name, path, state.st_size, str(digest), arrival_of(state)), marks


def arrival_of(state: os.stat_result) -> datetime:
    """When a file came to lie there: a copy that keeps the original's time changed here later."""
    return datetime.fromtimestamp(max(state.st_mtime, state.st_ctime), UTC)
