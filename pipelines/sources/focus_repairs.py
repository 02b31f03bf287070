"""What FOCUS files look like in practice, and how each deviation is read.

Every function reads one text. It says what it repaired by name, or that it cannot: nothing is
repaired silently, and nothing is guessed.
"""

import json
import re
from collections.abc import Collection
from datetime import UTC, date, datetime, time

from models.providers import PROVIDER_NAMES, known_provider, spelled
from models.vocabulary import ChargeCategory, Meter, ServiceTier
from pipelines.sources.bedrock_usage_types import read_usage_type
from pipelines.sources.bill_rows import json_object

# the columns of every version, so that a custom column without `x_` is seen
_COLUMNS_1_0 = (
    "AvailabilityZone BilledCost BillingAccountId BillingAccountName BillingCurrency "
    "BillingPeriodEnd BillingPeriodStart ChargeCategory ChargeClass ChargeDescription "
    "ChargeFrequency ChargePeriodEnd ChargePeriodStart CommitmentDiscountCategory "
    "CommitmentDiscountId CommitmentDiscountName CommitmentDiscountStatus CommitmentDiscountType "
    "ConsumedQuantity ConsumedUnit ContractedCost ContractedUnitPrice EffectiveCost "
    "InvoiceIssuerName ListCost ListUnitPrice PricingCategory PricingQuantity PricingUnit "
    "ProviderName PublisherName RegionId RegionName ResourceId ResourceName ResourceType "
    "ServiceCategory ServiceName SkuId SkuPriceId SubAccountId SubAccountName Tags"
)
# newest first: the first version of which a file has a column of its own is the file's version
_ADDED_COLUMNS = (
    ("1.5-draft", "PrincipalId CredentialId CredentialDetails RequesterDetails"),
    ("1.4", "InvoiceDetailId CommitmentProgramEligibilityDetails"),
    (
        "1.3",
        "AllocatedMethodDetails AllocatedMethodId AllocatedResourceId AllocatedResourceName "
        "AllocatedTags ServiceProviderName HostProviderName ContractApplied",
    ),
    (
        "1.2",
        "BillingAccountType InvoiceId PricingCurrency PricingCurrencyContractedUnitPrice "
        "PricingCurrencyEffectiveCost PricingCurrencyListUnitPrice SubAccountType",
    ),
    (
        "1.1",
        "CapacityReservationId CapacityReservationStatus CommitmentDiscountQuantity "
        "CommitmentDiscountUnit ServiceSubcategory SkuMeter SkuPriceDetails",
    ),
)
_KNOWN_COLUMNS = frozenset(" ".join((_COLUMNS_1_0, *(c for _, c in _ADDED_COLUMNS))).split())

_ISO = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?P<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?))?(?P<zone>Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_EXACT_ISO = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z", re.ASCII)
_US_DATE = re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4}|\d{2})", re.ASCII)

_BLOCK = re.compile(r"(?P<size>[1-9]\d{0,12}) (?P<unit>\D.*)", re.ASCII)
_TOKENS = re.compile(
    r"(?:(?P<size>\d{1,9})? ?(?P<scale>[km])?) ?tok(?:en)?s?", re.ASCII | re.IGNORECASE
)
_SCALES = {None: 1, "k": 1_000, "m": 1_000_000}
_UNIT_SPELLINGS = {
    "gb/month": "GB-Months",
    "gb months": "GB-Months",
    "gb-mo": "GB-Months",
    "gb hours": "GB-Hours",
    "hrs": "Hours",
}

_CATEGORIES = {c.lower(): str(c) for c in ChargeCategory}
_FREQUENCIES = {f.lower(): f for f in ("One-Time", "Recurring", "Usage-Based")}

_FIRST_WORDS = {spelled(provider) for provider in PROVIDER_NAMES.values()} | {"amazon", "microsoft"}
"""Words that mean a provider at the head of a legal name; `vertex` may be anybody's."""
_ANY_WORDS = {"amazon", "aws", "microsoft", "azure", "google", "openai", "anthropic"}

# order matters; `\b` keeps "uncached" out of the cache; Azure's meters abbreviate
_CACHE = r"\b(?:cached?|cc?chd|cd)\b"
_METERS = tuple(
    (re.compile(pattern), meter)
    for pattern, meter in (
        (r"\bprovisioned\b", Meter.PROVISIONED_THROUGHPUT),
        (rf"{_CACHE}.*\bstorage", Meter.CACHE_STORAGE),
        (rf"{_CACHE}.*\bwrite.*\b1 ?h", Meter.CACHE_WRITE_1H),
        (rf"{_CACHE}.*\bwrite.*\b5 ?m", Meter.CACHE_WRITE_5M),
        (rf"{_CACHE}.*\bwr(?:ite)?\b", Meter.CACHE_WRITE),
        (_CACHE, Meter.CACHE_READ),
        (r"audio.*output|output.*audio", Meter.OUTPUT_AUDIO),
        (r"audio.*input|input.*audio", Meter.INPUT_AUDIO),
        (r"image.*output|output.*image", Meter.OUTPUT_IMAGE),
        (r"image.*input|input.*image", Meter.INPUT_IMAGE),
        (r"web ?search", Meter.WEB_SEARCH),
        (r"\b(?:output|outp|out|opt)\b", Meter.OUTPUT),
        (r"\b(?:input|inp)\b|\bembedding", Meter.INPUT_UNCACHED),
    )
)
_TIERS = tuple(
    (re.compile(pattern), tier)
    for pattern, tier in (
        (r"\bbatch\b", ServiceTier.BATCH),
        (r"\bflex\b", ServiceTier.FLEX),
        (r"\b(?:priority|pp)\b", ServiceTier.PRIORITY),
    )
)


