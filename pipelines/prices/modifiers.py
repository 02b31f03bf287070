"""Prices under an attribute of the call, made from prices and modifiers.

Every price that a modifier makes is a row of the book like any other, so SQL looks prices up and
never computes one. A row says in `price_source` what it was made of.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from fnmatch import fnmatchcase
from typing import Any

import pyarrow as pa

from models.meters import Meter
from models.price_modifiers import (
    LIST_MODIFIERS,
    PRICE_MODIFIER_SCHEMA,
    ListModifier,
    PriceAttribute,
)
from models.prices import PriceKind
from models.vocabulary import ServiceTier

Row = dict[str, Any]
Span = tuple[datetime, datetime]

ALWAYS = datetime.min.replace(tzinfo=UTC)
OPEN = datetime.max.replace(tzinfo=UTC)
_SIX_DIGITS = Decimal("0.000001")


@dataclass(frozen=True)
class Modifier:
    """One row of `PRICE_MODIFIER`."""

    modifier_kind: PriceKind
    rank: int
    issuer: str | None
    provider: str
    model_id: str
    meter: str | None
    attribute: PriceAttribute | None
    value: str | None
    factor: Decimal
    is_per_call: bool
    valid_from: datetime | None
    valid_to: datetime | None
    modifier_source: str

    @property
    def span(self) -> Span:
        """When it holds, with ends that can be compared."""
        return self.valid_from or ALWAYS, self.valid_to or OPEN

    def fits(self, row: Row) -> bool:
        """Whether it speaks of the price of a row, at some time."""
        return (
            self.provider == row["provider"]
            and fnmatchcase(row["model_id"] or "", self.model_id)
            and self.meter in (None, row["meter"])
            and self.issuer in (None, row["issuer"])
        )


def list_modifiers() -> list[Modifier]:
    """The modifiers of the book, in order; a pattern is a row."""
    rows = [(rule, pattern) for rule in LIST_MODIFIERS for pattern in rule.models]
    return [_of_list(rank, rule, pattern) for rank, (rule, pattern) in enumerate(rows, 1)]


def own_modifiers(table: pa.Table | None) -> list[Modifier]:
    """The modifiers of the company, in the order of their ranks.

    Args:
        table: `ref_price_modifiers`. A blank AI model is any.
    """
    rows = [] if table is None else table.to_pylist()
    return [
        Modifier(
            modifier_kind=PriceKind.CONTRACT,
            rank=row["rank"],
            issuer=row["issuer"],
            provider=row["provider"],
            model_id=row["model_id"] or "*",
            meter=row["meter"],
            attribute=PriceAttribute(row["attribute"]) if row["attribute"] else None,
            value=row["value"],
            factor=row["factor"],
            is_per_call=False,
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            modifier_source=PriceKind.CONTRACT,
        )
        for row in sorted(rows, key=lambda row: row["rank"])
    ]


def modifier_table(modifiers: Iterable[Modifier]) -> pa.Table:
    """Modifiers as rows of `PRICE_MODIFIER`."""
    return pa.Table.from_pylist([vars(m) for m in modifiers], schema=PRICE_MODIFIER_SCHEMA)


def modified_list(rows: Sequence[Row], modifiers: Sequence[Modifier]) -> list[Row]:
    """List prices with all that the book's modifiers make of them.

    A tier or a band that the list has a price for itself is left as the list has it.
    """
    known = list(_changed(rows, modifiers))
    known += _tiers(known, modifiers, listed=known)
    known += list(_bands(known, modifiers))
    return known + list(_geographies(known, modifiers))


def modified_contract(
    rows: Sequence[Row], own: Sequence[Modifier], book: Sequence[Modifier]
) -> list[Row]:
    """Contract rows with what modifiers make of them.

    A row that names a tier, a band or a geography is the price there; the others are changed by
    the company's modifiers, and by the book's for a geography.
    """
    typed = list(rows)
    made = _tiers(typed, own)
    made += _bands([*typed, *made], own)
    made += _geographies([*typed, *made], [*own, *book])
    for row in made:
        row["precedence"] = 1
    return typed + [piece for row in made for piece in _apart(row, typed)]


def company_list(
    rows: Sequence[Row], own: Sequence[Modifier], book: Sequence[Modifier]
) -> list[Row]:
    """What the company's modifiers make of list prices, for the issuers they name.

    Args:
        rows: List prices with what the book's modifiers made of them.
        own: Of the company.
        book: Of the book: they hold where the company has none for a geography.
    """
    made: list[Row] = []
    plain = [row for row in rows if row["inference_geo"] is None]
    for issuer in dict.fromkeys(modifier.issuer for modifier in own):
        mine = [modifier for modifier in own if modifier.issuer == issuer]
        held = [{**row, "issuer": issuer, "precedence": 3} for row in plain]
        changed = list(_changed(held, mine))
        special = _tiers(changed, mine)
        special += _bands([*changed, *special], mine)
        for row in special:
            row["precedence"] = 2
        changed += special
        changed += _geographies(changed, [*mine, *book])
        made += [row for row in changed if row["is_own"]]
    for row in made:
        row["price_kind"] = PriceKind.CONTRACT
    return made


def _of_list(rank: int, rule: ListModifier, pattern: str) -> Modifier:
    start = datetime.combine(rule.valid_from, time(), UTC) if rule.valid_from else None
    return Modifier(
        modifier_kind=PriceKind.LIST,
        rank=rank,
        issuer=None,
        provider=rule.provider,
        model_id=pattern,
        meter=rule.meter,
        attribute=rule.attribute,
        value=rule.value,
        factor=rule.factor,
        is_per_call=rule.is_per_call,
        valid_from=start,
        valid_to=None,
        modifier_source=rule.source,
    )


def _changed(rows: Iterable[Row], modifiers: Sequence[Modifier]) -> Iterator[Row]:
    """Prices, changed where a modifier always holds."""
    always = [m for m in modifiers if m.attribute is None]
    for row in rows:
        for span, modifier in _first(row, [m for m in always if m.fits(row)]):
            yield _during(row, span) if modifier is None else _made(row, modifier, span)


def _tiers(
    rows: Sequence[Row], modifiers: Sequence[Modifier], listed: Iterable[Row] = ()
) -> list[Row]:
    """Prices of tiers, from those of the standard tier.

    Args:
        rows: Prices of all tiers.
        modifiers: Of them those of tiers.
        listed: Where these have a tier, nothing is made for that time, and at no time prices of
            long prompts that the tier does not have in them.
    """
    spans: dict[tuple[object, ...], set[Span]] = {}
    bands: dict[tuple[object, ...], set[int]] = {}
    for row in listed:
        key = row["provider"], row["model_id"], row["service_tier"]
        spans.setdefault(key, set()).add(_span(row))
        bands.setdefault(key, set()).add(row["min_input_tokens"])
    made = []
    standard = [row for row in rows if row["service_tier"] == ServiceTier.STANDARD]
    for row, tier, fitting in _by_value(standard, modifiers, PriceAttribute.SERVICE_TIER):
        key = row["provider"], row["model_id"], tier
        if row["min_input_tokens"] not in bands.get(key, {row["min_input_tokens"]}):
            continue
        end = row["max_input_tokens"]
        end = end if end in bands.get(key, {end}) else None
        made += [
            _made(row, modifier, free, service_tier=tier, max_input_tokens=end)
            for span, modifier in _first(row, fitting)
            if modifier is not None
            for free in _without(span, sorted(spans.get(key, ())))
        ]
    return made


def _bands(rows: Sequence[Row], modifiers: Sequence[Modifier]) -> list[Row]:
    """Prices of long prompts, from those that hold for prompts of any length."""
    flat = [r for r in rows if r["min_input_tokens"] == 0 and r["max_input_tokens"] is None]
    return [
        _made(row, modifier, span, min_input_tokens=int(size))
        for row, size, fitting in _by_value(flat, modifiers, PriceAttribute.INPUT_TOKENS)
        for span, modifier in _first(row, fitting)
        if modifier is not None
    ]


def _geographies(rows: Sequence[Row], modifiers: Sequence[Modifier]) -> list[Row]:
    """Prices of geographies, from those that name none."""
    plain = [row for row in rows if row["inference_geo"] is None]
    return [
        _made(row, modifier, span, inference_geo=geo)
        for row, geo, fitting in _by_value(plain, modifiers, PriceAttribute.INFERENCE_GEO)
        for span, modifier in _first(row, fitting)
        if modifier is not None
    ]


def _by_value(
    rows: Iterable[Row], modifiers: Iterable[Modifier], attribute: PriceAttribute
) -> Iterator[tuple[Row, str, list[Modifier]]]:
    """Each price with each value that modifiers of it name, and those modifiers in order."""
    of_attribute = [m for m in modifiers if m.attribute is attribute]
    for row in rows if of_attribute else ():
        fitting: dict[str, list[Modifier]] = {}
        for modifier in of_attribute:
            if modifier.fits(row):
                fitting.setdefault(modifier.value or "", []).append(modifier)
        for value, those in fitting.items():
            yield row, value, those


def _made(row: Row, modifier: Modifier, span: Span, **changes: object) -> Row:
    """A price as a modifier makes it. Without a meter it changes prices of tokens only."""
    is_changed = modifier.meter is not None or Meter(row["meter"]).is_token
    factor = modifier.factor if is_changed else Decimal(1)
    exact = row["price_per_million"] * factor
    price = exact.quantize(_SIX_DIGITS, ROUND_HALF_EVEN)
    says_factor = f" x {factor.normalize():f}" if factor != 1 else ""
    return {
        **_during(row, span),
        "price_per_million": price,
        "is_rounded": row["is_rounded"] or price != exact,
        "is_per_call": row["is_per_call"] or modifier.is_per_call,
        "price_source": row["price_source"] + says_factor,
        "is_own": row["is_own"] or modifier.modifier_kind is PriceKind.CONTRACT,
        **changes,
    }


def _span(row: Row) -> Span:
    return row["valid_from"] or ALWAYS, row["valid_to"] or OPEN


def _during(row: Row, span: Span) -> Row:
    """A price for a part of its time."""
    start, end = span
    return {
        **row,
        "valid_from": None if start == ALWAYS else start,
        "valid_to": None if end == OPEN else end,
    }


def _first(row: Row, modifiers: Sequence[Modifier]) -> list[tuple[Span, Modifier | None]]:
    """The time of a price, cut into what each modifier is the first to fit, and what none does."""
    found: list[tuple[Span, Modifier | None]] = []
    left = [_span(row)]
    for modifier in modifiers:
        start, end = modifier.span
        for a, b in left:
            if max(a, start) < min(b, end):
                found.append(((max(a, start), min(b, end)), modifier))
        left = [piece for span in left for piece in _without(span, [modifier.span])]
    return found + [(span, None) for span in left]


def _without(span: Span, others: Iterable[Span]) -> list[Span]:
    """What is left of a time without others."""
    left = [span]
    for start, end in others:
        left = [
            piece
            for a, b in left
            for piece in ((a, min(b, start)), (max(a, end), b))
            if piece[0] < piece[1]
        ]
    return left


_SAME = (
    "issuer",
    "provider",
    "model_id",
    "meter",
    "service_tier",
    "min_input_tokens",
    "inference_geo",
)


def _apart(row: Row, typed: Iterable[Row]) -> Iterator[Row]:
    """A price that was made, for the time in which nobody wrote one down."""
    written = [_span(other) for other in typed if all(row[n] == other[n] for n in _SAME)]
    return (_during(row, span) for span in _without(_span(row), written))
