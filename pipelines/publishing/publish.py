"""Write, audit, swap: build a version from what is stored, prove it, then move one pointer.

Folders are built under their final name, because views in the DuckDB file hold absolute paths;
see `versions.py` for what makes a folder count.
"""

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import duckdb

from pipelines import durable
from pipelines.alone import only_writer
from pipelines.control_totals import add_sums, sha256_of
from pipelines.publishing import duckdb_file
from pipelines.publishing.duckdb_file import Audit, PublishedTable
from pipelines.publishing.errors import PublishError
from pipelines.publishing.versions import (
    MANIFEST,
    POINTER,
    SIDECAR,
    Manifest,
    PublishedFile,
    current_version,
    folder_of,
    prune,
    read_manifest,
    remember,
    remove,
    verify,
)
from pipelines.transforms import Transform
from pipelines.warehouse import Warehouse, WarehousePart

CALLS_TABLE = "fct_calls"
LAYOUT = 1
"""Raised by whoever changes how a version is written, so that the same tables publish again."""

_PARTITION_LENGTH = {"day": len("2026-10-01"), "period": len("2026-10"), "none": len("all")}
_RESERVED = {"parquet", MANIFEST, duckdb_file.FILE_NAME, SIDECAR}


@dataclass(frozen=True)
class Published:
    """The version readers see now."""

    version: str
    path: Path
    files: tuple[PublishedFile, ...]
    changed: bool
    """False when exactly this was published already and nothing was touched."""


@dataclass(frozen=True)
class _Content:
    """All that decides a version's bytes."""

    company: str
    parts: Mapping[str, Sequence[WarehousePart]]
    tables: tuple[PublishedTable, ...]
    headers: Mapping[str, Transform]
    extra_files: Mapping[str, bytes]

    @property
    def written_by(self) -> str:
        return f"everycent layout {LAYOUT}, duckdb {duckdb.__version__}"

    @property
    def version(self) -> str:
        described = {
            "company": self.company,
            "written_by": self.written_by,
            "parts": [[p.table, p.partition, p.sha256] for ps in self.parts.values() for p in ps],
            "tables": [
                [t.table, t.kind, h.description, h.grain, sorted(h.columns.items())]
                for t in self.tables
                for h in [self.headers[t.table]]
            ],
            "extra": {k: hashlib.sha256(v).hexdigest() for k, v in self.extra_files.items()},
        }
        canonical = json.dumps(described, sort_keys=True).encode()
        return hashlib.sha256(canonical).hexdigest()[:16]


def publish(
    warehouse: Warehouse,
    transforms: Mapping[str, Transform],
    out_dir: Path,
    *,
    company: str,
    calls_table_max_rows: int,
    keep_versions: int,
    extra_files: Mapping[str, bytes],
    audits: Sequence[Audit] = (),
) -> Published:
    """Publish what the warehouse holds as a new version, or do nothing if it is published already.

    Args:
        warehouse: Committed parts; only public tables of `transforms` are published.
        transforms: Headers by table name.
        out_dir: Published directory.
        company: Company id, for the manifest.
        calls_table_max_rows: Up to so many rows `fct_calls` is a table in the DuckDB file, above
            it a view over its Parquet files.
        keep_versions: Complete versions to keep, the new one included.
        extra_files: More files by path below the version: statements, reports.
        audits: Further checks of the finished DuckDB file.

    Raises:
        PublishError: Nothing was published, the previous version stays.
        BusyError: Another process is publishing; likewise.
    """
    content = _collect(warehouse, transforms, company, calls_table_max_rows, extra_files)
    version = content.version
    folder = folder_of(out_dir, version)
    with only_writer(out_dir):
        if current_version(out_dir) == version:
            return Published(version, folder, read_manifest(folder).files, changed=False)
        if not (folder / MANIFEST).exists() or verify(folder):
            _build(warehouse, content, out_dir, folder, audits)
        remember(out_dir, version)
        durable.point(out_dir / POINTER, folder.name)
        prune(out_dir, keep_versions)
    return Published(version, folder, read_manifest(folder).files, changed=True)


