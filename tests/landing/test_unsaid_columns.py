"""A log format says only what it has: the rest of a call is null, without a word in the reader."""

import dataclasses

from models.facts import CALL
from pipelines.sources.litellm import SOURCE as LITELLM
from tests.landing.room import Room, lines, payload

UNSAID = ("region", "cache_read_tokens", "cache_write_tokens", "first_token_at", "is_streaming")
SQL = f"select * exclude ({', '.join(UNSAID)}) from ({LITELLM.stream.sql})"


def test_columns_that_a_reader_does_not_yield_are_null(tmp_path):
    reader = dataclasses.replace(LITELLM.stream, sql=SQL)
    whole = Room(tmp_path / "whole")
    part = Room(tmp_path / "part", source=dataclasses.replace(LITELLM, stream=reader))
    for room in (whole, part):
        room.put("log.jsonl", lines(payload(1)))
        room.land()

    [said], [unsaid] = whole.rows(), part.rows()

    assert {column.name for column in CALL} <= set(unsaid)
    assert unsaid == {**said, **dict.fromkeys(UNSAID), "profile_key": unsaid["profile_key"]}
