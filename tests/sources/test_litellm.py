"""LiteLLM records: what each field becomes, and every known way to misread one."""

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.landing.room import Room, lines, payload, pseudonym

SAMPLES = Path(__file__).parents[2] / "data_samples" / "litellm" / "files"
BUCKETS = (
    "input_uncached_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "input_image_tokens",
    "output_text_tokens",
    "output_reasoning_tokens",
    "output_audio_tokens",
    "output_image_tokens",
)


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path)


def read(room, *records):
    """Land records as JSON lines and return their facts."""
    room.put("log.jsonl", lines(*records))
    result = room.land()
    assert not result.problems
    return room.rows()


def rules(room, *records):
    """Land records and return the rules they broke."""
    room.put("log.jsonl", lines(*records))
    return [row.rule for record in room.land().landed for row in record.quarantine]


def spend_log(number=1, **changes):
    """A SpendLogs row, as the database dump has it: metadata and tags are text."""
    metadata = {
        "spend_logs_metadata": {"task_id": "task-9"},
        "usage_object": {"prompt_tokens": 100, "completion_tokens": 20},
        "attempted_retries": 0,
    }
    metadata.update(changes.pop("metadata", {}))
    return {
        "request_id": f"chatcmpl-{number}",
        "call_type": "acompletion",
        "api_key": "b" * 64,
        "spend": 0.0012,
        "total_tokens": 120,
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "startTime": "2026-10-01 00:00:01.123456",
        "endTime": "2026-10-01 00:00:03.5",
        "completionStartTime": "2026-10-01 00:00:03.5",
        "model": "bedrock/anthropic.claude-haiku-4-5",
        "model_id": "deployment-1",
        "model_group": "haiku",
        "custom_llm_provider": "bedrock",
        "api_base": "https://bedrock-runtime.eu-west-1.amazonaws.com/model/x/converse",
        "user": "ann@acme.example",
        "metadata": json.dumps(metadata),
        "cache_hit": "False",
        "request_tags": '["User-Agent: curl", "User-Agent: curl/8.1", "app:search"]',
        "team_id": "team-1",
        "organization_id": "org-1",
        "end_user": "",
        "session_id": "session-1",
        "status": "success",
        **changes,
    }


def headers(**attempted):
    """What the proxy says of attempts, beside the headers of the provider."""
    named = {f"x-litellm-attempted-{name}": count for name, count in attempted.items()}
    return {"additional_headers": {"llm_provider-date": "today", **named}}


def test_the_published_payload_reads_as_documented(room):
    room.put("one.json", (SAMPLES / "standard_logging_payload.json").read_bytes())
    room.land()
    (call,) = room.rows()

    assert call["source_format"] == "litellm_standard_logging_payload"
    assert call["started_at"] == datetime(2025, 1, 24, 9, 20, 46, 847371, UTC)
    assert call["first_token_at"] == datetime(2025, 1, 24, 9, 20, 46, 851954, UTC)
    assert call["charge_date"] == date(2025, 1, 24)
    assert (call["provider"], call["served_model"]) == ("openai", "gpt-4o")
    assert call["provider_request_id"] == "chatcmpl-2299b6a2-82a3-465a-b47c-04e685a2227f"
    assert (call["input_uncached_tokens"], call["output_text_tokens"]) == (10, 20)
    # the payload says nothing about cache and reasoning: unknown is null
    assert call["cache_read_tokens"] is None
    assert call["output_reasoning_tokens"] is None
    assert call["logged_cost_usd"] == Decimal("0.000225000000")
    assert call["logged_cost_kind"] == "gateway_estimate"


def test_the_published_row_reads_as_documented(room):
    room.put("row.json", (SAMPLES / "spend_logs_row.json").read_bytes())
    room.land()
    (call,) = room.rows()

    assert call["source_format"] == "litellm_spend_logs"
    assert call["call_id"] == "chatcmpl-2283081b-dc89-41f6-93e6-d4f914774027"
    assert (call["trace_id"], call["session_id"]) == ("1234567890", "1234567890")
    assert (call["input_uncached_tokens"], call["output_text_tokens"]) == (10, 20)
    assert call["cache_read_tokens"] == 0
    assert call["reported_total_tokens"] == 30
    assert call["logged_cost_usd"] == 10 * Decimal("2.5e-06") + 20 * Decimal("1e-05")
    assert (call["status"], call["role"], call["operation"]) == ("success", "primary", "chat")
    assert (call["api_key_id"], call["team_id"], call["user_id"]) == (None, None, None)
    assert call["is_token_conflict"] is False


