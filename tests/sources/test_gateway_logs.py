"""Call logs of gateways: laws that hold for every format."""

import gzip
import importlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.vocabulary import TokenSemantics
from tests.landing.room import Room, lines, pseudonym
from tests.sources.gateway_logged import MAIL, WORDS
from tests.sources.gateway_records import KINDS, SHAPES, good, put, shape_of

SAMPLES = Path(__file__).parents[2] / "data_samples"


def source_of(kind):
    return importlib.import_module(f"pipelines.sources.{kind}").SOURCE


def room_of(path, kind):
    return Room(path, source=source_of(kind))


def read(room, *records):
    room.put("log.jsonl", lines(*records))
    result = room.land()
    assert not result.problems
    assert [row.rule for record in result.landed for row in record.quarantine] == []
    return room.rows()


def plain(value):
    return str(value) if isinstance(value, (date, datetime, Decimal)) else value


def facts(rows):
    """Rows as the expected facts have them: without lineage, and without what is unknown."""
    left_out = ("source", "file_id", "source_row", "profile_key")
    return [
        {k: plain(v) for k, v in row.items() if v is not None and k not in left_out} for row in rows
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_samples_become_the_facts_beside_them(tmp_path, kind):
    room = room_of(tmp_path, kind)
    files = SAMPLES / kind / "files"
    for path in sorted(files.rglob("*")):
        if path.is_file():
            room.put(str(path.relative_to(files)), path.read_bytes())
    result = room.land()

    expected = json.loads((SAMPLES / kind / "expected.json").read_text())
    assert not result.problems
    assert [row.rule for record in result.landed for row in record.quarantine] == []
    assert sorted(facts(room.rows()), key=lambda row: row["call_id"]) == expected


def rendered(kind, counts, *, where=lambda _: True, **flips):
    """One record and its buckets per provider whose totals a format reports in its own way."""
    shapes = [shape for shape in SHAPES if shape.kind == kind and where(shape)]
    every = [dict.fromkeys(shape.buckets, 0) | counts for shape in shapes]
    records = [
        shape.render(buckets, number=number, **flips)
        for number, (shape, buckets) in enumerate(zip(shapes, every, strict=True))
    ]
    return shapes, records, every


def buckets_of(shapes, calls):
    return [
        {name: call[name] for name in shape.buckets}
        for shape, call in zip(shapes, calls, strict=True)
    ]


@st.composite
def calls_of(draw, kind):
    """Shapes of a format with random buckets; some input and output, so that a call ran."""
    shapes = [shape for shape in SHAPES if shape.kind == kind] * draw(st.integers(2, 4))
    every = [{name: draw(st.integers(0, 10**6)) for name in shape.buckets} for shape in shapes]
    for counts in every:
        counts["input_uncached_tokens"] += 1
        counts["output_text_tokens"] += 1
    return shapes, every


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=4, deadline=None)
def test_disjoint_buckets_survive_the_totals_of_the_format(tmp_path_factory, kind, data):
    shapes, every = data.draw(calls_of(kind))
    records = [
        shape.render(counts, number=number)
        for number, (shape, counts) in enumerate(zip(shapes, every, strict=True))
    ]
    calls = read(room_of(tmp_path_factory.mktemp("room"), kind), *records)

    assert buckets_of(shapes, calls) == every
    assert not any(call["is_token_conflict"] for call in calls)


TELLS_CACHE = [k for k in KINDS if "cache_read_tokens" in shape_of(k).paths and k[:7] != "bedrock"]
TELLS_REASONING = [k for k in KINDS if "output_reasoning_tokens" in shape_of(k).paths]


@pytest.mark.parametrize("kind", TELLS_CACHE)
def test_cache_beyond_the_input_proves_that_it_stands_beside_it(tmp_path, kind):
    shapes, records, every = rendered(
        kind,
        {"input_uncached_tokens": 3, "cache_read_tokens": 12_304, "output_text_tokens": 550},
        where=lambda shape: not shape.is_input_exclusive,
        flip_input=True,
    )
    calls = read(room_of(tmp_path, kind), *records)

    assert buckets_of(shapes, calls) == every
    for shape, call in zip(shapes, calls, strict=True):
        assert call["is_token_conflict"] == shape.is_documented
        assert call["token_semantics"] == ("exclusive" if shape.is_documented else "unknown")


