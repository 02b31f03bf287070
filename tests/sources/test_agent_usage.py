"""Coding agents: usage beside the main counter, running totals, copied histories, cut answers."""

import json
from datetime import UTC, datetime
from itertools import permutations

import pytest

from models.facts import Fact
from models.settings import SourceSettings
from pipelines.landing.land import land
from pipelines.sources.claude_agent_sdk import SOURCE as SDK
from pipelines.sources.claude_code import SOURCE as CLAUDE
from pipelines.sources.codex_sessions import SOURCE as CODEX
from tests.landing.room import Room, pseudonym
from tests.sources.agents import (
    announced,
    both,
    counted,
    message,
    meta,
    result,
    streamed,
    turn,
    used,
)

NAME = "claude-sonnet-4-6"


def landed(source, tmp_path, **files):
    """The calls of some files by id, and what was counted; a name's `_` is a folder's `/`."""
    room = Room(tmp_path, source)
    for name, lines in files.items():
        path = room.inbox / f"{name.replace('__', '/')}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return again(source, room)


def again(source, room):
    feed = SourceSettings(source="agent", kind=source.name, location="inbox")
    told = land(feed, source, room.inbox, room.lake, pseudonym=pseudonym)
    counters = {name: n for record in told.landed for name, n in record.counters.items()}
    return {row["call_id"]: row for row in room.rows(Fact.CALLS)}, counters, told


def tokens(row, *names):
    return [row[f"{name}_tokens"] for name in names or ("input_uncached", "output_text")]


def total(calls, name="input_uncached_tokens"):
    return sum(row[name] or 0 for row in calls.values())


ADVISED = {
    "input_tokens": 3,
    "output_tokens": 70,
    "cache_read_input_tokens": 5000,
    "cache_creation_input_tokens": 400,
    "service_tier": "standard",
    "speed": "fast",
    "inference_geo": "eu",
    "iterations": [
        {
            "type": "message",
            "input_tokens": 1,
            "output_tokens": 30,
            "cache_read_input_tokens": 2000,
            "cache_creation_input_tokens": 400,
        },
        {
            "type": "advisor_message",
            "model": "claude-opus-5",
            "input_tokens": 9000,
            "output_tokens": 250,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 60},
            "cache_creation_input_tokens": 60,
        },
        {
            "type": "message",
            "input_tokens": 2,
            "output_tokens": 40,
            "cache_read_input_tokens": 3000,
        },
    ],
}


def test_an_advisor_inside_a_message_is_a_call_of_its_own_ai_model(tmp_path):
    calls, counters, _ = landed(CLAUDE, tmp_path, a=[message("m", usage=ADVISED)])
    main, advisor = calls["m:req-m"], calls["m:req-m:advisor_message:2"]

    assert tokens(main) == [3, 70]
    assert tokens(advisor) == [9000, 250]
    assert advisor["cache_write_1h_tokens"] == 60
    assert (advisor["served_model"], advisor["role"]) == ("claude-opus-5", "tool")
    assert advisor["parent_call_id"] == "m:req-m"
    assert advisor["provider_request_id"] is None
    assert [row["service_tier"] for row in (main, advisor)] == ["fast", "standard"]
    assert {row["inference_geo"] for row in calls.values()} == {"eu"}
    assert "iterations_contradict_usage" not in counters


def test_a_compaction_before_a_message_is_a_call_of_the_same_ai_model(tmp_path):
    usage = {
        "input_tokens": 700,
        "output_tokens": 50,
        "iterations": [
            {"type": "compaction", "input_tokens": 60000, "output_tokens": 900},
            {"type": "message", "input_tokens": 700, "output_tokens": 50},
        ],
    }
    calls, _, _ = landed(CLAUDE, tmp_path, a=[message("m", usage=usage)])
    compaction = calls["m:req-m:compaction:1"]

    assert tokens(compaction) == [60000, 900]
    assert (compaction["served_model"], compaction["role"]) == ("claude-sonnet-4-6", "router")
    assert total(calls) == 60700


