"""Coding agents: transcripts, streams, events and session files; each call once, no content."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from models.facts import Fact
from models.settings import SourceSettings
from pipelines.landing.land import land
from pipelines.sources.claude_agent_sdk import SOURCE as SDK
from pipelines.sources.claude_code import SOURCE as CLAUDE
from pipelines.sources.codex_sessions import SOURCE as CODEX
from tests.landing.room import Room, pseudonym
from tests.sources.deliveries import SAMPLES

ALL = [CLAUDE, SDK, CODEX]


def sample(source, name):
    return {name: (SAMPLES / source.name / "files" / name).read_bytes()}


def landed(source, tmp_path, files, **settings):
    """The result of landing some files, and the calls."""
    room = Room(tmp_path, source)
    for name, content in files.items():
        room.put(name, content)
    feed = SourceSettings(source="agent", kind=source.name, location="inbox", **settings)
    result = land(feed, source, room.inbox, room.lake, pseudonym=pseudonym)
    assert not result.problems
    return result, room.rows(Fact.CALLS)


def jsonl(*records):
    return {"a.jsonl": "".join(json.dumps(record) + "\n" for record in records)}


def tokens(row):
    names = "input_uncached cache_read cache_write_5m cache_write_1h output_text output_reasoning"
    return [row[f"{name}_tokens"] for name in names.split()]


def counters(result):
    return {name: n for record in result.landed for name, n in record.counters.items()}


def test_a_transcript_counts_as_the_messages_api_does(tmp_path):
    _, rows = landed(CLAUDE, tmp_path, sample(CLAUDE, "transcript.jsonl"))

    assert [tokens(row) for row in rows] == [
        [100, 10, None, None, 50, None],
        [200, 20, None, None, 75, None],
        [300, 40, 0, 0, 125, None],
    ]
    assert [row["cache_write_tokens"] for row in rows] == [25, 50, 0]
    assert [row["call_id"] for row in rows] == [f"msg-alpha-{n}:req-alpha-{n}" for n in (1, 2, 3)]
    assert rows[0]["started_at"] == datetime(2026, 1, 9, 10, tzinfo=UTC)
    assert [row["service_tier"] for row in rows] == [None, "fast", None]
    assert [row["logged_cost_usd"] for row in rows] == [
        Decimal(c) for c in ("0.12", "0.34", "0.56")
    ]
    assert {row["logged_cost_kind"] for row in rows} == {"gateway_estimate"}
    assert {(row["provider"], row["token_semantics"]) for row in rows} == {
        ("anthropic", "exclusive")
    }


def test_snapshots_of_one_message_are_one_call_of_159_not_248(tmp_path):
    result, rows = landed(CLAUDE, tmp_path, sample(CLAUDE, "session.jsonl"), task_key="branch")
    message, sub_agent = rows

    assert tokens(message) == [10, 2000, 100, 200, 159, None]
    assert message["provider_request_id"] == "msg-a"
    assert (message["web_search_requests"], message["task_id"]) == (2, "agent/T-7")
    assert message["started_at"] == datetime(2026, 10, 1, 9, 0, 1, tzinfo=UTC)
    assert message["ended_at"] == datetime(2026, 10, 1, 9, 0, 3, tzinfo=UTC)
    assert message["parent_call_id"] is None
    assert sub_agent["parent_call_id"] == message["call_id"]
    assert counters(result) == {"made_by_client": 1}
    assert result.landed[0].files[0].rows_empty == 6


def test_the_order_of_snapshots_does_not_matter(tmp_path):
    lines = sample(CLAUDE, "session.jsonl")["session.jsonl"].splitlines()
    shuffled = b"\n".join(reversed(lines))
    _, forwards = landed(CLAUDE, tmp_path / "a", sample(CLAUDE, "session.jsonl"))
    _, backwards = landed(CLAUDE, tmp_path / "b", {"session.jsonl": shuffled})

    assert {row["call_id"]: tokens(row) for row in forwards} == {
        row["call_id"]: tokens(row) for row in backwards
    }


def test_an_answer_delivered_before_it_was_written_is_an_earlier_version_of_it(tmp_path):
    content = sample(CLAUDE, "session.jsonl")["session.jsonl"]
    early = b"\n".join(content.splitlines()[:3])
    _, rows = landed(CLAUDE, tmp_path, {"early.jsonl": early, "late.jsonl": content})
    versions = [
        (row["updated_at"], tokens(row)[4]) for row in rows if row["parent_call_id"] is None
    ]

    assert sorted(versions) == [
        (datetime(2026, 10, 1, 9, 0, 1, tzinfo=UTC), 9),
        (datetime(2026, 10, 1, 9, 0, 3, tzinfo=UTC), 159),
    ]


def test_events_are_calls_with_an_estimate_at_list_price(tmp_path):
    result, rows = landed(CLAUDE, tmp_path, sample(CLAUDE, "events.jsonl"), tag_keys=["team.id"])
    request, error = sorted(rows, key=lambda row: row["started_at"])

    assert tokens(request)[:2] == [3, 7166]
    assert request["cache_write_tokens"] == 2175
    assert request["output_text_tokens"] == 5
    assert request["started_at"] == datetime(2026, 10, 1, 9, tzinfo=UTC)
    assert request["logged_cost_usd"] == Decimal("0.01039005")
    assert request["logged_cost_kind"] == "gateway_estimate"
    assert (request["user_id"], request["org_id"]) == (pseudonym("0b1c-ann"), "org-1")
    assert request["tags"] == '{"team.id": "search"}'
    assert (error["status"], error["http_status"], error["attempt_no"]) == ("error", 529, 2)
    assert error["token_source"] == "unknown"
    assert counters(result)["cache_lifetime_unknown"] == 1


def test_the_result_completes_a_placeholder_to_what_was_charged(tmp_path):
    files = sample(SDK, "recorded_with_times.jsonl")
    result, rows = landed(SDK, tmp_path, files)
    sums = [
        sum(row[f"{n}_tokens"] or 0 for row in rows)
        for n in ("input_uncached", "cache_write_5m", "cache_read", "output_text")
    ]
    prices = [Decimal(p) for p in ("3e-6", "3.75e-6", "3e-7", "1.5e-5")]

    assert sums == [3, 2175, 7166, 5]
    assert sum(q * p for q, p in zip(sums, prices, strict=True)) == Decimal("0.01039005")
    assert counters(result)["rest_of_run"] == 1


def test_a_stream_without_times_is_set_aside_because_its_day_is_unknown(tmp_path):
    result, rows = landed(SDK, tmp_path, sample(SDK, "recorded.jsonl"))
    quarantine = [r for record in result.landed for r in record.quarantine]

    assert rows == []
    assert {r.rule for r in quarantine} == {"bad_time"}


def test_a_sub_agent_hangs_on_the_call_that_started_it(tmp_path):
    _, rows = landed(SDK, tmp_path, sample(SDK, "sub_agents.jsonl"))
    main, sub_agent, rest = rows

    assert sub_agent["parent_call_id"] == main["call_id"] == "msg-m"
    assert (rest["served_model"], rest["output_text_tokens"]) == ("claude-sonnet-4-6", 49)
    assert sum(row["output_text_tokens"] for row in rows) == 70


def test_a_result_that_is_below_its_messages_takes_nothing_away(tmp_path):
    lines = sample(SDK, "sub_agents.jsonl")["sub_agents.jsonl"].decode()
    result, rows = landed(
        SDK, tmp_path, {"a.jsonl": lines.replace('"outputTokens": 20', '"outputTokens": 19')}
    )

    assert sum(row["output_text_tokens"] for row in rows) == 70
    assert counters(result)["result_below_messages"] == 1


def test_codex_sums_the_last_usage_never_the_running_total(tmp_path):
    result, rows = landed(CODEX, tmp_path, sample(CODEX, "rollout-2026-10-01.jsonl"))

    assert [tokens(row) for row in rows] == [
        [750, 250, None, None, 50, 75],
        [2000, 500, None, None, 100, 200],
        [90, 10, None, None, 10, 0],
    ]
    assert [row["served_model"] for row in rows] == [
        "gpt-5.2-codex",
        "gpt-5.3-codex",
        "gpt-5.3-codex",
    ]
    assert {(row["session_id"], row["provider"]) for row in rows} == {("c-1", "openai")}
    assert counters(result) == {"repeated_event": 1}
    assert sum(row["reported_input_tokens"] for row in rows) == 3600


def test_the_fixture_of_codex_reads_as_inclusive_and_says_that_its_total_is_odd(tmp_path):
    """Its invented totals count reasoning twice; the counts themselves are what is kept."""
    _, rows = landed(CODEX, tmp_path, sample(CODEX, "session-alpha.jsonl"))

    assert [tokens(row)[0:2] for row in rows] == [[750, 250], [2000, 500]]
    assert [row["output_text_tokens"] for row in rows] == [50, 100]
    assert {row["is_token_conflict"] for row in rows} == {True}
    assert {row["session_id"] for row in rows} == {"session-alpha"}


def test_a_session_that_has_grown_tells_the_same_calls_again(tmp_path):
    content = sample(CODEX, "rollout-2026-10-01.jsonl")["rollout-2026-10-01.jsonl"]
    early = b"\n".join(content.splitlines()[:6])
    _, rows = landed(CODEX, tmp_path, {"early.jsonl": early, "late.jsonl": content})
    lineage = {"file_id", "source_row"}
    copies = [
        {k: v for k, v in row.items() if k not in lineage}
        for row in rows
        if row["reported_input_tokens"] == 1000
    ]

    assert len(copies) == 2
    assert copies[0] == copies[1]


MESSAGE = {
    "type": "assistant",
    "timestamp": "2026-10-01T09:00:00Z",
    "sessionId": "s",
    "message": {"id": "m", "model": "claude-sonnet-4-6", "usage": {"input_tokens": 1}},
}


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        ({**MESSAGE, "message": {"usage": {"input_tokens": 1}}}, "missing_identity"),
        ({**MESSAGE, "requestId": "r", "timestamp": "soon"}, "bad_time"),
        ({**MESSAGE, "message": {"id": "n", "usage": {"input_tokens": -1}}}, "bad_count"),
        ({**MESSAGE, "message": {"id": "n", "usage": {"input_tokens": 1.5}}}, "bad_count"),
        ([1], "not_an_object"),
    ],
)
def test_a_message_that_breaks_a_rule_is_set_aside(tmp_path, bad, rule):
    result, rows = landed(CLAUDE, tmp_path, jsonl(MESSAGE, bad))

    assert [(r.source_row, r.rule) for rec in result.landed for r in rec.quarantine] == [(2, rule)]
    assert len(rows) == 1


def test_a_torn_last_line_is_set_aside_and_the_others_count(tmp_path):
    torn = jsonl(MESSAGE)["a.jsonl"] + '{"type": "assistant", "mess'
    result, rows = landed(CLAUDE, tmp_path, {"a.jsonl": torn})

    assert [r.rule for rec in result.landed for r in rec.quarantine] == ["not_json"]
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("claude-sonnet-4-6", "anthropic"),
        ("us.anthropic.claude-sonnet-4-6-v1:0", "aws"),
        ("claude-sonnet-4@20250514", "google"),
    ],
)
def test_who_serves_is_told_by_the_way_an_id_is_written(tmp_path, name, provider):
    _, (row,) = landed(
        CLAUDE, tmp_path, jsonl({**MESSAGE, "message": {**MESSAGE["message"], "model": name}})
    )

    assert (row["provider"], row["served_model"]) == (provider, name)


@pytest.mark.parametrize("source", ALL, ids=lambda source: source.name)
def test_prompts_paths_and_people_are_never_written(tmp_path, source):
    files = {p.name: p.read_bytes() for p in (SAMPLES / source.name / "files").iterdir()}
    landed(source, tmp_path, files, task_key="prompt", tag_keys=["branch", "version", "user.email"])
    lake = Room(tmp_path, source).lake
    written = b"".join(p.read_bytes() for p in lake.root.rglob("*") if p.is_file())

    assert written
    assert b"/home/ann" not in written
    assert b"ann@" not in written
    assert b"PLANTED" not in written


@pytest.mark.parametrize("source", ALL, ids=lambda source: source.name)
def test_a_file_of_something_else_is_told_and_holds_no_calls(tmp_path, source):
    result, rows = landed(source, tmp_path, jsonl({"id": 1, "prompt_tokens": 5}, {"id": 2}))

    assert rows == []
    assert counters(result) == {"file_without_calls": 1}
    assert result.landed[0].files[0].rows_empty == 1
    assert [r.rule for rec in result.landed for r in rec.quarantine] == ["unread_usage"]
