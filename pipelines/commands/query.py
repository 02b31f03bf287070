"""`everycent query`: ask the published tables, for machines without DuckDB's own shell."""

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import duckdb
import typer

from pipelines.commands import terminal
from pipelines.commands.guard import UserError
from pipelines.commands.published import opened, reading
from pipelines.commands.terminal import exact, safe, say
from pipelines.publishing.csv_files import csv_bytes

SHOWN = 100

# what is wrong with the text of a query; the words of other errors may hold values of a row
_TEXT_ERRORS = (duckdb.ParserException, duckdb.CatalogException, duckdb.BinderException)
_QUESTIONS = ("SELECT", "EXPLAIN", "MULTI")
"""Statements that only ask, by DuckDB's names for them; a pivot is a MULTI."""

Output = Literal["table", "csv", "json"]


def query_command(sql: str, folder: Path, output: Output) -> None:
    """Run one query on the published version and write its rows."""
    with opened(reading(folder)) as data:
        try:
            cursor = data.con.execute(_question(data.con, sql))
            names = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchall()
        except _TEXT_ERRORS as error:
            raise UserError(
                f"{error}\nTables and columns: docs/tables, or `show tables`."
            ) from error
        except duckdb.Error as error:
            raise UserError(f"The query failed: {type(error).__name__}.") from None
    if output == "json":
        terminal.say_json([dict(zip(names, map(_plain, row), strict=True)) for row in rows])
    elif output == "csv":
        typer.echo(
            csv_bytes(names, ([_plain(value) for value in row] for row in rows)).decode(), nl=False
        )
    else:
        _show(names, rows)


def _question(con: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """The one statement of a text, which must be a question."""
    statements = con.extract_statements(sql)
    if len(statements) != 1:
        said = f"These are {len(statements)} queries" if statements else "The query is empty"
        raise UserError(f"{said}: give one, such as `show tables`.")
    if statements[0].type.name not in _QUESTIONS:
        raise UserError("Only queries can be asked here: what is published is never changed.")
    return statements[0]


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a query can answer
    exact_kinds = str | int | Decimal | datetime.date | None
    return value if isinstance(value, exact_kinds) else str(value)


def _show(names: list[str], rows: list[tuple[Any, ...]]) -> None:
    shown = rows[:SHOWN]
    heads = [safe(name) for name in names]
    numbers = [
        head
        for position, head in enumerate(heads)
        if shown and all(_is_number(row[position]) for row in shown)
    ]
    terminal.show_table("", heads, [[_text(value) for value in row] for row in shown], numbers)
    if len(shown) < len(rows):
        say(f"{len(rows) - len(shown):,} more rows: narrow the query, or take them with --csv.")


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float | Decimal))


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return exact(value)
    return "" if value is None else safe(value)
