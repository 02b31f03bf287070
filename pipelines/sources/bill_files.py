"""Files of a bill export: which belong together, whether they are whole, and their cells as text.

Knows the two manifests that cloud exports write (AWS Data Exports and Azure Cost Management), CSV
plain, gzipped or zipped, and Parquet. Knows no column of any bill.
"""

import csv
import gzip
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb
import polars as pl
from isal import igzip

from pipelines.duck import connect
from pipelines.sources.base import DeliveryUnit, FoundFile, SourceError, each_file_alone

SUFFIXES = (".csv", ".csv.gz", ".csv.zip", ".zip", ".parquet", "manifest.json")
MAX_UNPACKED = 64 * 1024**3

_RUN = re.compile(r"\d{8}T\d{6}Z(?:-[0-9A-Za-z-]+)?")
_PERIOD = re.compile(r"BILLING_PERIOD=(\d{4})-(\d{2})(?!\d)|(?:^|/)(\d{4})(\d{2})\d{2}-\d{8}/")
_COPY = 1024 * 1024
_BINARY = ("FLOAT", "DOUBLE")


@dataclass(frozen=True)
class DataFile:
    """One data file as a manifest names it."""

    uri: str
    size: int | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Manifest:
    """What a manifest promises."""

    run: str
    """Sortable name of the run; empty if the manifest tells none."""
    data: tuple[DataFile, ...]
    columns: tuple[str, ...] = ()
    """Empty if the manifest does not list them."""


@dataclass(frozen=True)
class BillFile:
    """One data file, loaded."""

    found: FoundFile
    rows: pl.DataFrame
    """The wanted columns as text, null where the file has none, plus `file_id`, `file_name` and
    the 1-based `source_row`."""
    columns: tuple[str, ...]
    """Every column of the file."""
    binary_columns: frozenset[str] = frozenset()
    """Wanted columns that the file stores as binary floats; their text is the shortest that reads
    back as the same float."""
    has_byte_order_mark: bool = False


def manifest_layout(files: Sequence[FoundFile]) -> Iterable[DeliveryUnit]:
    """Deliveries of an export: what each manifest names, or each file alone without manifests.

    Files that no manifest names (leftovers of an overwritten export) are in no delivery. The copy
    of a run's manifest directly under its partition is the same delivery as the run.
    """
    manifests = sorted((f for f in files if _is_manifest(f)), key=lambda f: f.name)
    if not manifests:
        yield from each_file_alone(files)
        return
    seen: set[tuple[str, ...]] = set()
    for found in manifests:
        try:
            manifest = read_manifest(found)
        except SourceError:
            # kept as a delivery, so that reading it reports the reason
            yield DeliveryUnit(found.name, (found,))
            continue
        uris = tuple(sorted(d.uri for d in manifest.data)) or (found.name,)
        if uris not in seen:
            seen.add(uris)
            data = (_find(found, d, files) for d in manifest.data)
            name = f"{manifest.run} {found.name.replace(f'{manifest.run}/', '')}".strip()
            yield DeliveryUnit(name, (found, *filter(None, data)))


def read_manifest(found: FoundFile) -> Manifest:
    """Parse a manifest.

    Raises:
        SourceError: Not JSON, or without a list of data files in a known spelling.
    """
    try:
        content = json.loads(found.path.read_bytes())
    except ValueError as error:
        raise SourceError(f"{found.name}: not JSON. Fetch the manifest again.") from error
    if isinstance(content, dict) and isinstance(content.get("blobs"), list):
        return _azure_manifest(found, content)
    if isinstance(content, dict) and isinstance(content.get("dataFiles"), list):
        return _aws_manifest(found, content)
    raise SourceError(
        f"{found.name}: lists its files neither under `dataFiles` nor under `blobs`. "
        "Fetch the manifest again, or report the new spelling."
    )


def load(unit: DeliveryUnit, wanted: Sequence[str], temp_dir: Path) -> list[BillFile]:
    """Load every data file of a delivery as text, proving what its manifest promises.

    Args:
        unit: From `manifest_layout`.
        wanted: Columns to keep; everything else is dropped before anything is held.
        temp_dir: For unpacked files; the caller removes it.

    Raises:
        SourceError: A file is missing, empty, cut off, or not what the manifest says.
    """
    manifests = [f for f in unit.files if _is_manifest(f)]
    manifest = read_manifest(manifests[0]) if manifests else None
    con = connect(temp_dir=temp_dir)
    with con:
        if manifest is None:
            return [_load_file(con, found, wanted, temp_dir) for found in unit.files]
        loaded = []
        for data in manifest.data:
            found = _promised(manifests[0], data, unit)
            bill = _load_file(con, found, wanted, temp_dir)
            _check_promise(manifest, data, bill)
            loaded.append(bill)
        return loaded


