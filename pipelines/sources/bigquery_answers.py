"""Answers of BigQuery's query API (`jobs.query`): a schema, and rows of cells by position."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeGuard

from pipelines.sources.base import SourceError

# microseconds if asked for (`useInt64Timestamp`), else seconds that always have a point
_EPOCH_TIME = re.compile(r"-?\d{1,18}(?P<seconds>\.\d{1,20}(?:E\d{1,2})?)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_answer(record: object) -> TypeGuard[Mapping[str, object]]:
    """Whether a JSON document is an answer, by its schema and its rows or their number."""
    return (
        isinstance(record, dict)
        and isinstance(record.get("schema"), dict)
        and ("rows" in record or "totalRows" in record)
    )


def answer_records(
    answer: Mapping[str, object], name: str
) -> tuple[list[str], list[dict[str, object]]]:
    """The column names of an answer, and its rows as records.

    Repeated values become lists, nested ones records, instants ISO text in UTC; all other values
    stay the text they are.

    Args:
        answer: The JSON document, all numbers as text.
        name: Of its file, for messages.

    Raises:
        SourceError: It is one page of several, or its rows do not fit its schema.
    """
    rows = answer.get("rows", [])
    try:
        fields = answer["schema"]["fields"]  # type: ignore[index]
        records = [_record(fields, row) for row in rows]  # type: ignore[attr-defined]
        names = [str(field["name"]) for field in fields]
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise SourceError(f"{name}: its rows do not fit its schema. Query again.") from error
    if answer.get("pageToken") or str(answer.get("totalRows", len(records))) != str(len(records)):
        raise SourceError(
            f"{name}: one page of an answer that has more rows. Extract the table to files, or "
            "query for so little that the answer is one page."
        )
    return names, records


def _record(fields: Sequence[Mapping[str, object]], row: Mapping[str, object]) -> dict[str, object]:
    cells: Sequence[Mapping[str, object]] = row["f"]  # type: ignore[assignment]
    return {str(f["name"]): _value(f, c["v"]) for f, c in zip(fields, cells, strict=True)}


def _value(field: Mapping[str, object], value: object) -> object:
    if value is None:
        return None
    if field.get("mode") == "REPEATED":
        return [_value({**field, "mode": None}, item["v"]) for item in value]  # type: ignore[attr-defined]
    if field["type"] in ("RECORD", "STRUCT"):
        return _record(field["fields"], value)  # type: ignore[arg-type]
    return _instant(value) if field["type"] == "TIMESTAMP" else value


def _instant(text: object) -> object:
    """An instant as ISO text; text of another form stays as it is, for the reader to judge."""
    told = _EPOCH_TIME.fullmatch(text) if isinstance(text, str) else None
    if told is None:
        return text
    micros = Decimal(told[0]) * (1_000_000 if told["seconds"] else 1)
    try:
        instant = _EPOCH + timedelta(microseconds=int(micros))
    except OverflowError:
        return text
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
