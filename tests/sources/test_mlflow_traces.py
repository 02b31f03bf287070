"""MLflow traces and assessments: what each field becomes, and what a parent only repeats."""

import base64
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.facts import Fact
from pipelines.sources.mlflow_assessments import SOURCE as ASSESSMENTS
from pipelines.sources.mlflow_traces import SOURCE
from tests.landing.room import Room, lines, pseudonym

SAMPLES = Path(__file__).parents[2] / "data_samples" / "mlflow_traces"
START = 1_790_812_800_123_456_789
TRACE = f"{1:032x}"


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path, source=SOURCE, tag_keys=("app",), task_key="ticket")


@pytest.fixture
def feedback(tmp_path):
    return Room(tmp_path, source=ASSESSMENTS)


def encoded(hexadecimal):
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def span(number=1, kind="CHAT_MODEL", usage=None, provider="openai", **changes):
    attributes = {
        "mlflow.spanType": kind,
        "mlflow.spanInputs": {"messages": "Planted-Prompt"},
        "mlflow.llm.model": "gpt-4o",
        "mlflow.llm.provider": provider,
        "mlflow.chat.tokenUsage": usage or {"input_tokens": 100, "output_tokens": 20},
        "mlflow.llm.cost": {"total_cost": 2.5e-06},
        **changes.pop("attributes", {}),
    }
    return {
        "trace_id": encoded(TRACE),
        "span_id": encoded(f"{number:016x}"),
        "parent_span_id": None,
        "name": "ask",
        "start_time_unix_nano": START + number,
        "end_time_unix_nano": START + 10**9,
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "attributes": {k: json.dumps(v) for k, v in attributes.items() if v is not None},
        **changes,
    }


def trace(*spans, assessments=()):
    return {
        "info": {
            "trace_id": f"tr-{TRACE}",
            "trace_metadata": {
                "mlflow.trace.user": "ann@acme.example",
                "mlflow.trace.session": "session-1",
                "mlflow.traceInputs": "Planted-Input",
            },
            "tags": {"app": "search", "ticket": "T-1"},
            "assessments": list(assessments),
        },
        "data": {"spans": list(spans)},
    }


def read(room, *spans):
    room.put("traces.jsonl", lines(trace(*spans)))
    result = room.land()
    assert not result.problems
    assert not [row for record in result.landed for row in record.quarantine]
    return room.rows()


def buckets(call):
    names = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "output_text")
    return tuple(call[f"{name}_tokens"] for name in names)


LEAN = (
    "call_id",
    "parent_call_id",
    "started_at",
    "operation",
    "role",
    "provider",
    "served_model",
    "input_uncached_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_text_tokens",
    "token_source",
    "token_semantics",
    "is_token_conflict",
    "logged_cost_usd",
    "tags",
    "is_rollup",
)


def lean(call):
    found = {name: call[name] for name in LEAN if call[name] is not None}
    return {k: str(v) if isinstance(v, datetime | Decimal) else v for k, v in found.items()}


def test_the_sample_reads_as_expected(room):
    room.put("trace.json", (SAMPLES / "files" / "trace.json").read_bytes())
    (record,) = room.land().landed

    expected = json.loads((SAMPLES / "expected.json").read_text())
    assert [lean(c) for c in sorted(room.rows(), key=lambda c: c["started_at"])] == expected
    assert not record.quarantine


def test_a_span_says_who_asked_for_what(room):
    (call,) = read(room, span(2, parent_span_id=encoded(f"{1:016x}")))

    assert call["call_id"] == f"{TRACE}:{2:016x}"
    assert call["parent_call_id"] == f"{TRACE}:{1:016x}"
    assert (call["trace_id"], call["session_id"], call["task_id"]) == (TRACE, "session-1", "T-1")
    assert call["user_id"] == pseudonym("ann@acme.example")
    assert json.loads(call["tags"]) == {"app": "search"}
    assert (call["provider"], call["served_model"]) == ("openai", "gpt-4o")
    assert call["started_at"] == datetime(2026, 10, 1, 0, 0, 0, 123456, UTC)
    assert call["logged_cost_usd"] == Decimal("0.0000025")
    assert buckets(call) == (100, None, None, None, 20)