def period_in_path(unit: DeliveryUnit) -> str | None:
    """The billing period (YYYY-MM) that an export writes into its paths; None if it does not."""
    found = _PERIOD.search(unit.files[0].name)
    return "-".join(filter(None, found.groups())) if found else None


def _is_manifest(found: FoundFile) -> bool:
    return found.name.lower().endswith("manifest.json")


def _aws_manifest(found: FoundFile, content: dict[str, object]) -> Manifest:
    entries = content["dataFiles"]
    data = tuple(_aws_data_file(found, e) for e in (entries if isinstance(entries, list) else ()))
    told = [str(content.get("executionId", "")), found.name, *(d.uri for d in data)]
    run = next((m[0] for m in map(_RUN.search, told) if m), "")
    listed = content.get("columns")
    columns = listed if isinstance(listed, list) else []
    names = tuple(str(c["name"]) for c in columns if isinstance(c, dict) and "name" in c)
    return Manifest(run, data, names)


def _aws_data_file(found: FoundFile, entry: object) -> DataFile:
    if isinstance(entry, str):
        return DataFile(entry)
    if isinstance(entry, dict) and isinstance(entry.get("s3Uri"), str):
        size = entry.get("size")
        return DataFile(entry["s3Uri"], size if isinstance(size, int) else None)
    raise SourceError(
        f"{found.name}: an entry of `dataFiles` is neither text nor has an `s3Uri`. "
        "Fetch the manifest again, or report the new spelling."
    )


def _azure_manifest(found: FoundFile, content: dict[str, object]) -> Manifest:
    blobs = content["blobs"]
    data = []
    for blob in blobs if isinstance(blobs, list) else ():
        if not isinstance(blob, dict) or not isinstance(blob.get("blobName"), str):
            raise SourceError(f"{found.name}: an entry of `blobs` has no `blobName`. Fetch again.")
        data.append(DataFile(blob["blobName"], blob.get("byteCount"), blob.get("dataRowCount")))
    run = content.get("runInfo")
    submitted = run.get("submittedTime") if isinstance(run, dict) else None
    return Manifest(str(submitted or ""), tuple(data))


def _find(manifest: FoundFile, data: DataFile, files: Iterable[FoundFile]) -> FoundFile | None:
    """The local file a manifest's URI means: the longest path below the export's own folder."""
    root, below_metadata, _ = manifest.name.partition("metadata/")
    root = f"{root}data/" if below_metadata else manifest.name[: manifest.name.rfind("/") + 1]
    path = f"/{data.uri.partition('://')[2] or data.uri}"
    inside = (f for f in files if f.name.startswith(root) and path.endswith(f"/{f.name}"))
    return max(inside, key=lambda f: len(f.name), default=None)


def _promised(manifest: FoundFile, data: DataFile, unit: DeliveryUnit) -> FoundFile:
    found = _find(manifest, data, unit.files)
    short = data.uri.rsplit("/", 1)[-1]
    if found is None:
        raise SourceError(
            f"{manifest.name}: names {short}, which is not here. "
            "Wait for the copy to finish, or copy the file below this location."
        )
    if found.size == 0:
        raise SourceError(f"{found.name}: is empty. Fetch it again.")
    if data.size is not None and data.size != found.size:
        raise SourceError(
            f"{found.name}: has {found.size} bytes, its manifest says {data.size}. Fetch it again."
        )
    return found


def _check_promise(manifest: Manifest, data: DataFile, bill: BillFile) -> None:
    name = bill.found.name
    if manifest.columns and set(manifest.columns) != set(bill.columns):
        raise SourceError(
            f"{name}: its columns are not those of the manifest. "
            "Fetch manifest and data of the same run."
        )
    if data.rows is not None and data.rows != bill.rows.height:
        raise SourceError(
            f"{name}: holds {bill.rows.height} rows, its manifest says {data.rows}. Fetch it again."
        )