def test_a_payload_says_who_asked_for_what(room):
    (call,) = read(room, payload(metadata={"user_api_key_project_id": "p-1"}))

    assert call["user_id"] == pseudonym("ann@acme.example")
    assert call["end_user_id"] == pseudonym("customer-1")
    assert (call["team_id"], call["project_id"], call["api_key_id"]) == ("team-1", "p-1", "a" * 64)
    assert (call["task_id"], call["trace_id"], call["parent_call_id"]) == (
        "task-1",
        "trace-1",
        "call-1",
    )
    assert (call["requested_model"], call["served_model"]) == ("gpt-4o", "gpt-4o-2024-11-20")
    assert call["deployment_id"] == "deployment-1"
    assert call["source"] == "gateway"
    assert call["source_row"] == 1


def test_a_row_says_when_it_was_last_written_and_a_payload_is_written_once(room):
    calls = read(room, spend_log(updated_at="2026-10-01 12:00:01.500"), payload(2))

    assert {call["source_format"]: call["updated_at"] for call in calls} == {
        "litellm_spend_logs": datetime(2026, 10, 1, 12, 0, 1, 500000, tzinfo=UTC),
        "litellm_standard_logging_payload": None,
    }


def test_a_row_says_who_asked_for_what(room):
    (call,) = read(room, spend_log())

    assert (call["provider"], call["served_model"]) == ("aws", "anthropic.claude-haiku-4-5")
    assert (call["region"], call["org_id"]) == ("eu-west-1", "org-1")
    assert call["task_id"] == "task-9"
    assert json.loads(call["tags"]) == {"app": "search"}
    assert call["end_user_id"] is None
    assert call["first_token_at"] is None
    assert call["attempt_no"] == 1


def test_times_are_exact_to_the_microsecond(room):
    start = "1790812800.000001"
    text = lines(payload(startTime="START")).replace('"START"', start)
    room.put("log.jsonl", text)
    room.land()

    assert room.rows()[0]["started_at"] == datetime(2026, 10, 1, 0, 0, 0, 1, UTC)


def test_the_day_is_the_utc_day_the_call_started(room):
    record = payload(startTime=1_790_812_799.999999, endTime=1_790_812_801.5)

    assert read(room, record)[0]["charge_date"] == date(2026, 9, 30)


@st.composite
def bucket_counts(draw):
    counts = {name: draw(st.integers(0, 10**6)) for name in BUCKETS}
    counts["input_uncached_tokens"] += 1
    counts["output_text_tokens"] += 1
    return counts


def usage_of(counts, *, style):
    """Render disjoint buckets the way LiteLLM reports them: inclusive totals and details."""
    values = list(counts.values())
    written = counts["cache_write_5m_tokens"] + counts["cache_write_1h_tokens"]
    split = {
        "ephemeral_5m_input_tokens": counts["cache_write_5m_tokens"],
        "ephemeral_1h_input_tokens": counts["cache_write_1h_tokens"],
    }
    details = {
        "audio_tokens": counts["input_audio_tokens"],
        "image_tokens": counts["input_image_tokens"],
        "cache_creation_token_details": split,
    }
    usage = {
        "prompt_tokens": sum(values[:6]),
        "completion_tokens": sum(values[6:]),
        "total_tokens": sum(values),
        "prompt_tokens_details": details,
        "completion_tokens_details": {
            "reasoning_tokens": counts["output_reasoning_tokens"],
            "audio_tokens": counts["output_audio_tokens"],
            "image_tokens": counts["output_image_tokens"],
        },
    }
    if style == "openai":
        details["cached_tokens"] = counts["cache_read_tokens"]
        details["cache_creation_tokens"] = written
    else:
        usage["cache_read_input_tokens"] = counts["cache_read_tokens"]
        usage["cache_creation_input_tokens"] = written
    return usage