@pytest.mark.parametrize(
    ("kind", "operation", "is_rollup"),
    [
        ("LLM", "chat", False),
        ("CHAT_MODEL", "chat", False),
        ("EMBEDDING", "embedding", False),
        ("RERANKER", "rerank", False),
        ("TOOL", "tool", False),
        ("AGENT", "other", True),
        ("CHAIN", "other", True),
        ("PARSER", "other", True),
        ("WORKFLOW", "other", True),
        ("UNKNOWN", "other", True),
        (None, "other", True),
    ],
)
def test_only_spans_that_asked_count(room, kind, operation, is_rollup):
    (call,) = read(room, span(1, kind, attributes={"mlflow.spanType": kind}))

    assert (call["operation"], call["is_rollup"]) == (operation, is_rollup)
    assert (call["input_uncached_tokens"] == 100) is (not is_rollup and operation != "tool")


def test_a_chain_of_models_is_kept_as_calls_like_one_another(room):
    """Which of them counts is decided where all files of the trace are known."""
    inner = span(2, parent_span_id=encoded(f"{1:016x}"))
    calls = read(room, span(1, "LLM"), inner)

    assert [call["is_rollup"] for call in calls] == [False, False]


def test_the_one_hour_writes_are_a_part_of_the_writes(room):
    usage = {
        "input_tokens": 1000,
        "output_tokens": 20,
        "total_tokens": 1020,
        "cache_read_input_tokens": 500,
        "cache_creation_input_tokens": 300,
        "cache_creation_input_tokens_above_1hr": 100,
    }
    (call,) = read(room, span(1, usage=usage, provider="anthropic"))

    assert buckets(call) == (200, 500, 200, 100, 20)
    assert (call["token_semantics"], call["is_token_conflict"]) == ("inclusive", False)


def test_cache_beyond_the_input_proves_that_it_is_beside_it(room):
    usage = {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 900}
    against, open_ = read(room, span(1, usage=usage), span(2, usage=usage, provider="anthropic"))

    assert buckets(against)[:2] == buckets(open_)[:2] == (10, 900)
    assert (against["token_semantics"], against["is_token_conflict"]) == ("exclusive", True)
    # flavours of Anthropic differ by version: nothing is contradicted
    assert (open_["token_semantics"], open_["is_token_conflict"]) == ("exclusive", False)


@pytest.mark.parametrize(
    ("flavour", "told", "provider"),
    [
        ("openai", None, "openai"),
        ("gemini", None, "google"),
        ("bedrock", "anthropic", "aws"),
        ("anthropic", "anthropic", "anthropic"),
        ("openai", "azure", "azure"),
        ("langchain", "anthropic", "anthropic"),
        ("langchain", None, "langchain"),
        (None, None, None),
    ],
)
def test_the_flavour_tells_the_provider_where_nothing_else_does(room, flavour, told, provider):
    (call,) = read(room, span(1, provider=told, attributes={"mlflow.message.format": flavour}))

    assert call["provider"] == provider


CACHED = {"input_tokens": 6_000, "output_tokens": 40, "cache_read_input_tokens": 2_000}


@pytest.mark.parametrize(
    ("flavour", "provider", "extra", "uncached", "semantics"),
    [
        ("langchain", "anthropic", {}, 4_000, "inclusive"),
        ("bedrock", "anthropic", {}, 4_000, "inclusive"),
        # the flavour of Anthropic changed: lifetimes show that it is the later one
        ("anthropic", "anthropic", {}, 6_000, "unknown"),
        (
            "anthropic",
            "anthropic",
            {"cache_creation_input_tokens": 0, "cache_creation_input_tokens_above_1hr": 0},
            4_000,
            "inclusive",
        ),
    ],
)
def test_what_an_input_holds_depends_on_the_flavour(
    room, flavour, provider, extra, uncached, semantics
):
    told = {"mlflow.message.format": flavour}
    (call,) = read(room, span(1, usage=CACHED | extra, provider=provider, attributes=told))

    assert buckets(call)[:2] == (uncached, 2_000)
    assert call["token_semantics"] == semantics


