"""Price modifiers: what changes a price besides AI model, meter and day, as ordered, dated rows.

A price list says what a model costs; a modifier says what happens to that price under an attribute
of the call. Modifiers of the company (`reference/price_modifiers.csv`) come before those below.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

import pyarrow as pa

from models.columns import Column, arrow_schema
from models.meters import Meter


class PriceAttribute(StrEnum):
    """What a modifier looks at."""

    INFERENCE_GEO = "inference_geo"
    """The geography of the call: `us`; `*` is any. `global` is no geography."""
    SERVICE_TIER = "service_tier"
    """The tier of the call. The price it changes is that of the standard tier."""
    INPUT_TOKENS = "input_tokens"
    """More input of all kinds than this many tokens. The price it changes is the flat one."""


ANY = "*"
"""A value that stands for every one that no other row names."""


@dataclass(frozen=True)
class ListModifier:
    """A modifier that price list and provider agree on, and the list does not hold as a price.

    Attributes:
        provider: Id of the provider.
        models: Patterns of model ids, `*` standing for anything.
        attribute: What it looks at; null is always.
        value: The attribute's value.
        factor: What the price is multiplied by.
        source: Whose rule it is.
        meter: The meter it is for; null is every meter of tokens.
        is_per_call: The price is for a call that uses the meter at all, however much.
        valid_from: First day it holds; null is since always.
    """

    provider: str
    models: tuple[str, ...]
    attribute: PriceAttribute | None
    value: str | None
    factor: Decimal
    source: str
    meter: Meter | None = None
    is_per_call: bool = False
    valid_from: date | None = None


_CLAUDE_WITH_GEO = (
    "claude-opus-4-6*",
    "claude-opus-4-7*",
    "claude-opus-4-8*",
    "claude-sonnet-4-6*",
    "claude-opus-5*",
    "claude-sonnet-5*",
    "claude-haiku-5*",
    "claude-fable-*",
    "claude-mythos-*",
)
_GPT_WITH_UPLIFT = ("gpt-5.4*", "gpt-5.5*", "gpt-5.6*", "gpt-6*")
_GPT_WITHOUT_UPLIFT = (
    "gpt-3.5*",
    "gpt-4*",
    "ft:gpt-3.5*",
    "ft:gpt-4*",
    "gpt-5",
    "gpt-5-*",
    "gpt-5.1*",
    "gpt-5.2*",
    "gpt-5.3*",
    "o1*",
    "o3*",
    "o4*",
    "text-embedding-*",
)
_GPT_PRIORITY_TWICE = (
    "gpt-5",
    "gpt-5.1",
    "gpt-5.2",
    "gpt-5.3-codex",
    "gpt-5.4",
    "gpt-5.4-mini",
    "gpt-5.6-*",
    "gpt-6-*",
    "gpt-6.1-*",
)
_ONE, _TENTH_MORE, _TWICE = Decimal(1), Decimal("1.1"), Decimal(2)
_GEO, _TIER, _INPUT = (
    PriceAttribute.INFERENCE_GEO,
    PriceAttribute.SERVICE_TIER,
    PriceAttribute.INPUT_TOKENS,
)
_ANTHROPIC = "Anthropic, pricing: data residency"
_OPENAI = "OpenAI, data residency: models released since 2026-03-05"
_PRIORITY = "OpenAI, pricing: priority; before the list's own prices by the same factor"
_AZURE = "Azure, pricing: data zone"
_LONG = "OpenAI on Bedrock: long prompts as on OpenAI's own API"

LIST_MODIFIERS: tuple[ListModifier, ...] = (
    ListModifier("anthropic", _CLAUDE_WITH_GEO, _GEO, "us", _TENTH_MORE, _ANTHROPIC),
    ListModifier(
        "anthropic",
        ("claude-opus-4-6", "claude-opus-4-7"),
        _TIER,
        "fast",
        Decimal(6),
        "Anthropic, fast mode",
    ),
    ListModifier("openai", _GPT_WITH_UPLIFT, _GEO, ANY, _TENTH_MORE, _OPENAI),
    ListModifier("openai", _GPT_WITHOUT_UPLIFT, _GEO, ANY, _ONE, _OPENAI),
    ListModifier("openai", ("gpt-5.5",), _TIER, "priority", Decimal("2.5"), _PRIORITY),
    ListModifier("openai", ("gpt-5-mini",), _TIER, "priority", Decimal("1.8"), _PRIORITY),
    ListModifier("openai", _GPT_PRIORITY_TWICE, _TIER, "priority", _TWICE, _PRIORITY),
    ListModifier("azure", ("*",), _GEO, "us", _TENTH_MORE, _AZURE),
    ListModifier("azure", ("*",), _GEO, "eu", _TENTH_MORE, _AZURE),
    ListModifier(
        "aws",
        ("openai.gpt-5.4", "openai.gpt-5.5"),
        _INPUT,
        "272000",
        Decimal("1.5"),
        _LONG,
        meter=Meter.OUTPUT,
    ),
    ListModifier("aws", ("openai.gpt-5.4", "openai.gpt-5.5"), _INPUT, "272000", _TWICE, _LONG),
    ListModifier(
        "google",
        ("gemini-2*",),
        None,
        None,
        _ONE,
        "Google, pricing: grounding of Gemini 2 is charged per prompt, of Gemini 3 per query",
        meter=Meter.WEB_SEARCH,
        is_per_call=True,
    ),
)
"""Tried in this order: of one attribute and value the first that fits a price holds."""

_TEXT = "VARCHAR"
PRICE_MODIFIER = (
    Column("modifier_kind", _TEXT, "contract: the company's; list: the book's.", nullable=False),
    Column("rank", "INTEGER", "Order in which modifiers of a kind are tried.", nullable=False),
    Column("issuer", _TEXT, "Invoice issuer it holds for; null is any."),
    Column("provider", _TEXT, "Provider whose prices it changes.", nullable=False),
    Column("model_id", _TEXT, "AI models, `*` standing for anything.", nullable=False),
    Column("meter", _TEXT, "Meter; null is every meter of tokens."),
    Column("attribute", _TEXT, "PriceAttribute; null is always."),
    Column("value", _TEXT, "Value of the attribute; `*` is any."),
    Column("factor", "DECIMAL(18,9)", "What the price is multiplied by.", nullable=False),
    Column(
        "is_per_call",
        "BOOLEAN",
        "The price is for a call that uses the meter at all, however much.",
        nullable=False,
    ),
    Column("valid_from", "TIMESTAMP WITH TIME ZONE", "First instant; null is since always."),
    Column("valid_to", "TIMESTAMP WITH TIME ZONE", "First instant after it; null is open."),
    Column("modifier_source", _TEXT, "Whose rule it is.", nullable=False),
)
PRICE_MODIFIER_SCHEMA: pa.Schema = arrow_schema(PRICE_MODIFIER)
