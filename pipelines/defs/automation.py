"""When things run: a daily schedule, and sensors for files that came late or changed."""

import hashlib
import json
from collections.abc import Iterable
from datetime import timedelta

import dagster as dg

from pipelines import run
from pipelines.defs.errors import without_values
from pipelines.defs.keys import landing_key
from pipelines.defs.partitions import days, ranges
from pipelines.defs.resources import WorkspaceFolder, settings

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

LAND = dg.define_asset_job(
    "land",
    selection=dg.AssetSelection.groups("landing"),
    description="Read what is new in the sources' folders.",
)
COMPUTE = dg.define_asset_job(
    "compute_and_publish",
    selection=dg.AssetSelection.groups("staging", "intermediate", "marts", "published"),
    description="Recompute a range of days, judge them, and publish.",
)
DAILY = dg.define_asset_job(
    "daily",
    selection=dg.AssetSelection.groups("landing", "staging", "intermediate", "marts", "published"),
    description="Land everything, recompute one day, and publish.",
)


@dg.definitions
def automation() -> dg.Definitions:
    """Jobs, the daily schedule and the sensors. All are off until an operator turns them on."""
    return dg.Definitions(
        jobs=[LAND, COMPUTE, DAILY],
        schedules=[every_morning],
        sensors=[changed_files, changed_days],
    )


@dg.schedule(job=DAILY, cron_schedule="0 6 * * *", execution_timezone="UTC")
def every_morning(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Land everything and recompute yesterday, the last whole UTC day."""
    yesterday = context.scheduled_execution_time.date() - timedelta(days=1)
    return dg.RunRequest(run_key=yesterday.isoformat(), partition_key=yesterday.isoformat())


@dg.sensor(job=LAND, minimum_interval_seconds=60)
def changed_files(
    context: dg.SensorEvaluationContext, workspace: WorkspaceFolder
) -> dg.SensorResult:
    """Land a source when a file in its folder is new or changed. Compares names, sizes, times."""
    with without_values():
        listed = run.new_files(workspace.load())
    before = json.loads(context.cursor or "{}")
    now = {source: _digest(files) for source, files in sorted(listed.items())}
    requests = [
        dg.RunRequest(run_key=f"{source}:{digest}", asset_selection=[landing_key(source)])
        for source, digest in now.items()
        if before.get(source) != digest
    ]
    return dg.SensorResult(run_requests=requests, cursor=json.dumps(now))


@dg.sensor(job=COMPUTE, minimum_interval_seconds=60)
def changed_days(
    context: dg.SensorEvaluationContext, workspace: WorkspaceFolder
) -> dg.SensorResult | dg.SkipReason:
    """Recompute the days whose inputs changed, one run per unbroken range of days.

    Days that stay pending after a run were stopped by the gate. They are asked for again when
    something was corrected, not every minute.
    """
    if context.instance.get_runs_count(dg.RunsFilter(statuses=_UNFINISHED)):
        return dg.SkipReason("A run is under way and may still change which days are pending.")
    with without_values():
        pending = run.pending_inputs(workspace.load())
    cursor = _digest(pending.values())
    if context.cursor == cursor:
        return dg.SkipReason("Nothing changed since these days were asked for, if there are any.")
    known = set(days(settings()).get_partition_keys())
    unknown = sorted(day.isoformat() for day in pending if day.isoformat() not in known)
    if unknown:
        context.log.error(
            "%d days from %s to %s are not partitions. Set an earlier first_day in "
            "everycent.yaml, or compute them with `everycent run`.",
            len(unknown),
            unknown[0],
            unknown[-1],
        )
    requests = [
        dg.RunRequest(tags={RANGE_START: first.isoformat(), RANGE_END: last.isoformat()})
        for first, last in ranges(day for day in pending if day.isoformat() in known)
    ]
    return dg.SensorResult(run_requests=requests, cursor=cursor)


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]
