"""Which files a source's location holds, by content. Reads every byte once, to hash it."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipelines.durable import TEMPORARY
from pipelines.sources.base import FoundFile

_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload")


def find_files(folder: Path) -> list[FoundFile]:
    """Every file below a folder, hashed, ordered by name.

    Hidden files, unfinished uploads and read-me files are passed over. Links are never followed,
    neither to files nor to folders. A missing folder holds no files.
    """
    names = sorted(file_names(folder))
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return list(pool.map(lambda name: _found(folder, name), names, chunksize=64))


def file_names(folder: Path) -> Iterator[str]:
    """Names of the files that `find_files` finds, in no order. Opens none of them."""
    for directory, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".")]
        for name in files:
            path = Path(directory, name)
            if _counts(name) and not path.is_symlink():
                yield path.relative_to(folder).as_posix()


def _counts(name: str) -> bool:
    lower = name.lower()
    return not lower.startswith((".", TEMPORARY, "readme")) and not lower.endswith(_UNFINISHED)


def _found(folder: Path, name: str) -> FoundFile:
    path = folder / name
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FoundFile(name, path, os.fstat(file.fileno()).st_size, digest)
