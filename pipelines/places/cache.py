"""The local copy of a bucket's folder: what was read, by content, and as a folder for landing.

    index.json         which object of the bucket is which content
    objects/<sha256>   contents, once each
    files/...          the same contents under the names of their keys (hard links)

The index is written last: what a crash leaves behind is read again. The copy is as confidential as
the bucket; only its owner may enter the folder. Deleting it loses nothing but the time to read it.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from models.record import Record
from pipelines import durable
from pipelines.control_totals import sha256_of
from pipelines.places.names import Names

INDEX = "index.json"
OBJECTS = "objects"
FILES = "files"


class Kept(Record):
    """One object of the bucket, as it was read."""

    name: str
    """Key below the location's folder: the path below `files/`."""
    etag: str
    version_id: str | None
    size: int
    modified_at: datetime
    sha256: str


class _Index(Record):
    place: str
    objects: tuple[Kept, ...]


class Cache:
    """The copy of one place. Opening it removes what an interrupted run left behind."""

    def __init__(self, root: Path, place: str) -> None:
        self._root = root
        self._objects = root / OBJECTS
        self._place = place
        self._objects.mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)
        for path in self._objects.glob(f"{durable.TEMPORARY}*"):
            path.unlink()
        self._saved = self._read()
        self.kept = dict(self._saved)

    def temporary(self) -> Path:
        """A new file of a name of its own, to read an object into."""
        descriptor, name = tempfile.mkstemp(prefix=durable.TEMPORARY, dir=self._objects)
        os.close(descriptor)
        return Path(name)

    def free_bytes(self) -> int:
        """Room on the disk."""
        return shutil.disk_usage(self._root).free

    def keep(self, kept: Kept, prepared: Path) -> None:
        """Take in an object whose bytes are on disk. Counts for the next run once saved."""
        durable.step("keep an object")
        prepared.replace(self._objects / kept.sha256)
        self.kept[kept.name] = kept

    def save(self) -> None:
        """Make what was kept count."""
        if self.kept == self._saved:
            return
        durable.sync(self._objects)
        ordered = tuple(self.kept[name] for name in sorted(self.kept))
        index = _Index(place=self._place, objects=ordered)
        durable.write_bytes(self._root / INDEX, index.model_dump_json(indent=1).encode() + b"\n")
        self._saved = dict(self.kept)

    def forget_in_the_way_of(self, listed: Names) -> None:
        """Drop files beside which those of the listing cannot lie: they were deleted since."""
        self.kept = {n: kept for n, kept in self.kept.items() if not listed.excludes(n)}

    def present(self, without: Collection[str]) -> Path:
        """Make `files/` hold exactly what is kept, but some names; returns it."""
        folder = self._root / FILES
        folder.mkdir(exist_ok=True)
        shown = {name: kept for name, kept in self.kept.items() if name not in without}
        _remove_others(folder, shown)
        for name, kept in shown.items():
            path, content = folder / name, self._objects / kept.sha256
            if not _is_same(path, content, kept):
                path.parent.mkdir(parents=True, exist_ok=True)
                self._link(content, path)
        used = {kept.sha256 for kept in self.kept.values()}
        for path in self._objects.iterdir():
            if path.name not in used:
                path.unlink()
        return folder

    def _link(self, content: Path, path: Path) -> None:
        prepared = self.temporary()
        prepared.unlink()
        try:
            prepared.hardlink_to(content)
        except OSError:
            # no hard links here, or too many names of one content
            shutil.copyfile(content, prepared)
        durable.step("link a file")
        prepared.replace(path)

    def _read(self) -> dict[str, Kept]:
        """What was kept of this very place, as far as its content is still there."""
        path = self._root / INDEX
        if not path.is_file():
            return {}
        try:
            index = _Index.model_validate_json(path.read_bytes())
        except ValidationError:
            return {}
        if index.place != self._place:
            return {}
        sizes = {entry.name: entry.stat().st_size for entry in os.scandir(self._objects)}
        return {kept.name: kept for kept in index.objects if sizes.get(kept.sha256) == kept.size}


def _remove_others(folder: Path, names: Collection[str]) -> None:
    """Delete every other file below a folder, and the folders that are then empty."""
    for directory, _, files in os.walk(folder, topdown=False):
        for file in files:
            path = Path(directory, file)
            if path.relative_to(folder).as_posix() not in names:
                path.unlink()
        if Path(directory) != folder:
            with contextlib.suppress(OSError):
                Path(directory).rmdir()


def _is_same(path: Path, content: Path, kept: Kept) -> bool:
    """Whether a file is a link to a content, or a true copy of it."""
    if not path.is_file():
        return False
    found = path.stat()
    if found.st_ino == content.stat().st_ino:
        return True
    return found.st_size == kept.size and sha256_of(path) == kept.sha256
