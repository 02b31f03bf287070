"""The one CSV writer: RFC 4180, UTF-8, LF, no cell that a spreadsheet could run as a formula."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

Cell = str | int | Decimal | date | None

# first characters that start a formula, with their full-width and small forms
_FORMULA = "=＝﹦+＋﹢\\-－﹣−@＠﹫"
# what a spreadsheet may skip before it looks for a formula: blanks, quotes, invisible characters
_SKIPPED = "\\s\"'\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
# `;` ends a cell where Excel's list separator is a semicolon
_STARTS_FORMULA = re.compile(f"(^|;)([{_SKIPPED}]*[{_FORMULA}])")
_DROPPED_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}


def text_cell(text: str) -> str:
    """A text as a cell: no control characters, and `'` before what could start a formula."""
    kept = "".join(c for c in text if unicodedata.category(c) not in _DROPPED_CATEGORIES)
    return _STARTS_FORMULA.sub(r"\1'\2", kept)


def cell_text(value: Cell) -> str:
    """One cell before quoting: what a reader of the file gets back."""
    match value:
        case None:
            return ""
        case str():
            return text_cell(value)
        case Decimal() if value.is_finite():
            return format(value, "f")
        case int():
            return str(value).lower()
        case date():
            return value.isoformat()
    raise TypeError(f"a CSV cell cannot be a {type(value).__name__}")


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Write rows in the order given.

    Args:
        columns: The header.
        rows: Text is made safe; decimals keep the scale they have and are never prefixed;
            null is an empty cell.

    Raises:
        TypeError: A binary float, or a decimal that is not a number.
        ValueError: A row longer or shorter than the header.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"a row of {len(row)} cells under {len(columns)} columns")
        writer.writerow([cell_text(value) for value in row])
    return text.getvalue().encode()


def csv_rows(content: bytes) -> list[dict[str, str]]:
    """Read back what `csv_bytes` wrote, as text by column."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
