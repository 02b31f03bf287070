"""Logs that come as tables: cut into whole rows wherever blocks end, and read in flat memory."""

import csv
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.landing import tables
from pipelines.landing.tables import _whole_rows
from tests.landing.room import Room, zipped

HEADER = "request_id,call_type,startTime,endTime,spend,prompt_tokens,completion_tokens,metadata"
ROW = '{0},acompletion,2026-10-01 10:00:00,2026-10-01 10:00:01,0.5,3,4,"{1}"'
values = st.text(alphabet='ab,"\n\r é', max_size=12)


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path)


@given(st.lists(st.lists(values, min_size=2, max_size=2), max_size=8), st.integers(1, 40))
def test_rows_are_whole_wherever_blocks_end(rows, size):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    content = text.getvalue().encode()
    blocks = (content[start : start + size] for start in range(0, len(content), size))
    found = list(_whole_rows(blocks, b'"'))

    assert b"".join(found) == content
    assert [row for part in found for row in parsed(part)] == list(parsed(content))


def parsed(content):
    return csv.reader(io.StringIO(content.decode(), newline=""))


def test_line_ends_inside_values_and_across_blocks_are_content(room, monkeypatch):
    monkeypatch.setattr("pipelines.landing.unpacking.BLOCK_BYTES", 100)
    said = '{{""tags"": ""a\n{0}\n""}}'
    lines = [ROW.format(f"r-{n}", said.format("x" * n)) for n in range(40)]
    room.put("log.csv.gz", zipped("\n".join([HEADER, *lines])))
    (record,) = room.land().landed

    assert record.files[0].rows_accepted == 40
    assert [row["source_row"] for row in room.rows()] == list(range(1, 41))


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (HEADER + "\n" + ROW.format("r", "x" * 3000), "row_too_long"),
        (HEADER + "\n" + ROW.format("r", "")[:-1] + "x\n" * 2000, "row_too_long"),
        (HEADER + "\n" + ROW.format("r", "") + ",one too many\n", "unreadable_table"),
        ("Datum,Betrag\n1,2\n", "missing_columns"),
        ("\ufeff", "missing_columns"),
        ("\n\n", "missing_columns"),
    ],
)
def test_a_table_that_is_not_one_is_refused_and_says_why(room, monkeypatch, content, rule):
    monkeypatch.setattr("pipelines.landing.unpacking.BLOCK_BYTES", 100)
    monkeypatch.setattr(tables, "MAX_ROW_BYTES", 2000)
    room.put("log.csv", content)
    room.put("good.csv", HEADER + "\n" + ROW.format("r-1", "") + "\n")
    result = room.land()

    assert [problem.rule for problem in result.problems] == [rule]
    assert [row["call_id"] for row in room.rows()] == ["r-1"]


def test_a_header_of_one_endless_name_is_refused(room):
    room.put("log.csv", '"' + "x" * 200_000 + '"\n1\n')

    assert [problem.rule for problem in room.land().problems] == ["unreadable_table"]


def test_parquet_inside_gzip_is_refused(room):
    table = io.BytesIO()
    pq.write_table(pa.table({"request_id": ["r"]}), table)
    room.put("log.parquet.gz", zipped(table.getvalue()))

    assert [problem.rule for problem in room.land().problems] == ["wrong_container"]


def test_contents_are_not_even_read(room):
    room.put(
        "log.csv", f"{HEADER},messages\n{ROW.format('r', '')},\xff not a text\n".encode("latin-1")
    )

    assert room.land().problems == ()
