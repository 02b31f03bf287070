import csv
import gzip
import json
import shutil
import subprocess
import sys
from decimal import Decimal

import pytest

from pipelines.duck import connect


@pytest.fixture(scope="module")
def rows(ran):
    """Rows of a query on the published version, as tuples."""

    def query(sql):
        path = ran / "published" / "current" / "marts.duckdb"
        with connect(path, read_only=True) as con:
            return con.execute(sql).fetchall()

    return query


@pytest.fixture
def explained(everycent, ran):
    def call(identity):
        result = everycent("explain", identity, ran, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return call


def test_the_shares_of_a_call_add_up_to_its_cost(explained, rows):
    calls = rows("select call_id, billed_cost from fct_calls where billed_cost > 0 limit 4")
    for call_id, cost in calls:
        [found] = explained(call_id)
        assert sum(Decimal(m["share"]) for m in found["meters"]) == cost


def test_a_call_leads_back_to_its_own_line_of_the_log(explained, rows, ran):
    [(call_id,)] = rows("select call_id from fct_calls where source = 'gateway_eu' limit 1")
    [found] = explained(call_id)
    [origin] = found["origins"]
    assert origin["state"] == "unchanged"
    path = ran / "inbox" / "gateway_eu" / origin["file"]
    line = json.loads(gzip.decompress(path.read_bytes()).splitlines()[origin["row"] - 1])
    for name in ("id", "litellm_call_id"):
        assert call_id in {each["call"]["call_id"] for each in explained(line[name])}


def test_an_owned_call_names_rule_and_register_as_of_its_start(explained, everycent, rows, ran):
    [(call_id, application, rule)] = rows(
        "select call_id, application_id, ownership_rule_id from fct_calls"
        " where owner_state = 'owned' and billed_cost > 0 limit 1"
    )
    [found] = explained(call_id)
    [owner] = found["owners"]
    assert owner["rule"]["rule_id"] == rule
    assert owner["application"]["application_id"] == application
    text = everycent("explain", call_id, ran).stdout
    assert f"by rule {rule}" in text
    assert "The gateway's own figure" in text


def test_a_call_without_an_owner_says_what_to_do(everycent, rows, ran):
    [(call_id,)] = rows("select call_id from fct_calls where owner_state = 'no_rule' limit 1")
    assert "add one to reference/ownership_rules.csv" in everycent("explain", call_id, ran).stdout


def test_every_kind_of_cost_line_leads_back_to_its_bill(explained, everycent, rows, ran):
    lines = rows(
        "select cause, min(cost_line_id) from fct_cost_lines where billed_cost <> 0 group by cause"
    )
    assert {cause for cause, _ in lines} >= {"attributed", "unlogged_usage", "shared"}
    for cause, line_id in lines:
        [found] = explained(line_id)
        assert found["line"]["cause"] == cause
        assert found["charges"]
        assert all(c["origin"]["state"] == "unchanged" for c in found["charges"])
        assert f"Cost line {line_id}" in everycent("explain", line_id, ran).stdout


def test_the_charges_of_a_pool_add_up_to_its_billed_cost(explained, rows):
    for (line_id,) in rows(
        "select cost_line_id from fct_cost_lines where pool_id is not null"
        " order by cost_line_id limit 3"
    ):
        [found] = explained(line_id)
        charges = sum(Decimal(c["charge"]["billed_cost"]) for c in found["charges"])
        assert charges == Decimal(found["pool"]["billed_cost"])


def test_cost_lines_and_rest_add_up_to_the_line_of_the_statement(explained, rows):
    lines = rows(
        "select distinct strftime(billing_period, '%Y-%m') || '/' || issuer || '/'"
        " || coalesce(cost_center_id, cause) from mart_chargeback_monthly order by 1"
    )
    assert len(lines) > 5
    for (identity,) in lines:
        [found] = explained(identity)
        assert all(invoice["difference"] == "0" for invoice in found["invoices"])
        for line in found["lines"]:
            shown = sum(Decimal(cost["billed_cost"]) for cost in line["lines"])
            exact = Decimal(line["row"]["amount_exact"])
            assert line["note"] or shown + Decimal(line["rest"]) == exact


def test_a_statement_line_is_shown_with_its_invoice(everycent, ran):
    text = everycent("explain", "2026-09/aws/unlogged_usage", ran).stdout
    assert "Invoice: AWS-2026-09" in text
    assert "difference 0.00" in text


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        ("nothing", "call id"),
        ("0" * 32, "cost line id"),
        ("2026-09/openai/nobody", "It has:"),
        ("2026-08/openai/unallocated", "There are: 2026-09/anthropic"),
    ],
)
def test_an_unknown_id_is_a_mistake_that_shows_the_forms(everycent, ran, identity, said):
    result = everycent("explain", identity, ran)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_call_whose_file_left_the_inbox_is_said_to_be_gone(explained, rows, ran):
    [(call_id,)] = rows("select call_id from fct_calls where source = 'gateway_us' limit 1")
    [before] = explained(call_id)
    path = ran / "inbox" / "gateway_us" / before["origins"][0]["file"]
    moved = path.rename(ran / path.name)
    try:
        [found] = explained(call_id)
        assert found["origins"][0]["state"] == "gone"
    finally:
        moved.rename(path)


def test_a_call_that_only_corroborates_says_why_it_is_not_counted(everycent, company, tmp_path):
    folder = tmp_path / "acme"
    shutil.copytree(company, folder, ignore=shutil.ignore_patterns(".everycent", "published"))
    settings = folder / "everycent.yaml"
    feed = "location: inbox/gateway_us\n"
    compared = feed + "    is_system_of_record: false\n"
    settings.write_text(settings.read_text().replace(feed, compared))
    assert everycent("run", folder).exit_code == 1
    log = next((folder / "inbox/gateway_us").glob("*.csv.gz"))
    lines = gzip.decompress(log.read_bytes()).decode().splitlines()
    request_id = next(csv.DictReader(lines))["request_id"]
    result = everycent("explain", request_id, folder)
    assert result.exit_code == 0, result.output
    assert "never counted (is_system_of_record: false)" in result.stdout
    assert "row " in result.stdout


def test_explaining_leaves_the_gate_and_the_scheduler_alone(ran):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "import pipelines.commands.explain\n"
        "print(*{m.split('.')[0] for m in sys.modules})"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"great_expectations", "dagster"}.intersection(loaded) == set()
