"""Prices under an attribute of the call: what a modifier makes of a price, and when it does not."""

from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

import pyarrow as pa
import pytest
from genai_prices.data_snapshot import get_snapshot

from models.columns import arrow_schema
from models.price_modifiers import LIST_MODIFIERS, PRICE_MODIFIER, PriceAttribute
from models.reference import CONTRACT_PRICES, PRICE_MODIFIERS
from pipelines.prices import list_prices, modifier_book, price_table, resolve_models

OCTOBER = datetime(2026, 10, 20, tzinfo=UTC)


def table(columns: Any, *rows: dict[str, Any]) -> pa.Table:
    blank = {column.name: None for column in columns}
    return pa.Table.from_pylist([blank | row for row in rows], schema=arrow_schema(columns))


def contract(*rows: dict[str, Any]) -> pa.Table:
    base = {
        "issuer": "acme-deal",
        "provider": "anthropic",
        "model_id": "claude-opus-5",
        "meter": "output",
        "service_tier": "standard",
        "currency": "USD",
        "min_input_tokens": 0,
    }
    return table(CONTRACT_PRICES, *({**base, **row} for row in rows))


def modifiers(*rows: dict[str, Any]) -> pa.Table:
    base = {"issuer": "acme-deal", "provider": "anthropic"}
    ranked = ({"rank": rank, **base, **row} for rank, row in enumerate(rows, 1))
    return table(PRICE_MODIFIERS, *ranked)


def prices(
    provider: str,
    model_id: str,
    meter: str = "output",
    *,
    at: datetime = OCTOBER,
    **wanted: Any,
) -> dict[tuple[str, str | None, int], Decimal]:
    """Price by tier, geography and size of a model and meter at one time, of the best rows."""
    models = resolve_models([(provider, model_id)])
    rows = price_table(models=models, **wanted).to_pylist()
    held = [
        row
        for row in rows
        if row["meter"] == meter
        and (row["valid_from"] is None or row["valid_from"] <= at)
        and (row["valid_to"] is None or at < row["valid_to"])
    ]
    found: dict[tuple[str, str | None, int], Decimal] = {}
    for row in sorted(held, key=lambda row: -row["precedence"]):
        key = row["service_tier"], row["inference_geo"], row["min_input_tokens"]
        found[key] = row["price_per_million"]
    return found


@pytest.mark.parametrize("meter", ["input_uncached", "output", "cache_read", "cache_write_1h"])
@pytest.mark.parametrize("tier", ["standard", "batch", "fast"])
def test_inference_in_the_us_costs_a_tenth_more_for_every_kind_of_token(
    meter: str, tier: str
) -> None:
    found = prices("anthropic", "claude-opus-5", meter)

    assert found[tier, "us", 0] == found[tier, None, 0] * Decimal("1.1")


def test_a_search_costs_the_same_anywhere() -> None:
    found = prices("anthropic", "claude-opus-5", "web_search")

    assert found["standard", "us", 0] == found["standard", None, 0] == 10_000


@pytest.mark.parametrize("model_id", ["claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"])
def test_models_from_before_geographies_have_no_price_of_one(model_id: str) -> None:
    assert {geo for _, geo, _ in prices("anthropic", model_id)} == {None}


def test_a_regional_host_of_openai_costs_more_for_models_since_march_2026_only() -> None:
    new, old = prices("openai", "gpt-5.4"), prices("openai", "gpt-5")

    assert new["standard", "*", 0] == new["standard", None, 0] * Decimal("1.1")
    assert new["standard", "*", 272_000] == new["standard", None, 272_000] * Decimal("1.1")
    assert old["standard", "*", 0] == old["standard", None, 0]


@pytest.mark.parametrize("zone", ["us", "eu"])
def test_a_data_zone_of_azure_costs_a_tenth_more(zone: str) -> None:
    found = prices("azure", "gpt-4o", "cache_read")

    assert found["standard", zone, 0] == found["standard", None, 0] * Decimal("1.1")