@pytest.mark.parametrize(
    ("kinds", "told", "beside", "noted"),
    [
        # the sum of all of them: nothing is beside it
        (["message", "compaction"], 30, [], 0),
        (["message", "fallback_message"], 30, [], 0),
        # the answer of the AI model that took over, without what declined
        (["message", "fallback_message"], 20, [], 0),
        (["message", "some_new_pass"], 10, ["some_new_pass:2"], 0),
        # nothing adds up: the names decide, and the message is counted
        (["message", "compaction"], 17, ["compaction:2"], 1),
    ],
)
def test_the_numbers_tell_which_passes_a_record_holds(tmp_path, kinds, told, beside, noted):
    passes = [
        {"type": kind, "input_tokens": 10 * place, "output_tokens": 0}
        for place, kind in enumerate(kinds, start=1)
    ]
    usage = {"input_tokens": told, "output_tokens": 0, "iterations": passes}
    calls, counters, _ = landed(CLAUDE, tmp_path, a=[message("m", usage=usage)])

    assert {*calls} == {"m:req-m", *(f"m:req-m:{name}" for name in beside)}
    assert counters.get("iterations_contradict_usage", 0) == noted


def test_a_record_that_has_the_lifetimes_of_one_pass_only_takes_those_of_all(tmp_path):
    def split(five_minutes, one_hour):
        return {
            "cache_creation_input_tokens": five_minutes + one_hour,
            "cache_creation": {
                "ephemeral_5m_input_tokens": five_minutes,
                "ephemeral_1h_input_tokens": one_hour,
            },
        }

    passes = [
        {"type": "message", "input_tokens": 60, "output_tokens": 5, **split(0, 200)},
        {"type": "message", "input_tokens": 40, "output_tokens": 15, **split(30, 0)},
    ]
    usage = {**split(30, 0), "cache_creation_input_tokens": 230, "iterations": passes}
    calls, counters, _ = landed(CLAUDE, tmp_path, a=[message("m", usage=usage)])

    assert tokens(calls["m:req-m"], "cache_write_5m", "cache_write_1h") == [30, 200]
    assert counters == {}


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ((500, 200, 300), [200, 300, 0]),
        ((500, 200, 0), [200, None, 300]),
        ((500, 200, 100), [None, None, 500]),
        ((500, None, None), [None, None, 500]),
    ],
)
def test_cache_writes_of_a_rest_whose_lifetime_nobody_tells_are_of_unknown_lifetime(
    tmp_path, told, known
):
    names = ["cacheCreationInputTokens"] + [
        f"cacheCreationEphemeral{life}InputTokens" for life in ("5m", "1h")
    ]
    more = {name: n for name, n in zip(names, told, strict=True) if n is not None}
    end = result("r", "2026-10-05T08:00:05Z", {NAME: used(100, 30, **more)})
    calls, counters, _ = landed(SDK, tmp_path, a=[streamed("m", "2026-10-05T08:00:00Z"), end])
    rest = calls[f"r:{NAME}"]

    assert tokens(rest, "cache_write_5m", "cache_write_1h", "cache_write") == known
    assert "token_conflict" not in counters


def test_thinking_is_output_that_is_told_apart(tmp_path):
    usage = {"output_tokens": 90, "output_tokens_details": {"thinking_tokens": 60}}
    calls, _, _ = landed(CLAUDE, tmp_path, a=[message("m", usage=usage)])

    assert tokens(calls["m:req-m"], "output_text", "output_reasoning") == [30, 60]


def progress(inner, **changes):
    return {
        "type": "progress",
        "timestamp": "2026-10-05T08:00:09Z",
        "sessionId": "s",
        "parentToolUseID": "toolu_9",
        "data": {"type": "agent_progress", "message": inner},
        **changes,
    }