def _collect(
    warehouse: Warehouse,
    transforms: Mapping[str, Transform],
    company: str,
    calls_table_max_rows: int,
    extra_files: Mapping[str, bytes],
) -> _Content:
    parts: defaultdict[str, list[WarehousePart]] = defaultdict(list)
    for part in warehouse.index().parts:
        parts[part.table].append(part)
    public = sorted(name for name, transform in transforms.items() if transform.is_public)
    for name in public:
        if not parts[name]:
            raise PublishError(f"{name}: nothing is computed yet, run the pipeline first")
        length = _PARTITION_LENGTH[transforms[name].partition]
        if any(len(part.partition) != length for part in parts[name]):
            raise PublishError(f"{name}: it was stored by other partitions once, recompute it all")
        if len({part.shape for part in parts[name]}) > 1:
            raise PublishError(f"{name}: its days have different columns, recompute the older ones")
    for path in extra_files:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or pure.parts[0] in _RESERVED:
            raise PublishError(f"{path}: not a path an extra file of a version may have")
    return _Content(
        company=company,
        parts={name: parts[name] for name in public},
        tables=tuple(_table(name, parts[name], calls_table_max_rows) for name in public),
        headers=transforms,
        extra_files=extra_files,
    )


def _table(name: str, parts: Sequence[WarehousePart], calls_table_max_rows: int) -> PublishedTable:
    rows = sum(part.rows for part in parts)
    is_view = name == CALLS_TABLE and rows > calls_table_max_rows
    return PublishedTable(
        table=name,
        kind="view" if is_view else "table",
        rows=rows,
        sums=add_sums(part.sums for part in parts),
    )


def _build(
    warehouse: Warehouse,
    content: _Content,
    out_dir: Path,
    folder: Path,
    audits: Sequence[Audit],
) -> None:
    remove(folder)
    folder.mkdir(parents=True)
    before = current_version(out_dir)
    known = read_manifest(folder_of(out_dir, before)).files if before else ()
    published = {file.path: file.sha256 for file in known}
    try:
        files = [
            *_link_parts(warehouse.root, content.parts, folder, published),
            *_write_extra(content.extra_files, folder),
        ]
        paths = {
            name: [folder.resolve() / _parquet_path(part) for part in parts]
            for name, parts in content.parts.items()
        }
        database = duckdb_file.build(folder, content.tables, paths, content.headers)
        duckdb_file.audit(database, content.tables, audits)
        sidecar = f"{sha256_of(database)}  {database.name}\n"
        durable.write_bytes(folder / SIDECAR, sidecar.encode())
        manifest = Manifest(
            version=content.version,
            company=content.company,
            written_by=content.written_by,
            tables=content.tables,
            files=tuple(files),
        )
        for directory in (*(path for path in folder.rglob("*") if path.is_dir()), out_dir):
            durable.sync(directory)
        durable.write_bytes(folder / MANIFEST, manifest.model_dump_json(indent=1).encode() + b"\n")
    except (PublishError, OSError, duckdb.Error) as error:
        remove(folder)
        if isinstance(error, PublishError):
            raise
        raise PublishError(f"{folder.name} could not be written: {error}") from error


def _parquet_path(part: WarehousePart) -> str:
    return f"parquet/{part.table}/{part.partition}.parquet"


def _link_parts(
    root: Path,
    parts: Mapping[str, Sequence[WarehousePart]],
    folder: Path,
    published: Mapping[str, str],
) -> Iterator[PublishedFile]:
    """Take the stored parts into the version; those that are new to readers are hashed again."""
    for name, stored in parts.items():
        durable.step(f"link {name}")
        (folder / "parquet" / name).mkdir(parents=True)
        for part in stored:
            path = _parquet_path(part)
            is_copy = _link_or_copy(root / part.path, folder / path)
            is_known = published.get(path) == part.sha256 and not is_copy
            if not is_known and sha256_of(folder / path) != part.sha256:
                raise PublishError(
                    f"{path}: its content is not what was computed: recompute {part.partition}"
                )
            yield PublishedFile(
                path=path, bytes=part.bytes, sha256=part.sha256, rows=part.rows, sums=part.sums
            )


def _link_or_copy(source: Path, target: Path) -> bool:
    """Link a file without its bytes; copy it where the file system cannot. True if copied."""
    try:
        target.hardlink_to(source)
    except FileNotFoundError as error:
        raise PublishError(f"{source}: a stored part is missing: recompute its day") from error
    except OSError:
        shutil.copyfile(source, target)
        durable.sync(target)
        return True
    return False


def _write_extra(extra_files: Mapping[str, bytes], folder: Path) -> Iterator[PublishedFile]:
    for path, data in sorted(extra_files.items()):
        durable.write_bytes(folder / path, data)
        digest = hashlib.sha256(data).hexdigest()
        yield PublishedFile(path=path, bytes=len(data), sha256=digest)