@given(
    every=st.lists(bucket_counts(), min_size=1, max_size=5),
    style=st.sampled_from(["openai", "anthropic"]),
    is_text=st.booleans(),
)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_disjoint_buckets_survive_inclusive_totals(tmp_path_factory, every, style, is_text):
    room = Room(tmp_path_factory.mktemp("room"))
    records = []
    for number, counts in enumerate(every):
        usage = usage_of(counts, style=style)
        shown = json.dumps(usage) if is_text else usage
        record = payload(number, metadata={"usage_object": shown})
        totals = {k: usage[k] for k in ("prompt_tokens", "completion_tokens", "total_tokens")}
        records += [
            {**record, **totals},
            spend_log(number, metadata={"usage_object": shown}, **totals),
        ]
    calls = read(room, *records)

    found = [{name: call[name] for name in BUCKETS} for call in calls]
    assert found == [counts for counts in every for _ in range(2)]
    assert not any(call["is_token_conflict"] for call in calls)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        # cache beyond the input total proves that it stands beside it
        (
            {
                "prompt_tokens": 3,
                "total_tokens": 553,
                "completion_tokens": 550,
                "cache_creation_input_tokens": 12_304,
            },
            {
                "input_uncached_tokens": 3,
                "cache_write_tokens": 12_304,
                "token_semantics": "exclusive",
                "is_token_conflict": True,
            },
        ),
        # cached input is inside the input
        (
            {
                "prompt_tokens": 117_231,
                "completion_tokens": 225,
                "total_tokens": 117_456,
                "prompt_tokens_details": {"cached_tokens": 115_584},
            },
            {
                "input_uncached_tokens": 1_647,
                "cache_read_tokens": 115_584,
                "token_semantics": "inclusive",
                "is_token_conflict": False,
            },
        ),
        # reasoning is inside the output
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 500,
                "total_tokens": 510,
                "completion_tokens_details": {"reasoning_tokens": 300},
            },
            {"output_text_tokens": 200, "output_reasoning_tokens": 300},
        ),
        # more reasoning than output proves that it stands beside it
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 150,
                "total_tokens": 8_160,
                "completion_tokens_details": {"reasoning_tokens": 8_000},
            },
            {
                "output_text_tokens": 150,
                "output_reasoning_tokens": 8_000,
                "token_semantics": "mixed",
                "is_token_conflict": True,
            },
        ),
        # writes of which nobody says how long they stay
        (
            {
                "prompt_tokens": 700,
                "completion_tokens": 1,
                "total_tokens": 701,
                "cache_creation_input_tokens": 600,
            },
            {
                "input_uncached_tokens": 100,
                "cache_write_tokens": 600,
                "cache_write_5m_tokens": None,
                "is_token_conflict": False,
            },
        ),
        # nor does a column hold other lifetimes
        (
            {
                "prompt_tokens": 700,
                "completion_tokens": 1,
                "total_tokens": 701,
                "prompt_tokens_details": {
                    "cache_write_tokens": 600,
                    "cache_creation_token_details": {
                        "ephemeral_5m_input_tokens": 0,
                        "ephemeral_30m_input_tokens": 600,
                    },
                },
            },
            {"input_uncached_tokens": 100, "cache_write_tokens": 600, "is_token_conflict": False},
        ),
        # a lifetime split that does not add up is not used
        (
            {
                "prompt_tokens": 1000,
                "completion_tokens": 1,
                "total_tokens": 1001,
                "prompt_tokens_details": {
                    "cache_creation_tokens": 500,
                    "cache_creation_token_details": {
                        "ephemeral_5m_input_tokens": 100,
                        "ephemeral_1h_input_tokens": 100,
                    },
                },
            },
            {
                "cache_write_tokens": 500,
                "cache_write_5m_tokens": None,
                "cache_write_1h_tokens": None,
                "is_token_conflict": True,
            },
        ),
        # a total nobody can explain is neither input nor output
        (
            {"prompt_tokens": 4_299, "completion_tokens": 631, "total_tokens": 58_291},
            {"input_uncached_tokens": 4_299, "output_text_tokens": 631, "is_token_conflict": True},
        ),
        (
            {"server_tool_use": {"web_search_requests": 3}, "service_tier": "default"},
            {"web_search_requests": 3, "service_tier": "standard"},
        ),
        # searches of grounded answers are counted with the prompt
        ({"prompt_tokens_details": {"web_search_requests": 4}}, {"web_search_requests": 4}),
        # how fast it was stands beside the tier
        (
            {"service_tier": "standard", "speed": "fast", "inference_geo": "us"},
            {"service_tier": "fast", "inference_geo": "us"},
        ),
        # cached tokens are counted again by their kind
        (
            {
                "prompt_tokens": 700,
                "completion_tokens": 60,
                "total_tokens": 760,
                "prompt_tokens_details": {
                    "text_tokens": 90,
                    "audio_tokens": 610,
                    "cached_tokens": 500,
                    "cached_tokens_details": {"text_tokens": 20, "audio_tokens": 480},
                },
                "completion_tokens_details": {"text_tokens": 10, "audio_tokens": 50},
            },
            {
                "input_uncached_tokens": 70,
                "input_audio_tokens": 130,
                "cache_read_tokens": 500,
                "output_text_tokens": 10,
                "output_audio_tokens": 50,
                "is_token_conflict": False,
            },
        ),
        # of which kind they are is not told, and they cannot all be text
        (
            {
                "prompt_tokens": 500,
                "completion_tokens": 40,
                "total_tokens": 540,
                "prompt_tokens_details": {
                    "text_tokens": 200,
                    "audio_tokens": 0,
                    "image_tokens": 300,
                    "cached_tokens": 460,
                },
            },
            {
                "input_uncached_tokens": 40,
                "input_audio_tokens": 0,
                "input_image_tokens": None,
                "cache_read_tokens": 460,
                "token_semantics": "unknown",
                "is_token_conflict": True,
            },
        ),
    ],
)
def test_token_traps(room, usage, expected):
    (call,) = read(room, payload(usage=usage))

    assert {name: call[name] for name in expected} == expected