def test_a_sub_agent_that_only_progress_tells_is_counted_once(tmp_path):
    block = {"type": "tool_use", "id": "toolu_9", "name": "Task"}
    main = message("m", message={"content": [block]})
    inner = message("n", "2026-10-05T08:00:05Z", usage={"output_tokens": 30})
    asked = {"type": "user", "message": {"content": "PLANTED"}}
    own_file = [{**inner, "isSidechain": True}]
    alone, _, _ = landed(CLAUDE, tmp_path / "a", main=[main, progress(asked), progress(inner)])
    both, _, _ = landed(
        CLAUDE, tmp_path / "b", main=[main, progress(inner)], main__subagents__n=own_file
    )

    assert tokens(alone["n:req-n"]) == [100, 30]
    assert alone["n:req-n"]["parent_call_id"] == "m:req-m"
    assert {*both} == {*alone} == {"m:req-m", "n:req-n"}
    assert both["n:req-n"]["started_at"] == alone["n:req-n"]["started_at"]


def test_a_copy_in_a_fork_names_the_session_that_asked(tmp_path):
    origin = {"forkedFrom": {"sessionId": "first", "messageUuid": "u"}}
    told = {"requestSessionId": "before", **origin}
    calls, _, _ = landed(
        CLAUDE,
        tmp_path,
        a=[message("m", session="fork", **origin), message("n", session="fork", **told)],
    )

    assert [row["session_id"] for row in calls.values()] == ["first", "before"]


def test_an_answer_that_never_ended_has_no_output_from_the_provider(tmp_path):
    def cut(name, output_tokens, reason):
        return message(
            name, usage={"output_tokens": output_tokens}, message={"stop_reason": reason}
        )

    lines = [cut("a", 1, None), cut("b", 1, "end_turn"), cut("c", 40, None), cut("d", 40, None)]
    calls, counters, _ = landed(
        CLAUDE, tmp_path, a=[*lines, cut("d", 44, "tool_use"), message("e")]
    )
    said = {
        name.partition(":")[0]: (row["output_text_tokens"], row["token_source"])
        for name, row in calls.items()
    }

    assert said == {
        "a": (None, "estimated"),
        "b": (1, "provider"),
        "c": (40, "estimated"),
        "d": (44, "provider"),
        "e": (20, "provider"),
    }
    assert counters == {"answer_without_end": 2, "partial_usage": 1}


def test_a_message_without_usage_is_a_call_of_unknown_usage(tmp_path):
    calls, _, _ = landed(CLAUDE, tmp_path, a=[message("m", message={"usage": None})])

    assert tokens(calls["m:req-m"]) == [None, None]
    assert calls["m:req-m"]["token_source"] == "unknown"


# ------------------------------------------------------------------ results

FIRST = [
    streamed("m1", "2026-10-05T08:00:00Z"),
    result("r1", "2026-10-05T08:00:05Z", {NAME: used(100, 30)}),
]
SECOND = [
    streamed("m2", "2026-10-06T08:00:00Z", input_tokens=250),
    result("r2", "2026-10-06T08:00:05Z", {NAME: used(350, 75)}),
]


def rests(calls):
    return {name: tokens(row) for name, row in calls.items() if name.startswith("r")}


@pytest.mark.parametrize("own", [True, False])
def test_results_of_a_session_are_what_each_run_added(tmp_path, own):
    ends = [
        FIRST[1] | ({"model_usage_since_last_result": {NAME: used(100, 30)}} if own else {}),
        SECOND[1] | ({"model_usage_since_last_result": {NAME: used(250, 45)}} if own else {}),
    ]
    lines = [FIRST[0], ends[0], SECOND[0], ends[1]]
    calls, counters, _ = landed(SDK, tmp_path, a=lines)

    assert rests(calls) == {f"r1:{NAME}": [0, 29], f"r2:{NAME}": [0, 44]}
    assert total(calls) == 350
    assert total(calls, "output_text_tokens") == 75
    assert counters == {"rest_of_run": 2}


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_files_of_one_session_share_their_running_total(tmp_path, names):
    calls, _, told = landed(SDK, tmp_path, **dict(zip(names, (FIRST, SECOND), strict=True)))

    assert rests(calls) == {f"r1:{NAME}": [0, 29], f"r2:{NAME}": [0, 44]}
    assert len(told.landed) == 1


