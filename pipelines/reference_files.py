"""Reference files as typed rows: CSV and YAML, with the line of every row."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.reference import ReferenceTable
from pipelines.problems import Problem, did_you_mean
from pipelines.reference_cells import CellError, cell_parser
from pipelines.yaml_text import read_yaml

MAX_BYTES = 200_000_000
_PEOPLE = {("ref_users", "user_id"), ("ref_ownership_rules", "match_value")}


@dataclass(frozen=True)
class Rows:
    """The rows of one reference file, typed by its contract."""

    table: ReferenceTable
    file: str
    """Path below the workspace, for problems."""
    lines: Sequence[int]
    values: Mapping[str, list[Any]]
    """Column to its values, null where blank or refused."""
    bad: frozenset[int]
    """Indexes of rows in which a cell was refused."""
    is_whole: bool
    """Whether every id is there: no row was refused whole, and no id either."""

    def problem(self, row: int, column: str | None, rule: str, message: str, fix: str) -> Problem:
        """A problem of one row."""
        return Problem(self.file, self.lines[row], column, rule, message, fix)


@dataclass(frozen=True)
class _Texts:
    """A file before typing. A column that is not in the file is not in `columns`."""

    columns: Mapping[str, list[str]]
    lines: Sequence[int]
    problems: Sequence[Problem] = ()


def read_rows(
    table: ReferenceTable, path: Path, file: str, vocabulary: Mapping[str, tuple[str, ...]]
) -> tuple[Rows, list[Problem]]:
    """Read one reference file.

    Args:
        table: Its contract.
        path: The file; if it is missing there are no rows.
        file: What problems call it.
        vocabulary: Closed lists that the contract cannot know, by column.

    Returns:
        Its rows, and everything that is wrong with single cells, rows and the header.
    """
    texts = _texts(table, path, file)
    problems = list(texts.problems)
    bad: set[int] = set()
    values: dict[str, list[Any]] = {}
    for column in table.columns:
        closed = (*table.vocabulary.get(column.name, ()), *vocabulary.get(column.name, ()))
        is_person = (table.name, column.name) in _PEOPLE
        parse = cell_parser(column, closed, is_person=is_person)
        read = _remembering(parse, table, column.name)
        values[column.name] = []
        cells = texts.columns.get(column.name)
        for row, text in enumerate(cells if cells is not None else [""] * len(texts.lines)):
            result = read(text)
            if isinstance(result, CellError):
                if cells is not None:
                    refused = (result.rule, result.message, result.fix)
                    problems.append(Problem(file, texts.lines[row], column.name, *refused))
                bad.add(row)
                result = None
            values[column.name].append(result)
    is_whole = not texts.problems and None not in values[table.columns[0].name]
    return Rows(table, file, texts.lines, values, frozenset(bad), is_whole), problems


def _remembering(
    parse: Callable[[str], Any], table: ReferenceTable, column: str
) -> Callable[[str], Any]:
    """Type each different text of a column once; blanks become the default or a problem."""
    known: dict[str, Any] = {}
    is_required = column in table.required
    default = parse(table.defaults[column]) if column in table.defaults else None

    def read(text: str) -> Any:  # noqa: ANN401
        if text in known:
            return known[text]
        try:
            value = parse(text)
            if value is None and is_required:
                raise CellError("required", "The cell is blank.", "Every row needs a value here.")
        except CellError as error:
            value = error
        known[text] = default if value is None else value
        return known[text]

    return read


def _texts(table: ReferenceTable, path: Path, file: str) -> _Texts:
    if path.suffix == ".yaml":
        return _yaml_texts(table, path, file) if path.exists() else _Texts({}, [])
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_BYTES:
            return _refused(file, None, f"The file is larger than {MAX_BYTES} bytes.", "Split it.")
        text = raw.decode("utf-8-sig")
    except FileNotFoundError:
        return _Texts({}, [])
    except UnicodeDecodeError:
        return _refused(file, None, "The file is not UTF-8 text.", "Save it as CSV UTF-8.")
    except OSError as error:
        said = f"The file cannot be read ({error.__class__.__name__})."
        return _refused(file, None, said, "Check that it is a file and may be read.")
    return _csv_texts(table, text, file)


def _refused(file: str, line: int | None, message: str, fix: str) -> _Texts:
    return _Texts({}, [], [Problem(file, line, None, "unreadable", message, fix)])


def _csv_texts(table: ReferenceTable, text: str, file: str) -> _Texts:
    """Read CSV. A line that starts with `#` is a comment; quote a first cell that starts so."""
    visible = ("\n" if line.startswith("#") else line for line in io.StringIO(text, newline=""))
    reader = csv.reader(visible, strict=True)
    records: list[list[str]] = []
    lines: list[int] = []
    line = 0
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                records.append(record)
                lines.append(line + 1)
            line = reader.line_num
    except csv.Error:
        fix = 'Close every quote; inside quotes write a quote as "".'
        return _refused(file, line + 1, "The line is not CSV.", fix)
    if not records:
        fix = f"Write the header: {','.join(c.name for c in table.columns)}."
        return _refused(file, None, "The file has no header line.", fix)
    header = [name.strip() for name in records[0]]
    problems = _header_problems(table, header, file, lines[0])
    good, good_lines = [], []
    for record, at in zip(records[1:], lines[1:], strict=True):
        if len(record) == len(header):
            good.append(record)
            good_lines.append(at)
            continue
        said = f"The row has {len(record)} cells, the header has {len(header)}."
        fix = "Quote cells that hold a comma; fill up short rows with commas."
        problems.append(Problem(file, at, None, "cells", said, fix))
    if any(p.rule == "separator" for p in problems):
        return _Texts({}, [], problems)
    cells = list(zip(*good, strict=True)) or [()] * len(header)
    columns = {name: list(cells[i]) for i, name in reversed(list(enumerate(header)))}
    return _Texts(columns, good_lines, problems)


def _header_problems(
    table: ReferenceTable, header: Sequence[str], file: str, line: int
) -> list[Problem]:
    """Compare a header with the contract by name. Columns that may be blank may be left out."""
    known = [column.name for column in table.columns]
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        said = "The cells are not separated by commas."
        return [Problem(file, line, None, "separator", said, "Save the file as comma-separated.")]
    problems = []
    for name in sorted(set(header) - set(known)):
        fix = (
            did_you_mean(name.casefold().replace(" ", "_"), known) or f"Known: {', '.join(known)}."
        )
        said = "The header names a column that this file does not have."
        column = name if name.isidentifier() else None
        problems.append(Problem(file, line, column, "unknown_column", said, fix))
    problems += [
        Problem(file, line, name, "duplicate_column", "The header names it twice.", "Keep one.")
        for name in known
        if list(header).count(name) > 1
    ]
    problems += [
        Problem(file, line, name, "missing_column", "The column is missing.", "Add it.")
        for name in table.required
        if name not in header
    ]
    return problems


def _yaml_texts(table: ReferenceTable, path: Path, file: str) -> _Texts:
    """Read a YAML list of entries, each a mapping of column to text."""
    read = read_yaml(path, file)
    problems = list(read.problems)
    known = [column.name for column in table.columns]
    columns: dict[str, list[str]] = {name: [] for name in known}
    lines = []
    entries = read.value or []
    if isinstance(entries, str) or not isinstance(entries, Sequence):
        fix = "Start each entry with '- '."
        return _Texts({}, [], [Problem(file, 1, None, "shape", "The file is not a list.", fix)])
    for i, entry in enumerate(entries):
        line = read.line((i,)) or 1
        if not isinstance(entry, Mapping) or not all(
            value is None or isinstance(value, str) for value in entry.values()
        ):
            fix = f"Write: {', '.join(known)}."
            problems.append(Problem(file, line, None, "shape", "It is not names and values.", fix))
            continue
        for name in sorted(set(entry) - set(known)):
            fix = did_you_mean(name, known) or f"Known: {', '.join(known)}."
            said = "The entry has a field that this file does not have."
            here = read.line((i, name))
            column = name if name.isidentifier() else None
            problems.append(Problem(file, here, column, "unknown_column", said, fix))
        lines.append(line)
        for name in known:
            columns[name].append(str(entry.get(name) or ""))
    return _Texts(columns, lines, problems)
