"""OpenTelemetry spans: what each attribute becomes, and every known way to misread one."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.sources.otel_genai import SOURCE
from tests.landing.room import Room, pseudonym
from tests.sources.spans import START, attribute, bare_span, export, span

SAMPLES = Path(__file__).parents[2] / "data_samples" / "otel_genai"
LEAN = (
    "call_id",
    "source_format",
    "started_at",
    "operation",
    "role",
    "provider",
    "requested_model",
    "served_model",
    "provider_request_id",
    "status",
    "error_class",
    "input_uncached_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cache_write_tokens",
    "input_audio_tokens",
    "output_text_tokens",
    "output_reasoning_tokens",
    "output_audio_tokens",
    "reported_total_tokens",
    "token_source",
    "token_semantics",
    "is_token_conflict",
    "logged_cost_usd",
    "is_rollup",
)


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path, source=SOURCE, tag_keys=("app", "service.name"), task_key="ticket.id")


def read(room, *spans, **envelope):
    """Land spans as one export and return their facts."""
    room.put("traces.json", export(*spans, **envelope) + "\n")
    result = room.land()
    assert not result.problems
    assert not [row for record in result.landed for row in record.quarantine]
    return room.rows()


def landed(room, *spans, **envelope):
    room.put("traces.json", export(*spans, **envelope) + "\n")
    (record,) = room.land().landed
    return record


def usage(**counts):
    return {f"gen_ai.usage.{name}": value for name, value in counts.items()}


def buckets(call):
    names = ("input_uncached", "cache_read", "cache_write", "output_text", "output_reasoning")
    return tuple(call[f"{name}_tokens"] for name in names)


def lean(call):
    found = {name: call[name] for name in LEAN if call[name] is not None}
    return {k: str(v) if isinstance(v, datetime | Decimal) else v for k, v in found.items()}


def test_every_sample_reads_as_expected(room):
    for path in sorted((SAMPLES / "files").iterdir()):
        room.put(path.name, path.read_bytes())
    spans = [
        {**bare_span(number, {}), **json.loads(path.read_text())}
        for number, path in enumerate(sorted((SAMPLES / "spans").iterdir()), start=1)
    ]
    room.put("spans.jsonl", export(*spans, scope="openinference.instrumentation.openai"))
    (record,) = room.land().landed

    expected = json.loads((SAMPLES / "expected.json").read_text())
    assert [lean(call) for call in sorted(room.rows(), key=lambda c: c["call_id"])] == expected
    assert not record.quarantine
    assert record.counters["no_spans"] == 2
    assert record.counters["not_ai_work"] == 1


def test_a_span_without_ids_is_set_aside_at_its_position(room):
    path = SAMPLES / "spans" / "chat-basic.json"
    room.put("one.json", path.read_bytes())
    (record,) = room.land().landed

    assert [(row.source_row, row.rule) for row in record.quarantine] == [(1, "missing_identity")]


def test_a_span_says_who_asked_for_what(room):
    wanted = span(
        1,
        {
            **usage(input_tokens=5, output_tokens=1),
            "gen_ai.conversation.id": "conversation-1",
            "user.id": "ann@acme.example",
            "litellm.end_user.id": "customer-1",
            "litellm.team.id": "team-1",
            "litellm.api_key.hash": "a" * 64,
            "openai.response.service_tier": "default",
            "server.address": "bedrock-runtime.eu-west-1.amazonaws.com",
            "gen_ai.request.stream": True,
            "gen_ai.response.time_to_first_chunk": 0.25,
            "traceloop.association.properties.ticket.id": "T-1",
            "app": "search",
        },
        parentSpanId="AB" * 8,
        traceId="AB" * 16,
    )
    (call,) = read(room, wanted, resource={"service.name": "shop", "app": "other"})

    assert call["call_id"] == "ab" * 16 + ":" + f"{1:016x}"
    assert call["parent_call_id"] == "ab" * 16 + ":" + "ab" * 8
    assert call["trace_id"] == "ab" * 16
    assert (call["task_id"], call["session_id"]) == ("T-1", "conversation-1")
    assert call["user_id"] == pseudonym("ann@acme.example")
    assert call["end_user_id"] == pseudonym("customer-1")
    assert (call["team_id"], call["api_key_id"]) == ("team-1", "a" * 64)
    assert (call["service_tier"], call["region"]) == ("standard", "eu-west-1")
    assert json.loads(call["tags"]) == {"app": "search", "service.name": "shop"}
    # nanoseconds are cut to microseconds, never rounded through a float
    assert call["started_at"] == datetime(2026, 10, 1, 0, 0, 0, 123456, UTC)
    assert call["first_token_at"] == datetime(2026, 10, 1, 0, 0, 0, 373456, UTC)
    assert call["charge_date"] == date(2026, 10, 1)
    assert call["is_streaming"] is True


@pytest.mark.parametrize(
    ("names", "source_format"),
    [
        ({"gen_ai.usage.{}_tokens": ("input", "output")}, "otel_genai_1.27"),
        ({"gen_ai.usage.{}_tokens": ("prompt", "completion")}, "otel_genai_early"),
        ({"llm.usage.{}_tokens": ("prompt", "completion")}, "otel_genai_early"),
        ({"llm.token_count.{}": ("prompt", "completion")}, "openinference"),
    ],
)
def test_each_generation_of_names_is_read(room, names, source_format):
    ((form, (first, second)),) = names.items()
    (call,) = read(room, span(1, {form.format(first): 100, form.format(second): 20}))

    assert buckets(call)[0] == 100
    assert buckets(call)[3] == 20
    assert call["source_format"] == source_format


def test_of_several_generations_on_a_span_the_newest_counts_alone(room):
    both = usage(input_tokens=100, prompt_tokens=90, output_tokens=20, completion_tokens=10)
    (call,) = read(room, span(1, {**both, "llm.token_count.prompt": 80}))

    assert (call["reported_input_tokens"], call["reported_output_tokens"]) == (100, 20)
    assert buckets(call) == (100, None, None, 20, None)


def test_conventions_1_40_include_cache_and_reasoning(room):
    counts = {
        "gen_ai.provider.name": "anthropic",
        **usage(input_tokens=1000, output_tokens=300),
        "gen_ai.usage.cache_read.input_tokens": 700,
        "gen_ai.usage.cache_creation.input_tokens": 200,
        "gen_ai.usage.reasoning.output_tokens": 120,
    }
    (call,) = read(room, span(1, counts))

    assert call["source_format"] == "otel_genai_1.40"
    assert buckets(call) == (100, 700, 200, 180, 120)
    assert (call["token_semantics"], call["is_token_conflict"]) == ("inclusive", False)


def test_cache_beyond_the_input_proves_that_it_is_not_inside(room):
    counts = {
        **usage(input_tokens=100, output_tokens=20),
        "gen_ai.usage.cache_read.input_tokens": 5000,
    }
    (call,) = read(room, span(1, counts))

    assert buckets(call)[:2] == (100, 5000)
    assert (call["token_semantics"], call["is_token_conflict"]) == ("exclusive", True)


def test_an_older_span_of_anthropic_is_read_as_its_api_counts_and_says_that_it_is_a_guess(room):
    counts = usage(input_tokens=1000, output_tokens=20, cache_read_input_tokens=700)
    record = landed(room, span(1, {"gen_ai.provider.name": "anthropic", **counts}))
    (call,) = room.rows()

    assert buckets(call)[:2] == (1000, 700)
    assert (call["token_semantics"], call["is_token_conflict"]) == ("unknown", False)
    assert record.counters["unknown_semantics"] == 1


OPENINFERENCE = "openinference.instrumentation."
BY_INSTRUMENTOR = [
    (OPENINFERENCE + "anthropic", "anthropic", "chat", (300, 20)),
    ("@arizeai/openinference-instrumentation-anthropic", "anthropic", "chat", (1000, 20)),
    (OPENINFERENCE + "bedrock", "aws", "bedrock.converse", (1000, 20)),
    (OPENINFERENCE + "bedrock", "aws", "bedrock.invoke_model", (300, 20)),
    ("@arizeai/openinference-instrumentation-bedrock", "aws", "bedrock.invoke_model", (1000, 20)),
    (OPENINFERENCE + "google_genai", "google", "chat", (300, 20)),
    (OPENINFERENCE + "vertexai", "google", "chat", (300, 50)),
    ("opentelemetry.instrumentation.anthropic", "anthropic", "chat", (300, 20)),
    ("litellm", "anthropic", "chat", (300, 20)),
]


@pytest.mark.parametrize(("scope", "provider", "name", "expected"), BY_INSTRUMENTOR)
def test_each_instrumentor_counts_in_its_own_way(room, scope, provider, name, expected):
    counts = {
        "openinference.span.kind": "LLM",
        "llm.provider": provider,
        "llm.model_name": "claude-sonnet-4",
        "llm.token_count.prompt": 1000,
        "llm.token_count.prompt_details.cache_read": 700,
        "llm.token_count.completion": 50,
        "llm.token_count.completion_details.reasoning": 30,
    }
    (call,) = read(room, bare_span(1, counts, name=name), scope=scope)

    assert (call["input_uncached_tokens"], call["output_text_tokens"]) == expected
    assert call["is_token_conflict"] is False


def test_a_total_of_the_providers_own_corrects_the_table_and_says_so(room):
    counts = {
        "openinference.span.kind": "LLM",
        "llm.provider": "google",
        "llm.token_count.prompt": 1000,
        "llm.token_count.completion": 50,
        "llm.token_count.completion_details.reasoning": 30,
        "llm.token_count.total": 1050,
    }
    (call,) = read(room, bare_span(1, counts), scope=OPENINFERENCE + "vertexai")

    assert buckets(call)[3:] == (20, 30)
    assert (call["token_semantics"], call["is_token_conflict"]) == ("inclusive", True)


REASONING = ("gen_ai.usage.reasoning_tokens", "gen_ai.usage.reasoning.output_tokens")


@pytest.mark.parametrize("provider", ["gcp.gemini", "x_ai"])
@pytest.mark.parametrize("reasoning", REASONING)
def test_a_total_that_holds_reasoning_once_more_proves_that_it_is_beside(room, provider, reasoning):
    """55,021 + 923 + 785 = 56,729: billed output is 1,708 tokens, not 923."""
    counts = usage(input_tokens=55_021, output_tokens=923, total_tokens=56_729)
    (call,) = read(room, span(1, {"gen_ai.provider.name": provider, reasoning: 785, **counts}))

    assert buckets(call) == (55_021, None, None, 923, 785)


@pytest.mark.parametrize(
    ("read_name", "write_name", "inside"),
    [
        ("cache_read_input_tokens", "cache_creation_input_tokens", 0),
        ("cache_read.input_tokens", "cache_creation.input_tokens", 35_574 + 17_787),
    ],
)
def test_what_a_total_leaves_beside_input_and_output_is_cache_and_no_output(
    room, read_name, write_name, inside
):
    """58,291 = 4,299 + 35,574 read + 17,787 written + 631: beside the input, or inside it."""
    counts = {"gen_ai.provider.name": "anthropic", **usage(total_tokens=58_291, output_tokens=631)}
    counts |= usage(**{"input_tokens": 4_299 + inside, read_name: 35_574, write_name: 17_787})
    (call,) = read(room, span(1, counts))

    assert buckets(call) == (4_299, 35_574, 17_787, 631, None)


def test_a_total_that_fits_nothing_is_a_conflict(room):
    (call,) = read(room, span(1, usage(input_tokens=10, output_tokens=5, total_tokens=99)))

    assert call["is_token_conflict"] is True


def test_inference_and_embeddings_count(room):
    expected = [
        ({"gen_ai.operation.name": "chat"}, "chat", "primary"),
        ({"gen_ai.operation.name": "generate_content"}, "chat", "primary"),
        ({"gen_ai.operation.name": "text_completion"}, "completion", "primary"),
        ({"gen_ai.operation.name": "embeddings"}, "embedding", "embedding"),
        ({"openinference.span.kind": "LLM"}, "chat", "primary"),
        ({"openinference.span.kind": "EMBEDDING"}, "embedding", "embedding"),
        ({"openinference.span.kind": "RERANKER"}, "rerank", "rerank"),
        ({"llm.request.type": "completion"}, "completion", "primary"),
        ({"llm.request.type": "rerank"}, "rerank", "rerank"),
        (
            {"gen_ai.operation.name": "chat", "litellm.request.purpose": "shadow_eval_judge"},
            "chat",
            "judge",
        ),
    ]
    counts = usage(input_tokens=10, output_tokens=5)
    spans = [bare_span(n, {**said, **counts}) for n, (said, *_) in enumerate(expected, start=1)]

    for call, (_, operation, role) in zip(read(room, *spans), expected, strict=True):
        assert (call["operation"], call["role"], call["is_rollup"]) == (operation, role, False)
        assert call["input_uncached_tokens"] == 10


def test_what_wraps_other_work_is_kept_and_never_counted(room):
    wrappers = [
        {"gen_ai.operation.name": "invoke_agent"},
        {"gen_ai.operation.name": "invoke_workflow"},
        {"gen_ai.operation.name": "create_agent"},
        {"gen_ai.operation.name": "plan"},
        {"openinference.span.kind": "AGENT"},
        {"openinference.span.kind": "CHAIN"},
        {"openinference.span.kind": "EVALUATOR"},
        {"openinference.span.kind": "GUARDRAIL"},
        {"traceloop.span.kind": "workflow"},
        {"traceloop.span.kind": "agent"},
        {"gen_ai.operation.name": "chat", "openinference.span.kind": "AGENT"},
        {"gen_ai.operation.name": "made_up"},
    ]
    counts = usage(input_tokens=10, output_tokens=5)
    spans = [bare_span(n, {**said, **counts}, kind=1) for n, said in enumerate(wrappers, start=1)]

    for call in read(room, *spans):
        assert call["is_rollup"] is True
        assert (call["input_uncached_tokens"], call["reported_input_tokens"]) == (None, 10)


def test_an_operation_nobody_knows_counts_where_it_called_somebody(room):
    record = landed(room, span(1, {"gen_ai.operation.name": "made_up", **usage(input_tokens=9)}))
    (call,) = room.rows()

    assert (call["is_rollup"], call["operation"], call["role"]) == (False, "other", "unknown")
    assert record.counters["unknown_operation"] == 1


def test_a_frameworks_span_around_a_clients_span_is_kept_as_a_call_like_it(room):
    inner = span(2, parentSpanId=f"{1:016x}")
    room.put("a.json", export(inner) + "\n")
    room.put("b.json", export(span(1)) + "\n")
    room.land()

    # which of the two counts is decided where all files of the trace are known
    calls = {call["call_id"][-1]: call["is_rollup"] for call in room.rows()}
    assert calls == {"1": False, "2": False}


def test_a_tool_is_a_step_without_tokens(room):
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
    (call,) = read(room, bare_span(1, tool, kind=1))

    assert (call["operation"], call["role"], call["is_rollup"]) == ("tool", "tool", False)
    assert (call["input_uncached_tokens"], call["output_text_tokens"]) == (0, 0)
    assert call["token_source"] == "provider"


def test_an_inference_without_usage_is_unknown_and_not_zero(room):
    (call,) = read(room, span(1, {}))

    assert call["token_source"] == "unknown"
    assert buckets(call) == (None, None, None, None, None)


def test_a_gateways_cache_hit_costs_nothing_and_saves_something(room):
    hit = {
        **usage(input_tokens=100, output_tokens=20),
        "litellm.cache_hit": True,
        "litellm.cost.total": 0.5,
        "litellm.saved_cache_cost": 0.25,
    }
    (call,) = read(room, span(1, hit))

    assert (call["status"], call["logged_cost_kind"]) == ("cache_hit", "cache_hit")
    assert (call["logged_cost_usd"], call["saved_cost_usd"]) == (0, Decimal("0.25"))


def test_a_cost_is_exact_and_an_estimate(room):
    priced = {**usage(input_tokens=100), "gen_ai.usage.cost": 2.5e-06}
    (call,) = read(room, span(1, priced))

    assert call["logged_cost_usd"] == Decimal("0.0000025")
    assert call["logged_cost_kind"] == "gateway_estimate"


@pytest.mark.parametrize(
    "status", [{"code": 2, "message": "secret"}, {"code": "STATUS_CODE_ERROR"}]
)
def test_an_error_keeps_its_class_and_nothing_else(room, status):
    failed = span(1, {"error.type": "429"}, status=status)
    (call,) = read(room, failed)

    assert (call["status"], call["error_class"], call["http_status"]) == ("error", "429", 429)
    assert call["token_source"] == "unknown"


def test_a_broken_span_is_set_aside_and_its_neighbours_count(room):
    no_value = [attribute("gen_ai.operation.name", "chat"), {"key": "x"}]
    media = {**usage(input_tokens=9), "gen_ai.usage.audio.input_tokens": 10}
    broken = [
        (span(1, traceId="12"), "missing_identity"),
        (span(2, spanId=""), "missing_identity"),
        (span(3, spanId="0" * 16), "missing_identity"),
        (span(4, startTimeUnixNano="soon"), "bad_time"),
        (span(5, startTimeUnixNano="0"), "bad_time"),
        (span(6, endTimeUnixNano="later"), "bad_time"),
        (span(7, usage(input_tokens=-5)), "bad_count"),
        (span(8, usage(input_tokens="many")), "bad_count"),
        (span(9, usage(input_tokens=2**40)), "impossible_count"),
        (span(10, {**usage(input_tokens=9), "gen_ai.usage.cost": "a lot"}), "bad_amount"),
        (span(11, media), "negative_bucket"),
        (span(12) | {"attributes": no_value}, "bad_attributes"),
    ]
    good = [span(number) for number in range(13, 13 + len(broken))]
    record = landed(room, *[bad for bad, _ in broken], *good)

    assert [(row.source_row, row.rule) for row in record.quarantine] == [
        (position, rule) for position, (_, rule) in enumerate(broken, start=1)
    ]
    assert len(room.rows()) == len(good)


def test_a_line_that_is_no_export_is_set_aside(room):
    odd = [
        ('{"resourceSpans": [{', "not_json"),
        ('{"resourceSpans": "x"}', "not_otlp"),
        ('"text"', "not_otlp"),
        ('{"request_id": "x"}', "not_otlp"),
        ('{"resourceSpans":[{"scopeSpans":[{"spans":["x"]}]}]}', "not_otlp"),
    ]
    texts = [export(span(1)), *[line for line, _ in odd], export(span(2))]
    room.put("traces.jsonl", "\n".join(texts))
    (record,) = room.land().landed

    assert [row.rule for row in record.quarantine] == [rule for _, rule in odd]
    assert len(room.rows()) == 2


def test_old_collectors_and_bare_numbers_are_read(room):
    old = span(1, startTimeUnixNano=START, endTimeUnixNano=START + 10**9)
    old["attributes"] += [{"key": "gen_ai.usage.reasoning_tokens", "value": {"intValue": 7}}]
    room.put(
        "old.jsonl",
        json.dumps(
            {
                "resourceSpans": [
                    {
                        "instrumentationLibrarySpans": [
                            {"instrumentationLibrary": {"name": "litellm"}, "spans": [old]}
                        ]
                    }
                ]
            }
        ),
    )
    room.land()
    (call,) = room.rows()

    assert call["source_format"] == "litellm_otel"
    assert call["output_reasoning_tokens"] == 7
    assert call["ended_at"] == datetime(2026, 10, 1, 0, 0, 1, 123456, UTC)


def test_ids_in_base64_are_the_same_ids(room):
    dumped = span(1, traceId="AAAAAAAAAAAAAAAAAAAAAQ==", spanId="AAAAAAAAAAE=")
    (call,) = read(room, dumped)

    assert call["call_id"] == f"{1:032x}:{1:016x}"


def test_a_span_exported_twice_is_the_same_call(room):
    room.put("a.json", export(span(1)) + "\n")
    room.put("b.json", export(span(1), span(2)) + "\n")
    room.land()

    ids = [call["call_id"] for call in room.rows()]
    assert (len(ids), len(set(ids))) == (3, 2)


def test_nothing_that_was_said_reaches_the_lake(room):
    secret = "Planted-Prompt ann@acme.example sk-12345678"
    told = span(
        1,
        {
            **usage(input_tokens=5, output_tokens=1),
            "gen_ai.input.messages": secret,
            "llm.input_messages.0.message.content": secret,
            "input.value": secret,
            "gen_ai.tool.call.arguments": secret,
            "traceloop.entity.input": secret,
            "user.id": "ann@acme.example",
            "app": "mail ann@acme.example",
            "error.type": secret,
        },
        status={"code": 2, "message": secret},
        events=[{"name": "exception", "attributes": [attribute("exception.message", secret)]}],
    )
    broken = span(2, {"gen_ai.input.messages": secret, **usage(input_tokens="x")})
    landed(room, told, broken)

    kept = b"".join(path.read_bytes() for path in room.lake.root.rglob("*") if path.is_file())
    assert len(room.rows()) == 1
    for word in (b"Planted", b"ann@acme", b"sk-12345678"):
        assert word not in kept
        assert word not in repr(room.rows()).encode()


COUNT = st.integers(0, 100_000)
SOME = st.integers(1, 100_000)


def is_not_near(counts):
    """Whether nobody would take the input for one that holds its cache."""
    uncached, cached, written, *_ = counts
    return not 0 <= 100 * (uncached - cached - written) <= cached + written


def rendered(form, uncached, read_, written, visible, thought):
    """A span's counts as a tracer of one form writes them, and its scope."""
    inside, told = uncached + read_ + written, visible + thought
    forms = {
        "otel": (
            "x",
            usage(input_tokens=inside, output_tokens=told)
            | {
                "gen_ai.usage.cache_read.input_tokens": read_,
                "gen_ai.usage.cache_write.input_tokens": written,
                "gen_ai.usage.reasoning.output_tokens": thought,
            },
        ),
        "traceloop": (
            "opentelemetry.instrumentation.anthropic",
            usage(
                prompt_tokens=inside,
                completion_tokens=told,
                cache_read_input_tokens=read_,
                cache_creation_input_tokens=written,
                reasoning_tokens=thought,
            ),
        ),
        "anthropic_native": (
            "x",
            {"gen_ai.provider.name": "anthropic"}
            | usage(
                input_tokens=uncached,
                output_tokens=told,
                cache_read_input_tokens=read_,
                cache_creation_input_tokens=written,
                reasoning_tokens=thought,
            ),
        ),
        "vertexai": (
            OPENINFERENCE + "vertexai",
            {
                "llm.token_count.prompt": inside,
                "llm.token_count.completion": visible,
                "llm.token_count.total": inside + told,
                "llm.token_count.prompt_details.cache_read": read_,
                "llm.token_count.prompt_details.cache_write": written,
                "llm.token_count.completion_details.reasoning": thought,
            },
        ),
        "bedrock": (
            OPENINFERENCE + "bedrock",
            {
                "llm.token_count.prompt": uncached,
                "llm.token_count.completion": told,
                "llm.token_count.prompt_details.cache_read": read_,
                "llm.token_count.prompt_details.cache_write": written,
                "llm.token_count.completion_details.reasoning": thought,
            },
        ),
    }
    return forms[form]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    form=st.sampled_from(["otel", "traceloop", "anthropic_native", "vertexai", "bedrock"]),
    # every call has a prompt and an answer: without one somebody did not count
    counts=st.lists(
        st.tuples(SOME, COUNT, COUNT, SOME, COUNT).filter(is_not_near), min_size=8, max_size=40
    ),
)
def test_disjoint_counts_come_back_equal_whatever_form_they_took(tmp_path_factory, form, counts):
    room = Room(tmp_path_factory.mktemp("room"), source=SOURCE)
    scope = rendered(form, 0, 0, 0, 0, 0)[0]
    spans = [span(n, rendered(form, *c)[1]) for n, c in enumerate(counts, start=1)]
    calls = read(room, *spans, scope=scope)

    for call, expected in zip(calls, counts, strict=True):
        if any(expected):
            assert buckets(call) == expected
            assert call["is_token_conflict"] is False