def google(usage):
    return payload(usage=usage, custom_llm_provider="gemini", model="gemini-3-flash-preview")


def test_prompts_of_tools_are_input_that_only_the_total_of_google_holds(room):
    usage = {
        "prompt_tokens": 240,
        "completion_tokens": 900,
        "total_tokens": 6_140,
        "completion_tokens_details": {"reasoning_tokens": 400, "text_tokens": 500},
    }
    (call,) = read(room, google(usage))

    assert (call["input_uncached_tokens"], call["output_text_tokens"]) == (5_240, 500)
    assert call["output_reasoning_tokens"] == 400
    assert call["is_token_conflict"] is False


@pytest.mark.parametrize(
    ("record", "geo"),
    [
        (payload(usage={"inference_geo": "us"}), "us"),
        (payload(usage={"inference_geo": "not_available"}), None),
        (payload(cost_breakdown={"data_residency": "eu"}), "eu"),
        (payload(api_base="https://eu.api.openai.com/v1/"), "eu"),
        (payload(api_base="https://api.openai.com/v1/"), None),
        (payload(model="azure/us/gpt-4o", custom_llm_provider="azure"), "us"),
        (payload(model="azure/global/gpt-4o", custom_llm_provider="azure"), None),
        (spend_log(model="azure/eu/gpt-4.1", custom_llm_provider="azure"), "eu"),
        (spend_log(metadata={"cost_breakdown": {"data_residency": "us"}}), "us"),
    ],
)
def test_a_geography_with_a_price_is_told_in_four_places(room, record, geo):
    (call,) = read(room, record)

    assert call["inference_geo"] == geo


def test_older_rows_carry_only_the_additional_usage_values(room):
    values = {"prompt_tokens_details": {"cached_tokens": 60}}
    record = spend_log(metadata={"usage_object": None, "additional_usage_values": values})
    (call,) = read(room, record)

    assert (call["input_uncached_tokens"], call["cache_read_tokens"]) == (40, 60)


def nothing_counted(number=1, **changes):
    none = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    return payload(number, **none, **changes) | {"metadata": {"usage_object": None}}


def test_no_tokens_on_a_success_is_unknown_and_not_zero(room):
    (call,) = read(room, nothing_counted())

    assert call["token_source"] == "unknown"
    assert [call[name] for name in BUCKETS] == [None] * len(BUCKETS)


@pytest.mark.parametrize(
    ("code", "is_known"), [("429", True), ("400", True), ("500", False), ("", False)]
)
def test_a_refused_call_used_nothing_and_a_broken_one_nobody_knows(room, code, is_known):
    failed = nothing_counted(
        status="failure",
        response_cost=0,
        error_information={"error_code": code, "error_class": "SomeError", "error_message": "hm"},
    )
    (call,) = read(room, failed)

    assert call["status"] == "error"
    assert call["error_class"] == "SomeError"
    assert call["http_status"] == (int(code) if code else None)
    assert call["provider_request_id"] is None
    assert (call["token_source"], call["input_uncached_tokens"]) == (
        ("provider", 0) if is_known else ("unknown", None)
    )