@pytest.mark.parametrize("kind", TELLS_REASONING)
def test_more_reasoning_than_output_proves_that_it_stands_beside_it(tmp_path, kind):
    shapes, records, every = rendered(
        kind,
        {
            "input_uncached_tokens": 10,
            "output_text_tokens": 150,
            "output_reasoning_tokens": 8_000,
        },
        where=lambda shape: not shape.is_output_exclusive,
        flip_output=True,
    )
    calls = read(room_of(tmp_path, kind), *records)

    assert buckets_of(shapes, calls) == every
    assert [c["is_token_conflict"] for c in calls] == [s.is_documented for s in shapes]


@pytest.mark.parametrize("kind", ["portkey", "kong"])
def test_a_total_of_the_provider_proves_that_reasoning_is_inside(tmp_path, kind):
    shapes, records, every = rendered(
        kind,
        {
            "input_uncached_tokens": 10,
            "output_text_tokens": 300,
            "output_reasoning_tokens": 200,
        },
        where=lambda shape: shape.is_output_exclusive,
        flip_output=True,
    )
    (call,) = read(room_of(tmp_path, kind), *records)

    assert buckets_of(shapes, [call]) == every
    assert (call["token_semantics"], call["is_token_conflict"]) == ("inclusive", True)


@pytest.mark.parametrize("kind", ["portkey", "kong", "azure_apim"])
def test_a_total_nobody_can_explain_is_neither_input_nor_output(tmp_path, kind):
    shapes, records, every = rendered(
        kind,
        {"input_uncached_tokens": 4_299, "output_text_tokens": 631},
        where=lambda shape: shape.provider not in ("vertex-ai", "gemini"),
    )
    for shape, record in zip(shapes, records, strict=True):
        put(record, shape.total, 58_291)
    calls = read(room_of(tmp_path, kind), *records)

    assert buckets_of(shapes, calls) == every
    assert all(call["is_token_conflict"] for call in calls)


@pytest.mark.parametrize("kind", ["portkey", "kong"])
def test_a_total_of_gemini_proves_the_thoughts_and_the_tool_prompts_nobody_named(tmp_path, kind):
    (google,) = (s for s in SHAPES if s.kind == kind and s.provider in ("vertex-ai", "gemini"))
    told = dict.fromkeys(google.buckets, 0) | {
        "input_uncached_tokens": 300,
        "output_text_tokens": 70,
        "output_reasoning_tokens": 45,
    }
    without_tools, without_thoughts = google.render(told, number=1), google.render(told, number=2)
    put(without_tools, google.total, 300 + 70 + 45 + 2_600)
    put(without_thoughts, google.paths["output_reasoning_tokens"], None)
    room = room_of(tmp_path, kind)
    tools, thoughts = read(room, without_tools, without_thoughts)

    assert buckets_of([google], [tools]) == [told | {"input_uncached_tokens": 2_900}]
    assert buckets_of([google], [thoughts]) == [told]
    assert [call["is_token_conflict"] for call in (tools, thoughts)] == [False, False]
    (record,) = room.lake.landed()
    assert record.counters == {"hidden_input_tokens": 1, "hidden_output_tokens": 1}


def test_a_total_that_holds_everything_proves_that_the_cache_is_inside(tmp_path):
    """Both forms are in use for one gateway and provider, and no version tells them apart."""
    shapes, records, every = rendered(
        "portkey",
        {"input_uncached_tokens": 41, "cache_read_tokens": 7_200, "output_text_tokens": 310},
        where=lambda shape: shape.provider == "anthropic",
        flip_input=True,
    )
    (call,) = read(room_of(tmp_path, "portkey"), *records)

    assert buckets_of(shapes, [call]) == every
    assert (call["token_semantics"], call["is_token_conflict"]) == ("inclusive", True)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_people_said_and_nobodys_name_comes_out(tmp_path, kind):
    room = room_of(tmp_path, kind)
    room.put("log.jsonl", lines(good(kind), {**good(kind, 2), "nothing": 1}) + '{"a": "' + WORDS)
    room.land()
    (call, _) = room.rows()

    for landed in room.lake.landed():
        assert [row.rule for row in landed.quarantine] == ["not_json"]
        assert WORDS[:12] not in landed.model_dump_json()
    written = b"".join(p.read_bytes() for p in room.lake.root.rglob("*") if p.is_file())
    for secret in (MAIL, "tell me about", "not-to-be-seen", "192.0.2.1"):
        assert secret not in json.dumps(call, default=str)
        assert secret.encode() not in written
    assert call["user_id"] in (
        None,
        pseudonym(MAIL),
        pseudonym(f"arn:aws:iam::123456789012:user/{MAIL}"),
    )
    assert call["tags"] in (None, '{"app": "search"}')


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_record_again_has_the_same_call_id(tmp_path, kind):
    room = room_of(tmp_path, kind)
    room.put("a.jsonl", lines(good(kind, 1)))
    room.put("b.json.gz", gzip.compress(lines(good(kind, 2), good(kind, 1)).encode()))
    room.land()

    assert sorted(call["call_id"] for call in room.rows()) == ["call-1", "call-1", "call-2"]


