"""Usage types as AWS spells them, in every grammar seen."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from models.vocabulary import Meter, ServiceTier
from pipelines.sources.bedrock_usage_types import (
    BedrockUsage,
    is_plausible,
    read_usage_type,
    token_factor,
)

KNOWN = Path(__file__).parents[2] / "data_samples/aws_cur/bedrock_usage_types.csv"


def known_usage_types() -> list[dict[str, str]]:
    with KNOWN.open(newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("known", known_usage_types(), ids=lambda row: row["usage_type"])
def test_every_known_usage_type_is_understood(known: dict[str, str]) -> None:
    usage = read_usage_type(known["usage_type"])

    assert usage == BedrockUsage(
        known["model_text"] or None,
        Meter(known["meter"]),
        ServiceTier(known["service_tier"]) if known["service_tier"] else None,
    )


def test_a_marketplace_line_takes_its_model_from_the_product() -> None:
    usage = read_usage_type(
        "USE1-MP:USE1_InputTokenCount_Global_Batch-Units",
        "Claude Sonnet 4.6 (Amazon Bedrock Edition)",
    )

    assert usage.model_text == "global.anthropic.claude-sonnet-4-6"


def test_an_unknown_name_is_unclassified_and_keeps_no_guess() -> None:
    usage = read_usage_type("USE1-Something-Entirely-New", "Amazon Bedrock")

    assert (usage.model_text, usage.meter) == (None, Meter.UNCLASSIFIED)


@pytest.mark.parametrize(
    ("pricing_unit", "description", "factor"),
    [
        ("1K tokens", None, 1_000),
        ("1M tokens", "Million Input Tokens", 1_000_000),
        ("Units", "AWS Marketplace software usage|us-east-1|Cache Read Tokens", 1_000_000),
        (None, "AWS Marketplace software usage|us-east-1|Million Input Tokens", 1_000_000),
        ("Tokens", None, 1),
        (None, None, None),
        ("Hours", None, None),
    ],
)
def test_the_unit_of_a_quantity_is_told_never_assumed(
    pricing_unit: str | None, description: str | None, factor: int | None
) -> None:
    assert token_factor(pricing_unit, description) == factor


def test_a_marketplace_unit_read_as_thousands_is_implausible() -> None:
    """198.075 units for 1,102 dollars are 198 million tokens at 5.56 per million."""
    cost = Decimal(1102)

    assert is_plausible(cost, Decimal("198.075") * 1_000_000)
    assert not is_plausible(cost, Decimal("198.075") * 1_000)