@pytest.mark.parametrize("cost", [0, 0.0004])
def test_tokens_of_a_failed_call_are_estimates(room, cost):
    """A provider counts nothing of an answer that breaks off; the proxy counts, and may price."""
    (call,) = read(room, payload(status="failure", response_cost=cost))

    assert (call["token_source"], call["input_uncached_tokens"]) == ("estimated", 100)


def test_a_client_that_left_makes_no_success(room):
    left = {"error_code": "499", "error_class": "ClientDisconnected"}
    payload_of_it = payload(1, error_information=left)
    row_of_it = spend_log(2, metadata={"error_information": left})
    calls = read(room, payload_of_it, row_of_it)

    assert {call["status"] for call in calls} == {"cancelled"}
    assert {call["token_source"] for call in calls} == {"estimated"}
    assert {call["http_status"] for call in calls} == {499}


def test_the_status_is_in_the_normalized_error_where_the_code_is_a_word(room):
    refused = nothing_counted(
        status="failure",
        error_information={
            "error_code": "invalid_request_error",
            "error_class": "BadRequestError",
            "normalized_error": "400_INVALID_REQUEST",
        },
    )
    (call,) = read(room, refused)

    assert (call["http_status"], call["token_source"]) == (400, "provider")
    assert call["input_uncached_tokens"] == 0


def test_a_gateway_cache_hit_costs_nothing_and_says_what_it_saved(room):
    by_flag = payload(1, cache_hit=True, response_cost=0.0012, saved_cache_cost=0.0012)
    by_name = payload(2, id="chatcmpl-2_cache_hit1790812800.5")
    by_text = spend_log(3, cache_hit="True", spend=0)
    calls = read(room, by_flag, by_name, by_text, spend_log(4, cache_hit="None"))

    assert [call["status"] for call in calls] == ["cache_hit"] * 3 + ["success"]
    assert [call["logged_cost_usd"] for call in calls[:3]] == [0, 0, 0]
    assert calls[0]["saved_cost_usd"] == Decimal("0.0012")
    assert calls[1]["provider_request_id"] == "chatcmpl-2"


@pytest.mark.parametrize(
    ("changes", "cost", "kind"),
    [
        ({"response_cost": 2.5e-06}, "0.0000025", "gateway_estimate"),
        ({"response_cost": 0.00022500000000000002}, "0.000225", "gateway_estimate"),
        ({"response_cost": 0}, "0", "zero_unpriced"),
        ({"response_cost": None}, None, None),
        ({"response_cost": -1}, None, None),
        ({"cost_breakdown": {"margin_total_amount": 0.0002}}, "0.0012", "marked_up"),
    ],
)
def test_the_logged_cost_says_what_kind_it_is(room, changes, cost, kind):
    (call,) = read(room, payload(**changes))

    assert call["logged_cost_usd"] == (None if cost is None else Decimal(cost))
    assert call["logged_cost_kind"] == kind


@pytest.mark.parametrize(
    ("record", "operation", "role"),
    [
        (payload(call_type="aembedding"), "embedding", "embedding"),
        (payload(call_type="rerank"), "rerank", "rerank"),
        (payload(call_type="amoderation"), "moderation", "guardrail"),
        (payload(call_type="call_mcp_tool"), "tool", "tool"),
        (payload(call_type="acreate_batch"), "batch", "management"),
        (payload(call_type="anthropic_messages"), "chat", "primary"),
        (payload(call_type="something_new"), "other", "unknown"),
        (payload(metadata={"internal_call_origin": "shadow_eval_judge"}), "chat", "judge"),
        (payload(metadata={"internal_call_origin": "autorouter_classifier"}), "chat", "router"),
        (payload(metadata={"is_silent_experiment": True}), "chat", "shadow"),
        (
            payload(metadata={"user_api_key_hash": "litellm-internal-health-check"}),
            "chat",
            "management",
        ),
        (
            spend_log(metadata={"billed_retry_attempt": True, "attempted_retries": 1}),
            "chat",
            "retry",
        ),
        # the first attempt of a request is no retry, also if it failed and was billed
        (spend_log("1-attempt-1", metadata={"billed_retry_attempt": True}), "chat", "primary"),
        (spend_log("1-attempt-2"), "chat", "retry"),
        (payload(hidden_params=headers(retries=0, fallbacks=0)), "chat", "primary"),
        (payload(hidden_params=headers(retries=1)), "chat", "retry"),
        (payload(hidden_params=headers(retries=0, fallbacks=1)), "chat", "fallback"),
        (spend_log(metadata={"attempted_fallbacks": 1}), "chat", "fallback"),
        (spend_log(metadata={"original_model_group": "opus"}), "chat", "fallback"),
        (spend_log("b_batch_cost", call_type="aretrieve_batch"), "batch", "primary"),
    ],
)
def test_the_role_comes_from_the_first_signal(room, record, operation, role):
    (call,) = read(room, record)

    assert (call["operation"], call["role"]) == (operation, role)


