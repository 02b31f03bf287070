"""Spellings of AI models in logs and bills, and the ids they stand for."""

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.prices import RESOLVED_MODEL_SCHEMA
from pipelines.prices import list_prices, price_table, resolve_models, with_nearest

ALIAS_COLUMNS = ("provider", "model_text", "model_id")
ids = st.sampled_from([None, "openai", "aws", "azure", "bedrock", "nobody"])


def aliases(*rows: tuple[str | None, str, str]) -> pa.Table:
    schema = pa.schema([(name, pa.string()) for name in ALIAS_COLUMNS])
    return pa.Table.from_pylist(
        [dict(zip(ALIAS_COLUMNS, row, strict=True)) for row in rows], schema=schema
    )


def resolved(
    provider: str | None, text: str | None, table: pa.Table | None = None
) -> tuple[str | None, str | None, str]:
    (row,) = resolve_models([(provider, text)], table).to_pylist()
    return row["price_provider"], row["model_id"], row["resolved_by"]


@pytest.mark.parametrize(
    ("provider", "text", "price_provider", "model_id"),
    [
        ("openai", "gpt-4o", "openai", "gpt-4o"),
        ("openai", "GPT-4o-2024-08-06", "openai", "gpt-4o"),
        ("openai", "openai/gpt-4o", "openai", "gpt-4o"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:org::abc", "openai", "ft:gpt-4o-mini"),
        ("openai", "gpt-5.2-20251211", "openai", "gpt-5.2"),
        (None, "openai/gpt-4o", "openai", "gpt-4o"),
        ("azure", "azure/gpt-4o", "azure", "gpt-4o"),
        ("azure", "azure/eu/gpt-4o-2024-08-06", "azure", "gpt-4o"),
        ("azure.ai.openai", "gpt-4o", "azure", "gpt-4o"),
        ("anthropic", "claude-sonnet-4-20250514", "anthropic", "claude-sonnet-4-0"),
        ("anthropic", "anthropic/claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
        ("anthropic", "Claude Sonnet 4.5", "anthropic", "claude-sonnet-4-5"),
        ("anthropic", "Claude Sonnet 4", "anthropic", "claude-sonnet-4-0"),
        ("vertex_ai", "claude-sonnet-4-5@20250929", "google", "claude-sonnet-4-5"),
        ("gemini", "gemini/gemini-2.5-flash", "google", "gemini-2.5-flash"),
        ("google", "publishers/google/models/gemini-2.5-pro", "google", "gemini-2.5-pro"),
        ("anthropic", "claude-opus-5[1m]", "anthropic", "claude-opus-5"),
        ("anthropic.messages", "claude-opus-5", "anthropic", "claude-opus-5"),
        ("openai.responses", "gpt-5", "openai", "gpt-5"),
        ("xai", "grok-4-0709", "x-ai", "grok-4-0709"),
        ("x-ai", "grok-4-0709", "x-ai", "grok-4-0709"),
        ("moonshot", "kimi-k2", "moonshotai", "kimi-k2"),
        ("openrouter", "anthropic/claude-sonnet-4", "openrouter", "anthropic/claude-sonnet-4"),
        (
            "openrouter",
            "openrouter/anthropic/claude-sonnet-4",
            "openrouter",
            "anthropic/claude-sonnet-4",
        ),
    ],
)
def test_a_spelling_finds_its_model(
    provider: str | None, text: str, price_provider: str, model_id: str
) -> None:
    assert resolved(provider, text) == (price_provider, model_id, "list")


@pytest.mark.parametrize(
    ("text", "routing"),
    [
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "regional"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "regional"),
        ("bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "regional"),
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "global"),
        (
            "arn:aws:bedrock:us-east-1:1:inference-profile/"
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "global",
        ),
    ],
)
def test_bedrock_in_region_use_is_an_entry_of_its_own(text: str, routing: str) -> None:
    expected = f"{routing}.anthropic.claude-sonnet-4-5-20250929-v1:0"

    assert resolved("bedrock", text) == ("aws", expected, "list")


def test_in_region_use_on_bedrock_costs_a_tenth_more_than_global_use(cost) -> None:
    name = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    at = "2026-11-02T10:00:00Z"

    assert cost("aws", f"global.{name}", at, output=10) * 11 == (
        cost("aws", f"regional.{name}", at, output=10) * 10
    )


@pytest.mark.parametrize(
    ("provider", "text", "price_provider", "model_id"),
    [
        ("ollama", "gpt-4o", "ollama", "gpt-4o"),
        ("openai", "my-own-model", "openai", "my-own-model"),
        ("azure", "Prod-Chat", "azure", "prod-chat"),
        (None, "gpt-4o", None, "gpt-4o"),
        (None, None, None, None),
        ("openai", " ", "openai", None),
    ],
)
def test_a_name_that_matches_nothing_is_kept_and_has_no_price(
    provider: str | None, text: str | None, price_provider: str | None, model_id: str | None
) -> None:
    assert resolved(provider, text) == (price_provider, model_id, "unmatched")


@pytest.mark.parametrize(
    ("framework", "text", "price_provider", "model_id"),
    [
        (
            "strands-agents",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws",
            "regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        ("github", "gpt-4o-mini-2024-07-18", "openai", "gpt-4o-mini"),
        ("langchain", "claude-sonnet-4.5", "anthropic", "claude-sonnet-4-5"),
    ],
)
def test_a_framework_is_no_provider_and_the_maker_of_the_model_is(
    framework: str, text: str, price_provider: str, model_id: str
) -> None:
    assert resolved(framework, text) == (price_provider, model_id, "maker")


def test_a_framework_with_a_name_that_many_serve_leaves_the_provider_unknown() -> None:
    name = "llama-3.3-70b-versatile"

    assert resolved("langchain", name) == (None, name, "unmatched")
    assert resolved("langchain", "groq/" + name) == ("groq", name, "list")
    assert resolved("langchain", "prod", aliases((None, "prod", "gpt-4o")))[:2] == (
        "openai",
        "gpt-4o",
    )


def test_an_alias_holds_for_a_name_with_a_context_size_too() -> None:
    assert resolved("azure", "prod[1m]", aliases(("azure", "prod", "gpt-4o")))[1] == "gpt-4o"


@pytest.mark.parametrize("asked", ["xai", "x-ai", "xAI"])
@pytest.mark.parametrize("written", ["xai", "x-ai"])
def test_contract_rows_and_calls_meet_whatever_they_call_the_provider(
    asked: str, written: str
) -> None:
    contract = pa.Table.from_pylist(
        [
            {
                "issuer": "xai-direct",
                "provider": written,
                "model_id": "grok-4-0709",
                "meter": "output",
                "service_tier": "standard",
                "currency": "USD",
                "price_per_million": Decimal(9),
            }
        ]
    )
    own = [r for r in price_table(contract).to_pylist() if r["price_kind"] == "contract"]

    assert [(r["provider"], r["model_id"]) for r in own] == [resolved(asked, "grok-4-0709")[:2]]


def test_of_an_unknown_name_the_nearest_known_one_is_said() -> None:
    names = [
        ("openai", "gtp-4o-mini"),
        ("opneai", "gpt-4o"),
        ("openai", "5.9-vega"),
        ("openai", "gpt-5.9-vega"),
        ("openai", "a-name-of-our-own"),
        ("openai", "gpt-4o"),
    ]
    rows = with_nearest(resolve_models(names)).to_pylist()
    nearest = {(r["provider"], r["model_text"]): r["nearest"] for r in rows}

    assert nearest == {
        ("openai", "gtp-4o-mini"): "gpt-4o-mini",
        ("opneai", "gpt-4o"): "openai",
        ("openai", "5.9-vega"): "gpt-5.9-vega",
        ("openai", "gpt-5.9-vega"): "5.9-vega",
        ("openai", "a-name-of-our-own"): None,
        ("openai", "gpt-4o"): None,
    }


def test_an_alias_of_the_workspace_comes_first() -> None:
    table = aliases(
        ("azure", "prod-chat", "gpt-4o-2024-08-06"),
        (None, "gpt-4o", "gpt-5"),
        ("openai", "gpt-4o", "in-house"),
    )

    assert resolved("azure", "prod-chat", table) == ("azure", "gpt-4o", "alias")
    assert resolved("azure", "PROD-Chat", table) == ("azure", "gpt-4o", "alias")
    assert resolved("azure", "gpt-4o", table) == ("azure", "gpt-5", "alias")
    assert resolved("openai", "gpt-4o", table) == ("openai", "in-house", "alias")
    assert resolved("openai", "gpt-4.1", table) == ("openai", "gpt-4.1", "list")


def test_an_alias_is_written_with_any_spelling_of_its_provider() -> None:
    table = aliases(("bedrock", "chat", "amazon.nova-lite-v1:0"))

    assert resolved("aws.bedrock", "chat", table) == ("aws", "amazon.nova-lite-v1:0", "alias")


def test_an_exact_alias_wins_over_one_that_differs_in_case() -> None:
    table = aliases(("openai", "Chat", "gpt-4o"), ("openai", "chat", "gpt-5"))

    assert resolved("openai", "Chat", table)[1] == "gpt-4o"
    assert resolved("openai", "chat", table)[1] == "gpt-5"


def test_each_distinct_pair_is_one_row_in_a_stable_order() -> None:
    pairs = [("openai", "gpt-5"), (None, None), ("openai", "gpt-4o"), ("openai", "gpt-5")]
    table = resolve_models(pairs)

    assert table.schema.equals(RESOLVED_MODEL_SCHEMA)
    assert table.equals(resolve_models(reversed(pairs)))
    assert table["model_text"].to_pylist() == [None, "gpt-4o", "gpt-5"]


def test_no_pairs_give_no_rows() -> None:
    assert resolve_models([]).num_rows == 0


@given(ids, st.none() | st.text(max_size=40))
def test_any_text_at_all_resolves_to_something(provider: str | None, text: str | None) -> None:
    home, model_id, resolved_by = resolved(provider, text)

    assert resolved_by in ("list", "unmatched")
    assert (model_id is None) == (not (text or "").strip())
    assert home != "bedrock"


def test_every_id_of_the_list_that_a_name_resolves_to_has_prices() -> None:
    listed = list_prices()
    ids = set(zip(listed["provider"].to_pylist(), listed["model_id"].to_pylist(), strict=True))
    found = resolve_models(ids).to_pylist()
    by_list = [(r["price_provider"], r["model_id"]) for r in found if r["resolved_by"] == "list"]

    assert len(by_list) > 0.95 * len(ids)
    assert sum(pair in ids for pair in by_list) > 0.99 * len(by_list)
