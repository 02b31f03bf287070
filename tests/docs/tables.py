"""How a query's answer is written in the docs."""

from decimal import Decimal

import duckdb


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        value = format(value, "f").rstrip("0").rstrip(".") if value % 1 else format(value, ".0f")
    return "" if value is None else str(value)


def as_markdown(answer: duckdb.DuckDBPyRelation) -> str:
    """The rows as a Markdown table, decimals without trailing zeros."""
    rows = [answer.columns, ["---"] * len(answer.columns), *answer.fetchall()]
    return "\n".join("| " + " | ".join(_cell(value) for value in row) + " |" for row in rows)
