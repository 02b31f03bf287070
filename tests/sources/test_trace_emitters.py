"""What libraries that trace really write: spans as each library makes them."""

import json
from decimal import Decimal

import pytest

from pipelines.sources.otel_genai import SOURCE
from tests.landing.room import Room
from tests.sources.spans import attribute, bare_span, export, span

ANTHROPIC_SDK = "com.anthropic.sdk.python"
OPENINFERENCE = "openinference.instrumentation."
BUCKETS = (
    "input_uncached",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "cache_write",
    "output_text",
    "output_reasoning",
)


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path, source=SOURCE)


def landed(room, *spans, **envelope):
    room.put("traces.json", export(*spans, **envelope) + "\n")
    result = room.land()
    assert not result.problems
    (record,) = result.landed
    return record


def read(room, *spans, **envelope):
    assert not landed(room, *spans, **envelope).quarantine
    return room.rows()


def buckets(call):
    return tuple(call[f"{name}_tokens"] for name in BUCKETS)


def usage(**counts):
    return {f"gen_ai.usage.{name}": value for name, value in counts.items()}


def openinference(provider, prompt, completion, **details):
    """Details by their last part, of the prompt but for reasoning."""
    return {
        "openinference.span.kind": "LLM",
        "llm.provider": provider,
        "llm.model_name": "claude-sonnet-4-5",
        "llm.token_count.prompt": prompt,
        "llm.token_count.completion": completion,
        **{f"llm.token_count.prompt_details.{name}": n for name, n in details.items()},
    }


