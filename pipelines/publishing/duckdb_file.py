"""The DuckDB file analysts open: every public table, with its dictionary as comments.

Built beside the Parquet files it is made from, and audited against them through a fresh read-only
connection. Its own bytes differ between identical builds, so only its content is compared.
"""

import glob
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import duckdb

from models.record import Record
from pipelines import duck, durable
from pipelines.control_totals import columns_of, control_totals
from pipelines.publishing.errors import PublishError
from pipelines.quoting import identifier, literal
from pipelines.transforms import Transform

FILE_NAME = "marts.duckdb"
STORAGE_VERSION = "v1.5.0"
"""Oldest DuckDB that can open the file; the default of 2.0 shuts every 1.x client out."""

Audit = Callable[[duckdb.DuckDBPyConnection], Sequence[str]]
"""Looks at the finished file, read-only, and returns what is wrong, one sentence each."""


class PublishedTable(Record):
    """One public table as published: what the file must hold, to the last digit."""

    table: str
    kind: Literal["table", "view"]
    rows: int
    sums: dict[str, str | None]


def build(
    folder: Path,
    tables: Sequence[PublishedTable],
    paths: Mapping[str, Sequence[Path]],
    transforms: Mapping[str, Transform],
) -> Path:
    """Write the file into a version's folder.

    Args:
        folder: The version. Views keep its absolute path, so it must not move later.
        tables: What to put in; a view reads the Parquet files where they are.
        paths: Parquet files by table, in partition order.
        transforms: Headers by table, which become comments.

    Raises:
        PublishError: A table cannot be built. The text names it.
    """
    path = folder / FILE_NAME
    prepared = durable.temporary(path)
    with duck.connect() as con:
        con.execute(
            f"attach $path as marts (storage_version '{STORAGE_VERSION}')", {"path": str(prepared)}
        )
        for table in tables:
            try:
                _create(con, table, paths[table.table])
                _comment(con, table, transforms[table.table])
            except duckdb.Error as error:
                raise PublishError(f"{FILE_NAME}: {table.table}: {error}") from error
        con.execute("checkpoint marts")
        con.execute("detach marts")
    if prepared.with_name(f"{prepared.name}.wal").exists():
        raise PublishError(f"{FILE_NAME}: a .wal file is left beside it, so rows are not in it yet")
    durable.replace(prepared, path)
    return path


def audit(path: Path, tables: Sequence[PublishedTable], audits: Sequence[Audit] = ()) -> None:
    """Open the file as an analyst would, and compare it with what it was built from.

    Raises:
        PublishError: Rows or an exact sum of a table differ, or one of `audits` objects.
    """
    with duck.connect(path, read_only=True) as con:
        for table in tables:
            name = identifier(table.table)
            rows, sums = control_totals(con, name, columns_of(con, name))
            if rows != table.rows or sums != table.sums:
                raise PublishError(
                    f"{FILE_NAME}: {table.table} holds {rows} rows with sums {sums}; its Parquet "
                    f"files hold {table.rows} rows with sums {table.sums}"
                )
        problems = [problem for check in audits for problem in check(con)]
    if problems:
        raise PublishError("\n".join(problems))


def _target(table: PublishedTable) -> str:
    return f"marts.main.{identifier(table.table)}"


def _create(con: duckdb.DuckDBPyConnection, table: PublishedTable, paths: Sequence[Path]) -> None:
    names = [glob.escape(str(path)) for path in paths]
    if table.kind == "table":
        con.execute(
            f"create table {_target(table)} as "  # noqa: S608
            "select * from read_parquet($paths, hive_partitioning = false)",
            {"paths": names},
        )
        return
    listed = ", ".join(literal(name) for name in names)
    con.execute(
        f"create view {_target(table)} as "  # noqa: S608
        f"select * from read_parquet([{listed}], hive_partitioning = false)"
    )


def _comment(con: duckdb.DuckDBPyConnection, table: PublishedTable, header: Transform) -> None:
    unknown = set(header.columns) - set(columns_of(con, _target(table)))
    if unknown:
        raise PublishError(
            f"{table.table}: its header describes {', '.join(sorted(unknown))}, "
            "which the query does not return"
        )
    words = f"{header.description.strip()}\nGrain: {header.grain.strip()}."
    con.execute("begin transaction")
    con.execute(f"comment on {table.kind} {_target(table)} is {literal(words)}")
    for name, text in header.columns.items():
        con.execute(
            f"comment on column {_target(table)}.{identifier(name)} is {literal(text.strip())}"
        )
    con.execute("commit")
