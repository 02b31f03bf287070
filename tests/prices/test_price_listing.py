"""The exported list equals the library call for call, and says so when it knows nothing."""

import random
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from genai_prices import Usage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices, TimeOfDateConstraint

from models.columns import arrow_schema
from models.prices import LIST_PRICE
from models.vocabulary import CALL_METERS, Meter, ServiceTier
from pipelines.duck import connect
from pipelines.prices import list_prices
from pipelines.prices.listing import METER_UNITS, TIER_CONTEXTS

SIZES = (0, 0, 1, 7, 999, 31_999, 100_000, 128_001, 199_999, 200_000, 200_001, 272_000, 600_000)
FIRST = datetime(2025, 5, 1, tzinfo=UTC)

# Request contexts of the list that are no service tier of ours; calls under them are priced as
# standard. A new release that adds to them must be looked at, so the set is exact.
OTHER_CONTEXTS = {("route", "mistral/eu"), ("search_type", "fast"), ("search_type", "web")}
# Price keys of meters that no call and no bill of ours has yet.
OTHER_KEYS = {
    "cache_audio_read_mtok",
    "cache_image_read_mtok",
    "input_annotated_document_kpages",
    "input_document_kpages",
    "input_text_messages_kcount",
    "input_video_mtok",
    "output_citation_mtok",
    "output_reasoning_mtok",
    "output_video_mtok",
}


def every_model() -> Iterator[tuple[Provider, ModelInfo, bool]]:
    """Own models, and resold ones that no own model of the same id hides."""
    providers = {p.id: p for p in get_snapshot().providers}
    for provider in providers.values():
        seen = {info.id for info in provider.models}
        for info in provider.models:
            yield provider, info, True
        for lender in provider.fallback_model_providers or ():
            for info in providers[lender].models:
                if info.id not in seen:
                    yield provider, info, False
            seen |= {info.id for info in providers[lender].models}


def every_price(info: ModelInfo) -> list[ModelPrice]:
    priced = [info.prices] if isinstance(info.prices, ModelPrice) else info.prices
    versions = [p if isinstance(p, ModelPrice) else p.prices for p in priced]
    return versions + [v.prices for v in info.price_variants or ()]


def usage_of(quantities: dict[str, int]) -> Usage:
    values = {
        METER_UNITS[Meter(meter)]: n for meter, n in quantities.items() if meter != "requests"
    }
    inputs = [n for meter, n in quantities.items() if meter.startswith(("input", "cache"))]
    outputs = [n for meter, n in quantities.items() if meter.startswith("output")]
    values["input_tokens"] = sum(inputs)
    values["output_tokens"] = sum(outputs)
    values["cache_write_tokens"] += (
        values["cache_write_5m_tokens"] + values["cache_write_1h_tokens"]
    )
    values["audio_seconds"] = values["input_audio_seconds"]
    values["cache_audio_read_tokens"] = values["cache_image_read_tokens"] = 0
    return Usage(**values)


def test_a_join_over_the_rows_equals_the_library_on_random_calls(priced) -> None:
    dice = random.Random(11)
    models = list(every_model())
    token_calls, expected = [], {}
    for call in range(4_000):
        # every other call falls on the few models with tiers of service or times of day
        pool = models if call % 2 else [m for m in models if m[1].price_variants]
        provider, info, is_own = dice.choice(pool)
        at = FIRST + timedelta(minutes=dice.randrange(60 * 24 * 650))
        tier = dice.choice(list(ServiceTier))
        context = TIER_CONTEXTS[tier]
        if tier != "standard" and not (
            is_own
            and any(
                v.when.items() <= context.items()
                and (v.constraint is None or v.constraint.active(at))
                for v in info.price_variants or ()
            )
        ):
            tier, context = ServiceTier.STANDARD, {}
        quantities = {str(m): dice.choice(SIZES) for m in CALL_METERS if m.price_unit}
        quantities["requests"] = 1
        expected[call] = info.calc_price(
            usage_of(quantities), provider, genai_request_timestamp=at, price_context=context
        ).total_price
        total = sum(n for meter, n in quantities.items() if meter.startswith(("input", "cache")))
        token_calls += [
            {
                "call": call,
                "provider": provider.id,
                "model_id": info.id,
                "service_tier": tier,
                "at": at,
                "total_input": total,
                "meter": meter,
                "quantity": quantity,
            }
            for meter, quantity in quantities.items()
        ]
    rows = priced(token_calls)
    exact = [row for row in rows if not row["is_rounded"]]

    assert all(row["doubled"] == 0 for row in rows)
    assert len(exact) > 3_900
    assert {row["call"]: Decimal(row["picos"] or 0).scaleb(-12) for row in exact} == {
        row["call"]: expected[row["call"]] for row in exact
    }


