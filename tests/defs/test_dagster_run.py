"""What Dagster runs is what `everycent run` runs, and a broken check stops it."""

import csv
import json
import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest

from pipelines import run
from pipelines.defs.resources import WorkspaceFolder
from pipelines.quality import load_suites
from pipelines.workspace import load_workspace
from tests.defs.company import DAYS, FIRST, KEY, LAST

pytestmark = pytest.mark.xdist_group("dagster")


@pytest.fixture(scope="module")
def result(company):
    """The whole pipeline for both days, once."""
    return company.run("daily", tags=dict(DAYS))


def published_bytes(folder: Path) -> dict[str, bytes]:
    """All files of the current version but the DuckDB file, whose pages have no fixed order."""
    current = folder / "published/current"
    return {
        path.relative_to(current).as_posix(): path.read_bytes()
        for path in sorted(current.rglob("*"))
        if path.is_file() and not path.name.startswith("marts.duckdb")
    }


def tick(company, name: str, cursor: str | None = None):
    """Evaluate a sensor once."""
    sensor = company.definitions.resolve_sensor_def(name)
    with dg.build_sensor_context(
        instance=company.instance,
        cursor=cursor,
        resources={"workspace": WorkspaceFolder(folder=str(company.folder))},
    ) as context:
        return sensor.evaluate_tick(context)


def asked_days(ticked) -> list[tuple[str, str]]:
    return [tuple(request.tags[tag] for tag in DAYS) for request in ticked.run_requests]


def test_a_run_publishes(result, company):
    assert result.success
    assert (company.folder / "published/current/marts.duckdb").exists()


def test_a_dagster_run_and_a_plain_run_publish_the_same_bytes(result, company, tmp_path):
    folder = tmp_path / "plain"
    shutil.copytree(
        company.folder, folder, ignore=shutil.ignore_patterns("published", ".everycent")
    )
    run.run(load_workspace(folder, {"EVERYCENT_PSEUDONYM_KEY": KEY}))

    assert published_bytes(folder) == published_bytes(company.folder)


def test_every_suite_was_judged(result):
    """A check nobody evaluates is decoration."""
    judged = {evaluation.check_name for evaluation in result.get_asset_check_evaluations()}

    assert judged >= set(load_suites())


def test_warnings_are_shown_and_stop_nothing(result):
    broken = [e for e in result.get_asset_check_evaluations() if not e.passed]

    assert {e.severity for e in broken} == {dg.AssetCheckSeverity.WARN}


def test_a_published_version_tells_its_money_per_currency(result):
    [published] = result.asset_materializations_for_node("publish")

    billed = published.metadata["billed_cost_USD"].value
    assert isinstance(billed, str)
    assert Decimal(billed) > 0


def test_rows_of_several_days_are_not_called_rows_of_each(result):
    tables = result.asset_materializations_for_node("warehouse")

    assert {t.partition for t in tables} == {FIRST, LAST}
    assert not any("dagster/row_count" in t.metadata for t in tables)


def test_the_instance_knows_no_secret_and_no_person(result, company):
    """Dagster's database is read by more people than the lake."""
    kept = "\n".join(str(entry) for entry in company.instance.all_logs(result.run_id))
    kept += str(company.instance.get_run_by_id(result.run_id))
    with (company.folder / "reference/users.csv").open(newline="") as file:
        people = [row["user_id"] for row in csv.DictReader(file)]

    assert people
    assert [secret for secret in (KEY, *people) if secret in kept] == []


def test_the_schedule_asks_for_the_last_whole_day(company):
    schedule = company.definitions.resolve_schedule_def("every_morning")
    with dg.build_schedule_context(
        instance=company.instance,
        repository_def=company.definitions.get_repository_def(),
        scheduled_execution_time=datetime(2026, 9, 3, 6, tzinfo=UTC),
    ) as context:
        [request] = schedule.evaluate_tick(context).run_requests

    assert request.partition_key == LAST


def test_a_late_file_causes_exactly_its_source_and_its_day_to_be_done_again(result, company):
    first = tick(company, "changed_files")
    assert [r.asset_selection for r in first.run_requests] == [
        [dg.AssetKey(["landing", "gateway_eu"])],
        [dg.AssetKey(["landing", "openai_bill"])],
    ]
    assert not tick(company, "changed_files", first.cursor).run_requests
    assert not tick(company, "changed_days").run_requests

    shutil.copy(company.late_file, company.folder / "inbox/gateway_eu" / LAST)
    [request] = tick(company, "changed_files", first.cursor).run_requests
    assert request.asset_selection == [dg.AssetKey(["landing", "gateway_eu"])]
    assert company.run("land", asset_selection=request.asset_selection).success

    pending = tick(company, "changed_days")
    assert asked_days(pending) == [(LAST, LAST)]
    assert not tick(company, "changed_days", pending.cursor).run_requests
    assert company.run("compute_and_publish", partition_key=LAST).success
    assert not tick(company, "changed_days").run_requests


def test_a_blocking_check_stops_the_publication(company, simulated, tmp_path):
    """The landing record is made to lie: a record more was read than it accounts for."""
    folder = tmp_path / "acme"
    shutil.copytree(simulated, folder)
    workspace = WorkspaceFolder(folder=str(folder))
    stopped = company.definitions.resolve_job_def("compute_and_publish")
    run.land_source(workspace.load(), "gateway_eu")
    record = min((folder / ".everycent/lake").rglob("*.json"))
    landed = json.loads(record.read_text())
    landed["files"][0]["rows_read"] += 1
    record.write_text(json.dumps(landed))

    outcome = stopped.execute_in_process(
        instance=company.instance,
        resources={"workspace": workspace},
        tags=dict(DAYS),
        raise_on_error=False,
    )
    [broken] = [e for e in outcome.get_asset_check_evaluations() if e.check_name == "landing"]

    assert not outcome.success
    assert (broken.passed, broken.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert broken.metadata["first_broken"].records[0].data["counter"] == "dispositions_unbalanced"
    assert [e.step_key for e in outcome.get_step_success_events()] == []
    assert not (folder / "published").exists()
    assert run.warehouse_of(workspace.load()).index().parts == ()
