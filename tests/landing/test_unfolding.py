"""Logs whose lines hold several records each, and records that are no calls by contract."""

import dataclasses
import json

import pytest

from pipelines.sources.base import StreamReader
from pipelines.sources.litellm import SOURCE as LITELLM
from tests.landing.room import Room, lines, payload

UNFOLD = """
    select number, part, records[part] as line
    from (
        select number, records, unnest(generate_series(1, len(records))) as part
        from (
            select
                number,
                coalesce(
                    nullif(try(json_extract(line, '$.records[*]')::varchar[]), []), [line]
                ) as records
            from lines
        )
    )
"""
SQL = f"""
    select * replace (if(status = 'error', 'no_call', rule) as rule)
    from ({LITELLM.stream.sql})
"""


@pytest.fixture
def room(tmp_path):
    reader = StreamReader(sql=SQL, rules=LITELLM.stream.rules, unfold=UNFOLD, empty=("no_call",))
    return Room(tmp_path, source=dataclasses.replace(LITELLM, stream=reader))


def batch(*records):
    return json.dumps({"records": records}) + "\n"


def test_every_record_of_a_line_has_its_own_position(room):
    first = batch(payload(1), payload(2))
    room.put("log.jsonl", first + "not json\n" + batch(payload(3)) + "\n" + batch(payload(4)))
    room.put("other.jsonl", first)
    result = room.land()

    (landed,) = result.landed
    assert [row.source_row for row in landed.quarantine if row.file_name == "log.jsonl"] == [3]
    assert {row["source_row"] for row in room.rows()} >= {1, 2, 4, 5}
    assert [(file.rows_read, file.rows_accepted) for file in landed.files] == [(5, 4), (2, 2)]


def test_a_record_that_is_no_call_is_counted_and_not_quarantined(room):
    room.put("log.jsonl", batch(payload(1), payload(2, status="failure")))
    (landed,) = room.land().landed

    (file,) = landed.files
    assert (file.rows_accepted, file.rows_empty, file.rows_quarantined) == (1, 1, 0)
    assert landed.counters["no_call"] == 1
    assert len(room.rows()) == 1


def test_any_number_of_records_that_are_no_calls_does_not_make_a_file_hopeless(room):
    room.put("log.jsonl", batch(*(payload(n, status="failure") for n in range(1_200))))
    result = room.land()

    assert not result.problems
    assert result.landed[0].counters["no_call"] == 1_200


def test_lines_that_hold_nothing_else_are_records_as_they_are(room):
    room.put("log.jsonl", lines("text"))
    (landed,) = room.land().landed

    assert [row.rule for row in landed.quarantine] == ["not_an_object"]
