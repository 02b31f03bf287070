"""Who globex is: AI models with their contract prices, applications, accounts. Nothing is random.

A price of a millionth of a dollar per million tokens is one pico-dollar per token, so prices are
whole pico-dollars and every cost is exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.vocabulary import Meter

START = date(2026, 9, 28)
GOOGLE, AZURE = "google", "azure"
BILLING_ACCOUNTS = {GOOGLE: "01A2B3-C4D5E6-F7A8B9", AZURE: "7600042"}
PRODUCTION = {GOOGLE: "globex-prod", AZURE: "00000000-0000-0000-0000-0000000000a1"}
"""The Google project and the Azure subscription whose calls are logged."""
LAB = "globex-lab"
"""A Google project that nobody logs and no rule gives to an application."""
TRACES, LANGFUSE = "traces", "langfuse"
METERS = (Meter.INPUT_UNCACHED, Meter.CACHE_READ, Meter.OUTPUT)

APPLICATIONS = {"support-bot": "cc-care", "document-search": "cc-product"}
"""Applications by the cost centre that pays for them."""
LANGFUSE_APPLICATION = "support-bot"
"""The application whose team sends its traces to Langfuse too."""

PROMOTION = Decimal("-0.25")
"""Money that Google gave, on the first day."""
CORRECTED_TOKENS = 1000
"""Output tokens that Google charged too many on the last day, and took back."""


@dataclass(frozen=True)
class Line:
    """How a bill names one meter of an AI model, and its price."""

    name: str
    """Google's SKU description, or Azure's meter name."""
    sku: str
    """Google's SKU id, or Azure's meter id."""
    picos: int
    """Pico-dollars per token."""

    @property
    def price_per_million(self) -> Decimal:
        """Dollars per million tokens."""
        return Decimal(self.picos).scaleb(-6)


@dataclass(frozen=True)
class ServedModel:
    """One AI model as the log, the bill and the price list know it."""

    issuer: str
    model_id: str
    served_text: str
    lines: Mapping[Meter, Line]
    sub_category: str = ""
    """Azure's group of meters."""
    block: int = 1
    """Tokens in one unit of the bill's quantity."""

    def cost(self, meter: Meter, tokens: int) -> int:
        """Pico-dollars for tokens of one meter."""
        return self.lines[meter].picos * tokens


def _lines(*lines: Line) -> dict[Meter, Line]:
    return dict(zip(METERS, lines, strict=True))


_GEMINI = "Generate content {} token count gemini 2.5 flash {}"

MODELS = (
    ServedModel(
        GOOGLE,
        "gemini-2.5-flash",
        "gemini-2.5-flash",
        _lines(
            Line(_GEMINI.format("input", "short input text"), "981A-C057-0BF9", 273_417),
            Line(_GEMINI.format("cached input", "input short text"), "5CDC-4C82-2AEC", 68_351),
            Line(_GEMINI.format("output", "short input text"), "911A-8880-A243", 2_278_477),
        ),
    ),
    ServedModel(
        GOOGLE,
        "gemini-3-pro",
        "gemini-3-pro",
        _lines(
            Line(
                "Generate_content text input token count for gemini 3 pro short",
                "FB70-0CFB-9533",
                1_822_781,
            ),
            Line(
                "Generate_content text cached input token count for gemini 3 pro short",
                "4D6D-3A29-44D7",
                182_279,
            ),
            Line(
                "Generate_content text output token count for gemini 3 pro short",
                "530B-F4DF-9814",
                10_936_683,
            ),
        ),
    ),
    ServedModel(
        AZURE,
        "gpt-4.1",
        "gpt-4.1-2025-04-14",
        _lines(
            Line("gpt 4.1 Inp glbl Tokens", "az-41-in", 1_870_001),
            Line("gpt 4.1 cached Inp glbl Tokens", "az-41-cached", 467_503),
            Line("gpt 4.1 Outp glbl Tokens", "az-41-out", 7_480_007),
        ),
        "Azure OpenAI",
        1000,
    ),
    ServedModel(
        AZURE,
        "gpt-5.4-mini",
        "gpt-5.4-mini-2026-03-17",
        _lines(
            Line("5.4 mini inp Gl 1M Tokens", "az-54m-in", 701_249),
            Line("5.4 mini cd Inp Gl 1M Tokens", "az-54m-cached", 70_125),
            Line("5.4 mini Opt Gl 1M Tokens", "az-54m-out", 4_207_493),
        ),
        "Azure OpenAI GPT5",
        1_000_000,
    ),
)