@pytest.mark.parametrize(
    ("call_type", "units", "expected"),
    [
        ("atranscription", {"type": "duration", "seconds": 12.2}, {"audio_seconds": 13}),
        ("aimage_generation", {"output_image_count": 2}, {"generated_images": 2}),
        ("aspeech", None, {}),
        ("arerank", None, {}),
        ("aocr", None, {}),
        ("avector_store_search", None, {}),
    ],
)
def test_a_call_counted_in_other_units_is_not_free(room, call_type, units, expected):
    record = nothing_counted(call_type=call_type, response_cost=0.002)
    record["metadata"]["usage_object"] = units
    (call,) = read(room, record)

    assert {name: call[name] for name in expected} == expected
    assert call["token_source"] == ("provider" if expected else "unknown")
    assert expected or call["input_uncached_tokens"] is None
    assert call["logged_cost_usd"] == Decimal("0.002")


def test_search_units_of_a_rerank_are_in_its_answer(room):
    record = nothing_counted(
        call_type="arerank", response={"id": "rr-1", "meta": {"billed_units": {"search_units": 3}}}
    )
    (call,) = read(room, record)

    assert (call["search_units"], call["token_source"]) == (3, "provider")


def test_an_image_of_tokens_that_nobody_tells_apart_is_image(room):
    usage = {"prompt_tokens": 12, "completion_tokens": 1_056, "total_tokens": 1_068}
    made = payload(call_type="aimage_generation", usage={**usage, "output_image_count": 1})
    (call,) = read(room, made)

    assert (call["output_text_tokens"], call["output_image_tokens"]) == (0, 1_056)
    assert call["generated_images"] is None


def test_what_tools_cost_says_that_their_count_is_missing(room):
    costs = {"tool_usage_cost": 0.03, "total_cost": 0.031}
    counted = {"server_tool_use": {"web_search_requests": 3}}
    room.put(
        "log.jsonl",
        lines(
            payload(1, cost_breakdown=costs),
            payload(2, cost_breakdown=costs, usage=counted),
            payload(3, cost_breakdown={"tool_usage_cost": 0.0}),
        ),
    )
    (landed,) = room.land().landed

    assert landed.counters["unread_usage:tool_usage_cost"] == 1
    assert landed.counters["unread_cost_picos"] == 30_000_000_000
    assert [call["token_source"] for call in room.rows()] == ["estimated", "provider", "provider"]


def finished_batch(number, **changes):
    """A look at a finished batch: each tells all that the batch used."""
    tokens = {"prompt_tokens": 1_800, "completion_tokens": 300, "total_tokens": 2_100}
    usage = {**tokens, "batch_usage_by_model": {"gpt-4o-mini": tokens}}
    return payload(
        number,
        id="batch_7",
        call_type="aretrieve_batch",
        model="",
        model_group=None,
        stream=None,
        metadata={"usage_object": usage},
        response={"id": "batch_7", "status": "completed", "completed_at": 1_790_812_700},
        **tokens,
        **changes,
    )


def test_looks_at_a_finished_batch_tell_one_call(room):
    running = finished_batch(1) | {
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "total_tokens": 0,
        "response_cost": 0,
        "metadata": {"usage_object": None},
    }
    waiting, *looks = read(room, running, finished_batch(2), finished_batch(90_000))

    assert (waiting["role"], waiting["is_rollup"]) == ("management", True)
    assert len({look["call_id"] for look in looks}) == 1
    # on whatever days somebody looks, it counts on one
    assert {look["charge_date"] for look in looks} == {date(2026, 9, 30)}
    assert len({look["updated_at"] for look in looks}) == 2
    for look in looks:
        assert (look["operation"], look["role"], look["service_tier"]) == (
            "batch",
            "primary",
            "batch",
        )
        assert (look["served_model"], look["provider_request_id"]) == ("gpt-4o-mini", "batch_7")
        assert (look["input_uncached_tokens"], look["output_text_tokens"]) == (1_800, 300)
        assert look["is_rollup"] is False


