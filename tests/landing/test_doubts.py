"""What readers are not sure of is shown per source."""

from pathlib import Path

import pyarrow as pa

import pipelines.sources
from models.landing import Landed
from pipelines.landing.doubts import DOUBTS, reading_counters
from pipelines.quality import judge

SOURCES = Path(pipelines.sources.__path__[0])


def landed(number, source, **counters):
    return Landed(
        landing_id=f"{source}.{number:016x}",
        source=source,
        kind="any",
        files=(),
        parts=(),
        counters=counters,
    )


def test_doubts_of_a_source_are_added_and_named_and_other_notes_are_not():
    records = [
        landed(1, "agents", replay_told_by_pace=2, made_by_client=9),
        landed(2, "agents", replay_told_by_pace=1, unread_event=4),
        landed(3, "gateway", made_by_client=1),
    ]
    table = reading_counters(records, ["agents", "nothing_yet"])
    sources = ["agents", "gateway", "nothing_yet"]
    others = table.set_column(2, "counter", pa.array(["files_mostly_set_aside"] * len(sources)))
    others = others.set_column(3, "value", pa.array([0] * len(sources)))
    judged = judge(pa.concat_tables([table, others]), ["readings"])
    results = [r for r in judged if r.counter == "usage_in_doubt"]

    assert {r.partition: (r.value, r.passed) for r in results} == {
        "agents": ("7", False),
        "gateway": ("0", True),
        "nothing_yet": ("0", True),
    }
    assert results[0].message.endswith("Among them: replay_told_by_pace 3, unread_event 4.")


def test_doubts_are_notes_that_readers_make():
    written = "".join(path.read_text() for path in SOURCES.glob("*.py"))

    assert {n for n in DOUBTS if f'"{n}"' not in written and f"'{n}'" not in written} == set()


def test_counts_that_nobody_reads_are_named_with_what_they_cost_by_the_log():
    costs = {"unread_usage:tool_usage_cost": 2, "unread_cost_picos": 20_000_000_000}
    records = [
        landed(1, "gateway", **costs, dropped_tags=3),
        landed(2, "gateway", **{"unread_usage:maps": 1}),
        landed(3, "other"),
    ]
    rows = {row["partition"]: row for row in reading_counters(records, []).to_pylist()}

    assert rows["gateway"]["value"] == 3
    assert rows["gateway"]["examples"] == (
        "unread_usage:maps 1, unread_usage:tool_usage_cost 2, of 0.02 USD by the log"
    )
    assert (rows["other"]["value"], rows["other"]["examples"]) == (0, None)
