"""Data files of a bill export as text: CSV plain, gzipped or zipped, JSON, and Parquet.

A file is whole and as its manifest says, or it is refused. Knows no column of any bill.
"""

import csv
import gzip
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import duckdb
import polars as pl
from duckdb.sqltypes import DuckDBPyType
from isal import igzip

from models.mapping import PLAIN_CSV, CsvDialect
from pipelines.duck import connect
from pipelines.sources.base import DeliveryUnit, FoundFile, SourceError
from pipelines.sources.bill_manifests import (
    MANIFEST_SUFFIX,
    DataFile,
    Manifest,
    is_manifest,
    promised,
    read_manifest,
)
from pipelines.sources.bill_records import (
    JSON_SUFFIXES,
    json_cell,
    nested_cells,
    quoted,
    read_json_records,
)

SUFFIXES = (".csv", ".csv.gz", ".csv.zip", ".zip", ".parquet", MANIFEST_SUFFIX)
MAX_UNPACKED = 64 * 1024**3

Naming = Callable[[str], str]

_COPY = 1024 * 1024
_BINARY = ("FLOAT", "DOUBLE")
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UBIGINT", "UINTEGER")


@dataclass(frozen=True)
class BillFile:
    """One data file, loaded."""

    found: FoundFile
    row_count: int
    columns: tuple[str, ...]
    """Every column of the file, as the format names it."""
    binary_columns: frozenset[str] = frozenset()
    """Wanted columns that the file stores as binary floats; their text is the shortest that reads
    back as the same float."""
    has_byte_order_mark: bool = False
    types: Mapping[str, str] = field(default_factory=dict)
    """Type of each column that has values, where the file says it: only Parquet does."""


@dataclass(frozen=True)
class Bill:
    """A whole delivery, loaded."""

    files: tuple[BillFile, ...]
    rows: pl.DataFrame
    """The wanted columns as text, null where a file has none, plus `file_id`, `file_name` and the
    1-based `source_row`."""
    has_manifest: bool
    copies: int = 0
    """Files that hold the same bytes as another one of the delivery; they count once."""

    @property
    def binary_columns(self) -> frozenset[str]:
        """Wanted columns that any file stores as binary floats."""
        return frozenset[str]().union(*(f.binary_columns for f in self.files))


def load(
    unit: DeliveryUnit,
    wanted: Sequence[str],
    required: Sequence[str],
    kind: str,
    naming: Naming = str,
    dialect: CsvDialect = PLAIN_CSV,
) -> Bill:
    """Load every data file of a delivery as text, proving what its manifest promises.

    Args:
        unit: From `manifest_layout`.
        wanted: Columns to keep; everything else is dropped before anything is held.
        required: Columns without which a file is of another kind.
        kind: What the files should be, for messages: `CUR 2.0`.
        naming: From a file's spelling of a column to the one that `wanted` has.
        dialect: How its CSV files are written.

    Raises:
        SourceError: A file is missing, empty, cut off, of another kind, or not what the manifest
            says.
    """
    manifests = [f for f in unit.files if is_manifest(f)]
    manifest = read_manifest(manifests[0]) if manifests else None
    alone, copies = distinct_files(unit.files)
    files, frames = [], []
    with tempfile.TemporaryDirectory() as folder, connect(temp_dir=Path(folder)) as con:
        for data in manifest.data if manifest else [DataFile(f.name) for f in alone]:
            found = promised(manifests[0] if manifests else None, data, unit)
            bill, rows = _load_file(con, found, wanted, Path(folder), naming, dialect)
            _check_header(bill, required, kind)
            if manifest:
                _check_promise(manifest, data, bill)
            files.append(bill)
            frames.append(rows)
    _check_types(files, manifest)
    return Bill(
        tuple(files),
        pl.concat(frames),
        has_manifest=manifest is not None,
        copies=0 if manifest else len(copies),
    )


def distinct_files(files: Iterable[FoundFile]) -> tuple[list[FoundFile], list[str]]:
    """Files of different content in name order, and the names of the copies."""
    first: dict[str, FoundFile] = {}
    copies = []
    for found in sorted(files, key=lambda f: f.name):
        if found.sha256 in first:
            copies.append(found.name)
        first.setdefault(found.sha256, found)
    return list(first.values()), copies


def _check_types(files: Sequence[BillFile], manifest: Manifest | None) -> None:
    """Refuse a part whose column has another type: whole numbers among doubles may be micros."""
    told: dict[str, tuple[str, str]] = {}
    for file in files:
        for column, kind in sorted(file.types.items()):
            name, expected = told.setdefault(column, (file.found.name, kind))
            if kind != expected:
                raise SourceError(
                    f"{file.found.name}: its column {column} is {kind}, in {name} it is "
                    f"{expected}. Parts of one export have one type per column; export it again."
                )
            if manifest and manifest.is_fraction(column) and kind in _WHOLE:
                raise SourceError(
                    f"{file.found.name}: its column {column} is {kind}, its manifest says "
                    f"{manifest.types[column]}. Fetch manifest and data of the same run."
                )


def _check_header(bill: BillFile, required: Sequence[str], kind: str) -> None:
    missing = [name for name in required if name not in bill.columns]
    if missing:
        raise SourceError(
            f"{bill.found.name}: no {kind} file, it has no column {missing[0]}. "
            f"Export {kind} with this column, and keep other files out of this location."
        )


