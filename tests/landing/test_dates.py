"""Calls dated after their file arrived, or before there were any such calls, are set aside."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models.facts import Fact
from pipelines.landing import finding
from pipelines.sources import all_sources
from tests.landing.room import Room, lines, payload

ARRIVED = datetime(2026, 10, 2, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A folder in which every file arrived at one time."""
    monkeypatch.setattr(finding, "arrival_of", lambda state: ARRIVED)
    return Room(tmp_path)


def at(number, time):
    start = time.timestamp()
    return payload(number, startTime=start, endTime=start + 1, completionStartTime=None)


def quarantined(result):
    return {(row.source_row, row.rule) for r in result.landed for row in r.quarantine}


def test_a_call_dated_after_its_file_arrived_is_set_aside(room):
    times = [ARRIVED - DAY, ARRIVED + DAY, ARRIVED + DAY * 1.1, ARRIVED + 42 * DAY]
    room.put("log.jsonl", lines(*(at(n, time) for n, time in enumerate(times))))
    result = room.land(arrival_tolerance=DAY)

    assert quarantined(result) == {(3, "after_arrival"), (4, "after_arrival")}
    assert len(room.rows()) == 2
    [action] = {row.next_action for record in result.landed for row in record.quarantine}
    assert "arrival_tolerance_days" in action


@pytest.mark.parametrize("year", [1970, 1999, 2014])
def test_a_call_dated_before_there_were_any_is_set_aside(room, year):
    early = datetime(year, 6, 1, tzinfo=UTC)
    room.put("log.jsonl", lines(at(1, ARRIVED - DAY), at(2, early)))
    result = room.land(arrival_tolerance=DAY)

    [(row, rule)] = quarantined(result)
    assert (row, rule) in {(2, "too_early"), (2, "bad_time")}
    assert len(room.rows()) == 1


def test_how_long_after_is_what_the_caller_says(room):
    room.put("log.jsonl", lines(at(1, ARRIVED + 30 * DAY)))

    assert room.land(arrival_tolerance=None).rows_accepted == 1
    assert room.land(arrival_tolerance=DAY).rows_quarantined == 1
    assert room.land(arrival_tolerance=31 * DAY).rows_accepted == 1
    assert len(room.rows()) == 1


def test_only_calls_of_the_file_that_came_too_early_are_set_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(
        finding, "arrival_of", lambda state: ARRIVED + (state.st_size % 2) * 40 * DAY
    )
    room = Room(tmp_path)
    for name in ("a", "b"):
        text = lines(at(1, ARRIVED + 30 * DAY))
        room.put(f"{name}.jsonl", text + " " * (len(text) % 2 == (name == "a")))
    result = room.land(arrival_tolerance=DAY)

    assert result.rows_accepted == result.rows_quarantined == 1


def test_a_transcript_is_judged_by_its_own_arrival_too(room):
    room.source = all_sources()["claude_code"]
    room.put(
        "a.jsonl",
        lines(*(message(n, ARRIVED + days * DAY) for n, days in enumerate((-1, 0.5, 42)))),
    )
    result = room.land(arrival_tolerance=DAY)
    [record] = result.landed

    assert len(room.rows()) == 2
    assert [row.rule for row in record.quarantine] == ["after_arrival"]
    for file in record.files:
        assert file.rows_read == file.rows_accepted + file.rows_empty + file.rows_quarantined


def message(number, time):
    usage = {"input_tokens": 10, "output_tokens": 5}
    return {
        "type": "assistant",
        "uuid": f"uuid-{number}",
        "sessionId": "session-1",
        "requestId": f"req_{number}",
        "version": "2.1.0",
        "timestamp": time.isoformat().replace("+00:00", "Z"),
        "message": {
            "id": f"msg_{number}",
            "model": "claude-sonnet-4-20250514",
            "role": "assistant",
            "stop_reason": "end_turn",
            "usage": usage,
        },
    }


def test_an_outcome_of_the_future_is_set_aside(room):
    room.source = all_sources()["outcome_events"]
    events = [
        {
            "specversion": "1.0",
            "id": f"e-{name}",
            "source": "ci",
            "type": "ai.outcome.recorded",
            "time": time.isoformat(),
            "data": {
                "outcome_id": name,
                "outcome_type": "pr_merged",
                "result": "success",
                "revision": 0,
                "recorded_at": ARRIVED.isoformat(),
                "refs": [],
            },
        }
        for name, time in {"a": ARRIVED - DAY, "b": ARRIVED + 42 * DAY}.items()
    ]
    room.put("events.jsonl", lines(*events))
    result = room.land(arrival_tolerance=DAY)

    assert [row["outcome_id"] for row in room.rows(Fact.OUTCOMES)] == ["a"]
    assert {rule for _, rule in quarantined(result)} == {"after_arrival"}


def test_a_file_arrived_when_it_was_last_changed_in_any_way(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("{}")
    changed = path.stat().st_ctime
    for time in (0, changed + 1_000_000):
        os.utime(path, (time, time))
        now = path.stat()

        assert finding.arrival_of(now).timestamp() == pytest.approx(max(time, now.st_ctime))


def test_the_tolerance_is_part_of_how_a_file_is_read(room):
    room.put("log.jsonl", lines(at(1, ARRIVED)))
    room.land(arrival_tolerance=DAY)

    assert room.land(arrival_tolerance=DAY).again.files == 0
    assert room.land(arrival_tolerance=2 * DAY).again.why == ("settings changed",)


def test_files_of_unknown_arrival_are_taken_as_they_are(room, monkeypatch):
    found = finding._found

    def unknown(*args):
        file, marks = found(*args)
        return replace(file, arrived_at=None), marks

    monkeypatch.setattr(finding, "_found", unknown)
    room.put("log.jsonl", lines(at(1, ARRIVED + 99 * DAY)))

    assert room.land(arrival_tolerance=DAY).rows_accepted == 1
