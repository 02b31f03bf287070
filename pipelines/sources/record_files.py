"""Files whose every record stands for itself: rows of a CSV, or a list inside a JSON answer."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence

from pipelines.sources.base import FoundFile, SourceError
from pipelines.sources.cells import RowError, Values
from pipelines.sources.pages import parse_json, text_content

Records = Sequence[Values | RowError]


def plain_name(name: str) -> str:
    """A column's name however it is written: `Total Monthly Quota` is `total_monthly_quota`."""
    return "_".join(name.strip().lower().split())


def csv_records(found: FoundFile, kind: str, *layouts: Iterable[str]) -> Records:
    """The rows of a CSV by plain column name, blank cells null.

    A file whose every line is quoted as a whole is unquoted first.

    Args:
        found: The file.
        kind: What it should be, for messages.
        *layouts: Names of which its header must have all of one layout.

    Raises:
        SourceError: Broken quoting, a row cut off at the end, or the header of another kind.
    """
    try:
        lines = _csv_lines(text_content(found))
        if lines and all(len(line) == 1 for line in lines) and "," in lines[0][0]:
            lines = _csv_lines("\n".join(line[0] for line in lines))
    except csv.Error as error:
        raise SourceError(f"{found.name}: broken quoting. Download the file again.") from error
    header, rows = ([plain_name(n) for n in lines[0]], lines[1:]) if lines else ([], [])
    if len(set(header)) != len(header) or not any(set(names) <= set(header) for names in layouts):
        raise SourceError(
            f"{found.name}: its header is not that of a {kind}. Download the file again and leave "
            "its columns as they are, or move it out of this location."
        )
    if rows and len(rows[-1]) < len(header):
        raise SourceError(f"{found.name}: the last row is cut off. Download the file again.")
    return [
        {name: cell.strip() or None for name, cell in zip(header, row, strict=True)}
        if len(row) == len(header)
        else RowError("row_width")
        for row in rows
    ]


def _csv_lines(content: str) -> list[list[str]]:
    return [line for line in csv.reader(io.StringIO(content, newline=""), strict=True) if line]


def json_records(found: FoundFile, member: str, *, kind: str) -> Records:
    """The objects of the list that an API's answer holds under a member.

    Raises:
        SourceError: Not whole JSON, or without such a list.
    """
    top = parse_json(found, text_content(found))
    listed = top.get(member) if isinstance(top, dict) else None
    if not isinstance(listed, list):
        raise SourceError(
            f"{found.name}: not the {kind}, it has no list `{member}`. "
            "Save the API's answer unchanged."
        )
    return [item if isinstance(item, dict) else RowError("report_kind") for item in listed]


def by_suffix(found: FoundFile, readers: Mapping[str, Callable[[FoundFile], Records]]) -> Records:
    """The records of a file, read as its name's ending says."""
    return next(r for suffix, r in readers.items() if found.name.lower().endswith(suffix))(found)