def test_rows_have_the_shape_of_the_contract() -> None:
    assert list_prices().schema.equals(arrow_schema(LIST_PRICE))
    assert list_prices() is list_prices()


def test_the_export_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the price list is embedded")

    monkeypatch.setattr(socket.socket, "connect", refuse)

    assert list_prices.__wrapped__().equals(list_prices())


def test_each_row_has_a_key_of_its_own() -> None:
    with connect() as con:
        con.register("prices", list_prices())
        repeated = con.execute("""
            select count(*) from (
                select 1 from prices
                group by provider, model_id, meter, service_tier, valid_from, time_from,
                    min_input_tokens
                having count(*) > 1
            )
        """).fetchone()

    assert repeated == (0,)


def test_no_two_rows_hold_for_the_same_call() -> None:
    with connect() as con:
        con.register("prices", list_prices())
        doubled = con.execute("""
            select count(*)
            from prices as a
            join prices as b using (provider, model_id, meter, service_tier, min_input_tokens)
            where struct_pack(f := a.valid_from, t := a.time_from)
                is distinct from struct_pack(f := b.valid_from, t := b.time_from)
                and (a.valid_from is null or b.valid_to is null or a.valid_from < b.valid_to)
                and (b.valid_from is null or a.valid_to is null or b.valid_from < a.valid_to)
                and (a.time_from is null or b.time_to is null or a.time_from < b.time_to)
                and (b.time_from is null or a.time_to is null or b.time_from < a.time_to)
        """).fetchone()

    assert doubled == (0,)


def test_every_request_context_of_the_list_is_a_tier_or_known_to_be_none() -> None:
    contexts = {
        pair
        for _, info, is_own in every_model()
        if is_own
        for variant in info.price_variants or ()
        for pair in variant.when.items()
    }
    tiers = {pair for context in TIER_CONTEXTS.values() for pair in context.items()}

    assert contexts - tiers - {("service_tier", "default")} == OTHER_CONTEXTS
    assert tiers <= contexts


def test_the_default_tier_of_the_list_is_our_standard_tier() -> None:
    at = datetime(2026, 11, 2, tzinfo=UTC)
    defaults = [
        info
        for _, info, is_own in every_model()
        if is_own and any(v.when == {"service_tier": "default"} for v in info.price_variants or ())
    ]

    assert defaults
    assert all(
        info.get_prices(at, {"service_tier": "default"}) == info.get_prices(at) for info in defaults
    )


def test_every_price_key_of_the_list_is_a_meter_or_known_to_be_none() -> None:
    keys = {
        key for _, info, _ in every_model() for price in every_price(info) for key in vars(price)
    }

    assert keys - set(list_prices()["price_key"].to_pylist()) == OTHER_KEYS


def test_windows_of_the_day_are_whole_minutes_and_input_steps_start_above_zero() -> None:
    for _, info, _ in every_model():
        for condition in [] if isinstance(info.prices, ModelPrice) else info.prices:
            if isinstance(condition.constraint, TimeOfDateConstraint):
                for clock in (condition.constraint.start_time, condition.constraint.end_time):
                    assert clock.replace(tzinfo=None) == time(clock.hour, clock.minute)
        for price in every_price(info):
            for value in vars(price).values():
                if isinstance(value, TieredPrices):
                    assert all(tier.start > 0 for tier in value.tiers)


def test_a_price_of_zero_never_stands_for_an_unknown_one() -> None:
    assert all(price > 0 for price in list_prices()["price_per_million"].to_pylist())


def test_few_prices_are_rounded_and_all_of_them_are_flagged() -> None:
    with connect() as con:
        con.register("prices", list_prices())
        sources = con.execute("""
            select provider, count(distinct model_id) from prices where is_rounded
                and price_key like '%mtok' group by provider order by provider
        """).fetchall()

    assert sources == [("huggingface_together", 3), ("openrouter", 20)]


@pytest.mark.parametrize(
    ("tier", "expected"), [("standard", "0.0125"), ("flex", "0.00625"), ("batch", "0.00625")]
)
def test_a_tier_has_its_own_price(cost, tier: str, expected: str) -> None:
    asked = cost("openai", "gpt-5", "2026-11-02T10:00:00Z", tier, input_uncached=2000, output=1000)

    assert asked == Decimal(expected)


def test_a_tier_is_unpriced_before_the_list_knows_its_price(cost) -> None:
    assert cost("openai", "gpt-5", "2026-10-11T23:59:59Z", "flex", output=1) is None
    assert cost("openai", "gpt-5", "2026-10-12T00:00:00Z", "flex", output=1) is not None


def test_resold_models_have_no_tier_but_the_standard_one(cost) -> None:
    assert cost("azure", "gpt-5", "2026-11-02T10:00:00Z", output=1) == Decimal("0.00001")
    assert cost("azure", "gpt-5", "2026-11-02T10:00:00Z", "batch", output=1) is None