def test_a_batch_of_several_models_names_none(room):
    record = finished_batch(1)
    record["metadata"]["usage_object"]["batch_usage_by_model"]["gpt-4o"] = {}
    room.put("log.jsonl", lines(record))
    (landed,) = room.land().landed

    assert room.rows()[0]["served_model"] is None
    assert landed.counters["several_batch_models"] == 1


@pytest.mark.parametrize("call_type", ["aget_responses", "list_input_items", "acancel_responses"])
def test_who_fetches_a_stored_response_uses_nothing(room, call_type):
    made = payload(1, call_type="aresponses", id="resp_1")
    looks = [payload(n, call_type=call_type, id=f"resp_{n}") for n in (2, 3)]
    calls = read(room, made, *looks)

    assert [call["is_rollup"] for call in calls] == [False, True, True]
    assert {call["role"] for call in calls[1:]} == {"management"}


def test_a_response_made_in_the_background_is_used_when_it_is_fetched(room):
    stored = {"id": "resp_9", "background": True, "completed_at": 1_790_812_800}
    fetched = [payload(n, call_type="aget_responses", id="resp_9", response=stored) for n in (1, 2)]
    settled = spend_log("9_background_cost", call_type="aget_responses")
    calls = read(room, *fetched, settled)

    assert {call["is_rollup"] for call in calls} == {False}
    assert {call["role"] for call in calls} == {"primary"}
    assert len({call["call_id"] for call in calls}) == 2


def test_management_uses_nothing_and_stays_a_call(room):
    (call,) = read(room, nothing_counted(call_type="acreate_file", response_cost=0))

    assert (call["role"], call["token_source"]) == ("management", "provider")
    assert call["is_rollup"] is False


def test_a_type_nobody_knows_counts_and_says_so(room):
    records = [payload(1, call_type="adream"), nothing_counted(number=2, call_type="adream")]
    room.put("log.jsonl", lines(*records))
    (landed,) = room.land().landed
    told, untold = room.rows()

    assert landed.counters["unknown_call_type"] == 2
    assert (told["token_source"], told["input_uncached_tokens"]) == ("provider", 100)
    assert (untold["token_source"], untold["input_uncached_tokens"]) == ("unknown", None)


def test_a_type_nobody_knows_that_only_looks_is_set_aside_with_its_use(room):
    looks = [payload(1, call_type="aget_dream"), payload(2, call_type="dream_status_poll")]

    assert (
        rules(room, *looks, nothing_counted(number=3, call_type="list_dreams", response_cost=0))
        == ["unknown_call_type"] * 2
    )
    assert len(room.rows()) == 1


def test_people_and_tags_that_callers_send_elsewhere_are_read(room):
    sent = {"requester_metadata": {"spend_logs_metadata": {"task_id": "t-5", "app": "search"}}}
    record = payload(
        end_user="",
        model_parameters={"user": "customer-8", "temperature": 0.1},
        metadata={"spend_logs_metadata": None, **sent},
    )
    (call,) = read(room, record)

    assert call["end_user_id"] == pseudonym("customer-8")
    assert call["task_id"] == "t-5"
    assert json.loads(call["tags"]) == {"app": "search"}


def test_a_row_reads_the_same_wherever_its_id_stands(room):
    record = spend_log()
    turned = dict(reversed(record.items()))
    first, second = read(room, record, turned)

    ignored = {"source_row"}
    assert {k: v for k, v in first.items() if k not in ignored} == {
        k: v for k, v in second.items() if k not in ignored
    }


def test_suffixes_of_a_request_id_are_rows_of_their_own(room):
    names = ["x", "x-attempt-1", "x_cache_hit1.5"]
    calls = read(room, *(spend_log(name) for name in names))

    assert [call["call_id"] for call in calls] == [f"chatcmpl-{name}" for name in names]
    assert {call["provider_request_id"] for call in calls} == {"chatcmpl-x"}


def test_two_attempts_of_one_request_are_two_calls_with_one_parent(room):
    failed = payload(1, id="call-1", status="failure", response_cost=0)
    calls = read(room, failed, payload(1, startTime=1_790_812_802.5))

    assert len({call["call_id"] for call in calls}) == 2
    assert {call["parent_call_id"] for call in calls} == {"call-1"}


