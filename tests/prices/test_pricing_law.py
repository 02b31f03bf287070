"""The SQL that prices calls equals the price list's own calculation, provider by provider.

Random usages run through the transforms as they are, from staged calls to the weight of each meter.
What the list cannot say the same way is left out by name, and how often is asserted.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from genai_prices import Usage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, Provider

from models.columns import arrow_schema
from models.facts import Fact
from models.meters import CALL_METERS, Meter
from models.price_modifiers import LIST_MODIFIERS
from models.vocabulary import ServiceTier
from pipelines.engine.duckdb import Session
from pipelines.inputs import fact_columns
from pipelines.prices import list_prices, price_table, resolve_models
from pipelines.prices.listing import TIER_CONTEXTS
from pipelines.quoting import identifier
from pipelines.transforms import leading_to, load_transforms
from tests.transforms.cases import all_types, create

USAGES = 500
FIRST_DAY = date(2025, 3, 1)
DAYS = 620
SIZES = (0, 0, 0, 1, 7, 999, 31_999, 100_000, 128_001, 199_999, 200_000, 200_001, 271_999, 272_001)
SEARCHES = (0, 0, 1, 3)
TIERS = (ServiceTier.STANDARD,) * 5 + tuple(ServiceTier)
UNLISTED_TIER = "a tier without a price of its own, which the list charges as standard"
MODIFIED = "a price that a modifier of the book makes"
COUNTED = {meter: meter.call_columns[0] for meter in CALL_METERS if meter.price_unit}
"""The call's column of each meter that the list counts, too."""
# other units are rare in the list; a call has tokens and searches
TOLD = {m: c for m, c in COUNTED.items() if m.is_token or m is Meter.WEB_SEARCH}


@dataclass(frozen=True)
class Call:
    """One random usage, and what the list says it costs."""

    provider: Provider
    info: ModelInfo
    at: datetime
    tier: ServiceTier
    quantities: Mapping[Meter, int]
    expected: Decimal


def test_random_usages_of_every_provider_cost_what_the_list_calculates(tmp_path: Path) -> None:
    skipped: Counter[str] = Counter()
    calls = [
        call
        for provider in get_snapshot().providers
        if own_models(provider)
        for call in usages(provider, random.Random(provider.id), skipped)
    ]
    weights = priced(calls, tmp_path)
    wrong = {
        (call.provider.id, call.info.id, call.tier.value, call.at): (got, call.expected)
        for call, got in zip(calls, weights, strict=True)
        if got != call.expected
    }
    per_provider = Counter(call.provider.id for call in calls)

    assert not wrong
    assert set(per_provider.values()) == {USAGES}
    assert set(per_provider) == {p.id for p in get_snapshot().providers}
    assert set(skipped) == {UNLISTED_TIER, MODIFIED}
    assert skipped[UNLISTED_TIER] < len(calls)
    assert skipped[MODIFIED] < 0.01 * len(calls)


def usages(provider: Provider, dice: random.Random, skipped: Counter[str]) -> Iterator[Call]:
    """Random usages of a provider that its list expresses; of the others why they are none."""
    models = own_models(provider)
    made = 0
    while made < USAGES:
        call, why = usage(provider, *dice.choice(models), dice)
        if why:
            skipped[why] += 1
            continue
        made += 1
        yield call


def usage(
    provider: Provider, info: ModelInfo, is_own: bool, dice: random.Random
) -> tuple[Call, str | None]:
    """One random usage, and why the list does not express it."""
    minute = dice.randrange(DAYS * 1440)
    at = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(minutes=minute)
    tier = dice.choice(TIERS)
    quantities = {meter: dice.choice(SIZES if meter.is_token else SEARCHES) for meter in TOLD}
    # the list knows writes of unknown lifetime or of known ones, and adds nothing up
    for meter in (Meter.CACHE_WRITE,) if dice.random() < 0.7 else CACHE_WRITES:
        quantities[meter] = 0
    context = TIER_CONTEXTS[tier]
    is_listed = tier is ServiceTier.STANDARD or (
        is_own
        and any(
            v.when.items() <= context.items() and (v.constraint is None or v.constraint.active(at))
            for v in info.price_variants or ()
        )
    )
    why = None
    if not is_listed:
        why = UNLISTED_TIER
    elif is_modified(provider.id, info.id, quantities):
        why = MODIFIED
    expected = info.calc_price(
        counted(quantities),
        provider,
        genai_request_timestamp=at,
        price_context=context if is_own else {},
    ).total_price
    return Call(provider, info, at, tier, quantities, expected), why


CACHE_WRITES = (Meter.CACHE_WRITE_5M, Meter.CACHE_WRITE_1H)


