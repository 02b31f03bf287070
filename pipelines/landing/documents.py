"""Deliveries of small files into the lake: read whole, checked against the contract, committed."""

import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from models.landing import LakePart, Landed, LandedFile, Scope
from pipelines.duck import connect
from pipelines.lake import Lake
from pipelines.landing.dates import without_misdated
from pipelines.landing.identity import id_of_landing
from pipelines.landing.parquet_pages import is_parquet, verify_pages
from pipelines.landing.parts import write_parts
from pipelines.landing.privacy import presentable
from pipelines.landing.result import FileRefusedError, LandingDefectError
from pipelines.sources.base import DeliveryUnit, ReadContext, Reading, SourceError

Reader = Callable[[DeliveryUnit, ReadContext], Reading]

_UNREADABLE = (
    ValueError,
    ArithmeticError,
    OSError,
    EOFError,
    RecursionError,
    zlib.error,
    duckdb.Error,
    pl.exceptions.PolarsError,
    pa.ArrowException,
)


def land_document(unit: DeliveryUnit, read: Reader, context: ReadContext, lake: Lake) -> Landed:
    """Read one delivery and write its parts; it counts once its record is committed.

    Raises:
        FileRefusedError: The delivery cannot be read, and nothing of it landed.
        LandingDefectError: The reader broke its contract: a defect of everycent.
    """
    for file in filter(lambda file: is_parquet(file.name), unit.files):
        verify_pages(file)
    try:
        reading = read(unit, context)
    except SourceError as error:
        raise FileRefusedError("not_whole", str(error), "") from error
    except _UNREADABLE as error:
        # the text of such an error may hold content
        raise FileRefusedError(
            "unreadable", f"reading it ended in {type(error).__name__}", "Deliver it again"
        ) from None
    checked = {fact: _checked(fact, table) for fact, table in reading.facts.items()}
    dated, misdated = without_misdated(checked, unit.files, context)
    reading = replace(reading, rejected=(*reading.rejected, *misdated))
    facts = presentable(dated, context.pseudonym)
    settings = context.settings
    hashes = [file.sha256 for file in unit.files]
    landing_id = id_of_landing(context, [unit.delivery, *hashes])
    return Landed(
        landing_id=landing_id,
        source=settings.source,
        kind=settings.kind,
        files=_files(unit, context, reading, facts),
        parts=_parts(lake, landing_id, facts),
        scopes=_scopes(unit, reading, facts),
        quarantine=tuple(reading.rejected),
        counters=dict(sorted(reading.counters.items())),
        amounts=_amounts(facts[Fact.CHARGES]) if Fact.CHARGES in facts else {},
    )


def _checked(fact: Fact, table: pa.Table) -> pa.Table:
    """The table, if it keeps its contract: columns, types, order, and no null where none may be."""
    schema = arrow_schema(FACTS[fact])
    if table.schema.names != schema.names or table.schema.types != schema.types:
        raise LandingDefectError(f"{fact}: the reader's columns are not the contract's")
    for column in schema:
        if not column.nullable and table[column.name].null_count:
            raise LandingDefectError(f"{fact}.{column.name}: the reader left it empty")
    return table


def _files(
    unit: DeliveryUnit, context: ReadContext, reading: Reading, facts: Mapping[Fact, pa.Table]
) -> tuple[LandedFile, ...]:
    """What became of each file's records; every record read must be accounted for."""
    records: set[tuple[str, int]] = set()
    for table in facts.values():
        keys = table.select(["file_id", "source_row"])
        records.update(zip(*(column.to_pylist() for column in keys.columns), strict=True))
    accepted = Counter(file_id for file_id, _ in records)
    rejected = Counter(row.file_id for row in reading.rejected)
    files = []
    for file in unit.files:
        landed = LandedFile(
            file_id=file.file_id,
            sha256=file.sha256,
            size=file.size,
            name=file.name,
            rows_read=reading.rows_read.get(file.name, 0),
            rows_accepted=accepted[file.file_id],
            rows_empty=reading.rows_empty.get(file.name, 0),
            rows_quarantined=rejected[file.file_id],
            read_as=context.read_as,
        )
        kept = landed.rows_accepted + landed.rows_empty + landed.rows_quarantined
        if landed.rows_read != kept:
            raise LandingDefectError(
                f"{file.name}: {landed.rows_read} records read, {kept} accounted for"
            )
        files.append(landed)
    return tuple(files)


def _parts(lake: Lake, landing_id: str, facts: Mapping[Fact, pa.Table]) -> tuple[LakePart, ...]:
    parts: list[LakePart] = []
    with connect() as con:
        for fact, table in facts.items():
            con.register("facts", table)
            parts += write_parts(con, lake, fact=fact, landing_id=landing_id)
            con.unregister("facts")
    return tuple(parts)


def _scopes(
    unit: DeliveryUnit, reading: Reading, facts: Mapping[Fact, pa.Table]
) -> tuple[Scope, ...]:
    scopes = []
    for fact, names in reading.scopes.items():
        table = facts.get(fact)
        for name in sorted(set(names)):
            rows = table.filter(pc.equal(table["scope"], name)) if table else None
            days = sorted(pc.unique(rows["charge_date"]).to_pylist()) if rows else []
            scopes.append(
                Scope(
                    fact=fact,
                    scope=name,
                    delivery=unit.delivery,
                    days=tuple(days),
                    rows=rows.num_rows if rows else 0,
                    amounts=_amounts(rows) if rows and fact is Fact.CHARGES else {},
                    tells=_told(rows) if rows else (),
                )
            )
    return tuple(scopes)


_DIMENSIONS = (
    "sub_account_id", "api_key_id", "resource_id", "region_id", "model_text", "meter",
    "service_tier", "inference_geo", "tags",
)  # fmt: skip
"""By which a report may be cut; without one of them it is a coarser report."""


def _told(rows: pa.Table) -> tuple[str, ...]:
    names = [name for name in _DIMENSIONS if name in rows.schema.names]
    return tuple(name for name in names if rows[name].null_count < rows.num_rows)


def _amounts(charges: pa.Table) -> dict[str, str]:
    sums = charges.group_by("billing_currency").aggregate([("billed_cost", "sum")])
    rows = sums.sort_by("billing_currency").to_pylist()
    return {row["billing_currency"]: str(row["billed_cost_sum"]) for row in rows}
