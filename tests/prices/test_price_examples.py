"""Amounts others got wrong, as prices of the book."""

from decimal import Decimal

import pytest

NOVEMBER = "2026-11-02T10:00:00Z"


def test_cache_reads_and_writes_are_priced_apart_from_input(cost) -> None:
    assert cost(
        "anthropic",
        "claude-sonnet-4-5",
        NOVEMBER,
        input_uncached=3,
        cache_write_5m=12_304,
        cache_read=0,
        output=550,
    ) == Decimal("0.054399")


def test_cached_input_is_not_priced_twice(cost) -> None:
    assert cost(
        "openai", "gpt-5", NOVEMBER, input_uncached=1_647, cache_read=115_584, output=225
    ) == Decimal("0.01875675")


SONNET, OPUS = ("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-opus-5")
MINI, GEMINI = ("openai", "gpt-4o-mini"), ("google", "gemini-2.5-pro")


@pytest.mark.parametrize(
    ("model", "quantities", "expected"),
    [
        # a day of the dashboard, and the day that its cost file had not settled
        (
            MINI,
            {"input_uncached": 5_560_222, "cache_read": 229_120, "output": 106_885},
            "0.9153483",
        ),
        (MINI, {"input_uncached": 31_422, "output": 29}, "0.0047307"),
        # a day of the Console
        (
            OPUS,
            {"input_uncached": 109_911, "cache_write_5m": 2_528, "output": 34_988},
            "1.440055",
        ),
        # a recorded conversation, as its last line says
        (
            SONNET,
            {"input_uncached": 3, "cache_write_5m": 2_175, "cache_read": 7_166, "output": 5},
            "0.01039005",
        ),
        # a gateway's own expected spend
        (("openai", "gpt-4o"), {"input_uncached": 10, "output": 20}, "0.000225"),
        # thoughts are output: 923 + 785
        (GEMINI, {"input_uncached": 55_021, "output": 1_708}, "0.08585625"),
        (("google", "gemini-2.5-flash"), {"output": 461_280}, "1.1532"),
        (("anthropic", "claude-fable-5"), {"cache_write_5m": 37_175}, "0.4646875"),
        (
            ("anthropic", "claude-3-7-sonnet-latest"),
            {"input_uncached": 1_000_000, "output": 1_000_000},
            "18",
        ),
        # four searches of one prompt are four units
        (("google", "gemini-3.7-flash"), {"web_search": 4}, "0.056"),
    ],
)
def test_known_amounts_come_out_to_the_last_digit(cost, model, quantities, expected) -> None:
    assert cost(*model, NOVEMBER, **quantities) == Decimal(expected)


@pytest.mark.parametrize("name", ["claude-opus-4-5", "claude-sonnet-5", "claude-haiku-4-5"])
def test_kinds_of_input_are_multiples_of_the_plain_price(cost, name: str) -> None:
    def of(meter: str, tier: str = "standard") -> Decimal:
        return cost("anthropic", name, NOVEMBER, tier, **{meter: 1_000_000})

    factors = {"cache_write_5m": "1.25", "cache_write_1h": "2", "cache_read": "0.1"}
    assert {m: of(m) / of("input_uncached") for m in factors} == {
        m: Decimal(f) for m, f in factors.items()
    }
    assert of("output", "batch") / of("output") == Decimal("0.5")


def test_the_one_hour_cache_has_its_own_price(cost) -> None:
    model = ("anthropic", "claude-opus-4-5", NOVEMBER)

    assert cost(*model, cache_write_5m=344_139) == Decimal("2.15086875")
    assert cost(*model, cache_write_1h=344_139) == Decimal("3.44139")
    assert cost("anthropic", "claude-fable-5", NOVEMBER, cache_write_1h=37_175) == Decimal("0.7435")


@pytest.mark.parametrize(
    ("uncached", "expected"),
    [(264_063, "1.343183"), (264_064, "1.343188"), (264_065, "2.676936"), (270_540, "2.741686")],
)
def test_long_context_moves_every_token_of_the_call_above_the_threshold_only(
    cost, uncached: int, expected: str
) -> None:
    assert cost(
        "openai", "gpt-5.5", NOVEMBER, input_uncached=uncached, cache_read=7_936, output=630
    ) == Decimal(expected)


@pytest.mark.parametrize(
    ("clock", "expected"),
    [("16:29:59", "1.1"), ("16:30:00", "0.55"), ("00:29:59", "0.55"), ("00:30:00", "1.1")],
)
def test_off_peak_prices_cross_midnight(cost, clock: str, expected: str) -> None:
    asked = cost("deepseek", "deepseek-chat", f"2026-11-02T{clock}Z", output=1_000_000)

    assert asked == Decimal(expected)


def test_a_search_costs_more_than_its_tokens(cost) -> None:
    assert cost("anthropic", "claude-sonnet-4-5", NOVEMBER, web_search=5) == Decimal("0.05")


def test_yesterday_keeps_the_price_of_yesterday(cost) -> None:
    before = cost("deepseek", "deepseek-v4-pro", "2026-08-16T23:59:59Z", output=1_000_000)
    after = cost("deepseek", "deepseek-v4-pro", "2026-08-17T00:00:00Z", output=1_000_000)

    assert (before, after) == (Decimal("0.87"), Decimal("1.98"))


def test_an_unknown_model_or_meter_is_unpriced_and_not_free(cost) -> None:
    assert cost("openai", "gpt-99", NOVEMBER, output=1) is None
    assert cost("openai", "text-embedding-3-small", NOVEMBER, input_uncached=1, output=1) is None


def test_a_meter_without_a_price_takes_that_of_the_wider_meter(cost) -> None:
    assert cost("openai", "gpt-5", NOVEMBER, cache_write_5m=1_000_000) == Decimal("1.25")