def test_long_prompts_of_gpt_on_bedrock_cost_what_they_do_at_openai() -> None:
    for model_id in ("gpt-5.4", "gpt-5.5"):
        for meter in ("input_uncached", "cache_read", "output"):
            here, there = (
                prices("aws", f"openai.{model_id}", meter),
                prices("openai", model_id, meter),
            )
            assert here["standard", None, 272_000] / here["standard", None, 0] == (
                there["standard", None, 272_000] / there["standard", None, 0]
            )


def test_a_tier_of_the_list_is_left_and_its_past_is_filled_by_the_same_factor() -> None:
    before = datetime(2026, 10, 11, tzinfo=UTC)
    for model_id in ("gpt-5", "gpt-5.4", "gpt-5.5", "gpt-5-mini", "gpt-5.6-terra"):
        past, now = prices("openai", model_id, at=before), prices("openai", model_id)
        assert {k: v for k, v in past.items() if k[0] == "priority"} == {
            k: v for k, v in now.items() if k[0] == "priority"
        }


def test_every_factor_of_a_tier_is_the_one_the_list_has_since() -> None:
    """A factor that the list contradicts would make the same tier cost two prices."""
    for rule in LIST_MODIFIERS:
        if rule.attribute is PriceAttribute.SERVICE_TIER and rule.provider == "openai":
            for pattern in rule.models:
                for model_id in matching(pattern, "openai"):
                    found = prices("openai", model_id)
                    listed = found.get((str(rule.value), None, 0))
                    assert listed == found["standard", None, 0] * rule.factor, model_id


def matching(pattern: str, provider: str) -> set[str]:
    rows = zip(*(list_prices()[n].to_pylist() for n in ("provider", "model_id")), strict=True)
    return {model for owner, model in rows if owner == provider and fnmatchcase(model, pattern)}


def test_every_modifier_of_the_book_is_about_models_there_are() -> None:
    known = {provider.id for provider in get_snapshot().providers}
    for rule in LIST_MODIFIERS:
        assert rule.provider in known
        assert any(matching(pattern, rule.provider) for pattern in rule.models)


def test_grounding_of_gemini_2_is_charged_per_prompt_and_of_gemini_3_per_query() -> None:
    models = resolve_models([("google", m) for m in ("gemini-2.5-flash", "gemini-3-flash-preview")])
    rows = [r for r in price_table(models=models).to_pylist() if r["meter"] == "web_search"]

    assert {(r["model_id"], r["is_per_call"], r["price_per_million"]) for r in rows} == {
        ("gemini-2.5-flash", True, 35_000),
        ("gemini-3-flash-preview", False, 14_000),
    }


def test_a_contract_price_is_changed_for_a_geography_unless_it_names_it() -> None:
    plain = contract({"price_per_million": Decimal(20)})
    named = contract(
        {"price_per_million": Decimal(20)},
        {"price_per_million": Decimal(21), "inference_geo": "us"},
    )

    assert prices("anthropic", "claude-opus-5", contract=plain)["standard", "us", 0] == 22
    assert prices("anthropic", "claude-opus-5", contract=named)["standard", "us", 0] == 21


def test_a_contract_price_has_bands_and_tiers_of_its_own() -> None:
    own = contract(
        {"price_per_million": Decimal(20)},
        {"price_per_million": Decimal(30), "min_input_tokens": 200_000},
        {"price_per_million": Decimal(9), "service_tier": "batch"},
    )
    found = prices("anthropic", "claude-opus-5", contract=own)

    assert found["standard", None, 0] == 20
    assert found["standard", None, 200_000] == 30
    assert found["standard", "us", 200_000] == 33
    assert found["batch", None, 0] == 9


