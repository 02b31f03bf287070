"""Small things every writer shares: files, exact numbers as text, grouped rows."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from isal import igzip

LEVEL = 2
"""gzip level of every file: fast, and about the size of level 4 of zlib."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Exact:
    """A JSON number written with all its decimals."""

    value: Decimal


def dollars(picos: int) -> Decimal:
    """Pico-dollars as dollars, all twelve decimals."""
    return Decimal(picos).scaleb(-12)


def json_text(value: object) -> str:
    """JSON with exact decimals: `json` would make floats of them."""
    exact: list[str] = []

    def keep(number: object) -> str:
        if not isinstance(number, Exact):
            raise TypeError(type(number).__name__)
        exact.append(f"{number.value:f}")
        return f"@{len(exact) - 1}@"

    text = json.dumps(value, default=keep, indent=1)
    for position, number in enumerate(exact):
        text = text.replace(f'"@{position}@"', number, 1)
    return text + "\n"


def write(path: Path, content: bytes) -> None:
    """Write a file, its folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def pack(content: bytes, level: int = LEVEL) -> bytes:
    """Gzip without name or time, so that equal content gives equal bytes."""
    packed: bytes = igzip.compress(content, level, mtime=0)
    return packed


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a CSV file with plain line ends; a missing cell is blank."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write(path, text.getvalue().encode("utf-8"))


def rows_of(billed: pl.DataFrame, keys: Sequence[str]) -> Rows:
    """Quantity, cost and requests of the bill, added up by `keys` and sorted by them."""
    sums = pl.col("quantity").sum(), pl.col("cost_picos").sum(), pl.col("requests").sum()
    return billed.group_by(keys).agg(*sums).sort(keys, nulls_last=True).to_dicts()


def plain_table(frame: pl.DataFrame) -> pa.Table:
    """Arrow with ordinary strings, as every reader takes them."""
    table = frame.to_arrow()

    def plain(field: pa.Field) -> pa.Field:
        is_text = pa.types.is_large_string(field.type) or pa.types.is_string_view(field.type)
        return pa.field(field.name, pa.string() if is_text else field.type)

    return table.cast(pa.schema([plain(field) for field in table.schema]))


def write_parquet(path: Path, frame: pl.DataFrame) -> None:
    """Write a whole table."""
    pq.write_table(plain_table(frame), path, compression="zstd")


def money(column: str) -> pl.Expr:
    """Whole pico-dollars as dollars: the same digits, with the point moved."""
    scaled = pl.col(column).cast(pl.Decimal(38, 0)) * pl.lit(Decimal("0.000000000001"))
    return scaled.cast(pl.Decimal(18, 12))