def test_a_trace_of_claude_code_leaves_cache_beside_the_input(room):
    whole = trace(span(1, usage=CACHED, provider="anthropic"))
    whole["info"]["trace_metadata"]["mlflow.claude_code_version"] = "2.1.0"
    room.put("traces.jsonl", lines(whole))
    room.land()
    (call,) = room.rows()

    assert buckets(call)[:2] == (6_000, 2_000)
    assert (call["token_semantics"], call["is_token_conflict"]) == ("exclusive", False)


def test_what_openinference_told_stays_beside_mlflows_own_usage(room):
    told = {
        "llm.token_count.prompt": "8400",
        "llm.token_count.prompt_details.cache_read": "7000",
        "llm.token_count.prompt_details.cache_write": "1000",
        "llm.token_count.completion_details.reasoning": 15,
        "llm.invocation_parameters": '{"service_tier": "flex"}',
        "mlflow.llm.model": "claude-haiku-4-5",
    }
    usage = {"input_tokens": 8_400, "output_tokens": 40, "total_tokens": 8_440}
    (call,) = read(room, span(1, usage=usage, provider="anthropic", attributes=told))

    assert buckets(call) == (400, 7_000, None, None, 25)
    assert (call["cache_write_tokens"], call["output_reasoning_tokens"]) == (1_000, 15)
    assert call["service_tier"] == "flex"


def test_geminis_total_proves_thoughts_that_nothing_names(room):
    usage = {
        "input_tokens": 900,
        "output_tokens": 70,
        "total_tokens": 1_120,
        "cache_read_input_tokens": 300,
    }
    told = {"mlflow.message.format": "gemini"}
    (call,) = read(room, span(1, usage=usage, provider=None, attributes=told))

    assert buckets(call) == (600, 300, None, None, 70)
    assert (call["output_reasoning_tokens"], call["is_token_conflict"]) == (150, False)


def test_a_flavour_nobody_knows_is_a_guess(room):
    usage = {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 9}
    (call,) = read(room, span(1, usage=usage, provider="bedrock"))

    assert buckets(call)[:2] == (10, 9)
    assert call["token_semantics"] == "unknown"


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (span(2, span_id="no"), "missing_identity"),
        (span(2, start_time_unix_nano="soon"), "bad_time"),
        (span(2, usage={"input_tokens": -1}), "bad_count"),
        (span(2) | {"attributes": {"mlflow.chat.tokenUsage": "{half"}}, "bad_count"),
        (span(2, attributes={"mlflow.llm.cost": {"total_cost": "a lot"}}), "bad_amount"),
    ],
)
def test_a_broken_span_is_set_aside_and_its_neighbours_count(room, broken, rule):
    room.put("traces.jsonl", lines(trace(span(1), broken, span(3))))
    (record,) = room.land().landed

    assert [(row.source_row, row.rule) for row in record.quarantine] == [(2, rule)]
    assert len(room.rows()) == 2


def test_a_trace_without_spans_is_no_call_and_other_things_are_set_aside(room):
    room.put("traces.jsonl", lines(trace(span(1))) + '{"id": 1}\n{"info"\n' + lines(trace()))
    (record,) = room.land().landed

    assert [row.rule for row in record.quarantine] == ["not_a_trace", "not_json"]
    assert record.counters["no_spans"] == 1


def test_search_results_are_many_traces(room):
    room.put("page.json", json.dumps({"traces": [trace(span(1)), trace(span(2), span(3))]}))
    room.land()

    assert [call["source_row"] for call in room.rows()] == [1, 2, 3]


def test_nothing_that_was_said_reaches_the_lake(room, feedback):
    room.put("traces.jsonl", lines(trace(span(1), assessments=[assessment()])))
    room.land()
    feedback.land()

    kept = b"".join(path.read_bytes() for path in room.lake.root.rglob("*") if path.is_file())
    for word in (b"Planted", b"ann@acme"):
        assert word not in kept


COUNT = st.integers(0, 100_000)
SOME = st.integers(1, 100_000)