def test_a_session_that_was_resumed_after_it_landed_is_read_from_its_start(tmp_path):
    room = Room(tmp_path, SDK)
    before, _, _ = landed(SDK, tmp_path, a=FIRST)
    calls, _, told = landed(SDK, tmp_path, b=SECOND)

    assert {*before} == {"m1", f"r1:{NAME}"}
    assert rests(calls) == {f"r1:{NAME}": [0, 29], f"r2:{NAME}": [0, 44]}
    assert [file.name for file in told.landed[0].files] == ["a.jsonl", "b.jsonl"]
    assert len(room.rows(Fact.CALLS)) == 4
    assert len(room.lake.landed()) == 1


def test_a_run_that_landed_before_the_one_it_resumed_is_told_anew(tmp_path):
    room = Room(tmp_path, SDK)
    before, _, _ = landed(SDK, tmp_path, b=SECOND)
    calls, _, _ = landed(SDK, tmp_path, a=FIRST)

    assert rests(before) == {f"r2:{NAME}": [100, 74]}
    assert rests(calls) == {f"r1:{NAME}": [0, 29], f"r2:{NAME}": [0, 44]}
    assert len(room.rows(Fact.CALLS)) == 4


def test_a_file_that_came_while_it_grew_tells_nothing_twice(tmp_path):
    calls, counters, _ = landed(SDK, tmp_path, early=FIRST, late=[*FIRST, *SECOND])

    assert rests(calls) == {f"r1:{NAME}": [0, 29], f"r2:{NAME}": [0, 44]}
    assert "result_below_messages" not in counters


def test_a_fork_counts_only_its_own_run_where_the_result_says_it(tmp_path):
    fork = [
        streamed("m3", "2026-10-05T09:00:00Z", session="fork"),
        result("r3", "2026-10-05T09:00:05Z", {NAME: used(200, 55)}, {NAME: used(100, 25)}, "fork"),
    ]
    calls, _, _ = landed(SDK, tmp_path, a=FIRST, b=fork)

    assert rests(calls) == {f"r1:{NAME}": [0, 29], f"r3:{NAME}": [0, 24]}


def test_sums_that_fall_were_started_anew_and_a_crash_tells_nothing(tmp_path):
    lines = [
        *FIRST,
        result("r2", "2026-10-05T08:01:00Z", {}),
        result("r3", "2026-10-05T08:02:00Z", {NAME: used(160, 40)}),
        # after `/clear`
        result("r4", "2026-10-05T08:03:00Z", {NAME: used(7, 2)}),
    ]
    calls, _, _ = landed(SDK, tmp_path, a=lines)

    assert rests(calls) == {
        f"r1:{NAME}": [0, 29],
        f"r3:{NAME}": [60, 10],
        f"r4:{NAME}": [7, 2],
    }


def test_a_rest_has_the_lifetimes_of_its_cache_writes_and_is_served_as_its_messages(tmp_path):
    summed = used(
        100,
        30,
        cacheCreationInputTokens=500,
        cacheCreationEphemeral5mInputTokens=200,
        cacheCreationEphemeral1hInputTokens=300,
        provider="bedrock",
    )
    first = streamed("m1", "2026-10-05T08:00:00Z")
    first["message"]["usage"] |= {
        "inference_geo": "us",
        "cache_creation_input_tokens": 200,
        "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 0},
    }
    key = "us.anthropic.claude-sonnet-4-6-v1:0[1m]"
    calls, _, _ = landed(
        SDK, tmp_path, a=[first, result("r", "2026-10-05T08:00:05Z", {key: summed})]
    )
    rest = calls[f"r:{key}"]

    assert tokens(rest, "input_uncached", "output_text") == [0, 29]
    assert tokens(rest, "cache_write_5m", "cache_write_1h") == [0, 300]
    assert (rest["inference_geo"], rest["provider"], rest["served_model"]) == ("us", "aws", key)


