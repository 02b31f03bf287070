"""Readings of totals that nothing on a record tells apart but what it says that it cost."""

import importlib
from decimal import Decimal

import pytest

from tests.landing.room import Room, lines

MILLION = Decimal(1_000_000)
PRICES = {
    "openai/gpt-4o": {"input": "2.5", "read": "1.25", "output": "10"},
    "anthropic/claude-sonnet-4-5": {
        "input": "3",
        "read": "0.3",
        "write_5m": "3.75",
        "write_1h": "6",
        "output": "15",
    },
}


def cost(model, **quantities):
    return float(sum(Decimal(PRICES[model][m]) * n / MILLION for m, n in quantities.items()))


def vercel(model, *, charged, **counts):
    return {
        "id": f"gen_{model}_{charged}_{counts}",
        "createdAt": "2026-10-20T13:00:00Z",
        "model": model,
        "isByok": False,
        "providerName": model.split("/")[0],
        "streamed": False,
        "totalCost": charged,
        **counts,
    }


def portkey(charged, *, prompt, read):
    model = "claude-sonnet-4-5"
    usage = {"prompt_tokens": prompt, "completion_tokens": 210, "cache_read_input_tokens": read}
    return {
        "id": f"pk-{charged}",
        "created_at": "2026-10-20T13:00:00Z",
        "ai_org": "anthropic",
        "ai_model": model,
        "response": {"usage": usage},
        "cost": round(charged * 100, 9),
        "response_status_code": 200,
    }


@pytest.fixture
def read(tmp_path):
    def land(kind, record):
        room = Room(tmp_path, source=importlib.import_module(f"pipelines.sources.{kind}").SOURCE)
        room.put("log.jsonl", lines(record))
        assert not room.land().problems
        (call,) = room.rows()
        (landed,) = room.lake.landed()
        return call, landed.counters

    return land


GPT, CLAUDE = PRICES


@pytest.mark.parametrize(
    ("model", "uncached", "told", "writes"),
    [
        # more input than cache, so that neither reading is impossible
        (GPT, 4_100, 4_100, {}),
        (GPT, 2_300, 4_100, {}),
        (CLAUDE, 4_100, 4_100, {}),
        (CLAUDE, 2_300, 4_100, {}),
        (CLAUDE, 1_700, 4_100, {"write_5m": 600}),
        (CLAUDE, 4_100, 4_100, {"write_1h": 600}),
    ],
)
def test_the_own_cost_of_a_call_proves_whether_its_input_holds_the_cache(
    read, model, uncached, told, writes
):
    charged = cost(model, input=uncached, read=1_800, output=120, **writes)
    counts = {
        "promptTokens": told,
        "completionTokens": 120,
        "cachedTokens": 1_800,
        "cacheCreationTokens": sum(writes.values()),
    }
    call, counters = read("vercel_generations", vercel(model, charged=charged, **counts))

    assert call["input_uncached_tokens"] == uncached
    assert call["token_semantics"] == ("exclusive" if uncached == told else "inclusive")
    assert counters["read_by_own_cost"] == 1
    assert "unknown_semantics" not in counters
    assert not call["is_token_conflict"]


def test_the_own_cost_proves_whether_the_output_holds_the_reasoning(read):
    charged = cost(GPT, input=900, output=500 + 340)
    counts = {"promptTokens": 900, "completionTokens": 500, "reasoningTokens": 340}
    call, _ = read("vercel_generations", vercel(GPT, charged=charged, **counts))

    assert (call["output_text_tokens"], call["output_reasoning_tokens"]) == (500, 340)
    assert call["token_semantics"] == "mixed"


@pytest.mark.parametrize("factor", [Decimal("0.8"), Decimal("1.013"), 2])
def test_a_cost_at_other_prices_proves_nothing(read, factor):
    charged = float(Decimal(str(cost(GPT, input=4_100, read=1_800, output=120))) * factor)
    counts = {"promptTokens": 4_100, "completionTokens": 120, "cachedTokens": 1_800}
    call, counters = read("vercel_generations", vercel(GPT, charged=charged, **counts))

    assert (call["input_uncached_tokens"], call["token_semantics"]) == (2_300, "unknown")
    assert counters == {"unknown_semantics": 1}


def test_details_too_few_to_be_seen_in_the_cost_prove_nothing(read):
    charged = cost(GPT, input=4_100, read=1, output=120)
    counts = {"promptTokens": 4_100, "completionTokens": 120, "cachedTokens": 1}
    _, counters = read("vercel_generations", vercel(GPT, charged=charged, **counts))

    assert counters == {"unknown_semantics": 1}


def test_a_cost_against_the_rule_of_the_format_is_a_conflict(read):
    charged = cost(CLAUDE, input=700, read=3_000, output=210)
    call, counters = read("portkey", portkey(charged, prompt=3_700, read=3_000))

    assert (call["input_uncached_tokens"], call["token_semantics"]) == (700, "inclusive")
    assert call["is_token_conflict"]
    assert counters == {"read_by_own_cost": 1, "token_conflict": 1}


def test_a_cost_by_the_rule_of_the_format_is_nothing_to_tell(read):
    charged = cost(CLAUDE, input=3_700, read=3_000, output=210)
    call, counters = read("portkey", portkey(charged, prompt=3_700, read=3_000))

    assert (call["input_uncached_tokens"], counters) == (3_700, {})
