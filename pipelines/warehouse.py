"""The computed public tables as Parquet: one file per table and partition, equal bytes each time.

A part exists when the index lists it, and not before. File names carry the content's hash, so a
crash between two writes leaves the index pointing at whole files, and old ones are cleaned later.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from pydantic import Field

from models.record import Record
from models.settings import ID_PATTERN
from pipelines import durable
from pipelines.control_totals import Sums, columns_of, sha256_of, totals_by_file
from pipelines.quoting import identifier

ROW_GROUP_SIZE = 122_880
_SYNCS = 16
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)
# what Parquet and older DuckDB clients hold without loss; binary floats and HUGEINT are not here
_STORABLE = re.compile(
    r"VARCHAR|BOOLEAN|DATE|TIMESTAMP WITH TIME ZONE|U?(BIG|SMALL|TINY)?INT(EGER)?|DECIMAL\(.+\)"
)


class WarehouseError(Exception):
    """A computed table that cannot be stored exactly. The text names table, column and rule."""


class WarehouseDamagedError(Exception):
    """A stored table is gone, or not what was computed: nothing may be computed from it."""


class WarehousePart(Record):
    """One stored Parquet file: a table's rows of one partition."""

    table: str
    partition: str
    """`YYYY-MM-DD` by charge_date, `YYYY-MM` by billing_period, or `all`."""
    path: str
    """Relative to the warehouse's root."""
    rows: int
    bytes: int
    sha256: str
    shape: str
    """Short hash of column names and types: parts of one table must agree."""
    sums: Sums


class Index(Record):
    """What the warehouse holds. Written whole, last."""

    fingerprints: dict[str, str] = Field(default_factory=dict)
    """Fingerprint of the inputs each day (or period) was computed from."""
    parts: tuple[WarehousePart, ...] = ()