def test_a_pass_beside_a_message_is_no_rest_of_its_run(tmp_path):
    first = streamed("m1", "2026-10-05T08:00:00Z")
    first["message"]["usage"]["iterations"] = [
        {"type": "message", "input_tokens": 100, "output_tokens": 1},
        {
            "type": "advisor_message",
            "model": "claude-opus-5",
            "input_tokens": 9,
            "output_tokens": 8,
        },
    ]
    summed = {NAME: used(100, 30), "claude-opus-5": used(9, 8)}
    calls, _, _ = landed(SDK, tmp_path, a=[first, result("r", "2026-10-05T08:00:05Z", summed)])

    assert {*calls} == {"m1", "m1:advisor_message:2", f"r:{NAME}"}
    assert total(calls) == 109


# ------------------------------------------------------------------ unread

UNREAD = [
    (CLAUDE, {"type": "new_kind", "message": {"usage": {"input_tokens": 5}}}),
    (CLAUDE, {"resourceMetrics": [{"scopeMetrics": []}]}),
    (SDK, {"type": "new_kind", "total_cost_usd": 0.5}),
    (CODEX, {"type": "turn.completed", "usage": {"input_tokens": 5}}),
    (CODEX, {"type": "event_msg", "payload": {"type": "new_kind", "total_tokens": 5}}),
]


@pytest.mark.parametrize(("source", "line"), UNREAD)
def test_a_line_that_tells_usage_and_is_not_read_is_set_aside(tmp_path, source, line):
    _, _, told = landed(source, tmp_path, a=[line, {"type": "note"}])
    [record] = told.landed

    assert [(r.source_row, r.rule) for r in record.quarantine] == [(1, "unread_usage")]
    assert record.files[0].rows_empty == 1


@pytest.mark.parametrize(("source", "line"), UNREAD)
def test_a_file_of_such_lines_alone_is_refused(tmp_path, source, line):
    _, _, told = landed(source, tmp_path, a=[line] * 10)

    assert told.landed == ()
    assert [problem.rule for problem in told.problems] == ["not_whole"]