def test_a_discount_changes_list_prices_and_no_contract_price() -> None:
    discount = modifiers({"factor": Decimal("0.88")})
    own = contract({"price_per_million": Decimal(20)})
    listed = prices("anthropic", "claude-opus-5", modifiers=discount)
    agreed = prices("anthropic", "claude-opus-5", modifiers=discount, contract=own)

    assert listed["standard", None, 0] == 22
    assert listed["batch", None, 0] == 11
    assert listed["standard", "us", 0] == Decimal("24.2")
    assert agreed["standard", None, 0] == 20
    assert agreed["batch", None, 0] == 11


def test_the_first_modifier_that_fits_holds_and_the_companys_come_before_the_books() -> None:
    own = modifiers(
        {"attribute": "inference_geo", "value": "us", "factor": Decimal("1.05")},
        {"attribute": "inference_geo", "value": "us", "factor": Decimal(3)},
        {"attribute": "inference_geo", "value": "eu", "factor": Decimal("1.2")},
    )
    found = prices("anthropic", "claude-opus-5", modifiers=own)

    assert found["standard", "us", 0] == Decimal("26.25")
    assert found["standard", "eu", 0] == 30


def test_modifiers_of_different_attributes_multiply() -> None:
    own = modifiers(
        {"factor": Decimal("0.9")},
        {"attribute": "input_tokens", "value": "500000", "factor": Decimal(2)},
        {"attribute": "service_tier", "value": "priority", "factor": Decimal(3)},
    )
    found = prices("anthropic", "claude-opus-5", modifiers=own)

    assert found["standard", None, 500_000] == 45
    assert found["priority", "us", 500_000] == Decimal("148.5")


def test_a_modifier_holds_from_day_to_day() -> None:
    day = datetime(2026, 10, 15, tzinfo=UTC)
    own = modifiers(
        {"factor": Decimal("0.9"), "valid_to": day}, {"factor": Decimal("0.8"), "valid_from": day}
    )

    def at(hour: datetime) -> Decimal:
        return prices("anthropic", "claude-opus-5", modifiers=own, at=hour)["standard", None, 0]

    assert [at(datetime(2026, 10, n, tzinfo=UTC)) for n in (14, 15)] == [Decimal("22.5"), 20]


def test_a_modifier_is_for_the_models_and_the_meter_it_names() -> None:
    own = modifiers({"model_id": "claude-opus-*", "meter": "web_search", "factor": Decimal("0.5")})

    assert prices("anthropic", "claude-opus-5", "web_search", modifiers=own)[
        "standard", None, 0
    ] == Decimal(5_000)
    assert prices("anthropic", "claude-opus-5", modifiers=own)["standard", None, 0] == 25
    assert prices("anthropic", "claude-sonnet-5", "web_search", modifiers=own)[
        "standard", None, 0
    ] == Decimal(10_000)


def test_a_price_says_what_it_was_made_of() -> None:
    rows = price_table(
        contract({"price_per_million": Decimal(20)}),
        models=resolve_models([("anthropic", "claude-opus-5")]),
    ).to_pylist()
    sources = {
        (row["price_kind"], row["inference_geo"]): row["price_source"].replace(" 0.2.3", "")
        for row in rows
        if row["meter"] == "output" and row["service_tier"] == "standard"
    }

    assert sources == {
        ("contract", None): "contract",
        ("contract", "us"): "contract x 1.1",
        ("list", None): "genai-prices",
        ("list", "us"): "genai-prices x 1.1",
    }


def test_the_book_of_modifiers_has_the_companys_first_in_the_order_they_are_tried() -> None:
    book = modifier_book(modifiers({"factor": Decimal("0.9")}))

    assert book.schema.equals(arrow_schema(PRICE_MODIFIER))
    kinds, ranks = (book[name].to_pylist() for name in ("modifier_kind", "rank"))
    assert kinds[:2] == ["contract", "list"]
    assert ranks[1:] == list(range(1, len(ranks)))
