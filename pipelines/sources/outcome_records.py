"""How one outcome event or row becomes one outcome, or names the rule it breaks."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from models.vocabulary import OutcomeResult
from pipelines.sources.cells import (
    NEXT_ACTIONS,
    RowError,
    Values,
    count,
    currency,
    flag,
    plain_money,
    quantity,
    text,
)

_TYPE = re.compile(r"ai\.outcome\.(recorded|revised|withdrawn)(\.v[0-9]+)?")
_OUTCOME_TYPE = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_CONFIDENCES = {None, "confirmed", "assumed", "judged", "sampled"}
_REFS = ("task_id", "trace_id", "session_id", "request_id", "user_id", "external_id")
REQUIRED = ("outcome_id", "outcome_type", "occurred_at", "result")
COLUMNS = {
    *REQUIRED,
    *_REFS,
    "event_id",
    "recorded_at",
    "revision",
    "is_withdrawn",
    "confidence",
    "quantity",
    "value_amount",
    "value_currency",
    "quality_score",
    "quality_scale",
    "reverses",
    "attribution_window_s",
    "application",
}

ACTIONS: Mapping[str, str] = {
    **NEXT_ACTIONS,
    "not_json": "Send one whole JSON object per line.",
    "not_an_event": "Send CloudEvents 1.0 in structured form: specversion, id, source, type, data.",
    "event_type": "Use ai.outcome.recorded, ai.outcome.revised or ai.outcome.withdrawn.",
    "missing": "Fill in the named field.",
    "outcome_type": "Name the type in lower-case letters, digits, `_`, `.` or `-`.",
    "time_form": "Send RFC 3339 times, such as 2026-10-01T09:00:00Z.",
    "time_without_zone": "Add the zone to the time, such as 2026-10-01T09:00:00Z.",
    "result": "Use success, failure, partial, open or unknown.",
    "confidence": "Use confirmed, assumed, judged or sampled.",
}


def _instant(values: Values, column: str) -> datetime | None:
    written = text(values, column)
    if written is None:
        return None
    try:
        instant = datetime.fromisoformat(written)
        if instant.tzinfo is None:
            raise RowError("time_without_zone", column, written)
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RowError("time_form", column, written) from None


def _needed(values: Values, column: str) -> str:
    value = text(values, column)
    if value is None:
        raise RowError("missing", column)
    return value


def _result(values: Values, *, is_withdrawn: bool) -> str:
    result = text(values, "result") or ("unknown" if is_withdrawn else None)
    if result not in set(OutcomeResult):
        raise RowError("result", "result", result)
    return str(result)


def outcome(values: Values, pseudonym: Callable[[str], str]) -> dict[str, object]:
    """One outcome in the columns of the contract, lineage excepted.

    A join key of several values is a tuple: see `spread`.

    Raises:
        RowError: The record breaks a rule.
    """

    def hidden(value: str | None, column: str) -> str | None:
        """An id; a person's address among ids becomes a pseudonym."""
        return pseudonym(value) if value and (column == "user_id" or "@" in value) else value

    def safe(column: str) -> str | None:
        return hidden(text(values, column), column)

    def all_safe(column: str) -> object:
        """One id, or each of several."""
        several = values.get(column)
        if not isinstance(several, tuple):
            return safe(column)
        return tuple(hidden(text({column: value}, column), column) for value in several)

    occurred_at = _instant(values, "occurred_at")
    if occurred_at is None:
        raise RowError("missing", "occurred_at")
    outcome_type = _needed(values, "outcome_type")
    if not _OUTCOME_TYPE.fullmatch(outcome_type):
        raise RowError("outcome_type", "outcome_type", outcome_type)
    confidence = text(values, "confidence")
    if confidence not in _CONFIDENCES:
        raise RowError("confidence", "confidence", confidence)
    has_value = text(values, "value_amount") is not None
    is_withdrawn = bool(flag(values, "is_withdrawn"))
    units = quantity(values, "quantity")
    _needed(values, "outcome_id")
    return {
        "event_id": safe("event_id"),
        "outcome_id": safe("outcome_id"),
        "outcome_type": outcome_type,
        "charge_date": occurred_at.date(),
        "occurred_at": occurred_at,
        "recorded_at": _instant(values, "recorded_at"),
        "revision": _revision(values),
        "is_withdrawn": is_withdrawn,
        "result": _result(values, is_withdrawn=is_withdrawn),
        "confidence": confidence,
        "quantity": Decimal(1) if units is None else units,
        "value_amount": plain_money(values, "value_amount") if has_value else None,
        "value_currency": currency(values, "value_currency", None) if has_value else None,
        "quality_score": quantity(values, "quality_score"),
        "quality_scale": text(values, "quality_scale"),
        "reverses": safe("reverses"),
        **{f"ref_{name}": all_safe(name) for name in _REFS},
        "attribution_window_s": count(values, "attribution_window_s"),
        "application_hint": safe("application"),
    }


def _revision(values: Values) -> int:
    revision = count(values, "revision") or 0
    if revision >= 2**31:
        raise RowError("count_form", "revision", revision)
    return revision


def flat_event(event: object, counters: Counter[str]) -> dict[str, object]:
    """A CloudEvent as the columns of the CSV form.

    Raises:
        RowError: It is not such an event.
    """
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        raise RowError("not_an_event")
    if event.get("specversion") != "1.0":
        raise RowError("not_an_event", "specversion")
    kind = _TYPE.fullmatch(_needed(event, "type"))
    if not kind:
        raise RowError("event_type", "type", event["type"])
    data = event["data"]
    if data.get("revision") is None:
        raise RowError("missing", "revision")
    _needed(data, "recorded_at")
    hint, refs = data.get("owner_hint"), _refs(data.get("refs"), counters)
    return {
        **{name: data.get(name) for name in COLUMNS},
        **refs,
        "external_id": refs["external_id"] or event.get("subject"),
        "event_id": f"{_needed(event, 'source')} {_needed(event, 'id')}",
        "occurred_at": event.get("time"),
        "is_withdrawn": kind[1] == "withdrawn",
        "application": hint.get("application") if isinstance(hint, dict) else None,
    }


def _refs(refs: object, counters: Counter[str]) -> dict[str, object]:
    """Join keys by kind: a value, or a tuple of several; other kinds are counted."""
    if not isinstance(refs, list):
        raise RowError("missing", "refs")
    found: dict[str, list[object]] = {kind: [] for kind in _REFS}
    for ref in refs:
        if not isinstance(ref, dict):
            raise RowError("not_an_event", "refs")
        kind = "external_id" if ref.get("kind") == "ticket_id" else ref.get("kind")
        if kind not in found:
            counters["dropped_refs"] += 1
        elif ref.get("value") is not None:
            found[str(kind)].append(ref["value"])
    return {kind: _one_or_all(values) for kind, values in found.items()}


def _one_or_all(values: list[object]) -> object:
    return tuple(values) if len(values) > 1 else next(iter(values), None)


def spread(found: Mapping[str, object]) -> list[dict[str, object]]:
    """An outcome as rows: one, or one for each of the several values that a join key has.

    Rows of one outcome and revision differ in their join keys only; all of them join.
    """
    several = {
        name: list(dict.fromkeys(value))
        for name, value in found.items()
        if isinstance(value, tuple)
    }
    count = max((len(values) for values in several.values()), default=1)
    return [
        {**found, **{name: (values + [None] * count)[i] for name, values in several.items()}}
        for i in range(count)
    ]
