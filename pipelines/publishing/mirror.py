"""A copy of what is published in a bucket, for readers elsewhere.

    v=<id>/...     a version; its `manifest.json` is put last
    current.json   which version readers take

Nothing there is ever replaced but the pointer, and that only while it is still the one we read.
"""

import hashlib
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import ValidationError

from models.record import Record
from pipelines.control_totals import sha256_of
from pipelines.places.store import THREADS, Store
from pipelines.publishing.duckdb_file import FILE_NAME
from pipelines.publishing.versions import MANIFEST, SIDECAR, read_manifest, verify

POINTER = "current.json"
_RACES = 3


class MirrorError(Exception):
    """The mirror was left as it is. The text says why and what to do."""


class MirrorPointer(Record):
    """The content of `current.json`."""

    company: str
    version: str
    manifest: str
    """Path of the version's manifest, below the pointer's own folder."""
    manifest_sha256: str


def mirror(store: Store, folder: Path, known: Collection[str]) -> bool:
    """Make a mirror show a version.

    Args:
        store: The mirror's folder.
        folder: The complete version.
        known: Versions that this workspace published: the mirror may show one of them meanwhile.

    Returns:
        Whether anything was to do.

    Raises:
        MirrorError: The mirror is somebody else's, or holds other bytes under this version's id.
        StoreError: The store failed. What was put is not put again the next time.
    """
    pointer = _pointer_to(folder)
    before = _read_pointer(store, pointer)
    if before and before[0].version == pointer.version:
        return False
    _put_version(store, folder, pointer)
    for _ in range(_RACES):
        if _swap(store, pointer, before[1] if before else None):
            return True
        before = _read_pointer(store, pointer)
        if before and before[0].version == pointer.version:
            return True
        if before and before[0].version not in known:
            raise MirrorError(
                f"another workspace published version {before[0].version} at the same moment. "
                "Give each workspace a mirror of its own, or run again to publish this one"
            )
    raise MirrorError("the pointer kept changing. Run again when no other run publishes")


def _pointer_to(folder: Path) -> MirrorPointer:
    manifest = read_manifest(folder)
    return MirrorPointer(
        company=manifest.company,
        version=manifest.version,
        manifest=f"{folder.name}/{MANIFEST}",
        manifest_sha256=sha256_of(folder / MANIFEST),
    )


def _read_pointer(store: Store, ours: MirrorPointer) -> tuple[MirrorPointer, str] | None:
    """The mirror's pointer and its ETag; null before the first publication."""
    found = store.read_small(_key(store, POINTER))
    if found is None:
        return None
    content, etag = found
    try:
        pointer = MirrorPointer.model_validate_json(content)
    except ValidationError:
        raise MirrorError(f"{POINTER} is none of ours. Give the mirror its own folder") from None
    if pointer.company != ours.company:
        raise MirrorError("it shows another company. Give the mirror its own folder")
    return pointer, etag


def _swap(store: Store, pointer: MirrorPointer, etag: str | None) -> bool:
    key, content = _key(store, POINTER), pointer.model_dump_json(indent=1).encode() + b"\n"
    sha256 = hashlib.sha256(content).hexdigest()
    return store.swap(key, content, sha256, etag) if etag else store.create(key, content, sha256)


def _put_version(store: Store, folder: Path, pointer: MirrorPointer) -> None:
    """Put every file that is not there, the manifest last: with it, a version is there already."""
    if store.sha256_of(_key(store, pointer.manifest)) == pointer.manifest_sha256:
        return
    if problems := verify(folder):
        raise MirrorError(f"{problems[0]}. Remove the version, then run again")
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(lambda file: _put(store, folder, *file), _files(folder)):
            pass
    _put(store, folder, MANIFEST, pointer.manifest_sha256)


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    """Path and SHA-256 of every file but the manifest."""
    for file in read_manifest(folder).files:
        yield file.path, file.sha256
    for path in (FILE_NAME, SIDECAR):
        yield path, sha256_of(folder / path)


def _put(store: Store, folder: Path, path: str, sha256: str) -> None:
    """Put one file, or see that what is there is the same."""
    key = _key(store, f"{folder.name}/{path}")
    if store.create(key, folder / path, sha256) or store.sha256_of(key) == sha256:
        return
    raise MirrorError(
        f"{folder.name}/{path} holds other bytes there. Nothing is replaced: remove "
        f"{folder.name}/ from the mirror, then run again"
    )


def _key(store: Store, path: str) -> str:
    return f"{store.address.prefix}{path}"
