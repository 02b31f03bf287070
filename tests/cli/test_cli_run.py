import json
import re
import shutil
from decimal import Decimal

import pytest

from pipelines.percent import percent


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
    net = sum(Decimal(s["statement_total"]) for s in report["statements"])
    gross = sum(Decimal(s["gross_cost"]) for s in report["statements"])
    assert Decimal(owned["total"]) == gross > net
    assert Decimal(owned["owned"]) < gross
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


@pytest.fixture
def fresh(everycent, tmp_path):
    """A small company without faults, not run yet."""
    folder = tmp_path / "acme"
    everycent("simulate", folder, "--days", 2, "--calls", 200)
    return folder


def raised_invoice(folder, by):
    """Ask for more on the first invoice; returns its issuer."""
    path = folder / "reference" / "invoices.csv"
    header, first, *rest = path.read_text("utf-8").splitlines()
    cells = dict(zip(header.split(","), first.split(","), strict=True))
    cells["total_amount"] = str(Decimal(cells["total_amount"]) + Decimal(by))
    path.write_text("\n".join([header, ",".join(cells.values()), *rest, ""]), "utf-8")
    return cells["issuer"]


def test_everything_that_ties_out_is_exit_code_0(everycent, fresh):
    assert everycent("run", fresh).exit_code == 0


@pytest.mark.parametrize("by", ["0.50", "-0.50"])
def test_an_unexplained_difference_is_shown_as_that_and_is_not_green(everycent, fresh, by):
    issuer = raised_invoice(fresh, by)
    result = everycent("run", fresh)
    again = json.loads(everycent("run", fresh, "--json").stdout)

    assert result.exit_code == 1
    assert "Not green" in result.stdout
    [row] = [line for line in result.stdout.splitlines() if line.startswith(" difference")]
    assert row.split().count(by) == 1
    assert "unexplained" in result.stdout
    [statement] = [s for s in again["statements"] if s["issuer"] == issuer]
    assert Decimal(statement["difference"]) == Decimal(by)
    [owned] = again["owned"]
    assert 0 < Decimal(owned["owned"]) < Decimal(owned["total"])
    page = next((fresh / "published/current/report").glob("*.html")).read_text("utf-8")
    assert "does not tie out" in page
    assert f">{by} USD<" in page.replace("\n", "")


def test_the_page_the_terminal_and_the_mart_say_the_same_of_what_is_owned(everycent, fresh):
    shown = everycent("run", fresh).stdout
    query = (
        "select sum(owned_gross_cost) as owned, sum(gross_cost) as gross from mart_invoice_tie_out"
    )
    [sums] = json.loads(everycent("query", query, fresh, "--json").stdout)
    share = percent(Decimal(sums["owned"]), Decimal(sums["gross"]))
    page = next((fresh / "published/current/report").glob("*.html")).read_text("utf-8")

    assert f"Owned: {share} of the USD" in shown
    assert re.search(rf"<td>owned</td>\s*<td class=\"number\">{re.escape(share)}</td>", page)


def test_the_default_cost_centre_pays_the_rest_and_it_is_said(everycent, fresh):
    centers = (fresh / "reference" / "cost_centers.csv").read_text("utf-8").splitlines()
    center = centers[1].split(",")[0]
    before = everycent("run", fresh).stdout
    with (fresh / "everycent.yaml").open("a") as settings:
        settings.write(f"\ndefault_cost_center: {center}\n")
    result = everycent("run", fresh)
    query = (
        "select line_kind, sum(amount) as amount, count(*) filter (where cost_center_id is null)"
        " as unpaid from mart_chargeback_monthly group by line_kind"
    )
    rows = json.loads(everycent("query", query, fresh, "--json").stdout)

    assert result.exit_code == 0
    assert "The default cost centre pays" in result.stdout
    assert {row["unpaid"] for row in rows} == {0}
    assert _owned(result.stdout) == _owned(before)


def _owned(text):
    return next(line for line in text.splitlines() if line.startswith("Owned"))


def test_a_bill_set_aside_is_not_green_until_it_is_replaced(everycent, tmp_path):
    folder = tmp_path / "own"
    everycent("init", folder)
    (folder / "everycent.yaml").write_text(OWN, "utf-8")
    (folder / "inbox" / "bill").mkdir()
    bill = folder / "inbox" / "bill" / "october.csv"
    bill.write_text("Month,day,amount\n2026-11,03.11.2026,3.00\n2026-11,04.11.2026,5.00\n", "utf-8")

    first = everycent("run", folder)
    bill.write_text("Month,day,amount\n2026-11,2026-11-03,3.00\n2026-11,04.11.2026,5.00\n", "utf-8")
    half = everycent("run", folder)
    bill.write_text("Month,day,amount\n2026-11,2026-11-03,3.00\n2026-11,2026-11-04,5.00\n", "utf-8")
    mended = everycent("run", folder)

    assert (first.exit_code, half.exit_code, mended.exit_code) == (1, 1, 0)
    assert "every record was set aside (2)" in first.stdout
    assert "1 record of a bill set aside" in half.stdout
    assert "Not green" not in mended.stdout
    assert "Quarantined" not in mended.stdout


OWN = """
company: own
reporting_currency: USD
sources:
  - source: bill
    kind: mapped
    location: inbox/bill
    issuer: vendor
    billing_account_id: a-1
    billing_currency: USD
    mapping:
      fact: charges
      format: csv
      delivery: snapshot
      scope: column('Month')
      columns:
        billing_period: column('Month')
        charge_date: day
        billed_cost: amount
        charge_category: "'Usage'"
        service_category: "'AI and Machine Learning'"
"""
