import json
import shutil
from decimal import Decimal

import pytest


@pytest.fixture(scope="module")
def report(everycent, ran):
    result = everycent("run", ran, "--json")
    assert result.exit_code == 1
    return json.loads(result.stdout)


def test_the_summary_shows_every_part_of_every_invoice(first_run):
    text = first_run.stdout
    for word in ("anthropic", "openai", "aws", "invoice", "attributed", "difference", "tied"):
        assert word in text
    assert "unlogged_usage: billed, but no gateway logged it" in text


def test_the_summary_names_refused_and_quarantined_files_with_what_to_do(first_run):
    refused = [line for line in first_run.stdout.splitlines() if line.startswith("Refused")]
    assert len(refused) == 1
    assert "truncated_gzip" in refused[0]
    assert "Deliver it again" in refused[0]
    assert "row 8: bad_time" in first_run.stdout


def test_the_summary_ends_with_places_that_exist_and_a_query(first_run, company):
    for name in ("marts.duckdb", "chargeback", "report"):
        assert (company / "published" / "current" / name).exists()
        assert f"current/{name}" in first_run.stdout
    assert 'Try:  everycent query "' in first_run.stdout


def test_places_below_the_current_folder_are_shown_as_one_would_type_them(
    everycent, ran, monkeypatch
):
    monkeypatch.chdir(ran)
    text = everycent("run").stdout
    assert "Analysts:  published/current/marts.duckdb" in text


def test_parts_of_each_statement_add_up_to_its_invoice(report):
    for statement in report["statements"]:
        parts = sum(map(Decimal, statement["parts"].values()))
        assert parts == Decimal(statement["invoice_total"])
        assert statement["difference"] == "0"


def test_coverage_is_exact_and_never_rounded_up_to_all(report):
    [owned] = report["owned"]
    total = sum(Decimal(s["statement_total"]) for s in report["statements"])
    assert Decimal(owned["total"]) == total
    assert Decimal(owned["owned"]) < total
    assert report["owned_calls"] < report["all_calls"] < 400


def test_a_second_run_lands_and_computes_nothing(report):
    assert report["run"]["computed"]["days"] == []
    assert {landing["files"] for landing in report["run"]["landings"]} == {0}
    assert report["run"]["published"]["changed"] is False


def test_days_outside_the_range_wait(everycent, company, tmp_path):
    folder = tmp_path / "acme"
    shutil.copytree(company, folder, ignore=shutil.ignore_patterns(".everycent", "published"))
    result = everycent("run", folder, "--to", "2026-09-02", "--json")
    assert result.exit_code == 1, result.output
    assert json.loads(result.stdout)["run"]["computed"]["days"] == ["2026-09-01"]
    assert json.loads(everycent("status", folder, "--json").stdout)["pending_days"] == [
        "2026-09-02"
    ]


def test_status_counts_files_rows_and_what_was_set_aside(everycent, ran):
    status = json.loads(everycent("status", ran, "--json").stdout)
    gateway = {s["source"]: s for s in status["sources"]}["gateway_eu"]
    assert (gateway["rows_quarantined"], gateway["waiting"]) == (4, 1)
    assert gateway["last_day"] == "2026-09-02"
    assert gateway["missing_days"] == []
    assert status["version"] in status["versions"]
    assert len(status["quarantined"]) == 4
    assert all(row["next_action"] for row in status["quarantined"])


def test_status_shows_the_quarantine_as_a_table(everycent, ran):
    text = everycent("status", ran).stdout
    assert "not_an_object" in text
    assert "next action" in text


def test_status_lists_twenty_records_unless_asked_for_all(everycent, ran, monkeypatch):
    monkeypatch.setattr("pipelines.commands.status.SHOWN", 2)
    assert "2 more: `everycent status --all`" in everycent("status", ran).stdout
    assert "more: `everycent" not in everycent("status", "--all", "-w", ran).stdout


def test_a_published_version_verifies_until_a_byte_changes(everycent, ran, tmp_path):
    assert everycent("verify", ran).exit_code == 0
    copy = tmp_path / "acme"
    shutil.copytree(ran, copy, symlinks=True)
    table = next((copy / "published").glob("v=*/chargeback/*/summary.csv"))
    table.write_bytes(table.read_bytes() + b"\n")
    result = everycent("verify", copy)
    assert result.exit_code == 1
    assert "summary.csv" in result.stdout


def test_rollback_takes_kept_versions_only(everycent, ran):
    version = json.loads(everycent("status", ran, "--json").stdout)["version"]
    assert everycent("rollback", version, ran).exit_code == 0
    unknown = everycent("rollback", "0000", ran)
    assert unknown.exit_code == 2
    assert version in unknown.stderr


def test_content_of_records_is_never_shown(everycent, tmp_path):
    faults = ("malformed_lines", "planted_canaries", "hostile_tags")
    words = [word for fault in faults for word in ("--fault", fault)]
    everycent("simulate", tmp_path / "acme", "--days", 1, "--calls", 100, *words)
    shown = [
        everycent(*words, tmp_path / "acme")
        for words in (("run",), ("run", "--json"), ("status", "--all"), ("status", "--json"))
    ]
    assert [result.exit_code for result in shown] == [0, 0, 0, 0]
    assert not any("CANARY" in result.output for result in shown)


def test_a_workspace_that_never_ran_has_nothing_published(everycent, tmp_path):
    everycent("init", tmp_path / "new")
    assert "Published: nothing yet" in everycent("status", tmp_path / "new").stdout
    for words in (("verify",), ("explain", "x"), ("export", "--to", tmp_path / "out")):
        result = everycent(*words, "--workspace", tmp_path / "new")
        assert result.exit_code == 2
        assert "everycent run" in result.stderr
