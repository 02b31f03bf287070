"""What the description of a Google AI SKU means: AI model, meter, service tier.

Google's billing has no column for any of them. Descriptions are display texts whose grammar changed
with every generation of models, so this is a rule table, first match wins, and what no rule knows
is `unclassified` with its money intact. Order matters: in `output token count ... short input text`
the tail is the class of the prompt's length, and the line is output.
"""

import re
from dataclasses import dataclass

from models.vocabulary import Meter, ServiceTier

RULES_VERSION = "2026-11"

# over words: lower case, every separator a blank
_METERS = tuple(
    (re.compile(rf"\b(?:{pattern})\b"), meter)
    for pattern, meter in (
        (r"provisioned throughput|scale units?", Meter.PROVISIONED_THROUGHPUT),
        (r"tuning|training", Meter.TRAINING),
        (r"cach(?:ed|ing) .*storage|storage .*cach(?:e|ed|ing)", Meter.CACHE_STORAGE),
        (r"grounding .*search|web search", Meter.WEB_SEARCH),
        (r"cached|caching", Meter.CACHE_READ),
        (r"audio output|output audio|output token count .*audio", Meter.OUTPUT_AUDIO),
        (r"image output|output image|output token count .*image", Meter.OUTPUT_IMAGE),
        (r"output token count|output tokens|text output", Meter.OUTPUT),
        (r"audio input|input audio|input token count .*audio", Meter.INPUT_AUDIO),
        (r"image input|input image|input token count .*image", Meter.INPUT_IMAGE),
        (r"input token count|input tokens|text input", Meter.INPUT_UNCACHED),
    )
)
_TOKEN_METERS = frozenset(
    {
        Meter.CACHE_READ,
        Meter.OUTPUT_AUDIO,
        Meter.OUTPUT_IMAGE,
        Meter.OUTPUT,
        Meter.INPUT_AUDIO,
        Meter.INPUT_IMAGE,
        Meter.INPUT_UNCACHED,
    }
)
_TIERS = {
    "batch": ServiceTier.BATCH,
    "flex": ServiceTier.FLEX,
    "priority": ServiceTier.PRIORITY,
}

_MODELS = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"\bgemini embedding (\d+)\b", r"gemini-embedding-\1"),
        (r"\bgemini (\d+(?:\.\d+)?) flash lite\b", r"gemini-\1-flash-lite"),
        (r"\bgemini (\d+(?:\.\d+)?) (flash|pro|ultra|nano)\b", r"gemini-\1-\2"),
        (r"\bclaude (\d) ([5-9]) (sonnet|haiku)\b", r"claude-\1-\2-\3"),
        (r"\bclaude (opus|sonnet|haiku) (\d) (\d)\b", r"claude-\1-\2-\3"),
        (r"\bclaude (opus|sonnet|haiku) (\d)\b", r"claude-\1-\2"),
    )
)
# variants with a price of their own
_VARIANTS = ("native audio", "live", "tts", "computer use")


@dataclass(frozen=True)
class GoogleSku:
    """One description, understood as far as the rules go."""

    model_text: str | None
    meter: Meter
    service_tier: ServiceTier | None

    @property
    def is_tokens(self) -> bool:
        """Whether its quantity is a number of tokens, which Google's unit calls `count`."""
        return self.meter in _TOKEN_METERS


def read_sku(description: str) -> GoogleSku:
    """Understand the description of a SKU of the Gemini API or of Vertex AI.

    How long a prompt was (`short`, `(Long)`) changes the price and not the meter: the description
    stays on the charge as delivered.

    Args:
        description: `sku.description`.

    Returns:
        Tier standard for tokens of no other tier; null for what has no tiers.
    """
    words = " ".join(re.split(r"[^a-z0-9.]+", description.lower())).strip()
    meter = next((m for pattern, m in _METERS if pattern.search(words)), Meter.UNCLASSIFIED)
    tier = next((_TIERS[word] for word in words.split() if word in _TIERS), None)
    if tier is None and meter in _TOKEN_METERS:
        tier = ServiceTier.STANDARD
    return GoogleSku(_model_text(words), meter, tier)


def _model_text(words: str) -> str | None:
    # Claude's versions are written with a point or a blank
    spelled = re.sub(r"(?<=claude)(.*?\d)\.(?=\d)", r"\1 ", words)
    for pattern, name in _MODELS:
        found = pattern.search(spelled)
        if found:
            variant = next((v for v in _VARIANTS if re.search(rf"\b{v}\b", words)), "")
            return "-".join(filter(None, (found.expand(name), variant.replace(" ", "-"))))
    return None
