"""Business outcomes: what came of the tasks, as CloudEvents from the systems of record."""

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.duck import connect
from pipelines.truth.company import WORKLOADS
from pipelines.truth.json_sql import MACROS, Sql, Tree, concat, pool, text_of
from pipelines.truth.output import plain_table, write

RECORDED_PCT, SUCCESS_PCT, WITHDRAWN_PCT = 75, 80, 6
"""Tasks with an outcome; outcomes that are a success; outcomes taken back a day later."""

_TYPES = tuple(w.outcome_type or "" for w in WORKLOADS)
_SOURCES = {
    "ticket_resolved": "https://helpdesk.acme.example",
    "pr_merged": "https://git.acme.example",
    "": "",
}

_EVENT: Tree = {
    "specversion": "1.0",
    "id": text_of("concat(outcome_id, '-', revision)"),
    "source": pool("sources", "workload"),
    "type": text_of("if(revision = 0, 'ai.outcome.recorded.v1', 'ai.outcome.withdrawn.v1')"),
    "subject": text_of("concat('ticket/', task_id)"),
    "time": text_of("instant(occurred_us)"),
    "datacontenttype": "application/json",
    "data": {
        "outcome_id": text_of("outcome_id"),
        "outcome_type": pool("types", "workload"),
        "result": text_of("if(revision = 0, result, 'failure')"),
        "confidence": text_of("if(roll % 10 < 7, 'confirmed', 'assumed')"),
        "quantity": "1",
        "value_amount": text_of("concat(5 + roll % 40, '.50')"),
        "value_currency": "USD",
        "recorded_at": text_of("instant(occurred_us + 60000000 + revision * 86400000000)"),
        "revision": Sql("revision"),
        "refs": Sql(
            'concat(\'[{"kind":"task_id","value":"\', task_id,'
            ' \'"},{"kind":"trace_id","value":"\', trace_id, \'"}]\')'
        ),
    },
}
_LINES = f"""
with revised as (
    select
        *,
        unnest(if(is_withdrawn, [0, 1], [0])) as revision
    from outcomes
)

select concat({concat(_EVENT)}, chr(10)) as line
from revised
order by occurred_us, outcome_id, revision
"""  # noqa: S608


def outcomes_of(attempts: pl.DataFrame, day: date) -> pl.DataFrame:
    """The outcomes of the tasks that began on a day.

    Args:
        attempts: Identified attempts of the day.
        day: The day.

    Returns:
        One row per outcome: `outcome_id`, `workload`, `task_id`, `trace_id`, `occurred_us`,
        `result` (as first recorded), `is_withdrawn`, `roll`.
    """
    has_type = [code for code, name in enumerate(_TYPES) if name]
    of_day = pl.col("workload").is_in(has_type) & (pl.col("drawn_on") == day)
    tasks = (
        attempts.filter(of_day & pl.col("is_written"))
        .group_by("workload", "task_id", "trace_id")
        .agg(
            (pl.col("started_us") + pl.col("duration_ms") * 1000).max().alias("ended_us"),
            pl.col("roll").min(),
        )
        .filter(pl.col("roll") % 100 < RECORDED_PCT)
        .sort("workload", "task_id")
    )
    is_success = pl.col("roll") // 100 % 100 < SUCCESS_PCT
    return tasks.select(
        pl.concat_str(
            pl.Series(_TYPES).gather(tasks["workload"]), pl.lit("-"), pl.col("task_id")
        ).alias("outcome_id"),
        "workload",
        "task_id",
        "trace_id",
        (pl.col("ended_us") + 30_000_000).alias("occurred_us"),
        pl.when(is_success).then(pl.lit("success")).otherwise(pl.lit("failure")).alias("result"),
        (is_success & (pl.col("roll") // 1000 % 100 < WITHDRAWN_PCT)).alias("is_withdrawn"),
        "roll",
    )


class OutcomeWriter:
    """Writes a file of outcome events per day.

    Args:
        inbox: The workspace's inbox.
    """

    def __init__(self, inbox: Path) -> None:
        self._folder = inbox / "outcomes"
        self._con: duckdb.DuckDBPyConnection = connect()
        self._con.execute(MACROS)

    def close(self) -> None:
        """Let go of the database that renders the lines."""
        self._con.close()

    def write_day(self, day: date, outcomes: pl.DataFrame) -> None:
        """Write the events of one day's outcomes; without outcomes, an empty file."""
        self._con.register("outcomes", plain_table(outcomes))
        pools = {"types": list(_TYPES), "sources": [_SOURCES[t] for t in _TYPES]}
        lines: pa.Table = self._con.sql(_LINES, params=pools).to_arrow_table()
        self._con.unregister("outcomes")
        content = "".join(lines["line"].to_pylist())
        write(self._folder / f"{day}.jsonl", content.encode("ascii"))


def truth_of(outcomes: pl.DataFrame, day: date) -> pl.DataFrame:
    """What remains of the outcomes in the end: one row each, `result` after all revisions."""
    types = pl.Series("outcome_type", _TYPES).gather(outcomes["workload"])
    return outcomes.with_columns(types).select(
        "outcome_id",
        "outcome_type",
        "task_id",
        "trace_id",
        pl.from_epoch("occurred_us", "us").dt.replace_time_zone("UTC").alias("occurred_at"),
        pl.lit(day).alias("began_on"),
        pl.when("is_withdrawn").then(pl.lit("failure")).otherwise("result").alias("result"),
        "is_withdrawn",
    )