def _load_file(
    con: duckdb.DuckDBPyConnection, found: FoundFile, wanted: Sequence[str], temp_dir: Path
) -> BillFile:
    if found.size == 0:
        raise SourceError(f"{found.name}: is empty. Fetch it again.")
    try:
        if found.name.lower().endswith(".parquet"):
            with _local_copy(found, temp_dir, "bill.parquet") as path:
                return _load_parquet(con.read_parquet(str(path)), found, wanted)
        with _local_copy(found, temp_dir, "bill.csv") as path:
            return _load_csv(con, path, found, wanted)
    except (duckdb.Error, EOFError, OSError, UnicodeDecodeError, *_DAMAGED) as error:
        raise SourceError(
            f"{found.name}: damaged or cut off ({type(error).__name__}). Fetch it again."
        ) from error


_DAMAGED = (zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, csv.Error)


@contextmanager
def _local_copy(found: FoundFile, temp_dir: Path, name: str) -> Iterator[Path]:
    """The file unpacked, under a name that no reader takes for a pattern."""
    path = temp_dir / name
    path.unlink(missing_ok=True)
    lower = found.name.lower()
    if lower.endswith(".gz"):
        with igzip.open(found.path, "rb") as packed:  # type: ignore[no-untyped-call]
            _copy(packed, path, found)
    elif lower.endswith(".zip"):
        with zipfile.ZipFile(found.path) as archive:
            members = archive.namelist()
            if len(members) != 1:
                raise SourceError(f"{found.name}: holds {len(members)} files; expected one CSV.")
            with archive.open(members[0]) as packed:
                _copy(packed, path, found)
    else:
        path.symlink_to(found.path.resolve())
    try:
        yield path
    finally:
        path.unlink()


def _copy(packed: IO[bytes], path: Path, found: FoundFile) -> None:
    with path.open("wb") as out:
        for chunk in iter(lambda: packed.read(_COPY), b""):
            out.write(chunk)
            if out.tell() > MAX_UNPACKED:
                raise SourceError(f"{found.name}: unpacks to more than {MAX_UNPACKED} bytes.")


def _load_csv(
    con: duckdb.DuckDBPyConnection, path: Path, found: FoundFile, wanted: Sequence[str]
) -> BillFile:
    with path.open("rb") as raw:
        has_mark = raw.read(3) == b"\xef\xbb\xbf"
    with path.open(encoding="utf-8-sig", newline="") as lines:
        columns = tuple(next(csv.reader(lines, strict=True), ()))
    if len(set(columns)) != len(columns) or "" in columns:
        raise SourceError(f"{found.name}: its header is empty or repeats a column. Fetch it again.")
    relation = con.read_csv(
        str(path),
        header=True,
        auto_detect=False,
        delimiter=",",
        quotechar='"',
        escapechar='"',
        columns=dict.fromkeys(columns, "VARCHAR"),
        # an empty cell is null, a quoted empty text stays text: the reader counts the difference
        allow_quoted_nulls=False,
        strict_mode=True,
        max_line_size=8 * 1024 * 1024,
    )
    cells = {name: _quoted(name) for name in columns}
    return BillFile(
        found, _text_rows(relation, cells, found, wanted), columns, frozenset(), has_mark
    )


def _load_parquet(
    relation: duckdb.DuckDBPyRelation, found: FoundFile, wanted: Sequence[str]
) -> BillFile:
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    binary = frozenset(name for name, type_ in types.items() if type_ in _BINARY)
    cells = {name: _as_text(name, type_) for name, type_ in types.items()}
    rows = _text_rows(relation, cells, found, wanted)
    return BillFile(found, rows, tuple(types), binary & frozenset(wanted))


def _as_text(name: str, type_: str) -> str:
    """The SQL that makes a Parquet column the text a CSV would hold."""
    column = _quoted(name)
    if type_.startswith("TIMESTAMP"):
        return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%fZ')"
    if type_.startswith(("MAP", "STRUCT")):
        return f"cast(to_json({column}) as varchar)"
    return f"cast({column} as varchar)"


def _text_rows(
    relation: duckdb.DuckDBPyRelation,
    cells: dict[str, str],
    found: FoundFile,
    wanted: Sequence[str],
) -> pl.DataFrame:
    present = [name for name in wanted if name in cells]
    # a column that is always there keeps the row count of a file with none of the wanted ones
    projected = ", ".join([f"{cells[name]} as {_quoted(name)}" for name in present] or ["1"])
    rows = pl.DataFrame(relation.project(projected).to_arrow_table())
    texts = [
        (pl.col(name) if name in present else pl.lit(None)).cast(pl.String).alias(name)
        for name in wanted
    ]
    return rows.with_row_index("source_row", 1).select(
        pl.col("source_row").cast(pl.Int64),
        *texts,
        file_id=pl.lit(found.file_id),
        file_name=pl.lit(found.name),
    )


def _quoted(name: str) -> str:
    """A column name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'