def _check_promise(manifest: Manifest, data: DataFile, bill: BillFile) -> None:
    name = bill.found.name
    if manifest.columns and set(manifest.columns) != set(bill.columns):
        raise SourceError(
            f"{name}: its columns are not those of the manifest. "
            "Fetch manifest and data of the same run."
        )
    if data.rows is not None and data.rows != bill.row_count:
        raise SourceError(
            f"{name}: holds {bill.row_count} rows, its manifest says {data.rows}. Fetch it again."
        )


def _load_file(
    con: duckdb.DuckDBPyConnection,
    found: FoundFile,
    wanted: Sequence[str],
    temp_dir: Path,
    naming: Naming,
    dialect: CsvDialect,
) -> tuple[BillFile, pl.DataFrame]:
    try:
        if found.name.lower().endswith(".parquet"):
            with _local_copy(found, temp_dir, "bill.parquet") as path:
                return _load_parquet(con.read_parquet(str(path)), found, wanted, naming)
        with _local_copy(found, temp_dir, "bill.csv") as path:
            if found.name.lower().endswith(JSON_SUFFIXES):
                columns, rows = read_json_records(path, found, wanted, naming)
                return BillFile(found, rows.height, columns), _with_lineage(
                    rows, rows.columns, found, wanted
                )
            return _load_csv(con, path, found, wanted, naming, dialect)
    except (duckdb.Error, EOFError, OSError, UnicodeDecodeError, *_DAMAGED) as error:
        raise SourceError(
            f"{found.name}: damaged or cut off ({type(error).__name__}). Fetch it again."
        ) from error


# a zip that is encrypted or packed in an unknown way is a RuntimeError
_DAMAGED = (zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, csv.Error, RuntimeError)


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
    con: duckdb.DuckDBPyConnection,
    path: Path,
    found: FoundFile,
    wanted: Sequence[str],
    naming: Naming,
    dialect: CsvDialect,
) -> tuple[BillFile, pl.DataFrame]:
    with path.open("rb") as raw:
        has_mark = raw.read(3) == b"\xef\xbb\xbf"
    with path.open(encoding="utf-8-sig", newline="") as lines:
        header = csv.reader(
            lines, strict=True, delimiter=dialect.delimiter, quotechar=dialect.quote
        )
        columns = tuple(map(naming, next(header, ())))
    if len(set(columns)) != len(columns) or "" in columns:
        raise SourceError(f"{found.name}: its header is empty or repeats a column. Fetch it again.")
    relation = con.read_csv(
        str(path),
        header=True,
        auto_detect=False,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.quote,
        columns=dict.fromkeys(columns, "VARCHAR"),
        # an empty cell is null, a quoted empty text stays text: the reader counts the difference
        allow_quoted_nulls=False,
        strict_mode=True,
        max_line_size=8 * 1024 * 1024,
    )
    cells = {name: quoted(name) for name in columns}
    rows = _text_rows(relation, cells, found, wanted)
    return BillFile(found, rows.height, columns, has_byte_order_mark=has_mark), rows


def _load_parquet(
    relation: duckdb.DuckDBPyRelation, found: FoundFile, wanted: Sequence[str], naming: Naming
) -> tuple[BillFile, pl.DataFrame]:
    columns = tuple(map(naming, relation.columns))
    cells: dict[str, str] = {}
    binary = set()
    for column, name, type_ in zip(relation.columns, columns, relation.types, strict=True):
        for flat, cell, member_type in nested_cells(quoted(column), name, type_):
            if flat == name or (flat in wanted and flat not in columns):
                cells[flat] = _as_text(cell, member_type)
                if str(member_type) in _BINARY:
                    binary.add(flat)
    rows = _text_rows(relation, cells, found, wanted)
    types = {
        name: str(type_)
        for name, type_ in zip(columns, relation.types, strict=True)
        if name in wanted and type_.id != "null"
    }
    bill = BillFile(found, rows.height, tuple(cells), frozenset(binary & set(wanted)), types=types)
    return bill, rows


def _as_text(cell: str, type_: DuckDBPyType) -> str:
    """The SQL that makes a Parquet value the text a CSV would hold."""
    if type_.id == "null":
        # a column that is never filled; DuckDB 2.0 fails to cast it
        return "cast(null as varchar)"
    if type_.id.startswith("timestamp"):
        return f"strftime({cell}, '%Y-%m-%dT%H:%M:%S.%fZ')"
    if type_.id == "map":
        return f"cast(to_json({cell}) as varchar)"
    if type_.id in ("list", "struct"):
        return json_cell(cell, type_)
    return f"cast({cell} as varchar)"


def _text_rows(
    relation: duckdb.DuckDBPyRelation,
    cells: dict[str, str],
    found: FoundFile,
    wanted: Sequence[str],
) -> pl.DataFrame:
    present = [name for name in wanted if name in cells]
    # a column that is always there keeps the row count of a file with none of the wanted ones
    projected = ", ".join([f"{cells[name]} as {quoted(name)}" for name in present] or ["1"])
    rows = pl.DataFrame(relation.project(projected).to_arrow_table())
    return _with_lineage(rows, present, found, wanted)


def _with_lineage(
    rows: pl.DataFrame, present: Collection[str], found: FoundFile, wanted: Sequence[str]
) -> pl.DataFrame:
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
