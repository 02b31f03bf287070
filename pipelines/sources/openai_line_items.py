"""How OpenAI's bill lines are understood: a versioned rule table over display texts.

Names on lines change without notice. What no rule knows keeps its money, as `unclassified`.
"""

import re
from decimal import Decimal

from models.money import MONEY_CONTEXT
from models.vocabulary import ChargeCategory, Meter, ServiceTier
from pipelines.sources.reports import FactRow

LINE_ITEM_RULES = "2026-09"
"""Version of the three tables below: how a line item's display text is understood."""
_KINDS = {
    "input": Meter.INPUT_UNCACHED,
    "text input": Meter.INPUT_UNCACHED,
    "cached input": Meter.CACHE_READ,
    "input cached": Meter.CACHE_READ,
    "cache write": Meter.CACHE_WRITE,
    "cache write input": Meter.CACHE_WRITE,
    "input cache write": Meter.CACHE_WRITE,
    "audio input": Meter.INPUT_AUDIO,
    "image input": Meter.INPUT_IMAGE,
    "output": Meter.OUTPUT,
    "text output": Meter.OUTPUT,
    "audio output": Meter.OUTPUT_AUDIO,
    "image output": Meter.OUTPUT_IMAGE,
}
_TIER_WORDS = {
    "batch": ServiceTier.BATCH,
    "flex": ServiceTier.FLEX,
    "priority": ServiceTier.PRIORITY,
}
_WHOLE_ITEMS = (
    (re.compile(r"\bweb search\b"), Meter.WEB_SEARCH),
    (re.compile(r"\bfile search\b"), Meter.FILE_SEARCH),
    (re.compile(r"\bcode interpreter\b"), Meter.CODE_EXECUTION),
)
_CREDIT = re.compile(r"\b(promotional credit|credit grant)s?\b")

_TOKEN_METERS = frozenset(_KINDS.values())
_CALL_METERS = frozenset(meter for _, meter in _WHOLE_ITEMS)
# unit of the bill: units of the meter in one, and FOCUS ConsumedUnit
_UNITS = {
    "tokens": (1, "Tokens"),
    "1000_tokens": (1000, "Tokens"),
    "duration_seconds": (1, "Seconds"),
    "duration_minutes": (60, "Seconds"),
    "duration_hours": (3600, "Seconds"),
    "gibibyte_hours": (1, "GiB-Hours"),
    "images": (1, "Images"),
    "characters": (1, "Characters"),
    "requests": (1, "Requests"),
}


def kind_of_charge(line_item: str | None, amount: Decimal) -> FactRow:
    """Category, AI model, meter and tier of a bill line.

    Args:
        line_item: The line's display text; null where the report was not grouped by it, so that
            the line lumps everything together.
        amount: Its money, negative for credits and adjustments.
    """
    usage: FactRow = {"charge_category": ChargeCategory.USAGE.value}
    credit: FactRow = {"charge_category": ChargeCategory.CREDIT.value}
    if line_item is None:
        return credit if amount < 0 else usage
    if _CREDIT.search(line_item.lower()):
        return credit
    model_text, meter, tier = _understood(line_item)
    if meter is Meter.UNCLASSIFIED and amount < 0:
        return credit
    return usage | {"model_text": model_text, "meter": meter.value, "service_tier": tier}


def quantities(number: Decimal, unit: str | None, meter: object) -> FactRow:
    """Quantity columns of a bill line.

    Args:
        number: Quantity as delivered.
        unit: Its unit as delivered; null means tokens or requests where the meter counts those.
        meter: The line's meter, as `kind_of_charge` understood it.

    Returns:
        The priced quantity as delivered, and the consumed one in single units of the meter. The
        latter is left out where the unit is unknown or contradicts the meter.
    """
    priced: FactRow = {"pricing_quantity": number, "pricing_unit": unit} if unit else {}
    is_tokens = meter in _TOKEN_METERS
    assumed = "tokens" if is_tokens else "requests" if meter in _CALL_METERS else ""
    factor, consumed_unit = _UNITS.get(unit or assumed, (0, None))
    if consumed_unit is None or (is_tokens and consumed_unit != "Tokens"):
        return priced
    consumed = MONEY_CONTEXT.multiply(number, Decimal(factor))
    return priced | {"consumed_quantity": consumed, "consumed_unit": consumed_unit}


def _understood(line_item: str) -> tuple[str | None, Meter, str | None]:
    """Split on the last comma only where the tail is a known kind: names hold commas too."""
    head, _, tail = line_item.rpartition(",")
    words = tail.lower().replace("_", " ").split()
    if head.lower().rpartition(",")[2].strip() in _TIER_WORDS:
        head, _, tier_word = head.rpartition(",")
        words.append(tier_word.strip().lower())
    tiers = [_TIER_WORDS[word].value for word in words if word in _TIER_WORDS]
    kind = " ".join(word for word in words if word not in (*_TIER_WORDS, "tokens"))
    model_text = head.strip()
    if kind in _KINDS and model_text and "," not in model_text and len(tiers) <= 1:
        return model_text, _KINDS[kind], tiers[0] if tiers else None
    for pattern, meter in _WHOLE_ITEMS:
        if pattern.search(line_item.lower()):
            return None, meter, None
    return None, Meter.UNCLASSIFIED, None