def test_an_event_of_another_name_that_tells_usage_is_counted(tmp_path):
    def event(name, **attributes):
        told = {"event.name": name, **attributes}
        listed = [{"key": k, "value": {"stringValue": v}} for k, v in told.items()]
        return {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": listed}]}]}]}

    _, counters, _ = landed(
        CLAUDE,
        tmp_path,
        a=[event("user_prompt", prompt_length="3"), event("api_preview", cost_usd="0.1")],
    )

    assert counters == {"unread_event": 1, "file_without_calls": 1}


# ------------------------------------------------------------------ Codex

PARENT = [
    meta("parent", "2026-10-05T08:00:00.000Z"),
    turn("2026-10-05T08:00:01.000Z"),
    counted("2026-10-05T08:00:10.000Z", 100, 100),
    counted("2026-10-05T08:00:20.000Z", 40, 140),
]
FORK = meta("child", "2026-10-05T09:00:00.000Z", forked_from_id="parent")
OWN = [turn("2026-10-05T09:00:03.000Z"), counted("2026-10-05T09:00:08.000Z", 25, 165)]
SEVEN = "{:08x}-{:04x}-7000-8000-00000000000{}"


def seven(at, n):
    """An id that says when it was made."""
    ms = int(datetime.fromisoformat(at).timestamp() * 1000)
    return SEVEN.format(ms >> 16, ms & 0xFFFF, n)


COPIES = [
    turn("2026-10-05T09:00:00.001Z"),
    counted("2026-10-05T09:00:00.002Z", 100, 100),
    counted("2026-10-05T09:00:00.003Z", 40, 140),
]
OLD = int(datetime(2026, 10, 5, 8, tzinfo=UTC).timestamp())
CHILD_ID = seven("2026-10-05T09:00:00Z", 1)
REPLAYS = {
    "burst": [FORK, *COPIES, *OWN],
    "two heads": [FORK, meta("parent", "2026-10-05T09:00:00.000Z"), *COPIES, *OWN],
    "announced": [
        FORK,
        turn("2026-10-05T09:00:00.100Z"),
        counted("2026-10-05T09:00:01.500Z", None, 100),
        counted("2026-10-05T09:00:03.000Z", None, 140),
        announced("2026-10-05T09:30:00.000Z"),
        counted("2026-10-05T09:30:09.000Z", None, 165),
    ],
    "starts": [
        FORK,
        announced("2026-10-05T09:00:00.100Z", started_at=OLD),
        counted("2026-10-05T09:00:02.000Z", 100, 100),
        announced("2026-10-05T09:00:03.000Z", started_at=OLD + 9),
        counted("2026-10-05T09:00:05.000Z", 40, 140),
        announced("2026-10-05T09:00:06.000Z", started_at=OLD + 3606),
        counted("2026-10-05T09:00:06.500Z", 25, 165),
    ],
    "turn ids": [
        meta(CHILD_ID, "2026-10-05T09:00:00.000Z", forked_from_id="parent"),
        turn("2026-10-05T09:00:01.000Z", turn_id=seven("2026-10-05T08:00:01Z", 2)),
        counted("2026-10-05T09:00:03.000Z", 100, 100),
        counted("2026-10-05T09:00:05.000Z", 40, 140),
        turn("2026-10-05T09:00:06.000Z", turn_id=seven("2026-10-05T09:00:06Z", 3)),
        counted("2026-10-05T09:00:06.500Z", 25, 165),
    ],
    "only copies": [FORK, *COPIES],
    "a sub-agent": [
        meta(
            "child",
            "2026-10-05T09:00:00.000Z",
            source={"subagent": {"thread_spawn": {"parent_thread_id": "parent"}}},
        ),
        *COPIES,
        *OWN,
    ],
}


@pytest.mark.parametrize("name", REPLAYS)
def test_a_fork_counts_what_its_parent_did_not(tmp_path, name):
    calls, counters, _ = landed(CODEX, tmp_path, a=PARENT, b=REPLAYS[name])
    own = 0 if name == "only copies" else 25

    assert total(calls) == 140 + own
    assert {row["session_id"] for row in calls.values()} <= {"parent", "child", CHILD_ID}
    assert sum(row["session_id"] != "parent" for row in calls.values()) == bool(own)
    assert counters["replayed_event"] == 2


def test_copies_that_kept_their_times_are_the_calls_of_the_session_they_tell(tmp_path):
    """Whether its file is there or not."""
    grand = meta("grand", "2026-10-05T07:00:00.000Z", timestamp="2026-10-05T07:00:00.000Z")
    parent = meta("parent", "2026-10-05T08:00:00.000Z", timestamp="2026-10-05T08:00:00.000Z")
    old = counted("2026-10-05T07:30:00.000Z", 9, 9)
    child = [FORK, parent, grand, old, *PARENT[1:], *OWN]
    alone, _, _ = landed(CODEX, tmp_path / "a", child=child)
    both, _, _ = landed(CODEX, tmp_path / "b", child=child, parent=PARENT, grand=[grand, old])

    assert [row["session_id"] for row in alone.values()] == ["grand", "parent", "parent", "child"]
    assert {*alone} == {*both}
    assert total(both) == 174


@pytest.mark.parametrize("pace", ["2026-10-05T09:00:05.000Z", "2026-10-05T09:00:30.000Z"])
def test_a_sub_agent_without_a_history_loses_nothing(tmp_path, pace):
    lines = [FORK, turn("2026-10-05T09:00:00.001Z"), counted(pace, 70, 70)]
    calls, counters, _ = landed(CODEX, tmp_path, a=lines)

    assert total(calls) == 70
    assert counters == {}


def test_the_first_sum_of_a_fork_may_hold_its_parent_and_is_an_estimate(tmp_path):
    lines = [FORK, turn("2026-10-05T09:00:00.001Z"), counted("2026-10-05T09:00:09.000Z", None, 165)]
    calls, counters, _ = landed(CODEX, tmp_path, a=lines)

    assert [row["token_source"] for row in calls.values()] == ["estimated"]
    assert counters == {"first_sum_of_a_fork": 1}


def test_codex_writes_to_the_cache_inside_its_input(tmp_path):
    event = counted("2026-10-05T08:00:10.000Z", 900, 900)
    event["payload"]["info"]["last_token_usage"] |= {
        "cache_write_input_tokens": 700,
        "cached_input_tokens": 150,
    }
    calls, _, _ = landed(CODEX, tmp_path, a=[meta("c", "2026-10-05T08:00:00.000Z"), event])
    [row] = calls.values()

    assert tokens(row, "input_uncached", "cache_read") == [50, 150]
    assert sum(row[f"cache_write{n}_tokens"] or 0 for n in ("", "_5m", "_1h")) == 700


def settings(at, **applied):
    payload = {"type": "thread_settings_applied", "thread_settings": applied}
    return {"timestamp": at, "type": "event_msg", "payload": payload}


def test_the_tier_of_a_codex_request_is_that_of_the_settings_in_force(tmp_path):
    lines = [
        meta("c", "2026-10-05T08:00:00.000Z"),
        counted("2026-10-05T08:00:10.000Z", 1, 1),
        settings("2026-10-05T08:00:11.000Z", service_tier="priority"),
        counted("2026-10-05T08:00:20.000Z", 1, 2),
        settings("2026-10-05T08:00:21.000Z", model="gpt-5.6"),
        counted("2026-10-05T08:00:30.000Z", 1, 3),
        turn("2026-10-05T08:00:31.000Z", service_tier="default"),
        counted("2026-10-05T08:00:40.000Z", 1, 4),
        counted("2026-10-05T08:00:50.000Z", 1, 5, service_tier="flex"),
        turn("2026-10-05T08:00:51.000Z", service_tier="fast"),
        counted("2026-10-05T08:01:00.000Z", 1, 6),
    ]
    calls, _, _ = landed(CODEX, tmp_path, a=lines)
    tiers = [row["service_tier"] for row in calls.values()]

    assert tiers == [None, "priority", "priority", "standard", "flex", "priority"]


def recorded(at, response, tokens_):
    payload = {"response_id": response, "usage": both(tokens_)}
    return {"timestamp": at, "type": "token_usage_record", "payload": payload}


def test_a_compaction_of_codex_is_a_call_unless_an_event_counts_it(tmp_path):
    def compacted(response):
        return {"type": "compacted", "payload": {"compaction_response_id": response}}

    lines = [
        meta("c", "2026-10-05T08:00:00.000Z"),
        turn("2026-10-05T08:00:01.000Z"),
        recorded("2026-10-05T08:00:10.000Z", "resp-turn", 100),
        counted("2026-10-05T08:00:10.000Z", 100, 100),
        recorded("2026-10-05T08:00:20.000Z", "resp-remote", 5000),
        compacted("resp-remote"),
        recorded("2026-10-05T08:00:30.000Z", "resp-local", 300),
        counted("2026-10-05T08:00:30.000Z", 300, 400),
        compacted("resp-local"),
    ]
    calls, _, _ = landed(CODEX, tmp_path, a=lines)

    assert tokens(calls["resp-remote"])[0] == 5000
    assert (calls["resp-remote"]["role"], calls["resp-remote"]["session_id"]) == ("router", "c")
    assert total(calls) == 5400


@pytest.mark.parametrize("order", [*permutations((0, 1, 2))][::2])
def test_a_transcript_says_the_same_whatever_the_names_of_its_files(tmp_path, order):
    files = [[message(name)] for name in ("a", "b", "c")]
    calls, _, _ = landed(CLAUDE, tmp_path, **{f"f{n}": files[n] for n in order})

    assert total(calls) == 300
