"""Nested records of a bill export as flat text: JSON, and the structs of Parquet files.

A member of a record is named by its path: `project.id` is `project_id`, which is also how people
flatten such exports by hand. A repeated member stays JSON text.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path

import polars as pl
from duckdb.sqltypes import DuckDBPyType

from pipelines.sources.base import FoundFile, SourceError
from pipelines.sources.bigquery_answers import answer_records, is_answer

JSON_SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")

# JSON can spell half a surrogate pair, and UTF-8 cannot
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


def read_json_records(
    path: Path, found: FoundFile, wanted: Collection[str], naming: Callable[[str], str]
) -> tuple[tuple[str, ...], pl.DataFrame]:
    """Every record of a file as a row of texts.

    A file holds one JSON object per line, one array of them, or one answer of BigQuery. Numbers
    keep the digits they were written with.

    Args:
        path: The file, unpacked.
        found: How it was found, for messages.
        wanted: Columns to keep.
        naming: From the path of a member, joined by `_`, to the name that `wanted` has.

    Returns:
        Every column of the file, and the rows with those that are wanted.

    Raises:
        SourceError: A record is no JSON object, or names a member twice.
    """
    names = frozenset(wanted)
    told: dict[str, None] = {}
    rows = []
    records = _records(path, found)
    first: Sequence[object] = list(islice(records, 1))
    if first and is_answer(first[0]):
        columns, first = answer_records(first[0], found.name)
        told.update(dict.fromkeys(map(naming, columns)))
    for number, record in enumerate(chain(first, records), start=1):
        if not isinstance(record, dict):
            raise SourceError(f"{found.name}: record {number} is no JSON object. Extract it again.")
        cells = dict(_flat("", record, naming))
        told.update(dict.fromkeys(cells))
        rows.append({name: _text(value) for name, value in cells.items() if name in names})
    return tuple(told), pl.DataFrame(rows, schema=dict.fromkeys(sorted(names), pl.String))


def _records(path: Path, found: FoundFile) -> Iterator[object]:
    with path.open(encoding="utf-8-sig") as lines:
        first = lines.readline()
        is_document = first.startswith("[") or first.strip() == "{"
        lines.seek(0)
        texts: Iterable[str] = [lines.read()] if is_document else lines
        for number, text in enumerate(texts, start=1):
            if not text.strip():
                continue
            try:
                record = json.loads(
                    text,
                    parse_float=str,
                    parse_int=str,
                    parse_constant=str,
                    object_pairs_hook=_unique,
                )
            except (ValueError, RecursionError) as error:
                raise SourceError(
                    f"{found.name}: line {number} is not whole JSON, or names a member twice. "
                    "Extract the file again, one JSON object per line."
                ) from error
            yield from record if is_document and isinstance(record, list) else [record]


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("repeated member")
    return members


def _flat(
    path: str, record: Mapping[str, object], naming: Callable[[str], str]
) -> Iterator[tuple[str, object]]:
    for name, value in record.items():
        flat = naming(f"{path}{name}")
        yield flat, value
        if isinstance(value, dict):
            yield from _flat(f"{flat}_", value, naming)


def flat_name(name: str) -> str:
    """The name of a member however its path is written: `project.id` is `project_id`."""
    return name.strip().lower().replace(".", "_")


def _text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _HALF_A_PAIR.sub("\N{REPLACEMENT CHARACTER}", value)


def nested_cells(
    column: str, name: str, type_: DuckDBPyType
) -> Iterator[tuple[str, str, DuckDBPyType]]:
    """A Parquet column and the members of its structs: flat name, SQL that reads it, and type.

    Args:
        column: SQL of the column.
        name: Its flat name.
        type_: Its type.
    """
    yield name, column, type_
    if type_.id == "struct":
        for member, member_type in _children(type_):
            cell = f"{column}.{quoted(member)}"
            yield from nested_cells(cell, flat_name(f"{name}_{member}"), member_type)


def json_cell(column: str, type_: DuckDBPyType) -> str:
    """SQL of a nested column as JSON text in which every number keeps its digits as text."""
    return f"cast(to_json(cast({column} as {_text_type(type_)})) as varchar)"


def _text_type(type_: DuckDBPyType) -> str:
    """A type of the same shape with text for every value."""
    if type_.id == "list":
        return f"{_text_type(_children(type_)[0][1])}[]"
    if type_.id == "struct":
        members = (f"{quoted(name)} {_text_type(member)}" for name, member in _children(type_))
        return f"struct({', '.join(members)})"
    return "varchar"


def _children(type_: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    return [(str(n), child) for n, child in type_.children if isinstance(child, DuckDBPyType)]


def quoted(name: str) -> str:
    """A column name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'
