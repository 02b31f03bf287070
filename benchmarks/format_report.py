"""Landing per format: speeds, the ratio to the plain read, and the reason where it is large."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.formats import FORMATS, MAX_RATIO
from benchmarks.measure import Measured

NO_REASON = "NO REASON WRITTEN DOWN"


def format_rows(done: Mapping[str, Measured]) -> list[dict[str, Any]]:
    """One row per measured format.

    `ratio` and `wall_ratio` are landing over the plain read, in CPU and wall time; `note` is the
    reason of a ratio above `MAX_RATIO`, null below.
    """
    if "formats" not in done:
        return []
    return [_row(one) for one in done["formats"].facts["formats"]]


def _row(one: Mapping[str, Any]) -> dict[str, Any]:
    ratio = one["cpu_seconds"] / one["floor"]["cpu_seconds"]
    reason = FORMATS[one["format"]].reason or NO_REASON
    return {
        **one,
        "rows_per_second": one["rows"] / one["seconds"],
        "mb_per_second": one["bytes"] / 1e6 / one["seconds"],
        "ratio": ratio,
        "wall_ratio": one["seconds"] / one["floor"]["seconds"],
        "note": reason if ratio > MAX_RATIO else None,
    }


def show_formats(console: Console, rows: list[dict[str, Any]]) -> None:
    """Print the formats as a table, and below it why some are slow."""
    table = Table(
        "format",
        *("records", "MB", "seconds", "CPU s", "rows/s", "MB/s", "CPU ratio to floor"),
        title="Landing per format",
        title_justify="left",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(
            row["format"],
            f"{row['rows']:,}",
            f"{row['bytes'] / 1e6:,.0f}",
            f"{row['seconds']:,.2f}",
            f"{row['cpu_seconds']:,.2f}",
            f"{row['rows_per_second']:,.0f}",
            f"{row['mb_per_second']:,.0f}",
            f"{row['ratio']:,.1f}x",
        )
    console.print(table)
    for row in rows:
        if row["note"]:
            console.print(f"{row['format']}: {row['note']}", highlight=False)
