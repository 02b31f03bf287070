"""The computed public tables as Parquet: one file per table and partition, equal bytes each time.

A part exists when the index lists it, and not before. File names carry the content's hash, so a
crash between two writes leaves the index pointing at whole files, and old ones are cleaned later.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from pathlib import Path

import duckdb
from pydantic import Field

from models.money import MONEY_CONTEXT
from models.record import Record
from models.settings import ID_PATTERN
from pipelines import durable
from pipelines.quoting import identifier

ROW_GROUP_SIZE = 122_880
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)
# what Parquet and older DuckDB clients hold without loss; binary floats and HUGEINT are not here
_STORABLE = re.compile(
    r"VARCHAR|BOOLEAN|DATE|TIMESTAMP WITH TIME ZONE|U?(BIG|SMALL|TINY)?INT(EGER)?|DECIMAL\(.+\)"
)


class WarehouseError(Exception):
    """A computed table that cannot be stored exactly. The text names table, column and rule."""


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
    sums: dict[str, str | None]
    """Exact sum of each decimal column, as text; null when every value is null."""


class Index(Record):
    """What the warehouse holds. Written whole, last."""

    fingerprints: dict[str, str] = Field(default_factory=dict)
    """Fingerprint of the inputs each day (or period) was computed from."""
    parts: tuple[WarehousePart, ...] = ()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as it is on disk now, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def control_totals(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Mapping[str, str],
    bound: Mapping[str, str | list[str]] | None = None,
) -> tuple[int, dict[str, str | None]]:
    """Rows of a relation, and the exact sum of each of its decimal columns.

    Args:
        con: Where the relation is.
        relation: SQL of it, already quoted.
        columns: DuckDB type by column name.
        bound: Values the relation binds.
    """
    decimals = [name for name, kind in columns.items() if kind.startswith("DECIMAL")]
    sums = "".join(f", sum({identifier(name)})" for name in decimals)
    row = con.execute(f"select count(*){sums} from {relation}", bound).fetchone()  # noqa: S608
    assert row is not None  # noqa: S101
    return row[0], {n: as_text(v) for n, v in zip(decimals, row[1:], strict=True)}


def as_text(amount: Decimal | None) -> str | None:
    """An exact sum as plain text, without exponent or trailing zeros."""
    if amount is None:
        return None
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def add_sums(sums: Iterable[Mapping[str, str | None]]) -> dict[str, str | None]:
    """Add the control sums of several parts; null where no part has a value."""
    totals: dict[str, Decimal | None] = {}
    with localcontext(MONEY_CONTEXT):
        for each in sums:
            for name, text in each.items():
                before = totals.setdefault(name, None)
                if text is not None:
                    totals[name] = (before or Decimal(0)) + Decimal(text)
    return {name: as_text(total) for name, total in totals.items()}


def columns_of(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """DuckDB type by column name, in column order. `relation` is SQL, already quoted."""
    rows = con.execute(f"describe select * from {relation}").fetchall()  # noqa: S608
    return {row[0]: row[1] for row in rows}


class Warehouse:
    """The stored tables below one directory. One writer at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._index_path = root / "index.json"

    def index(self) -> Index:
        """What is stored now; empty before the first commit."""
        if not self._index_path.exists():
            return Index()
        return Index.model_validate_json(self._index_path.read_bytes())

    def fingerprints(self) -> dict[str, str]:
        """Input fingerprint of each committed day or period."""
        return dict(self.index().fingerprints)

    def paths(self, table: str) -> list[Path]:
        """The committed files of a table, by partition."""
        return [self.root / part.path for part in self.index().parts if part.table == table]

    def write(
        self,
        con: duckdb.DuckDBPyConnection,
        table: str,
        partition: str,
        relation: str,
        order_by: Sequence[str],
    ) -> WarehousePart:
        """Store one partition of a computed table. It counts once `commit` lists it.

        Args:
            con: Session in which the table was computed.
            table: Name it is stored under.
            partition: `YYYY-MM-DD` keeps rows of that charge_date, `YYYY-MM` of that
                billing_period, `all` keeps every row.
            relation: Table or view in `con`.
            order_by: The table's keys: unique, so that they order it totally. All columns if empty.

        Raises:
            WarehouseError: A column of a type that would lose digits, a name that is not safe as
                a path, or keys that are not unique.
        """
        if not re.fullmatch(ID_PATTERN, table):
            raise WarehouseError(f"{table!r}: not a table name that can be a directory")
        columns = columns_of(con, identifier(relation))
        refuse_lossy_types(table, columns)
        source, bound = _partition_rows(table, partition, relation)
        keys = [identifier(key) for key in order_by or columns]
        if order_by:
            _refuse_repeated_keys(con, f"{table} {partition}", source, bound, keys)

        folder = self.root / table
        folder.mkdir(parents=True, exist_ok=True)
        temp = durable.temporary(folder / f"{partition}.parquet")
        order = ", ".join(f"{key} asc nulls last" for key in keys)
        con.execute(
            f"copy (select * from {source} order by {order}) to $path "  # noqa: S608
            f"(format parquet, compression zstd, row_group_size {ROW_GROUP_SIZE})",
            {**bound, "path": str(temp)},
        )
        digest = sha256_of(temp)
        path = folder / f"{partition}.{digest[:16]}.parquet"
        size = temp.stat().st_size
        durable.replace(temp, path)
        rows, sums = control_totals(con, "read_parquet($path)", columns, {"path": str(path)})
        return WarehousePart(
            table=table,
            partition=partition,
            path=path.relative_to(self.root).as_posix(),
            rows=rows,
            bytes=size,
            sha256=digest,
            shape=hashlib.sha256(repr(list(columns.items())).encode()).hexdigest()[:16],
            sums=sums,
        )

    def commit(self, day_fingerprints: Mapping[str, str], parts: Iterable[WarehousePart]) -> Index:
        """Make written parts count, replacing those of the same table and partition.

        Everything happens in one atomic write of the index; files it no longer lists are then
        removed (published versions keep their own links to them).

        Args:
            day_fingerprints: Input fingerprint by day or period that was recomputed.
            parts: What `write` returned.
        """
        before = self.index()
        kept = {(part.table, part.partition): part for part in before.parts}
        kept |= {(part.table, part.partition): part for part in parts}
        fingerprints = {**before.fingerprints, **day_fingerprints}
        after = Index(
            fingerprints=dict(sorted(fingerprints.items())),
            parts=tuple(kept[key] for key in sorted(kept)),
        )
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


def _partition_rows(table: str, partition: str, relation: str) -> tuple[str, dict[str, str]]:
    """The relation's rows of one partition as SQL, and the values it binds."""
    if partition == "all":
        return identifier(relation), {}
    if _DAY.fullmatch(partition):
        column, first_day = "charge_date", partition
    elif _MONTH.fullmatch(partition):
        column, first_day = "billing_period", f"{partition}-01"
    else:
        raise WarehouseError(f"{table}: {partition!r} is not YYYY-MM-DD, YYYY-MM or all")
    rows = f"(from {identifier(relation)} where {column} = cast($first_day as date))"
    return rows, {"first_day": first_day}


def _refuse_repeated_keys(
    con: duckdb.DuckDBPyConnection,
    where: str,
    source: str,
    bound: Mapping[str, str],
    keys: Sequence[str],
) -> None:
    listed = ", ".join(keys)
    repeated = con.execute(
        f"select 1 from {source} group by {listed} having count(*) > 1 limit 1",  # noqa: S608
        dict(bound),
    ).fetchone()
    if repeated:
        raise WarehouseError(
            f"{where}: the keys ({listed}) are not unique, so the rows have no fixed order: "
            "complete `keys` in the header, or fix the join that repeats rows"
        )
