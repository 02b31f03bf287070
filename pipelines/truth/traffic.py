"""What happened on one day: every attempt to get an answer, as whole numbers and codes.

Token counts are drawn from real requests (`data_samples/request_traces`). All arithmetic is on
integers, so the same plan gives the same attempts on any machine.
"""

import csv
import gzip
import io
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.truth.catalogue import DEPLOYMENT_IDS
from pipelines.truth.company import WORKLOADS, Workload
from pipelines.truth.plan import Plan, midnight_us, shares_of
from pipelines.truth.register import USER_COUNT

Ints = NDArray[np.int64]

TRACE = (
    Path(__file__).parents[2] / "data_samples" / "request_traces" / "azure_llm_code_tokens.csv.gz"
)
SUCCESS, FAILURE, CACHE_HIT = 0, 1, 2
"""Codes of the column `status`."""
CUSTOMER_COUNT = 5000
_DAY_MS = 86_400_000
_TO_NOON = (2, 1, 1, 1, 2, 4, 12, 30, 60, 80, 90, 86)
_TO_MIDNIGHT = (62, 78, 88, 82, 70, 48, 28, 18, 12, 8, 5, 3)
_HOUR_WEIGHTS = (*_TO_NOON, *_TO_MIDNIGHT)
"""How busy each UTC hour is, relative to the others."""
_FAILURE_PERMILLE = 25
_FALLBACK_PCT = 40


@cache
def _trace() -> tuple[Ints, Ints]:
    text = gzip.decompress(TRACE.read_bytes()).decode("ascii")
    rows = list(csv.DictReader(io.StringIO(text)))
    context = np.array([int(row["ContextTokens"]) for row in rows], dtype=np.int64)
    generated = np.array([int(row["GeneratedTokens"]) for row in rows], dtype=np.int64)
    return context, generated


def _jitter(rng: np.random.Generator, counts: Ints, pct: int) -> Ints:
    scaled: Ints = counts * pct * rng.integers(80, 121, counts.size) // 10_000
    return scaled


def _tasks(rng: np.random.Generator, count: int, max_steps: int) -> tuple[Ints, Ints]:
    """Task number within the workload's day, and step within the task, per attempt."""
    ends = np.cumsum(rng.integers(1, max_steps + 1, count))
    attempt = np.arange(count, dtype=np.int64)
    task = np.searchsorted(ends, attempt, side="right").astype(np.int64)
    first = np.concatenate(([0], ends))[task]
    return task, attempt - first


