"""Facts of one landing to Parquet parts of the lake, one per day."""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import duckdb

from models.facts import CALL_PROFILE, FACTS, Fact
from models.landing import LakePart
from pipelines import durable
from pipelines.lake import Lake

# level 1 is as small as the default here, and takes a fifth less time
_FORMAT = "format parquet, parquet_version v2, compression zstd, compression_level 1"


def write_parts(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    *,
    fact: Fact,
    landing_id: str,
    first_number: int = 0,
) -> Iterator[LakePart]:
    """Write the relation `facts`, which has the columns of the fact's contract, day by day.

    Rows are ordered by file and position, so equal input makes equal parts. Yields each part once
    it is durable; it does not count before the landing is committed.
    """
    days = con.execute(
        "select charge_date, count(*) from facts group by charge_date order by charge_date"
    ).fetchall()
    for number, (day, rows) in enumerate(days, start=first_number):
        path = lake.part_path(fact, day, landing_id, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        prepared = durable.temporary(path)
        con.execute(
            f"copy (select {_columns(fact)} from facts where charge_date = $day"  # noqa: S608 - contract names
            f" order by file_id, source_row) to $path ({_FORMAT})",
            {"day": day, "path": str(prepared)},
        )
        durable.replace(prepared, path)
        relative = path.relative_to(lake.root).as_posix()
        yield LakePart(
            fact=fact,
            charge_date=day,
            path=relative,
            rows=rows,
            sha256=_sha256(path),
            shape=shape_of(fact),
        )


@cache
def shape_of(fact: Fact) -> str:
    """Short hash of the columns that a fact is written with now."""
    return hashlib.sha256(_columns(fact).encode()).hexdigest()[:12]


def _columns(fact: Fact) -> str:
    columns = [f"cast({c.name} as {c.type}) as {c.name}" for c in FACTS[fact]]
    if fact == Fact.CALLS:
        columns.append(f"hash({', '.join(CALL_PROFILE)}) as profile_key")
    return ", ".join(columns)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