def test_only_tags_on_the_list_are_kept(room):
    tags = ["User-Agent: curl/8.1", "app:search", "app=zzz", "secret:plan", "bare", "cost_center:x"]
    metadata = {"spend_logs_metadata": {"cost_center": "cc-7", "note": "hello", "app": {"a": 1}}}
    room.put("log.jsonl", lines(payload(request_tags=tags, metadata=metadata)))
    (landed,) = room.land().landed
    (call,) = room.rows()

    assert json.loads(call["tags"]) == {"cost_center": "cc-7"}
    assert landed.counters["dropped_tags"] == 3


def test_tag_values_hold_no_mail_no_controls_and_no_essays(room):
    tags = [["app:ann@acme.example"], ["app:a\u0000b\nc"], ["app:" + "x" * 500]]
    calls = read(room, *(payload(i, request_tags=t) for i, t in enumerate(tags)))
    values = [json.loads(call["tags"])["app"] for call in calls]

    assert values[0] == pseudonym("ann@acme.example")
    assert values[1] == "abc"
    assert values[2].startswith("sha256:")


def test_ids_that_are_mail_addresses_become_pseudonyms(room):
    mail = "ann@acme.example"
    record = payload(
        trace_id=mail,
        session_id=mail,
        model="claude-sonnet-4@20250514",
        metadata={"user_api_key_team_id": mail, "spend_logs_metadata": {"task_id": mail}},
    )
    (call,) = read(room, record)

    hidden = pseudonym(mail)
    assert (call["trace_id"], call["session_id"], call["team_id"], call["task_id"]) == (hidden,) * 4
    assert call["served_model"] == "claude-sonnet-4@20250514"


def test_a_key_in_clear_is_kept_as_the_proxy_would_hash_it(room):
    (call,) = read(room, payload(metadata={"user_api_key_hash": "sk-1234"}))

    assert call["api_key_id"] == "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b"


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ([1, 2], "not_an_object"),
        ({"model": "gpt-4o"}, "missing_identity"),
        (payload(id=""), "missing_identity"),
        (payload(startTime="yesterday"), "bad_time"),
        (payload(startTime=1_790_812_800_123), "bad_time"),
        (payload(startTime=None), "bad_time"),
        (payload(endTime="soon"), "bad_time"),
        (payload(prompt_tokens=-1), "bad_count"),
        (payload(prompt_tokens=1.5), "bad_count"),
        (payload(prompt_tokens="many"), "bad_count"),
        (payload(usage={"cache_read_input_tokens": "NaN"}), "bad_count"),
        (payload(prompt_tokens=10**10), "impossible_count"),
        (payload(prompt_tokens=10**30), "impossible_count"),
        (payload(response_cost="cheap"), "bad_amount"),
        (payload(usage={"prompt_tokens_details": {"audio_tokens": 101}}), "negative_bucket"),
        (payload(usage={"completion_tokens_details": {"image_tokens": 21}}), "negative_bucket"),
    ],
)
def test_a_record_that_breaks_a_rule_is_set_aside(room, record, rule):
    assert rules(room, payload(2), record) == [rule]
    assert len(room.rows()) == 1


def test_a_dump_as_csv_or_parquet_reads_as_its_json(tmp_path):
    records = [
        spend_log(1),
        spend_log(2, cache_hit="True"),
        spend_log(3, end_user='say "hi", \n ok'),
    ]
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, records[0].keys())
    writer.writeheader()
    writer.writerows(records)
    parquet = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), parquet)
    found = []
    for name, content in [
        ("dump.jsonl", lines(*records)),
        ("dump.csv", sheet.getvalue()),
        ("dump.parquet", parquet.getvalue()),
    ]:
        room = Room(tmp_path / name)
        room.put(name, content)
        assert not room.land().problems
        found.append([{k: v for k, v in row.items() if k != "file_id"} for row in room.rows()])

    assert len(found[0]) == 3
    assert found[1] == found[0]
    assert found[2] == found[0]


def test_audit_logs_beside_the_calls_are_left_alone(room):
    room.put("audit_logs/2026-10-01/a.json", lines({"id": "x", "action": "created"}))
    result = room.land()

    assert result.ignored == ("audit_logs/2026-10-01/a.json",)
    assert result.rows_quarantined == 0
