"""Spellings of AI models in logs and bills, and the ids they stand for."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.prices import RESOLVED_MODEL_SCHEMA
from pipelines.prices import list_prices, resolve_models

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
