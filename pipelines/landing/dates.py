"""Times that cannot be: a call dated after its file arrived, or before there were any such calls.

Nothing here looks at the clock: a file's arrival is what the file system says of it.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from models.facts import Fact
from models.landing import Rejected
from pipelines.sources.base import FoundFile, ReadContext

EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
"""No AI model was sold by the call before."""

AFTER_ARRIVAL = "after_arrival"
TOO_EARLY = "too_early"
RULES = {
    AFTER_ARRIVAL: "Check the clock of whoever wrote the record; if that of this machine is wrong "
    "instead, raise arrival_tolerance_days in everycent.yaml",
    TOO_EARLY: "Check the time of the record, and its unit if it is a number",
}
"""What to do next about the rules decided here."""

_TIMES = {Fact.CALLS: "started_at", Fact.OUTCOMES: "occurred_at"}

Record = tuple[str, int]
"""File id and position."""


def latest_times(files: Iterable[FoundFile], context: ReadContext) -> dict[str, datetime]:
    """By file id, the latest time that a record of it may have; none where that is not known."""
    tolerance = context.arrival_tolerance
    if tolerance is None:
        return {}
    return {
        file.file_id: file.arrived_at + tolerance
        for file in files
        if file.arrived_at and datetime.max.replace(tzinfo=UTC) - file.arrived_at > tolerance
    }


def without_misdated(
    facts: Mapping[Fact, pa.Table], files: Iterable[FoundFile], context: ReadContext
) -> tuple[dict[Fact, pa.Table], list[Rejected]]:
    """Facts of a delivery without the records whose time cannot be, and those records."""
    by_id = {file.file_id: file for file in files}
    latest = latest_times(by_id.values(), context)
    wrong: dict[Record, str] = {}
    for fact, column in _TIMES.items():
        if fact in facts and facts[fact].num_rows:
            wrong |= _misdated(facts[fact], column, latest, is_call=fact is Fact.CALLS)
    rejected = [
        Rejected(
            file_id=file_id,
            file_name=by_id[file_id].name,
            source_row=row,
            rule=rule,
            next_action=RULES[rule],
            shape="",
        )
        for (file_id, row), rule in sorted(wrong.items())
    ]
    if not wrong:
        return dict(facts), []
    return {fact: _without(table, wrong) for fact, table in facts.items()}, rejected


def _misdated(
    table: pa.Table, column: str, latest: Mapping[str, datetime], *, is_call: bool
) -> dict[Record, str]:
    span = pc.min_max(table[column]).as_py()
    is_early = is_call and span["min"] < EARLIEST
    if not is_early and span["max"] <= min(
        latest.values(), default=datetime.max.replace(tzinfo=UTC)
    ):
        return {}
    rows = table.select(["file_id", "source_row", column]).to_pylist()
    found = {}
    for row in rows:
        last = latest.get(row["file_id"])
        if last is not None and row[column] > last:
            found[row["file_id"], row["source_row"]] = AFTER_ARRIVAL
        elif is_call and row[column] < EARLIEST:
            found[row["file_id"], row["source_row"]] = TOO_EARLY
    return found


def _without(table: pa.Table, wrong: Mapping[Record, str]) -> pa.Table:
    keys = zip(table["file_id"].to_pylist(), table["source_row"].to_pylist(), strict=True)
    return table.filter(pa.array([key not in wrong for key in keys], pa.bool_()))