def version_of(columns: Collection[str]) -> str:
    """The FOCUS version a file's columns speak of: 1.0 to 1.4, or the draft of 1.5.

    A file without the provider column that 1.4 removed is at least 1.4.
    """
    present = set(columns)
    newest = next((v for v, added in _ADDED_COLUMNS if present & set(added.split())), "1.0")
    return "1.4" if newest == "1.3" and "ProviderName" not in present else newest


def unprefixed(columns: Collection[str]) -> list[str]:
    """Columns that are neither FOCUS's nor marked as custom by `x_`."""
    return [c for c in columns if c not in _KNOWN_COLUMNS and not c.startswith("x_")]


def read_tags(text: str | None) -> dict[str, object] | None:
    """Tags of a cell: a JSON object, or Google's array of `Key` and `Value`, the first winning.

    An empty one for null, None for anything else.
    """
    members = json_object(text)
    if members is not None or text is None:
        return members
    try:
        return {str(label["Key"]): label.get("Value") for label in reversed(json.loads(text))}
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return None


def read_instant(text: str | None) -> tuple[datetime | None, str | None]:
    """An instant in UTC, and the repair it took: `timestamp_form` or `us_date`.

    FOCUS instants are UTC by specification, so a missing zone means UTC. A date with slashes is
    month first, as in the specification's own examples; it is never taken as day first.
    """
    if text is None:
        return None, None
    us_date, iso = _US_DATE.fullmatch(text), _ISO.fullmatch(text)
    try:
        if us_date:
            year = int(us_date["year"])
            day = date(
                year if year > 99 else 2000 + year, int(us_date["month"]), int(us_date["day"])
            )
            return datetime.combine(day, time(), UTC), "us_date"
        if iso:
            moment = f"{iso['day']}T{iso['time'] or '00:00'}{iso['zone'] or 'Z'}"
            repair = None if _EXACT_ISO.fullmatch(text) else "timestamp_form"
            return datetime.fromisoformat(moment).astimezone(UTC), repair
    except (ValueError, OverflowError):
        pass
    return None, None


def read_unit(text: str | None) -> tuple[str | None, int, str | None, bool]:
    """A unit as FOCUS spells it, and what it counts.

    Returns:
        The unit in FOCUS spelling (`1000000 Tokens`), the size of its block, what one block holds
        (`Tokens`), and whether the spelling was repaired. An unknown unit stays as delivered.
    """
    if text is None:
        return None, 1, None, False
    tokens = _TOKENS.fullmatch(text)
    if tokens and text != "Token":
        # a bare `Token` is a virtual currency in the specification's examples
        scale = tokens["scale"].lower() if tokens["scale"] else None
        size = int(tokens["size"] or 1) * _SCALES[scale]
        unit = "Tokens" if size == 1 else f"{size} Tokens"
        return unit, size, "Tokens", unit != text
    known = _UNIT_SPELLINGS.get(text.lower(), text)
    block = _BLOCK.fullmatch(known)
    size, single = (int(block["size"]), block["unit"]) if block else (1, known)
    return known, size, single, known != text


def read_word(text: str | None, words: str) -> tuple[str | None, bool]:
    """A word of a closed list in its own spelling, and whether its case was repaired.

    Args:
        text: As delivered.
        words: `category` or `frequency`.
    """
    known = (_CATEGORIES if words == "category" else _FREQUENCIES).get((text or "").lower())
    return known, known is not None and known != text


def slug(name: str | None) -> str | None:
    """An id from a legal name: `Amazon Web Services, Inc.` is `amazon-web-services-inc`."""
    return re.sub(r"[^a-z0-9]+", "-", (name or "").lower()).strip("-")[:64].rstrip("-") or None


def provider_id(name: str | None) -> str | None:
    """Whose price list applies: the id of the vocabulary, or the slug of the name."""
    words = re.findall(r"[a-z0-9]+", (name or "").lower())
    heads = ["".join(words[:n]) for n in range(len(words), 1, -1)]
    heads += [word for word in words[:1] if word in _FIRST_WORDS]
    named = next(filter(None, map(known_provider, heads)), None)
    said = next((word for word in words if word in _ANY_WORDS), None)
    return named or known_provider(said) or slug(name)


def read_sku(
    sku_meter: str | None, details: str | None, usage_type: str | None, service_name: str | None
) -> tuple[str | None, str | None, str | None]:
    """AI model, meter and service tier of a charge of an AI service.

    Args:
        sku_meter: `SkuMeter`.
        details: `SkuPriceDetails`: the draft of 1.5 names model and token direction, also `x_`.
        usage_type: AWS's `x_UsageType`.
        service_name: For Bedrock, whose meters are usage types.

    Returns:
        Null where the charge names none; `unclassified` for a meter no rule knows.
    """
    if "bedrock" in (service_name or "").lower() and (usage_type or sku_meter):
        usage = read_usage_type(usage_type or sku_meter or "", service_name)
        if usage.meter is not Meter.UNCLASSIFIED:
            return usage.model_text, usage.meter, usage.service_tier
    members = json_object(details) or {}

    def told(key: str) -> str:
        value = members.get(key, members.get(f"x_{key}"))
        return value if isinstance(value, str) else ""

    action = told("TokenCacheAction").lower()
    cache = f"cache {action}" if action in {"read", "write"} else ""
    words = f"{cache} {told('TokenDirection')} {sku_meter or ''}".lower()
    meter = next((m for pattern, m in _METERS if pattern.search(words)), Meter.UNCLASSIFIED)
    tier = next((t for pattern, t in _TIERS if pattern.search(words)), None)
    return told("ModelId") or None, meter if words.strip() else None, tier
