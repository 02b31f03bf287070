"""Days, as Dagster counts them, and the one beta feature in use (see docs/guides/operations.md)."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from models.settings import WorkspaceSettings

DEFAULT_FIRST_DAY = date(2025, 1, 1)
ONE_DAY = timedelta(days=1)

# One DuckDB session computes a range of days: a run per day costs more than the query. Assets
# without days have it too, as a range can be given by hand only if all selected assets have it.
ONE_RUN_FOR_A_RANGE = dg.BackfillPolicy.single_run()


def days(settings: WorkspaceSettings) -> dg.DailyPartitionsDefinition:
    """UTC charge dates, from the first day a source expects up to and including today.

    A source that does not say its `first_day` may hold any day since January 2025.
    """
    first_day = min(source.first_day or DEFAULT_FIRST_DAY for source in settings.sources)
    return dg.DailyPartitionsDefinition(first_day.isoformat(), timezone="UTC", end_offset=1)


def day_range(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """The days of this run, half-open."""
    window = context.partition_time_window
    return _utc_day(window.start), _utc_day(window.end)


def ranges(wanted: Iterable[date]) -> Iterator[tuple[date, date]]:
    """Group days into unbroken ranges, first and last day both inclusive, in order."""
    first = last = None
    for day in sorted(set(wanted)):
        if first is None or last is None:
            first = day
        elif day - last > ONE_DAY:
            yield first, last
            first = day
        last = day
    if first is not None and last is not None:
        yield first, last


def _utc_day(instant: datetime) -> date:
    return instant.astimezone(UTC).date()
