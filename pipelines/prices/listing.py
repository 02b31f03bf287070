"""The embedded price list of genai-prices as rows that SQL can join.

Rules of the list are asked of the list itself: every stretch of time in which nothing can change
is probed once with the library's own look-up, so a join over the rows and a calculation by the
library agree by construction. Nothing here opens a connection.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from itertools import groupby, pairwise
from types import MappingProxyType
from typing import TypeVar

import genai_prices
import pyarrow as pa
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)
from genai_prices.units import UnitDef, UnitRegistry, _get_registry

from models.prices import LIST_PRICE_SCHEMA
from models.vocabulary import Meter, ServiceTier

METER_UNITS: Mapping[Meter, str] = MappingProxyType(
    {meter: meter.price_unit for meter in Meter if meter.price_unit}
)
"""Our meters, and what the list calls the same quantity."""

TIER_CONTEXTS: Mapping[ServiceTier, Mapping[str, str]] = MappingProxyType(
    {
        ServiceTier.STANDARD: {},
        ServiceTier.BATCH: {"processing": "batch"},
        ServiceTier.FLEX: {"service_tier": "flex"},
        ServiceTier.PRIORITY: {"service_tier": "priority"},
        ServiceTier.FAST: {"service_tier": "fast", "speed": "fast"},
    }
)
"""The request context that selects a tier. The list ignores what it does not know: see tests."""

ONE_DAY = 1440
MILLION = 1_000_000
SIX_DIGITS = Decimal("0.000001")

_Point = TypeVar("_Point", int, datetime | None)
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Rate:
    """One price of one meter: between two input sizes, per million units."""

    min_input_tokens: int
    max_input_tokens: int | None
    price_per_million: Decimal
    price_key: str
    is_inherited: bool


Rates = tuple[Rate, ...]
Run = tuple[_Point, _Point, _Value]


def price_source() -> str:
    """Name and release of the price list, as stamped on every row."""
    return f"genai-prices {genai_prices.__version__}"


@cache
def list_prices() -> pa.Table:
    """Every list price as one row per model, meter, tier, time and input size, in dollars.

    A meter without a price of its own has the row of the wider meter that the list would charge
    (`is_inherited`). A meter, tier or model without any row has no known price: it is unpriced,
    never free. A tier has rows only while the list has a price of its own for it.

    Returns:
        Rows in the shape of `LIST_PRICE`, in list order. The same table on every call.
    """
    return _table(_models())


def list_prices_of(models: Collection[tuple[str, str]]) -> pa.Table:
    """The rows of `list_prices` for some models only, which is quicker.

    Args:
        models: Provider and model id of each; those the list does not know have no rows.
    """
    return _table(each for each in _models() if (each[0], each[1].id) in models)


def _table(models: Iterable[tuple[str, ModelInfo, bool]]) -> pa.Table:
    source = price_source()
    rows = [
        {"provider": provider_id, "model_id": info.id, "price_source": source, **row}
        for provider_id, info, is_own in models
        for row in _model_rows(info, is_own=is_own)
    ]
    return pa.Table.from_pylist(rows, schema=LIST_PRICE_SCHEMA)


def _models() -> Iterator[tuple[str, ModelInfo, bool]]:
    """Each provider's own models, then those it resells under another provider's list.

    Where a reseller lists a model of the same id itself, that price is the one it asks.
    """
    providers: dict[str, Provider] = {p.id: p for p in get_snapshot().providers}
    for provider in providers.values():
        taken: set[str] = set()
        for lender_id in (provider.id, *(provider.fallback_model_providers or ())):
            for info in providers[lender_id].models:
                if info.id not in taken:
                    yield provider.id, info, lender_id == provider.id
            taken.update(info.id for info in providers[lender_id].models)


def _model_rows(info: ModelInfo, *, is_own: bool) -> Iterator[dict[str, object]]:
    """The rows of one model. The list gives resold models their standard prices only."""
    dates, minutes = _bounds(info)
    for tier in ServiceTier if is_own else (ServiceTier.STANDARD,):
        if tier is not ServiceTier.STANDARD and not info.price_variants:
            continue
        books = {
            (day, minute): _prices_at(info, tier, day, minute)
            for day, _ in pairwise(dates)
            for minute, _ in pairwise(minutes)
        }
        for meter, chain in _meter_chains().items():
            clocks = [
                (
                    day,
                    until,
                    _runs((m, end, _rates(books[day, m], chain)) for m, end in pairwise(minutes)),
                )
                for day, until in pairwise(dates)
            ]
            for valid_from, valid_to, clock in _runs(clocks):
                for row in _clock_rows(clock):
                    yield {
                        "meter": meter,
                        "service_tier": tier,
                        "valid_from": valid_from,
                        "valid_to": valid_to,
                        **row,
                    }


def _bounds(info: ModelInfo) -> tuple[list[datetime | None], list[int]]:
    """The instants and minutes of the day at which a price of the model can change."""
    priced = [*([] if isinstance(info.prices, ModelPrice) else info.prices)]
    constraints = [p.constraint for p in (*priced, *(info.price_variants or ()))]
    starts = {c.start_date for c in constraints if isinstance(c, StartDateConstraint)}
    minutes = {0, ONE_DAY}
    for constraint in constraints:
        if isinstance(constraint, TimeOfDateConstraint):
            minutes |= {_minute(constraint.start_time), _minute(constraint.end_time)}
    return [None, *(_midnight(s) for s in sorted(starts)), None], sorted(minutes)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _minute(clock: time) -> int:
    """Minute of the UTC day; the list has whole minutes only (see tests)."""
    zone = clock.tzinfo or UTC
    there = datetime.combine(date(2000, 1, 1), clock, zone).astimezone(UTC)
    return there.hour * 60 + there.minute


def _prices_at(
    info: ModelInfo, tier: ServiceTier, day: datetime | None, minute: int
) -> ModelPrice | None:
    """What the list asks then; null where it has no price of its own for the tier."""
    at = (day or datetime(1970, 1, 1, tzinfo=UTC)) + timedelta(minutes=minute)
    context = TIER_CONTEXTS[tier]
    is_listed = tier is ServiceTier.STANDARD or any(
        v.when.items() <= context.items() and (v.constraint is None or v.constraint.active(at))
        for v in info.price_variants or ()
    )
    return info.get_prices(at, context) if is_listed else None


@cache
def _meter_chains() -> Mapping[Meter, tuple[UnitDef, ...]]:
    """For each meter its unit, then the wider units whose price it takes, nearest first."""
    registry: UnitRegistry = _get_registry()
    chains = {}
    for meter, usage_key in METER_UNITS.items():
        unit = registry.units[usage_key]
        wider = [
            u for u in registry.units.values() if u.dimensions.items() <= unit.dimensions.items()
        ]
        chains[meter] = tuple(sorted(wider, key=lambda u: -len(u.dimensions)))
    return chains


def _rates(prices: ModelPrice | None, chain: tuple[UnitDef, ...]) -> Rates:
    """The rates of a meter by input size, or none if neither it nor a wider meter is priced."""
    listed = {} if prices is None else vars(prices)
    unit = next((u for u in chain if listed.get(u.price_key) is not None), None)
    if unit is None:
        return ()
    price = listed[unit.price_key]
    steps = (
        [(0, price.base), *((t.start, t.price) for t in price.tiers)]
        if isinstance(price, TieredPrices)
        else [(0, price)]
    )
    ends = [start for start, _ in steps[1:]] + [None]
    return tuple(
        Rate(start, end, amount * MILLION / unit.per, unit.price_key, unit is not chain[0])
        for (start, amount), end in zip(steps, ends, strict=True)
    )


def _runs(cells: Iterable[Run[_Point, _Value]]) -> tuple[Run[_Point, _Value], ...]:
    """Neighbouring stretches with equal values, joined to one."""
    merged = []
    for value, same in groupby(cells, key=lambda cell: cell[2]):
        stretch = list(same)
        merged.append((stretch[0][0], stretch[-1][1], value))
    return tuple(merged)


def _clock_rows(clock: tuple[Run[int, Rates], ...]) -> Iterator[dict[str, object]]:
    """The rows of one stretch of days: a set per window of the day, or one for all day."""
    for time_from, time_to, rates in clock:
        is_all_day = (time_from, time_to) == (0, ONE_DAY)
        for rate in rates:
            price = rate.price_per_million.quantize(SIX_DIGITS, ROUND_HALF_EVEN)
            yield {
                "time_from": None if is_all_day else time_from,
                "time_to": None if is_all_day else time_to,
                "min_input_tokens": rate.min_input_tokens,
                "max_input_tokens": rate.max_input_tokens,
                "price_per_million": price,
                "currency": "USD",
                "price_key": rate.price_key,
                "is_inherited": rate.is_inherited,
                "is_rounded": price != rate.price_per_million,
            }