def is_not_near(counts):
    """Whether nobody would take the input for one that holds its cache."""
    uncached, *cached, _ = counts
    return not 0 <= 100 * (uncached - sum(cached)) <= sum(cached)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    is_inside=st.booleans(),
    # every call has a prompt and an answer: without one somebody did not count
    counts=st.lists(
        st.tuples(SOME, COUNT, COUNT, COUNT, SOME).filter(is_not_near), min_size=8, max_size=40
    ),
)
def test_disjoint_counts_come_back_equal_inside_or_beside(tmp_path_factory, is_inside, counts):
    room = Room(tmp_path_factory.mktemp("room"), source=SOURCE)
    spans = []
    for number, (uncached, cached, w5m, w1h, told) in enumerate(counts, start=1):
        inside = cached + w5m + w1h if is_inside else 0
        usage = {
            "input_tokens": uncached + inside,
            "output_tokens": told,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": w5m + w1h,
            "cache_creation_input_tokens_above_1hr": w1h,
        }
        provider = "anthropic" if is_inside else "bedrock"
        spans.append(span(number, usage=usage, provider=provider))
    for call, expected in zip(read(room, *spans), counts, strict=True):
        if any(expected):
            assert buckets(call) == expected


def assessment(number=1, value=True, **changes):
    return {
        "assessment_id": f"a-{number}",
        "assessment_name": "Ticket solved",
        "trace_id": f"tr-{TRACE}",
        "source": {"source_type": "HUMAN", "source_id": "ann@acme.example"},
        "create_time": "2026-10-01T10:00:00.5Z",
        "last_update_time": "2026-10-01T10:00:00.5Z",
        "feedback": {"value": value},
        "rationale": "Planted-Rationale",
        "valid": True,
        **changes,
    }


def judged(feedback, *assessments):
    feedback.put("traces.jsonl", lines(trace(assessments=assessments)))
    (record,) = feedback.land().landed
    return record, feedback.rows(Fact.OUTCOMES)


@pytest.mark.parametrize(
    ("value", "result", "quality"),
    [
        (True, "success", None),
        (False, "failure", None),
        ("yes", "success", None),
        ("no", "failure", None),
        ("Planted", "unknown", None),
        (0.75, "unknown", Decimal("0.75")),
        (None, "unknown", None),
    ],
)
def test_feedback_is_an_outcome_of_its_trace(feedback, value, result, quality):
    _, (outcome,) = judged(feedback, assessment(value=value))

    assert (outcome["result"], outcome["quality_score"]) == (result, quality)
    assert outcome["outcome_type"] == "score.ticket_solved"
    assert (outcome["confidence"], outcome["ref_trace_id"]) == ("confirmed", TRACE)
    assert outcome["outcome_id"] == f"mlflow:tr-{TRACE}:a-1"


def test_overridden_feedback_is_withdrawn_and_expectations_are_no_outcomes(feedback):
    old = assessment(1, valid=False, last_update_time="2026-10-01T10:01:00.5Z")
    expectation = assessment(3)
    del expectation["feedback"]
    record, outcomes = judged(feedback, old, assessment(2, overrides="a-1"), expectation)

    assert [(o["is_withdrawn"], o["revision"]) for o in outcomes] == [(True, 60), (False, 0)]
    assert record.files[0].rows_empty == 1


def test_the_samples_assessments_are_two_outcomes_and_an_expectation(feedback):
    feedback.put("trace.json", (SAMPLES / "files" / "trace.json").read_bytes())
    (record,) = feedback.land().landed
    outcomes = feedback.rows(Fact.OUTCOMES)

    results = {o["outcome_type"]: (o["result"], o["confidence"]) for o in outcomes}
    assert results == {
        "score.relevance": ("unknown", "judged"),
        "score.ticket_solved": ("success", "confirmed"),
    }
    assert record.files[0].rows_empty == 1


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"assessment_id": None}, "missing_identity"),
        ({"create_time": None}, "missing_identity"),
        ({"create_time": "soon"}, "bad_time"),
    ],
)
def test_broken_feedback_is_set_aside(feedback, broken, rule):
    record, outcomes = judged(feedback, assessment(1), assessment(2, **broken))

    assert [(row.source_row, row.rule) for row in record.quarantine] == [(2, rule)]
    assert len(outcomes) == 1