def message(**changes):
    """How the Anthropic SDK traces a message: 70 uncached, 2,000 read, 300 written, 40 answered."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.response.id": "msg_a1",
        **usage(input_tokens=2_370, output_tokens=40),
        "gen_ai.usage.cache_read.input_tokens": 2_000,
        "gen_ai.usage.cache_write.input_tokens": 300,
        **changes,
    }


LIFETIMES = {
    "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": 180,
    "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 120,
}


def test_a_clients_own_span_tells_lifetimes_and_tier(room):
    told = message(**LIFETIMES, **{"anthropic.response.service_tier": "priority"})
    (call,) = read(room, bare_span(1, told), scope=ANTHROPIC_SDK, version="2.14.0")

    assert buckets(call) == (70, 2_000, 180, 120, 0, 40, None)
    assert call["service_tier"] == "priority"
    assert not call["is_token_conflict"]


@pytest.mark.parametrize(
    ("lifetimes", "written", "is_wrong"),
    [
        ({}, (None, None, 300), False),
        (LIFETIMES, (180, 120, 0), False),
        # the rest may be of either lifetime
        ({"gen_ai.usage.details.ephemeral_1h_input_tokens": 120}, (None, 120, 180), False),
        # more than was written at all
        ({"gen_ai.usage.details.ephemeral_1h_input_tokens": 301}, (None, None, 300), True),
        ({"gen_ai.usage.cache_write.input_tokens": 0}, (0, 0, 0), False),
    ],
)
def test_writes_of_unknown_lifetime_are_of_none(room, lifetimes, written, is_wrong):
    (call,) = read(room, bare_span(1, message(**lifetimes)), scope=ANTHROPIC_SDK)

    assert buckets(call)[2:5] == written
    assert call["is_token_conflict"] is is_wrong


@pytest.mark.parametrize(
    ("name", "scope", "attributes"),
    [
        (
            "anthropic.messages.count_tokens",
            ANTHROPIC_SDK,
            {
                "gen_ai.provider.name": "anthropic",
                "gen_ai.request.model": "claude-sonnet-4-5",
                "anthropic.message.count_tokens.input_tokens": 77,
            },
        ),
        (
            "anthropic.sessions.create",
            ANTHROPIC_SDK,
            {"gen_ai.agent.name": "helper", "gen_ai.request.model": "claude-sonnet-4-5"},
        ),
        (
            "messages.count_tokens",
            OPENINFERENCE + "anthropic",
            {"openinference.span.kind": "LLM", "llm.model_name": "claude-sonnet-4-5"},
        ),
        (
            "CountTokens",
            "some.library",
            {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gemini-2.5-pro"},
        ),
    ],
)
def test_a_free_request_is_no_call(room, name, scope, attributes):
    record = landed(room, bare_span(1, attributes, name=name), scope=scope)

    assert not record.quarantine
    assert not room.rows()
    assert record.counters["free_request"] == 1


def test_a_failed_message_is_a_call(room):
    failed = {"gen_ai.operation.name": "chat", "error.type": "rate_limit_error"}
    (call,) = read(
        room, bare_span(1, failed, name="anthropic.messages.create"), scope=ANTHROPIC_SDK
    )

    assert (call["status"], call["token_source"]) == ("error", "unknown")


def test_what_compaction_used_beside_the_totals_is_a_call_of_its_own(room):
    beside = {
        "anthropic.usage.compaction.input_tokens": 8_100,
        "anthropic.usage.compaction.output_tokens": 640,
        "anthropic.response.service_tier": "batch",
        "operation.cost": 0.25,
    }
    told = bare_span(1, message(**LIFETIMES, **beside), parentSpanId="ab" * 8)
    record = landed(room, told, bare_span(2, message()), scope=ANTHROPIC_SDK)
    calls = {call["call_id"].split(":", 1)[1]: call for call in room.rows()}

    assert not record.quarantine
    assert record.counters["usage_beside_totals"] == 1
    whole, extra = calls[f"{1:016x}"], calls[f"{1:016x}:compaction"]
    assert buckets(whole) == (70, 2_000, 180, 120, 0, 40, None)
    assert buckets(extra) == (8_100, None, None, None, None, 640, None)
    # it is of the same trace, AI model and tier, but no other telling of the same answer
    for name in ("trace_id", "parent_call_id", "requested_model", "service_tier", "operation"):
        assert extra[name] == whole[name]
    assert (extra["provider_request_id"], extra["logged_cost_usd"]) == (None, None)
    assert len(calls) == 3


BEDROCK = (
    "opentelemetry.instrumentation.genai.bedrock",
    "opentelemetry.instrumentation.botocore.bedrock-runtime",
    "opentelemetry.instrumentation.bedrock",
)


@pytest.mark.parametrize("scope", BEDROCK)
@pytest.mark.parametrize("write", ["cache_write.input_tokens", "cache_creation.input_tokens"])
@pytest.mark.parametrize("total", [{}, {"total_tokens": 3_030}])
def test_scopes_that_copy_what_bedrock_counts_leave_cache_beside_it(room, scope, write, total):
    counts = {
        "gen_ai.provider.name": "aws.bedrock",
        **usage(input_tokens=3_000, output_tokens=30, **total),
        **usage(**{"cache_read.input_tokens": 800, write: 200}),
    }
    (call,) = read(room, span(1, counts), scope=scope)

    assert buckets(call)[:2] == (3_000, 800)
    assert (call["token_semantics"], call["is_token_conflict"]) == ("exclusive", False)


@pytest.mark.parametrize(
    ("version", "total", "uncached"),
    [
        ("0.1.61", 4_030, 3_000),
        ("0.1.60", None, 3_000),
        ("1.0", None, 3_000),
        ("0.1.59", None, 4_000),
        # made up from the stream, and no evidence
        ("0.1.45", 4_030, 4_000),
        (None, None, 4_000),
        (None, 4_030, 3_000),
        (None, 5_030, 4_000),
    ],
)
def test_what_a_prompt_holds_changed_with_a_version(room, version, total, uncached):
    counts = openinference("aws", 4_000, 30, cache_read=800, cache_write=200)
    if total:
        counts["llm.token_count.total"] = total
    converse = bare_span(1, counts, name="bedrock.converse")
    (call,) = read(room, converse, scope=OPENINFERENCE + "bedrock", version=version)

    assert buckets(call)[:2] == (uncached, 800)


@pytest.mark.parametrize(
    ("library", "provider", "uncached"),
    [
        ("langchain", "anthropic", 3_000),
        ("langchain", "aws", 3_000),
        ("litellm", "anthropic", 3_000),
        ("agno", "anthropic", 4_000),
        ("agno", "openai", 3_000),
    ],
)
def test_a_framework_counts_in_its_own_way(room, library, provider, uncached):
    counts = openinference(provider, 4_000, 30, cache_read=800, cache_write=200)
    (call,) = read(room, bare_span(1, counts), scope=OPENINFERENCE + library)

    assert buckets(call)[:2] == (uncached, 800)
    assert not call["is_token_conflict"]


@pytest.mark.parametrize(
    ("counts", "expected", "counter"),
    [
        # thoughts are in the total only
        ({"output_tokens": 90, "total_tokens": 1_310}, (300, 90, 220), "hidden_output_tokens"),
        # thoughts are told, and prompts of tools are in the total only
        (
            {"output_tokens": 90, "reasoning.output_tokens": 20, "total_tokens": 1_410},
            (600, 90, 20),
            "hidden_input_tokens",
        ),
        # nothing is hidden
        (
            {"output_tokens": 90, "reasoning.output_tokens": 20, "total_tokens": 1_090},
            (300, 70, 20),
            None,
        ),
        ({"output_tokens": 90, "reasoning.output_tokens": 20}, (300, 70, 20), None),
    ],
)
def test_a_total_of_gemini_proves_what_no_attribute_tells(room, counts, expected, counter):
    told = {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "gcp.gen_ai",
        **usage(input_tokens=1_000, **counts),
        "gen_ai.usage.cache_read.input_tokens": 700,
    }
    scope = "opentelemetry.instrumentation.google_generativeai"
    record = landed(room, span(1, told), scope=scope)
    (call,) = room.rows()

    uncached, _, _, _, _, text, thought = buckets(call)
    assert (uncached, text, thought) == expected
    assert not call["is_token_conflict"]
    assert [n for n in record.counters if n.startswith("hidden")] == ([counter] if counter else [])


def test_details_and_cost_under_a_librarys_own_names(room):
    told = {
        "gen_ai.provider.name": "google",
        "gen_ai.request.model": "gemini-2.5-pro",
        **usage(input_tokens=500, output_tokens=90),
        "gen_ai.usage.details.thoughts_tokens": 60,
        "operation.cost": 0.0017,
    }
    (call,) = read(room, span(1, told), scope="pydantic-ai", version="2.68.0")

    assert buckets(call) == (500, None, None, None, None, 30, 60)
    assert call["logged_cost_usd"] == Decimal("0.0017")
    assert call["token_semantics"] == "inclusive"


def test_the_providers_own_usage_on_a_span_tells_what_no_attribute_does(room):
    raw = {
        "input_tokens": 70,
        "cache_creation": {"ephemeral_5m_input_tokens": 180, "ephemeral_1h_input_tokens": 120},
        "service_tier": "standard",
        "speed": "fast",
        "inference_geo": "us",
        "server_tool_use": {"web_search_requests": 2},
    }
    told = message(**{"gen_ai.usage.raw": json.dumps(raw), "logfire.span_type": "span"})
    (call,) = read(room, bare_span(1, told), scope="logfire.anthropic")

    assert buckets(call) == (70, 2_000, 180, 120, 0, 40, None)
    assert (call["service_tier"], call["inference_geo"]) == ("fast", "us")
    assert call["web_search_requests"] == 2


def test_a_streams_record_is_told_from_the_span_that_it_belongs_to(room):
    asked = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5"}
    opened = bare_span(1, {**asked, "logfire.span_type": "span"})
    closed = bare_span(
        2, {**asked, "logfire.span_type": "log", **usage(input_tokens=9, output_tokens=4)}, kind=1
    )
    first, second = read(room, opened, closed, scope="logfire.openai")

    assert (first["source_format"], first["token_source"]) == ("logfire", "unknown")
    assert (second["source_format"], second["token_source"]) == ("logfire_stream", "provider")


@pytest.mark.parametrize(
    ("parameters", "tier", "geography"),
    [
        ('{"model": "gpt-5", "service_tier": "flex"}', "flex", None),
        ('{"service_tier": "auto", "inference_geo": "eu"}', "standard", "eu"),
        ('{"service_tier": "fl', None, None),
        ('{"temperature": 1}', None, None),
    ],
)
def test_the_tier_that_was_asked_for_counts_where_no_other_is_told(
    room, parameters, tier, geography
):
    told = openinference("openai", 500, 30) | {"llm.invocation_parameters": parameters}
    answered = {**told, "openai.response.service_tier": "priority"}
    asked, other = read(room, bare_span(1, told), bare_span(2, answered))

    assert (asked["service_tier"], asked["inference_geo"]) == (tier, geography)
    assert other["service_tier"] == "priority"


def ai_sdk(number, function, provider="anthropic.messages", parent=None, **counts):
    """A span of the Vercel AI SDK: internal, and without the name of an operation."""
    told = {
        "operation.name": function,
        "ai.operationId": function,
        "ai.model.provider": provider,
        "ai.model.id": "claude-sonnet-4-5",
        **{f"ai.usage.{name}": value for name, value in counts.items()},
    }
    return bare_span(number, told, kind=1, parentSpanId=parent or "")


def test_the_vercel_ai_sdk_with_the_parts_of_its_input_holds_cache_inside(room):
    parts = {
        "inputTokens": 5_010,
        "outputTokens": 90,
        "totalTokens": 5_100,
        "inputTokenDetails.noCacheTokens": 10,
        "inputTokenDetails.cacheReadTokens": 4_600,
        "inputTokenDetails.cacheWriteTokens": 400,
        "outputTokenDetails.reasoningTokens": 25,
    }
    outer = ai_sdk(1, "ai.streamText", inputTokens=5_010, outputTokens=90)
    inner = ai_sdk(2, "ai.streamText.doStream", parent=f"{1:016x}", **parts)
    around, asked = read(room, outer, inner, scope="ai")

    assert around["is_rollup"]
    assert (asked["provider"], asked["operation"], asked["is_rollup"]) == (
        "anthropic",
        "chat",
        False,
    )
    assert buckets(asked) == (10, 4_600, None, None, 400, 65, 25)


@pytest.mark.parametrize(
    ("provider", "uncached"), [("anthropic.messages", 5_000), ("openai.responses", 1_000)]
)
def test_the_vercel_ai_sdk_before_counts_as_the_provider_does(room, provider, uncached):
    counts = {"inputTokens": 5_000, "outputTokens": 90, "cachedInputTokens": 4_000}
    asked = ai_sdk(1, "ai.generateText.doGenerate", provider, **counts)
    (call,) = read(room, asked, scope="ai")

    assert buckets(call)[:2] == (uncached, 4_000)


def test_what_the_vercel_ai_sdk_calls_besides_models(room):
    embedded = ai_sdk(1, "ai.embed.doEmbed", "openai.embedding", tokens=12)
    tool = ai_sdk(2, "ai.toolCall")
    record = landed(room, embedded, tool, ai_sdk(3, "ai.newThing.doNewThing"), scope="ai")
    calls = [(call["operation"], call["input_uncached_tokens"]) for call in room.rows()]

    assert calls == [("embedding", 12), ("tool", 0), ("other", None)]
    assert record.counters["unknown_operation"] == 1


def test_a_framework_is_told_as_it_names_itself_and_is_no_provider_of_prices(room):
    counts = {"gen_ai.provider.name": None, "gen_ai.system": "strands-agents"}
    (call,) = read(
        room, span(1, {**counts, **usage(input_tokens=10, output_tokens=2)}), scope="strands"
    )

    assert (call["provider"], call["input_uncached_tokens"]) == ("strands-agents", 10)


@pytest.mark.parametrize(("cost", "uncached"), [(0.01626, 4_000), (0.01326, 3_000), (1, 4_000)])
def test_a_spans_own_cost_decides_between_readings_that_nothing_else_tells_apart(
    room, cost, uncached
):
    """At list price 4,000 or 3,000 uncached, 1,000 read and 264 answered; 1 dollar is neither."""
    counts = {
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.response.model": None,
        **usage(input_tokens=4_000, output_tokens=264, cache_read_input_tokens=1_000),
        "gen_ai.usage.cost": cost,
    }
    (call,) = read(room, span(1, counts))

    assert buckets(call)[:2] == (uncached, 1_000)


def test_a_stream_that_told_its_answer_and_no_prompt_is_not_free_of_a_prompt(room):
    counts = {**usage(input_tokens=0, output_tokens=40), "gen_ai.request.stream": True}
    record = landed(room, span(1, counts))
    (call,) = room.rows()

    assert (call["input_uncached_tokens"], call["output_text_tokens"]) == (None, 40)
    assert call["token_source"] == "estimated"
    assert record.counters["partial_usage"] == 1


PLAIN = {
    "type": "span",
    "traceId": f"{1:032x}",
    "spanId": f"{1:016x}",
    "name": "chat",
    "startTime": [1_790_812_800, 0],
    "endTime": [1_790_812_801, 0],
    "attributes": {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 9},
}
UNREAD = [
    {"llm.usage.completion_tokens_details.audio": 3},
    {"langfuse.observation.usage_details": "{}", "langfuse.observation.type": "generation"},
    {"mlflow.chat.tokenUsage": "{}"},
    {"gen_ai.aggregated_usage.input_tokens": 9},
    {"ai.response.model": "gpt-5"},
]


def test_spans_of_another_shape_are_set_aside(room):
    """A plain object of attributes and times in pairs: an exporter for JavaScript."""
    room.put("spans.jsonl", json.dumps(PLAIN) + "\n" + export(span(1)) + "\n")
    (record,) = room.land().landed

    assert [(row.source_row, row.rule) for row in record.quarantine] == [(1, "not_otlp")]
    assert len(room.rows()) == 1


@pytest.mark.parametrize("marks", UNREAD)
def test_a_span_with_marks_of_ai_work_that_nobody_reads_is_set_aside(room, marks):
    record = landed(room, bare_span(1, marks), bare_span(2, {"http.route": "/ai.cost"}), span(3))

    assert [(row.source_row, row.rule) for row in record.quarantine] == [(1, "unread_ai_work")]
    assert record.counters["not_ai_work"] == 1
    assert len(room.rows()) == 1


@pytest.mark.parametrize(
    ("name", "is_set_aside"),
    [
        ("input_tokens", True),
        ("cost_usd", True),
        ("usage.output_token_count", True),
        # the conventions tell in logs what they tell on spans
        ("gen_ai.usage.input_tokens", False),
        ("http.status_code", False),
    ],
)
def test_logs_that_tell_usage_are_set_aside(room, name, is_set_aside):
    record = {"logRecords": [{"attributes": [attribute(name, 12)]}]}
    room.put("logs.jsonl", json.dumps({"resourceLogs": [{"scopeLogs": [record]}]}) + "\n")
    room.put("spans.jsonl", export(span(1)) + "\n")
    (record,) = room.land().landed

    rules = [row.rule for row in record.quarantine]
    assert rules == (["unread_ai_work"] if is_set_aside else [])
    assert len(room.rows()) == 1


def test_counts_that_nobody_reads_are_named(room):
    told = {
        **usage(input_tokens=10, output_tokens=2),
        "gen_ai.usage.details.cached_tokens": 4,
        "gen_ai.usage.holograms": 3,
        "llm.token_count.prompt_details.smells": 0,
        "gen_ai.usage.who@acme.example": 5,
    }
    around = {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.steps": 9}
    record = landed(room, span(1, told), bare_span(2, around))

    assert record.counters == {"unread_usage:gen_ai.usage.holograms": 1}


def test_attributes_with_an_empty_value_do_not_shift_the_others(room):
    odd = span(1, usage(input_tokens=10, output_tokens=2))
    odd["attributes"].insert(0, {"key": "empty", "value": {}})
    odd["attributes"].insert(3, {"key": "list", "value": {"arrayValue": {"values": []}}})
    (call,) = read(room, odd)

    assert (call["input_uncached_tokens"], call["output_text_tokens"]) == (10, 2)
    assert call["served_model"] == "gpt-4o-2024-11-20"
