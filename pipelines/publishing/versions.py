"""Versions on disk: which are complete, which one readers see, which are kept.

Below the published directory: `v=<id>/` per version, `current` (a symbolic link to one of them)
and `versions.json` (ids in order of publication). A folder is complete once its `manifest.json`
is there: it is written last, after the audit, so what a crash leaves behind is never taken for a
version.
"""

import json
import shutil
from pathlib import Path

from models.record import Record
from pipelines import durable
from pipelines.alone import only_writer
from pipelines.control_totals import sha256_of
from pipelines.publishing.duckdb_file import FILE_NAME, PublishedTable
from pipelines.publishing.errors import PublishError

POINTER = "current"
MANIFEST = "manifest.json"
HISTORY = "versions.json"
SIDECAR = f"{FILE_NAME}.sha256"


class PublishedFile(Record):
    """One file of a version whose bytes are the same on every run."""

    path: str
    bytes: int
    sha256: str
    rows: int | None = None
    sums: dict[str, str | None] | None = None


class Manifest(Record):
    """What a version holds. The DuckDB file is described by its tables; its hash lies beside it."""

    version: str
    company: str
    written_by: str
    tables: tuple[PublishedTable, ...]
    files: tuple[PublishedFile, ...]


def rollback(out_dir: Path, version: str) -> None:
    """Point readers to a version that is still there: one move, after its bytes were verified.

    Raises:
        PublishError: The version is gone, or a file of it is not what was published.
    """
    folder = folder_of(out_dir, version)
    if version not in versions(out_dir):
        kept = ", ".join(versions(out_dir)) or "none"
        raise PublishError(f"version {version} is not there any more; kept versions: {kept}")
    with only_writer(out_dir):
        if problems := verify(folder):
            raise PublishError("\n".join([*problems, "Roll back to another version."]))
        durable.point(out_dir / POINTER, folder.name)


def current_version(out_dir: Path) -> str | None:
    """The version readers see; null before the first publish."""
    pointer = out_dir / POINTER
    if not (pointer / MANIFEST).exists():
        return None
    return pointer.readlink().name.removeprefix("v=")


def versions(out_dir: Path) -> list[str]:
    """Versions that can be read, in order of publication."""
    path = out_dir / HISTORY
    listed: list[str] = json.loads(path.read_bytes()) if path.exists() else []
    return [version for version in listed if (folder_of(out_dir, version) / MANIFEST).exists()]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a complete version."""
    return Manifest.model_validate_json((folder / MANIFEST).read_bytes())


def verify(folder: Path) -> list[str]:
    """Re-read every byte of a version; one sentence per file that is not what was published."""
    expected = {file.path: file.sha256 for file in read_manifest(folder).files}
    sidecar = folder / SIDECAR
    expected[FILE_NAME] = sidecar.read_text("ascii").split()[0] if sidecar.is_file() else ""
    return [
        f"{folder.name}/{path} is missing or its content changed"
        for path, digest in sorted(expected.items())
        if not (folder / path).is_file() or sha256_of(folder / path) != digest
    ]


def folder_of(out_dir: Path, version: str) -> Path:
    """Where a version lies, or would."""
    return out_dir / f"v={version}"


def remember(out_dir: Path, version: str) -> None:
    """Put a version at the end of the history."""
    listed = [known for known in versions(out_dir) if known != version]
    durable.write_bytes(out_dir / HISTORY, json.dumps([*listed, version]).encode() + b"\n")


def prune(out_dir: Path, keep_versions: int) -> None:
    """Remove all but the newest versions and the current one, and what crashes left behind."""
    kept = {*versions(out_dir)[-keep_versions:], current_version(out_dir)}
    for folder in sorted(out_dir.glob("v=*")):
        if folder.name.removeprefix("v=") not in kept:
            remove(folder)


def remove(folder: Path) -> None:
    """Delete a version, its manifest first: half a folder must never look complete."""
    if folder.exists():
        durable.step(f"remove {folder.name}")
        (folder / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder)
