"""Usage as the Messages API counts it: one record's counts, and the passes it leaves out.

The record of a message sums the passes of that message. What the provider ran beside it - an
advisor of another AI model, a compaction of the context - is listed under `iterations` only, and is
a call of its own. Which passes are inside is told by the numbers; where these fit nothing, by the
passes' names.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipelines.sources.agent_sessions import Call, Line, items, member
from pipelines.sources.call_sql import EXCLUSIVE, INCLUSIVE, Totals

TOTALS = Totals(
    EXCLUSIVE, INCLUSIVE, "As the Messages API counts: cache beside the input, reasoning inside."
)
CONTRADICTION = "iterations_contradict_usage"

_COUNTS = (
    "input_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "output_tokens",
)
_LIFETIMES = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
_OWN = ("message", "fallback_message")
"""Passes of the message itself: the second answered where the first AI model declined."""
_INSIDE = (("message",), _OWN, ("fallback_message",))
"""Which passes a record may sum, the likeliest first."""
_ROLES = {"compaction": "router", "advisor_message": "tool", "fallback_message": "fallback"}


class Pass(NamedTuple):
    """A pass beside the message: its place in the list, what it is for, and its record."""

    name: str
    role: str
    used: Line


def counts(used: Line) -> Call:
    """The counts of one usage record by our names, as they are."""
    five_minutes, one_hour = _lifetimes(used)
    return {
        "reported_input": used.get("input_tokens"),
        "cache_read": used.get("cache_read_input_tokens"),
        "cache_write": used.get("cache_creation_input_tokens"),
        "cache_write_5m": five_minutes,
        "cache_write_1h": one_hour,
        "reported_output": used.get("output_tokens"),
        "reasoning": member(used, "output_tokens_details").get("thinking_tokens"),
        "web_searches": member(used, "server_tool_use").get("web_search_requests"),
    }


def _lifetimes(used: Line) -> tuple[object, object]:
    """Cache writes by lifetime. A record of several passes may hold those of one of them only."""
    told = member(used, "cache_creation")
    written = counted(used, "cache_creation_input_tokens")
    passes = [one for one in items(used, "iterations") if one.get("type") in _OWN]
    if passes and sum(counted(told, name) for name in _LIFETIMES) != written:
        summed = Counter[str]()
        for one in passes:
            split = member(one, "cache_creation")
            summed.update({name: counted(split, name) for name in _LIFETIMES})
        if summed.total() == written:
            told = summed
    five_minutes, one_hour = (told.get(name) for name in _LIFETIMES)
    return five_minutes, one_hour


def tier(used: Line) -> object:
    """The price level of a record: `speed` counts before the tier it stands beside."""
    return "fast" if used.get("speed") == "fast" else used.get("service_tier")


def passes_beside(used: Line) -> tuple[Sequence[Pass], str | None]:
    """The passes that a record leaves out, and a note if its parts do not add up to it."""
    passes = list(items(used, "iterations"))
    if not passes:
        return (), None
    kinds = [str(one.get("type") or "message") for one in passes]
    inside = _inside(used, passes, kinds)
    beside = [
        Pass(f"{kind}:{place}", _ROLES.get(kind, "unknown"), one)
        for place, (kind, one) in enumerate(zip(kinds, passes, strict=True), start=1)
        if kind not in (_OWN if inside is None else (*inside, "message"))
    ]
    return beside, CONTRADICTION if inside is None else None


def _inside(used: Line, passes: Sequence[Line], kinds: Sequence[str]) -> tuple[str, ...] | None:
    """The kinds of passes whose sum the record is; None if it is that of none."""
    told = tuple(counted(used, name) for name in _COUNTS)
    for chosen in (*_INSIDE, tuple(kinds)):
        summed = [one for one, kind in zip(passes, kinds, strict=True) if kind in chosen]
        if summed and told == tuple(sum(counted(one, n) for one in summed) for n in _COUNTS):
            return chosen
    return None


def counted(record: Mapping[str, object], name: str) -> int:
    """A count for comparing and adding; whether it is a good one is judged later."""
    value = record.get(name)
    return value if isinstance(value, int) else 0
