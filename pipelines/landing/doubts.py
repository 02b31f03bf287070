"""Usage that readers were told and did not count, or counted on a guess: shown by feed."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal

import pyarrow as pa

from models.landing import Landed

UNREAD = "unread_usage:"
"""Before the names of counts in a call's usage that nobody reads."""

UNREAD_COST = "unread_cost_picos"
"""What logs say that such things cost, in 1e-12 dollars."""

DOUBTS = frozenset(
    {
        "amounts_that_do_not_add_up",
        "first_sum_of_a_fork",
        "iterations_contradict_usage",
        "replay_told_by_pace",
        "result_below_messages",
        "several_batch_models",
        "several_iterations",
        "tokens_that_do_not_add_up",
        "totals_that_differ_from_their_parts",
        "unknown_call_type",
        "unread_event",
        "use_of_management",
    }
)
"""Notes of readers that no other counter shows."""

_SCHEMA = pa.schema(
    [
        ("suite", pa.string()),
        ("partition", pa.string()),
        ("counter", pa.string()),
        ("value", pa.int64()),
        ("examples", pa.string()),
    ]
)


def reading_counters(landed: Iterable[Landed], sources: Iterable[str]) -> pa.Table:
    """Per source: how often its reader had such a doubt, and which doubts these were.

    Args:
        landed: Everything that has landed.
        sources: Feeds of the workspace, also those of which nothing has.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter, {source: Counter() for source in sources})
    costs: Counter[str] = Counter()
    for record in landed:
        found[record.source].update({n: c for n, c in record.counters.items() if _is_doubt(n)})
        costs[record.source] += record.counters.get(UNREAD_COST, 0)
    rows = [
        {
            "suite": "readings",
            "partition": source,
            "counter": "usage_in_doubt",
            "value": doubts.total(),
            "examples": ", ".join(_named(doubts, costs[source])) or None,
        }
        for source, doubts in sorted(found.items())
    ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def _is_doubt(note: str) -> bool:
    return note in DOUBTS or note.startswith(UNREAD)


def _named(doubts: Counter[str], picos: int) -> Iterable[str]:
    yield from (f"{name} {doubts[name]}" for name in sorted(doubts))
    if picos:
        yield f"of {Decimal(picos).scaleb(-12).normalize():f} USD by the log"
