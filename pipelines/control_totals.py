"""What a table adds up to: rows and exact sums, taken from what is stored and compared as text."""

import glob
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from pathlib import Path

import duckdb

from models.money import MONEY_CONTEXT
from pipelines.quoting import identifier

Sums = dict[str, str | None]
"""Exact sum of each decimal column, as text; null when every value is null."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as it is on disk now, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def control_totals(
    con: duckdb.DuckDBPyConnection, relation: str, columns: Mapping[str, str]
) -> tuple[int, Sums]:
    """Rows of a relation, and the exact sum of each of its decimal columns.

    Args:
        con: Where the relation is.
        relation: SQL of it, already quoted.
        columns: DuckDB type by column name.
    """
    decimals = _decimals(columns)
    sums = "".join(f", sum({identifier(name)})" for name in decimals)
    row = con.execute(f"select count(*){sums} from {relation}").fetchone()  # noqa: S608
    assert row is not None  # noqa: S101
    return row[0], {n: as_text(v) for n, v in zip(decimals, row[1:], strict=True)}


def as_text(amount: Decimal | None) -> str | None:
    """An exact sum as plain text, without exponent or trailing zeros."""
    if amount is None:
        return None
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def add_sums(sums: Iterable[Sums]) -> Sums:
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


def totals_by_file(
    con: duckdb.DuckDBPyConnection, paths: Sequence[Path], columns: Mapping[str, str]
) -> dict[Path, tuple[int, Sums]]:
    """Control totals of stored files, read back from what is on disk."""
    decimals = _decimals(columns)
    sums = "".join(f", sum({identifier(name)})" for name in decimals)
    rows = con.execute(
        f"select stored_path, count(*){sums} "  # noqa: S608
        "from read_parquet($paths, filename = 'stored_path', hive_partitioning = false) "
        "group by stored_path",
        {"paths": [glob.escape(str(path)) for path in paths]},
    ).fetchall()
    none: tuple[int, Sums] = (0, dict.fromkeys(decimals))
    found = {
        Path(path): (count, {n: as_text(v) for n, v in zip(decimals, values, strict=True)})
        for path, count, *values in rows
    }
    if not found.keys() <= set(paths):
        raise RuntimeError("stored files were read back under other names than they were written")
    return {path: found.get(path, none) for path in paths}


def _decimals(columns: Mapping[str, str]) -> list[str]:
    return [name for name, kind in columns.items() if kind.startswith("DECIMAL")]
