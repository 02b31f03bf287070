"""Values of Google's billing export: instants, credits, labels, and which windows a path names."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from models.money import MoneyError, parse_money
from pipelines.sources.bill_rows import tags_json
from pipelines.sources.focus_repairs import read_instant

PRICE_CREDITS = frozenset(
    {
        "COMMITTED_USAGE_DISCOUNT",
        "COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE",
        "DISCOUNT",
        "FEE_UTILIZATION_OFFSET",
        "FREE_TIER",
        "RESELLER_MARGIN",
        "SUBSCRIPTION_BENEFIT",
        "SUSTAINED_USAGE_DISCOUNT",
    }
)
"""Credits that lower the price of the usage they stand on: part of its cost, not money given."""

_WINDOW = re.compile(
    r"(?:^|/)(?P<window>invoice_month=\d{6}|(?:usage|export)_date=\d{4}-\d{2}-\d{2})/"
)
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)", re.ASCII)
_MIDNIGHT = re.compile(r"[T ]24:00:00(?:\.0+)?")
_MONTH = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})", re.ASCII)


def window_of(name: str) -> str | None:
    """The window that a path says its file holds whole, such as `invoice_month=202610`."""
    found = _WINDOW.search(name)
    return found["window"] if found else None


def read_time(text: str | None) -> tuple[datetime | None]:
    """An instant, in every form BigQuery writes: Google's times are UTC. `24:00` is next midnight.

    Null for text of another form, day-first and month-first dates among them.
    """
    if text is None or not _ISO_DAY.match(text):
        return (None,)
    zoned = re.sub(r"(?: UTC|\+00)$", "Z", text)
    instant = read_instant(_MIDNIGHT.sub("T00:00:00", zoned))[0]
    is_next = instant is not None and _MIDNIGHT.search(text) is not None
    return (instant + timedelta(days=1) if instant is not None and is_next else instant,)


def read_month(text: str | None) -> tuple[datetime | None]:
    """The first instant of an invoice month (`YYYYMM`): its own field, not the month of usage."""
    month = _MONTH.fullmatch(text or "")
    try:
        return (
            datetime(int(month["year"]), int(month["month"]), 1, tzinfo=UTC) if month else None,
        )
    except ValueError:
        return (None,)


def read_credits(text: str | None) -> tuple[object, ...]:
    """The credits of a row: what they take off its price, and those that are money given.

    Args:
        text: JSON array of `{id, full_name, type, name, amount}`; amounts are negative.

    Returns:
        The sum of price credits (scale 18, null for a cell that cannot be read), and name and
        amount (as text) of each other credit. An unknown type is money given: it stays visible.
    """
    discount, given = Decimal(0), []
    try:
        for credit in _objects(text):
            amount = str(credit["amount"])
            exact = parse_money(amount, exponent=True, binary=True)
            if credit.get("type") in PRICE_CREDITS:
                discount += exact
            else:
                name = credit.get("full_name") or credit.get("name") or credit.get("type")
                given.append({"credit_name": str(name or "Credit"), "credit": amount})
    except (ValueError, KeyError, TypeError, MoneyError):
        return None, []
    return discount, given


def read_labels(allowed: Sequence[str], *texts: str | None) -> tuple[str | None, bool]:
    """Allow-listed labels of several cells, the first winning, and whether a cell was broken.

    A cell is a JSON array of `{key, value}`, or an object where someone flattened it.
    """
    kept: dict[str, object] = {}
    is_broken = False
    for text in reversed(texts):
        try:
            pairs = [(str(o["key"]), o.get("value")) for o in _objects(text, plain="key")]
        except (ValueError, KeyError, TypeError):
            is_broken = True
            continue
        kept.update({key: value for key, value in pairs if key in allowed})
    return tags_json(kept), is_broken


def _objects(text: str | None, plain: str | None = None) -> Iterable[dict[str, object]]:
    value = json.loads(text, parse_float=str, parse_int=str) if text else []
    if plain and isinstance(value, dict):
        return [{plain: key, "value": member} for key, member in value.items()]
    if not isinstance(value, list) or not all(isinstance(o, dict) for o in value):
        raise ValueError("no array of objects")
    return value
