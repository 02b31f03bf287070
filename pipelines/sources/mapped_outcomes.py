"""Mapped outcomes: each row is held to the rules of every outcome."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import polars as pl
import pyarrow as pa

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from models.landing import Rejected
from models.mapping import FeedMapping
from pipelines.sources.base import ReadContext, Reading
from pipelines.sources.bill_files import Bill
from pipelines.sources.cells import RowError
from pipelines.sources.mapped_cells import NEXT, UNMAPPED, VALUE, number
from pipelines.sources.mapped_expressions import Expression
from pipelines.sources.mapped_targets import SHAPES, Compiled
from pipelines.sources.outcome_records import ACTIONS, outcome

_MONEY_SCALE = 18


def read_outcomes(bill: Bill, rows: pl.DataFrame, made: Compiled, context: ReadContext) -> Reading:
    """Turn the rows of one file into outcomes.

    Args:
        bill: What was loaded.
        rows: What the expressions yield.
        made: The expressions.
        context: Settings and pseudonyms.
    """
    found: list[dict[str, object]] = []
    rejected = []
    for row in rows.iter_rows(named=True):
        lineage = {"file_id": row["file_id"], "source_row": row["source_row"]}
        try:
            values = dict(_values(row, made, context))
            values.setdefault(
                "event_id", f"mapped {values['outcome_id']} {values.get('revision') or 0}"
            )
            kept = outcome(values, context.pseudonym)
        except RowError as error:
            rejected.append(
                Rejected(
                    **lineage,
                    file_name=row["file_name"],
                    rule=error.rule,
                    column=error.column,
                    next_action={**ACTIONS, **NEXT}[error.rule],
                    shape=error.shape,
                )
            )
            continue
        found.append({"source": context.settings.source, **lineage, **kept})
    table = pa.Table.from_pylist(found, schema=arrow_schema(FACTS[Fact.OUTCOMES]))
    rows_read = {file.found.name: file.row_count for file in bill.files}
    return Reading({Fact.OUTCOMES: table}, rows_read, rejected=rejected)


def _values(
    row: Mapping[str, object], made: Compiled, context: ReadContext
) -> Iterator[tuple[str, object]]:
    """One row in the columns of the plain form of outcomes."""
    for name, expression in made.columns.items():
        shape, value = SHAPES[Fact.OUTCOMES][name], row[name]
        if row.get(name + UNMAPPED):
            raise RowError("unmapped_value", name)
        if shape == "instant":
            yield name, _instant(row, name)
        elif shape == "number":
            yield name, _number(value, name, expression, context.settings.mapping)
        elif expression.is_person and value is not None and shape != "person":
            yield name, context.pseudonym(str(value))
        else:
            yield name, value


def _instant(row: Mapping[str, object], name: str) -> str | None:
    instant = row[name + VALUE]
    if row[name] is not None and not isinstance(instant, datetime):
        raise RowError("time_form", name, row[name])
    return instant.isoformat() if isinstance(instant, datetime) else None


def _number(
    value: object, name: str, expression: Expression, mapping: FeedMapping | None
) -> str | None:
    """A number as plain text; a count keeps the rule of its own."""
    if value is None or mapping is None:
        return None
    found, _ = number(str(value), expression, _MONEY_SCALE, mapping)
    if found is None:
        raise RowError("number_form", name, value)
    return f"{found.normalize():f}"