def _tokens(rng: np.random.Generator, workload: Workload, step: Ints) -> dict[str, Ints]:
    """Disjoint token counts of each attempt, as if it succeeded."""
    context, generated = _trace()
    drawn = rng.integers(0, context.size, step.size)
    total = np.maximum(1, _jitter(rng, context[drawn], workload.input_pct))
    output = _jitter(rng, generated[drawn], workload.output_pct)
    output = np.maximum(output, 1 if workload.output_pct else 0)
    zero = np.zeros_like(total)
    read, write_5m, write_1h = zero, zero, zero
    pct = rng.integers(30, 91, step.size)
    if workload.cache == "read":
        read = np.where(rng.integers(0, 100, step.size) < 60, total * pct // 100, 0)
    elif workload.cache:
        read = np.where(step > 0, total * pct // 100, 0)
        write = np.where(step == 0, total * pct // 100, (total - read) * 40 // 100)
        # an agent keeps its system prompt for an hour and the conversation for five minutes
        write_1h = np.where(step == 0, write, 0) if workload.cache == "1h" else zero
        write_5m = write - write_1h
    return {
        "input_uncached": total - read - write_5m - write_1h,
        "cache_read": read,
        "cache_write_5m": write_5m,
        "cache_write_1h": write_1h,
        "output": output,
        "reasoning": output * rng.integers(0, workload.reasoning_pct + 1, step.size) // 100,
        "web_search": rng.integers(0, workload.max_searches + 1, step.size),
    }


def _times(
    rng: np.random.Generator, task: Ints, step: Ints, tokens: dict[str, Ints]
) -> dict[str, Ints]:
    """Start, duration and first token in milliseconds after midnight; a task may run past it."""
    ladder = np.cumsum(np.array(_HOUR_WEIGHTS))
    count = task.size
    hour = np.searchsorted(ladder, rng.integers(0, ladder[-1], count), side="right")
    task_start = (hour * 3_600_000 + rng.integers(0, 3_600_000, count))[task]
    spent = tokens["input_uncached"] // 20 + tokens["output"] * 12
    duration = 180 + _jitter(rng, spent, 100) + rng.integers(0, 400, count)
    gap = duration + rng.integers(200, 15_000, count)
    before = np.concatenate(([0], np.cumsum(gap)[:-1]))
    first_of_task = np.arange(count) - step
    return {
        "start_ms": task_start + before - before[first_of_task],
        "duration_ms": duration,
        "first_token_ms": np.minimum(duration, 120 + tokens["input_uncached"] // 25),
    }


def _outcome_of_attempts(
    rng: np.random.Generator, workload: Workload, task: Ints
) -> dict[str, Ints]:
    """Which attempts failed, which retried one, and where each was served."""
    count = task.size
    followed = np.append(task[1:] == task[:-1], False)
    failed = (rng.integers(0, 1000, count) < _FAILURE_PERMILLE) & followed
    if workload.gateway is None:
        failed[:] = False
    retries = np.concatenate(([False], failed[:-1]))
    group = np.maximum.accumulate(np.where(retries, 0, np.arange(count)))
    codes = np.array([DEPLOYMENT_IDS.index(d) for d in workload.deployments])
    deployment = codes[rng.integers(0, codes.size, count)][task]
    asked = deployment.copy()
    falls_back = retries & (rng.integers(0, 100, count) < _FALLBACK_PCT)
    if workload.fallback:
        deployment[falls_back] = DEPLOYMENT_IDS.index(workload.fallback)
    return {
        "status": np.where(failed, FAILURE, SUCCESS),
        "group": group,
        "attempt_no": np.arange(count) - group,
        "deployment": deployment,
        "asked": asked,
    }


def _answer_from_gateway_cache(
    rng: np.random.Generator, workload: Workload, columns: dict[str, Ints]
) -> None:
    """Turn some attempts into hits of the gateway's cache, which repeat an earlier answer."""
    count = columns["status"].size
    wanted = rng.integers(0, 100, count) < workload.gateway_cache_pct
    is_source = (columns["status"] == SUCCESS) & ~wanted
    source = np.maximum.accumulate(np.where(is_source, np.arange(count), -1))
    hit = wanted & (columns["status"] == SUCCESS) & (columns["attempt_no"] == 0) & (source >= 0)
    columns["status"][hit] = CACHE_HIT
    columns["source"] = np.where(hit, source, -1)
    for name in ("input_uncached", "cache_read", "output", "reasoning", "deployment", "asked"):
        columns[name][hit] = columns[name][source[hit]]
    columns["duration_ms"][hit] = 4


def _draw(plan: Plan, day: date, code: int, count: int) -> pl.DataFrame:
    workload = WORKLOADS[code]
    rng = plan.random(day, code)
    task, step = _tasks(rng, count, workload.max_steps)
    columns = {"task": task, "step": step}
    columns |= _tokens(rng, workload, step)
    columns |= _times(rng, task, step, columns)
    columns |= _outcome_of_attempts(rng, workload, task)
    _answer_from_gateway_cache(rng, workload, columns)
    people = USER_COUNT if workload.users == "employees" else CUSTOMER_COUNT
    columns["user"] = rng.integers(0, people, count)[task]
    columns["feature"] = rng.integers(0, len(workload.features), count)[task]
    columns["roll"] = rng.integers(0, 1_000_000, count)
    if day == plan.dates[-1]:
        columns["start_ms"] = np.minimum(columns["start_ms"], _DAY_MS - 1)
    frame = pl.DataFrame(columns)
    return frame.select(
        pl.lit(code, pl.Int64).alias("workload"),
        pl.lit(day).alias("drawn_on"),
        (midnight_us(day) + 1000 * pl.col("start_ms")).alias("started_us"),
        pl.all(),
    )


def draw_day(plan: Plan, day: date) -> pl.DataFrame:
    """Every attempt of the tasks that began on one day.

    Returns:
        One row per attempt, sorted by workload and task. `number` counts them within the day;
        `group` and `source` point to the `number` of the first attempt of the same client
        request, and of the call whose answer the gateway's cache repeated (-1: none).
        Failed attempts and cache hits carry token counts too: nothing is billed for them.
    """
    logged = plan.calls_by_day[day]
    through_gateway = [w.weight if w.gateway else 0 for w in WORKLOADS]
    counts = shares_of(logged, through_gateway)
    total = sum(through_gateway)
    frames = []
    first = 0
    for code, workload in enumerate(WORKLOADS):
        count = counts[code] if workload.gateway else -(-logged * workload.weight // total)
        if not count:
            continue
        drawn = _draw(plan, day, code, count)
        frames.append(
            drawn.with_columns(
                (pl.int_range(pl.len(), dtype=pl.Int64) + first).alias("number"),
                pl.col("group") + first,
                pl.when(pl.col("source") >= 0).then(pl.col("source") + first).otherwise(-1),
            )
        )
        first += count
    return pl.concat(frames)


def attempts_by_day(plan: Plan) -> Iterator[tuple[date, pl.DataFrame]]:
    """Each day with the attempts that started on it, in order of time.

    A task that runs past midnight has its later attempts on the next day.
    """
    held = None
    for day in plan.dates:
        drawn = draw_day(plan, day)
        frame = drawn if held is None else pl.concat([held, drawn])
        is_later = pl.col("started_us") >= midnight_us(day) + _DAY_MS * 1000
        held = frame.filter(is_later)
        yield day, frame.filter(~is_later).sort("started_us", "drawn_on", "number")
