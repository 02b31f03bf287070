"""A source of calls, from the table of its format."""

import re
from collections.abc import Callable, Iterable, Sequence

from models.facts import Fact
from models.vocabulary import Delivery
from pipelines.sources.base import (
    DeliveryUnit,
    FoundFile,
    Source,
    StreamReader,
    Tables,
    each_file_alone,
)
from pipelines.sources.call_facts import RULES
from pipelines.sources.call_sql import CallFormat, calls_sql, several, unfolded

Layout = Callable[[Sequence[FoundFile]], Iterable[DeliveryUnit]]

_TOP_LEVEL = re.compile(r"\$\.(\w+)")
"""A path that is the name of a column."""


def calls_source(
    form: CallFormat,
    *,
    name: str,
    summary: str,
    money_unit: str,
    proof: str,
    suffixes: tuple[str, ...] = (".jsonl", ".ndjson", ".json", ".gz"),
    has_tables: bool = False,
    below: str | None = None,
    empty: tuple[str, ...] = (),
    layout: Layout = each_file_alone,
) -> Source:
    """A source of calls in one format.

    Args:
        form: How a call is written down.
        name: As in `Source`.
        summary: As in `Source`.
        money_unit: As in `Source`.
        proof: As in `Source`.
        suffixes: As in `Source`, besides tables.
        has_tables: Whether the same rows also come as CSV and Parquet.
        below: Read columns of such tables whose names begin so, too.
        empty: As in `StreamReader`.
        layout: As in `Source`.
    """
    return Source(
        name=name,
        summary=summary,
        facts=(Fact.CALLS,),
        delivery=Delivery.EVENTS,
        money_unit=money_unit,
        token_rules=form.token_rules(),
        proof=proof,
        suffixes=(*suffixes, ".csv", ".parquet") if has_tables else suffixes,
        layout=layout,
        stream=StreamReader(
            sql=calls_sql(form),
            rules=RULES,
            tables=_tables(form, below) if has_tables else None,
            unfold=unfolded(form.wrapped_in) if form.wrapped_in else None,
            empty=("no_records", *empty) if form.wrapped_in else empty,
        ),
    )


def _tables(form: CallFormat, below: str | None) -> Tables:
    """Only columns that are a path of their own: those with contents never become text."""
    paths = (path for paths in form.paths.values() for path in several(paths))
    names = {match[1] for path in paths if (match := _TOP_LEVEL.fullmatch(path))}
    return Tables(lambda c: c if c in names or (below and c.startswith(below)) else None)
