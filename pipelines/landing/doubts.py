"""Usage that readers were told and did not count, or counted on a guess: shown by feed."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import pyarrow as pa

from models.landing import Landed

DOUBTS = frozenset(
    {
        "amounts_that_do_not_add_up",
        "first_sum_of_a_fork",
        "iterations_contradict_usage",
        "replay_told_by_pace",
        "result_below_messages",
        "tokens_that_do_not_add_up",
        "totals_that_differ_from_their_parts",
        "unread_event",
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
    for record in landed:
        found[record.source].update({n: c for n, c in record.counters.items() if n in DOUBTS})
    rows = [
        {
            "suite": "readings",
            "partition": source,
            "counter": "usage_in_doubt",
            "value": doubts.total(),
            "examples": ", ".join(f"{name} {doubts[name]}" for name in sorted(doubts)) or None,
        }
        for source, doubts in sorted(found.items())
    ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)
