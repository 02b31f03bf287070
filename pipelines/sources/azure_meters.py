"""What an Azure OpenAI or Foundry meter name means: AI model, meter, service tier.

Meter names are display texts that abbreviate, in several grammars side by side, and change without
notice. So this is a rule table, first match wins, and what no rule knows is `unclassified` with its
money intact. Order matters: the names are supersets of one another.
"""

import re
from dataclasses import dataclass

from models.vocabulary import Meter, ServiceTier

RULES_VERSION = "2026-11"

_CACHED = r"(?:cached|cc?chd|cd)"
_IN = r"(?:inp|input)"
_OUT = r"(?:out|outp|opt|output)"
# over words: lower case, every separator a blank
_METERS = tuple(
    (re.compile(rf"\b{pattern}\b"), meter)
    for pattern, meter in (
        (r"provisioned", Meter.PROVISIONED_THROUGHPUT),
        (r"training", Meter.TRAINING),
        (r"file search.* gb", Meter.VECTOR_STORAGE),
        (r"file search", Meter.FILE_SEARCH),
        (r"code interpreter", Meter.CODE_EXECUTION),
        (r"images", Meter.IMAGE_GENERATION),
        (rf"{_CACHED} (?:wr|write)", Meter.CACHE_WRITE),
        (_CACHED, Meter.CACHE_READ),
        (rf"(?:aud|audio).* {_OUT}", Meter.OUTPUT_AUDIO),
        (rf"(?:aud|audio).* {_IN}", Meter.INPUT_AUDIO),
        (rf"(?:img|image).* {_OUT}", Meter.OUTPUT_IMAGE),
        (rf"(?:img|image).* {_IN}", Meter.INPUT_IMAGE),
        (_OUT, Meter.OUTPUT),
        (_IN, Meter.INPUT_UNCACHED),
        (r"embedding.* tokens", Meter.INPUT_UNCACHED),
    )
)
_TOKEN_METERS = frozenset(
    {
        Meter.CACHE_WRITE,
        Meter.CACHE_READ,
        Meter.OUTPUT_AUDIO,
        Meter.INPUT_AUDIO,
        Meter.OUTPUT_IMAGE,
        Meter.INPUT_IMAGE,
        Meter.OUTPUT,
        Meter.INPUT_UNCACHED,
    }
)
_TIERS = {"batch": ServiceTier.BATCH, "pp": ServiceTier.PRIORITY, "flex": ServiceTier.FLEX}

_REACHES = (
    (re.compile(r"\b(?:glbl|gl|global)\b"), "global"),
    (re.compile(r"\b(?:dz|dzone|data ?zone)\b"), "zone"),
)
_ZONES = {
    "us": re.compile(r"^(?:us|.*us$)"),
    "eu": re.compile(
        r"europe|^(?:eu|sweden|france|germany|italy|poland|spain|austria|belgium|denmark|finland)"
    ),
}
"""Data zones by the regions in them."""

# the first word that is no longer part of the model's name
_NAME_ENDS = re.compile(
    rf"[ -]+(?:{_CACHED}|{_IN}|{_OUT}|batch|pp|flex|std|shortco|longco|aud|audio|img|image|wr|write"
    r"|glbl|gl|global|dz|dzone|data zone|regnl|rg|regional|ft|lowres|highres|images|second"
    r"|1m|1k|tokens)(?=[ -]|$)"
)
_IMAGE_NAME = re.compile(r"^image[ -](?P<name>dall[ -]e[ -]\d)")

# meters name snapshots by month and day; price lists and logs by date
_SNAPSHOTS = {
    "gpt-4o-0513": "gpt-4o-2024-05-13",
    "gpt-4o-0806": "gpt-4o-2024-08-06",
    "gpt-4o-1120": "gpt-4o-2024-11-20",
    "gpt-4o-mini-0718": "gpt-4o-mini-2024-07-18",
    "o1-1217": "o1-2024-12-17",
    "o3-0416": "o3-2025-04-16",
    "o3-mini-0131": "o3-mini-2025-01-31",
    "o4-mini-0416": "o4-mini-2025-04-16",
    "o3-deep-research-0626": "o3-deep-research-2025-06-26",
}
_BARE_GPT = re.compile(r"\d+(?:\.\d+)?(?:-|$)")


@dataclass(frozen=True)
class AzureMeter:
    """One meter name, understood as far as the rules go."""

    model_text: str | None
    meter: Meter
    service_tier: ServiceTier | None
    reach: str | None = None
    """How far Azure may send a call: `global` or `zone`; null for one region, or not said."""

    @property
    def is_tokens(self) -> bool:
        """Whether its quantity is a number of tokens."""
        return self.meter in _TOKEN_METERS


def read_meter(name: str, sub_category: str | None = None) -> AzureMeter:
    """Understand a meter name.

    How long a prompt was (`ShortCo`, `L`) changes the price and not the meter: the name stays on
    the charge as delivered.

    Args:
        name: `MeterName`.
        sub_category: `MeterSubCategory`; under `Azure OpenAI GPT5` a bare `5.4` is `gpt-5.4`.

    Returns:
        Tier standard for tokens of no other tier; null for what has no tiers.
    """
    words = " ".join(re.split(r"[ \-_]+", name.strip().lower()))
    meter = next((m for pattern, m in _METERS if pattern.search(words)), Meter.UNCLASSIFIED)
    if meter in (Meter.PROVISIONED_THROUGHPUT, Meter.FILE_SEARCH, Meter.VECTOR_STORAGE):
        return AzureMeter(None, meter, None)
    tier = next((_TIERS[word] for word in words.split() if word in _TIERS), None)
    if tier is None and meter in _TOKEN_METERS:
        tier = ServiceTier.STANDARD
    reach = next((reach for pattern, reach in _REACHES if pattern.search(words)), None)
    return AzureMeter(_model_text(name.strip().lower(), sub_category), meter, tier, reach)


def geography(reach: str | None, region: str | None) -> str | None:
    """The geography that decides a price: `global`, or the data zone that a region lies in.

    Args:
        reach: Of the meter.
        region: Azure's name of a region, such as `eastus2`.

    Returns:
        Null for one region, and for a region of no zone that is known.
    """
    if reach != "zone":
        return reach
    place = re.sub(r"[^a-z]", "", (region or "").lower())
    return next((zone for zone, pattern in _ZONES.items() if pattern.search(place)), None)


def _model_text(name: str, sub_category: str | None) -> str | None:
    """The model's name as price lists spell it; null if the meter starts with something else."""
    image = _IMAGE_NAME.match(name)
    head = (
        image["name"] if image else name[: end.start()] if (end := _NAME_ENDS.search(name)) else ""
    )
    text = re.sub(r"\s+", "-", head.strip())
    if _BARE_GPT.match(text) and "gpt5" in (sub_category or "").lower():
        text = f"gpt-{text}"
    return _SNAPSHOTS.get(text, text) or None