class Warehouse:
    """The stored tables below one directory. One writer at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._index_path = root / "index.json"
        self._sound: set[str] = set()

    def index(self) -> Index:
        """What is stored now; empty before the first commit."""
        if not self._index_path.exists():
            return Index()
        return Index.model_validate_json(self._index_path.read_bytes())

    def fingerprints(self) -> dict[str, str]:
        """Input fingerprint of each committed day or period."""
        return dict(self.index().fingerprints)

    def paths(self, table: str) -> list[Path]:
        """The committed files of a table, by partition.

        Raises:
            WarehouseDamagedError: One of them is gone, or a byte of it changed.
        """
        return [self.sound(part) for part in self.index().parts if part.table == table]

    def sound(self, part: WarehousePart) -> Path:
        """Where a part is, once its bytes are known to be those that were written.

        Read once per warehouse that is opened, however often it is asked for.

        Raises:
            WarehouseDamagedError: It is gone, or a byte of it changed.
        """
        path = self.root / part.path
        if part.path not in self._sound:
            if not path.is_file() or sha256_of(path) != part.sha256:
                raise WarehouseDamagedError(
                    f"The stored table {part.path} is not what was computed: a byte of it changed, "
                    "or it is gone. Nothing of this run counts. Restore it from a backup, or "
                    f"remove the folder {self.root.parent.name}/{self.root.name} and run again: "
                    "all of it is computed from what has landed."
                )
            self._sound.add(part.path)
        return path

    def write(
        self,
        con: duckdb.DuckDBPyConnection,
        table: str,
        partition: str,
        relation: str,
        order_by: Sequence[str],
    ) -> WarehousePart:
        """Store one partition of a computed table: see `write_all`."""
        return self.write_all(con, table, [partition], relation, order_by)[0]

    def write_all(
        self,
        con: duckdb.DuckDBPyConnection,
        table: str,
        partitions: Sequence[str],
        relation: str,
        order_by: Sequence[str],
    ) -> list[WarehousePart]:
        """Store partitions of a computed table. They count once `commit` lists them.

        Args:
            con: Session in which the table was computed.
            table: Name it is stored under.
            partitions: All of one form. `YYYY-MM-DD` keeps rows of that charge_date, `YYYY-MM` of
                that billing_period, `all` keeps every row. Other rows are left out.
            relation: Table or view in `con`.
            order_by: The table's keys: unique in a partition, so that they order it totally. All
                columns if empty.

        Returns:
            One part per partition, in the order given; one without rows is a part like any other.

        Raises:
            WarehouseError: A column of a type that would lose digits, a name that is not safe as
                a path, or keys that are not unique.
        """
        if not re.fullmatch(ID_PATTERN, table):
            raise WarehouseError(f"{table!r}: not a table name that can be a directory")
        columns = columns_of(con, identifier(relation))
        refuse_lossy_types(table, columns)
        bounds = [_bound(table, partition) for partition in partitions]
        _refuse_repeated_keys(con, table, relation, {column for column, _ in bounds}, order_by)

        folder = self.root / table
        folder.mkdir(parents=True, exist_ok=True)
        order = ", ".join(f"{identifier(key)} asc nulls last" for key in order_by or columns)
        stored = [
            _store(con, folder, partition, _rows_of(relation, column), first_day, order)
            for partition, (column, first_day) in zip(partitions, bounds, strict=True)
        ]
        totals = totals_by_file(con, [path for path, _ in stored], columns)
        shape = hashlib.sha256(repr(list(columns.items())).encode()).hexdigest()[:16]
        return [
            WarehousePart(
                table=table,
                partition=partition,
                path=path.relative_to(self.root).as_posix(),
                rows=rows,
                bytes=path.stat().st_size,
                sha256=digest,
                shape=shape,
                sums=sums,
            )
            for partition, (path, digest) in zip(partitions, stored, strict=True)
            for rows, sums in [totals[path]]
        ]

    def commit(self, day_fingerprints: Mapping[str, str], parts: Iterable[WarehousePart]) -> Index:
        """Make written parts count, replacing those of the same table and partition.

        Everything happens in one atomic write of the index; files it no longer lists are then
        removed (published versions keep their own links to them).

        Args:
            day_fingerprints: Input fingerprint by day or period that was recomputed.
            parts: What `write` returned.

        Raises:
            WarehouseError: A part is gone, because another run committed and cleaned up meanwhile.
        """
        parts = list(parts)
        before = self.index()
        kept = {(part.table, part.partition): part for part in before.parts}
        kept |= {(part.table, part.partition): part for part in parts}
        fingerprints = {**before.fingerprints, **day_fingerprints}
        after = Index(
            fingerprints=dict(sorted(fingerprints.items())),
            parts=tuple(kept[key] for key in sorted(kept)),
        )
        durable.step("store parts")
        paths = {self.root / part.path for part in parts}
        if missing := sorted(path.name for path in paths if not path.exists()):
            raise WarehouseError(
                f"{missing[0]} was written and is gone: another run committed meanwhile. "
                "Nothing of this run counts; run again, one at a time"
            )
        # side by side, because the file system then writes them in one go
        with ThreadPoolExecutor(_SYNCS) as pool:
            list(pool.map(durable.sync, sorted(paths | {path.parent for path in paths})))
        durable.write_bytes(self._index_path, after.model_dump_json(indent=1).encode() + b"\n")
        self._clean(after)
        return after

    def _clean(self, index: Index) -> None:
        listed = {self.root / part.path for part in index.parts}
        for path in sorted(self.root.glob("*/*")):
            if path not in listed:
                path.unlink()


def refuse_lossy_types(table: str, columns: Mapping[str, str]) -> None:
    """Refuse columns that Parquet or an older DuckDB client would not hold exactly.

    Raises:
        WarehouseError: A binary float, HUGEINT (which Parquet stores as DOUBLE) or nested column.
    """
    for name, kind in columns.items():
        if not _STORABLE.fullmatch(kind):
            raise WarehouseError(
                f"{table}.{name} is {kind}, which cannot be stored exactly: "
                "cast it to bigint, decimal or text in the table's SQL file"
            )


def _bound(table: str, partition: str) -> tuple[str | None, str | None]:
    """The date column a partition is cut by, and its value: both null for `all`."""
    if partition == "all":
        return None, None
    if _DAY.fullmatch(partition):
        return "charge_date", partition
    if _MONTH.fullmatch(partition):
        return "billing_period", f"{partition}-01"
    raise WarehouseError(f"{table}: {partition!r} is not YYYY-MM-DD, YYYY-MM or all")


def _rows_of(relation: str, column: str | None) -> str:
    if column is None:
        return identifier(relation)
    return f"(from {identifier(relation)} where {column} = cast($first_day as date))"


def _refuse_repeated_keys(
    con: duckdb.DuckDBPyConnection,
    table: str,
    relation: str,
    columns: set[str | None],
    keys: Sequence[str],
) -> None:
    """Refuse rows that the keys do not tell apart inside a partition."""
    if not keys:
        return
    grouped = ", ".join(identifier(name) for name in sorted({*keys, *filter(None, columns)}))
    repeated = con.execute(
        f"select 1 from {identifier(relation)} "  # noqa: S608
        f"group by {grouped} having count(*) > 1 limit 1"
    ).fetchone()
    if repeated:
        raise WarehouseError(
            f"{table}: the keys ({', '.join(keys)}) are not unique, so the rows have no fixed "
            "order: complete `keys` in the header, or fix the join that repeats rows"
        )


def _store(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    partition: str,
    rows: str,
    first_day: str | None,
    order: str,
) -> tuple[Path, str]:
    """Write one file under the name of its content; durable only once `commit` has synced it."""
    prepared = durable.temporary(folder / f"{partition}.parquet")
    query = con.sql(
        f"select * from {rows} order by {order}",  # noqa: S608
        params={"first_day": first_day} if first_day else {},
    )
    # DuckDB's own writer encodes equal rows differently, depending on what they were computed with
    rows_in_order = query.to_arrow_reader(ROW_GROUP_SIZE)
    with pq.ParquetWriter(
        prepared,
        rows_in_order.schema,
        compression="zstd",
        write_page_checksum=True,
        store_schema=False,
    ) as writer:
        for row_group in rows_in_order:
            writer.write_batch(row_group, ROW_GROUP_SIZE)
    digest = sha256_of(prepared)
    path = folder / f"{partition}.{digest[:16]}.parquet"
    prepared.replace(path)
    return path, digest
