"""Days, as Dagster counts them."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.settings import SourceSettings, WorkspaceSettings
from pipelines.defs.partitions import DEFAULT_FIRST_DAY, days, ranges


def settings(*first_days):
    sources = [
        SourceSettings(source=f"s{n}", kind="focus", location=f"inbox/s{n}", first_day=day)
        for n, day in enumerate(first_days)
    ]
    return WorkspaceSettings(company="acme", reporting_currency="USD", sources=sources)


def test_days_begin_with_the_first_day_that_any_source_expects():
    partitions = days(settings(date(2026, 10, 5), date(2026, 10, 1)))

    assert partitions.get_first_partition_key() == "2026-10-01"


def test_days_begin_early_when_a_source_does_not_say():
    partitions = days(settings(date(2026, 10, 5), None))

    assert partitions.get_first_partition_key() == DEFAULT_FIRST_DAY.isoformat()


def test_a_day_is_a_whole_utc_day_also_when_clocks_change_elsewhere():
    window = days(settings(date(2026, 10, 1))).time_window_for_partition_key("2026-10-25")

    assert window.end - window.start == timedelta(hours=24)
    assert window.start.isoformat() == "2026-10-25T00:00:00+00:00"


def test_days_in_any_order_become_unbroken_ranges():
    wanted = [date(2026, 10, d) for d in (9, 2, 1, 3, 9, 5)]

    assert list(ranges(wanted)) == [
        (date(2026, 10, 1), date(2026, 10, 3)),
        (date(2026, 10, 5), date(2026, 10, 5)),
        (date(2026, 10, 9), date(2026, 10, 9)),
    ]


def test_no_days_are_no_ranges():
    assert list(ranges([])) == []


@given(st.sets(st.dates(date(2026, 1, 1), date(2026, 3, 1))))
def test_ranges_hold_exactly_the_days_asked_for_and_never_touch(wanted):
    found = list(ranges(wanted))
    held = [first + timedelta(n) for first, last in found for n in range((last - first).days + 1)]

    assert held == sorted(wanted)
    assert all(b[0] - a[1] > timedelta(days=1) for a, b in itertools.pairwise(found))


def test_ranges_take_days_from_anything_that_can_be_iterated():
    assert list(ranges(iter([date(2026, 10, 1)]))) == [(date(2026, 10, 1), date(2026, 10, 1))]


@pytest.mark.parametrize("day", ["2025-12-31", "2026-10-32"])
def test_a_day_outside_is_refused(day):
    assert day not in days(settings(date(2026, 1, 1))).get_partition_keys()