@pytest.mark.parametrize("kind", KINDS)
def test_times_are_exact_and_the_day_is_the_utc_day(tmp_path, kind):
    (call,) = read(room_of(tmp_path, kind), good(kind))

    started = datetime(2026, 10, 1, 8, 0, 0, 250_000, UTC)
    assert call["started_at"] in (started, started.replace(microsecond=0))
    assert call["charge_date"] == date(2026, 10, 1)


STARTS = {
    "azure_apim": "TimeGenerated",
    "bedrock_invocation_logs": "timestamp",
    "cloudflare_ai_gateway": "created_at",
    "databricks_endpoint_usage": "request_time",
    "envoy_ai_gateway": "start_time",
    "helicone": "request_created_at",
    "kong": "started_at",
    "openrouter_generations": "created_at",
    "portkey": "created_at",
    "vercel_generations": "createdAt",
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_evening_of_march_west_of_greenwich_is_april_in_utc(tmp_path, kind):
    """23:30 of 31 March at five hours behind is 04:30 of 1 April; Kong writes milliseconds."""
    told = 1_775_017_800_000 if kind == "kong" else "2026-03-31T23:30:00-05:00"
    (call,) = read(room_of(tmp_path, kind), {**good(kind), STARTS[kind]: told})

    assert call["started_at"] == datetime(2026, 4, 1, 4, 30, tzinfo=UTC)
    assert call["charge_date"] == date(2026, 4, 1)


@pytest.mark.parametrize("factor", [1, 1_000, 1_000_000])
def test_seconds_milliseconds_and_microseconds_are_told_apart(tmp_path, factor):
    (call,) = read(
        room_of(tmp_path, "kong"), {**good("kong"), "started_at": 1_775_017_800 * factor}
    )

    assert call["charge_date"] == date(2026, 4, 1)


BROKEN_LINES = {"not json at all": "not_json", "[1, 2]": "not_an_object", '"text"': "not_an_object"}
BROKEN_COUNTS = {
    -1: "bad_count",
    1.5: "bad_count",
    "many": "bad_count",
    10**10: "impossible_count",
    # two of which do not fit 64 bits
    9 * 10**18: "impossible_count",
    10**30: "impossible_count",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_that_breaks_a_rule_is_set_aside(tmp_path, kind):
    records = [good(kind, number) for number in range(len(BROKEN_COUNTS))]
    for record, value in zip(records, BROKEN_COUNTS, strict=True):
        put(record, shape_of(kind).input, value)
        for path in (*shape_of(kind).paths.values(), shape_of(kind).output):
            put(record, path, value)
    room = room_of(tmp_path, kind)
    room.put("log.jsonl", lines(good(kind, 10), *records) + "\n".join(BROKEN_LINES))
    (landed,) = room.land().landed

    expected = [*BROKEN_COUNTS.values(), *BROKEN_LINES.values()]
    assert [(row.source_row, row.rule) for row in landed.quarantine] == list(enumerate(expected, 2))
    assert [call["call_id"] for call in room.rows()] == ["call-10"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_workspace_may_keep_no_tags_and_name_no_task(tmp_path, kind):
    room = Room(tmp_path, source=source_of(kind), tag_keys=(), task_key=None)
    (call,) = read(room, good(kind))

    assert (call["tags"], call["task_id"]) == (None, None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_number_with_a_point_is_a_count(tmp_path, kind):
    record = good(kind)
    put(record, shape_of(kind).input, "100.0")
    (call,) = read(room_of(tmp_path, kind), record)

    assert call["reported_input_tokens"] == 100


@pytest.mark.parametrize("kind", KINDS)
def test_counts_that_are_not_there_are_unknown_and_not_zero(tmp_path, kind):
    record = good(kind)
    put(record, shape_of(kind).input, None)
    put(record, shape_of(kind).output, None)
    (call,) = read(room_of(tmp_path, kind), record)

    assert call["token_source"] == "unknown"
    assert (call["input_uncached_tokens"], call["output_text_tokens"]) == (None, None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_ran_on_no_input_has_an_input_that_nobody_counted(tmp_path, kind):
    """As streams are logged whose last event never came."""
    record = good(kind)
    for path in (shape_of(kind).input, *shape_of(kind).paths.values()):
        put(record, path, 0)
    put(record, shape_of(kind).output, 5)
    if shape_of(kind).total:
        put(record, shape_of(kind).total, 5)
    room = room_of(tmp_path, kind)
    (call,) = read(room, record)

    assert (call["token_source"], call["output_text_tokens"]) == ("estimated", 5)
    assert (call["input_uncached_tokens"], call["cache_read_tokens"]) == (None, None)
    assert call["reported_input_tokens"] == 0
    assert room.lake.landed()[0].counters["partial_usage"] == 1


STREAMS = {
    "kong": ("ai/proxy/meta/request_mode", "stream", "oneshot"),
    "portkey": ("stream_mode", 1, 0),
    "vercel_generations": ("streamed", True, False),
    "openrouter_generations": ("streamed", True, False),
    "databricks_endpoint_usage": ("request_streaming", True, False),
    "azure_apim": ("IsStreamCompletion", True, False),
}


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("output", [None, 0])
def test_a_stream_without_output_has_an_output_that_nobody_counted(tmp_path, kind, output):
    path, yes, no = STREAMS[kind]
    records = [good(kind, 1), good(kind, 2)]
    for record, mode in zip(records, (yes, no), strict=True):
        put(record, path, mode)
        put(record, shape_of(kind).output, output)
        if shape_of(kind).total:
            put(record, shape_of(kind).total, 100)
    stream, whole = read(room_of(tmp_path, kind), *records)

    assert (stream["input_uncached_tokens"], stream["output_text_tokens"]) == (100, None)
    assert stream["token_source"] == "estimated"
    # an answer that came whole says what it says: a filter may have stopped it
    assert output is None or whole["output_text_tokens"] == 0
    assert output is None or whole["token_source"] == "provider"


UNITS = {
    "/v1/rerank": "rerank",
    "/v1/audio/speech": "audio_out",
    "/v1/audio/transcriptions": "audio_in",
    "/v1/images/generations": "image",
}
PATHS = {
    "kong": "upstream_uri",
    "portkey": "request_url",
    "helicone": "request_path",
    "envoy_ai_gateway": "x-envoy-origin-path",
    "cloudflare_ai_gateway": "path",
}


@pytest.mark.parametrize("kind", PATHS)
def test_what_is_counted_in_units_nobody_reads_is_unknown_and_not_free(tmp_path, kind):
    records = [good(kind, number) for number in range(len(UNITS) + 1)]
    for record, path in zip(records, [*UNITS, "/v1/moderations"], strict=True):
        put(record, PATHS[kind], path)
        for counted in (shape_of(kind).input, shape_of(kind).output):
            put(record, counted, 0)
        if shape_of(kind).total:
            put(record, shape_of(kind).total, 0)
    *calls, checked = read(room_of(tmp_path, kind), *records)

    assert [call["operation"] for call in calls] == list(UNITS.values())
    assert {call["token_source"] for call in calls} == {"unknown"}
    assert {call["input_uncached_tokens"] for call in calls} == {None}
    assert (checked["operation"], checked["token_source"]) == ("moderation", "provider")


@pytest.mark.parametrize(
    ("kind", "left"),
    [
        ("kong", {"response/status": 499}),
        ("helicone", {"response_status": -3}),
        ("envoy_ai_gateway", {"response_code": 0}),
        # what is billed by the counts of who bills it is no estimate: that is the other way round
        ("openrouter_generations", {"cancelled": True, "is_byok": True}),
    ],
)
def test_what_was_counted_of_a_call_that_was_left_is_an_estimate(tmp_path, kind, left):
    record = good(kind)
    for path, value in left.items():
        put(record, path, value)
    (call,) = read(room_of(tmp_path, kind), record)

    assert (call["status"], call["token_source"]) == ("cancelled", "estimated")
    assert call["output_text_tokens"] == 20


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_table_says_what_the_rows_are_read_by(kind):
    source = source_of(kind)
    formats = {rule.source_format for rule in source.token_rules}
    rules = {rule.provider: rule for rule in source.token_rules}

    assert len(formats) == 1
    assert len(rules) == len(source.token_rules)
    assert "*" in rules
    for rule in source.token_rules:
        is_unknown = TokenSemantics.UNKNOWN in (rule.input_totals, rule.output_totals)
        assert not is_unknown or "nverified" in rule.note
