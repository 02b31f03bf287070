"""What commands write with: tables, JSON, money as text, progress. Results go to stdout only."""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal, localcontext
from enum import Enum
from pathlib import Path
from typing import IO, Any

import typer

from models.money import MONEY_CONTEXT, minor_digits
from models.record import Record
from pipelines.commands.program import typed

_SHORT = 20
_GAP = 3

Progress = Callable[[str, int, int], None]


def say(text: str = "") -> None:
    """Write a line for people: `[green]...[/]` marks are styles, so pass values through `safe`."""
    _console(sys.stdout).print(typed(text), highlight=False, soft_wrap=True)


def safe(text: object) -> str:
    """A value as text that is never read as a style, and never steers the terminal."""
    from rich.markup import escape

    return escape("".join(c if c.isprintable() else "\ufffd" for c in str(text)))


def say_json(value: object) -> None:
    """Write one JSON document. Decimals become text, so that no reader rounds them."""
    typer.echo(json.dumps(plain(value), indent=1, ensure_ascii=False))


def plain(value: Any) -> Any:  # noqa: ANN401 - any record of ours
    """Records, dates, decimals and paths as what JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Record):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Decimal):
        return exact(value)
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    return [plain(item) for item in value]


def show_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Iterable[str] = (),
    whole: Iterable[str] = (),
) -> None:
    """Write a table. Title and cells may hold style marks; columns in `right` are numbers.

    Long texts are folded where the terminal is narrow. Numbers, short texts and columns in `whole`
    never are: a table is rather wider than the terminal.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    numbers = set(right)
    never_folded = numbers.union(whole)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    least = 0
    for position, name in enumerate(columns):
        width = max(map(_width, [name, *(row[position] for row in rows)]))
        is_fixed = name in never_folded or width <= _SHORT
        least += _GAP + (width if is_fixed else _SHORT)
        table.add_column(
            name,
            justify="right" if name in numbers else "left",
            min_width=width if is_fixed else _SHORT,
            no_wrap=is_fixed,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*row)
    if title:
        say(f"[bold]{title}[/]")
    console = _console(sys.stdout)
    console.width = max(console.width, least)
    console.print(table)


def _width(cell: str) -> int:
    """The columns of the terminal that a cell takes."""
    from rich.text import Text

    return max(line.cell_len for line in Text.from_markup(cell).split(allow_blank=True))


def counted(number: int, thing: str) -> str:
    """A number of things, as in `1 file` and `2 files`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def exact(amount: Decimal) -> str:
    """An amount with all its digits, without exponent or trailing zeros."""
    return _trimmed(format(amount, "f"))


def units(quantity: Decimal | None) -> str:
    """A quantity with all its digits, in groups of thousands, or the word that it is not known."""
    return "unknown" if quantity is None else _trimmed(format(quantity, ",f"))


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def known(amount: Decimal | None) -> str:
    """An amount with all its digits, or the word that it is not known."""
    return "unknown" if amount is None else exact(amount)


def cents(amount: Decimal | None, currency: str) -> str:
    """An amount as people read it: rounded to the minor unit, `-` when unknown."""
    if amount is None:
        return "-"
    with localcontext(MONEY_CONTEXT):
        return f"{amount.quantize(Decimal(1).scaleb(-minor_digits(currency))):,f}"


@contextmanager
def progress() -> Iterator[Progress | None]:
    """Bars on stderr while the block runs; nothing if nobody looks at a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=_console(sys.stderr), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def note(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield note


def _console(stream: IO[str]) -> Any:  # noqa: ANN401 - rich is imported when it is needed
    from rich.console import Console

    # a pipe has no width: do not cut what a script may look at
    return Console(file=stream, width=None if stream.isatty() else 200)