def counted(quantities: Mapping[Meter, int]) -> Usage:
    values = {str(meter.price_unit): n for meter, n in quantities.items()}
    writes = (Meter.CACHE_WRITE, *CACHE_WRITES)
    values["cache_write_tokens"] = sum(quantities[meter] for meter in writes)
    values["input_tokens"] = sum(
        n for meter, n in quantities.items() if meter.startswith(("input", "cache"))
    )
    values["output_tokens"] = sum(n for m, n in quantities.items() if m.startswith("output"))
    values["cache_audio_read_tokens"] = values["cache_image_read_tokens"] = 0
    return Usage(**values)


def is_modified(provider: str, model_id: str, quantities: Mapping[Meter, int]) -> bool:
    """Whether the book says more of the usage than the list: long prompts, searches per prompt."""
    size = sum(n for meter, n in quantities.items() if meter.startswith(("input", "cache")))
    return any(
        rule.provider == provider
        and any(fnmatchcase(model_id, pattern) for pattern in rule.models)
        and (
            (rule.is_per_call and quantities[Meter.WEB_SEARCH] > 1)
            or (rule.attribute == "input_tokens" and size > int(rule.value or 0))
        )
        for rule in LIST_MODIFIERS
    )


@cache
def rounded() -> frozenset[tuple[str, str]]:
    """Models with a price that six decimals do not hold."""
    return frozenset(_listed(pc.field("is_rounded")))


@cache
def with_tokens() -> frozenset[tuple[str, str]]:
    """Models with a price of tokens."""
    return frozenset(_listed(pc.field("meter").isin(["input_uncached", "output"])))


def _listed(condition: pc.Expression) -> Iterator[tuple[str, str]]:
    told = pc.field("meter").isin([str(meter) for meter in TOLD])
    rows = list_prices().filter(told & condition).select(["provider", "model_id"])
    return zip(*(column.to_pylist() for column in rows.columns), strict=True)


def own_models(provider: Provider) -> list[tuple[ModelInfo, bool]]:
    """A provider's models and those it resells, whose id the product resolves to itself.

    Those without a price of tokens, and with one that six decimals do not hold, are left out.
    """
    providers = {p.id: p for p in get_snapshot().providers}
    found: dict[str, tuple[ModelInfo, bool]] = {}
    for lender in (provider.id, *(provider.fallback_model_providers or ())):
        for info in providers[lender].models:
            found.setdefault(info.id, (info, lender == provider.id))
    rows = resolve_models([(provider.id, model_id) for model_id in found]).to_pylist()
    return [
        found[row["model_text"]]
        for row in rows
        if row["model_id"] == row["model_text"]
        and (provider.id, row["model_id"]) in with_tokens() - rounded()
    ]


def priced(calls: list[Call], folder: Path) -> list[Decimal]:
    """What the product makes of the calls, through its own transforms; unpriced meters are none."""
    schema = arrow_schema(fact_columns(Fact.CALLS))
    rows = [
        {
            "source": "log",
            "call_id": str(number),
            "charge_date": call.at.date(),
            "started_at": call.at,
            "provider": call.provider.id,
            "served_model": call.info.id,
            "service_tier": call.tier.value,
            "status": "success",
            "token_source": "provider",
            "is_rollup": False,
            "profile_key": number,
            **{column: call.quantities[meter] for meter, column in TOLD.items()},
        }
        for number, call in enumerate(calls)
    ]
    blank = dict.fromkeys(schema.names)
    table = pa.Table.from_pylist(
        [blank | row for row in rows], schema=pa.schema([f.with_nullable(True) for f in schema])
    )
    models = resolve_models({(call.provider.id, call.info.id) for call in calls})
    given = {"stg_calls": table, "model_map": models, "price_book": price_table(models=models)}
    wanted = [
        t
        for t in leading_to(["int_call_meters"], load_transforms())
        if t.name in ("int_profiles", "int_cells", "int_prices", "int_profile_cells")
        or t.name in ("int_calls__placed", "int_call_quantities", "int_call_meters")
    ]
    types = all_types()
    with Session(folder) as session:
        for name in sorted({i for t in wanted for i in t.inputs} - {t.name for t in wanted}):
            if name in given:
                session.register("given", given[name])
                session.con.execute(f"create table {identifier(name)} as from given")
            else:
                create(session, name, types[name], {"columns": []})
        session.build(wanted, {})
        weights = dict(
            session.con.execute(
                "select cast(calls.call_id as integer), cast(sum(used.weight_picos) as hugeint)"
                " from int_call_meters as used"
                " inner join stg_calls as calls on used.call_no = calls.rowid group by all"
            ).fetchall()
        )
    return [Decimal(weights.get(n) or 0).scaleb(-12) for n in range(len(calls))]


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google", "aws", "azure", "x-ai"])
def test_the_providers_most_bought_from_are_among_them(provider: str) -> None:
    assert any(p.id == provider and own_models(p) for p in get_snapshot().providers)
