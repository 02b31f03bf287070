"""Google and Azure bills against OpenTelemetry and Langfuse: the second company ties out too."""

import shutil
from pathlib import Path

import polars as pl
import pytest
import yaml

from pipelines.truth import simulate_globex
from tests.end_to_end.company import Company
from tests.places import conftest as store

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parents[2] / "data_samples" / "globex"
TOTALS = (
    "select charge_date, issuer, sub_account_id, application_id, cause, meter, sum(billed_cost)"
    " from fct_cost_lines group by all order by all"
)
STATEMENTS = "select * from mart_chargeback_monthly order by all"

server, bucket = store.server, store.bucket


@pytest.fixture(scope="module")
def globex(tmp_path_factory) -> Company:
    company = Company(tmp_path_factory.mktemp("globex") / "globex")
    simulate_globex(company.root, seed=7, days=5, calls=200)
    summary = company.run()

    assert summary.problems == []
    assert all(landed.rows_accepted for landed in summary.landings)
    assert not any(landed.rows_quarantined for landed in summary.landings)
    return company


def again(globex: Company, root: Path, change) -> Company:
    """The same inputs, run with other settings; `change` gets the list of sources."""
    company = globex.copy(root)
    path = company.root / "everycent.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    settings["sources"] = change({s["source"]: s for s in settings["sources"]})
    path.write_text(yaml.safe_dump(settings, sort_keys=False), "utf-8")

    assert company.run().problems == []
    return company


def content(folder: Path) -> dict[str, object]:
    """What files say: how Parquet is packed may differ from machine to machine."""
    return {
        path.relative_to(folder).as_posix(): pl.read_parquet(path).rows()
        if path.suffix == ".parquet"
        else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / "README.md"
    }


def test_every_statement_of_google_and_azure_ties_out(globex):
    tied = globex.rows(
        "select issuer, billing_period, difference, state from mart_invoice_tie_out order by all"
    )

    assert {issuer for issuer, *_ in tied} == {"google", "azure"}
    assert len(tied) == 4
    assert {(difference, state) for *_, difference, state in tied} == {(0, "tied")}


def test_every_call_costs_what_it_really_cost_and_is_owned_by_its_application(globex):
    counted = globex.rows(
        """
        select
            truth.issuer,
            count(*) > 50,
            count(calls.call_id) = count(*),
            count(*) filter (where calls.billed_cost is distinct from truth.cost),
            count(*) filter (where calls.application_id is distinct from truth.application_id)
        from truth_truth as truth
        left join fct_calls as calls
            on truth.source = calls.source and truth.call_id = calls.call_id
        where truth.is_logged
        group by truth.issuer
        order by truth.issuer
        """
    )

    assert counted == [("azure", True, True, 0, 0), ("google", True, True, 0, 0)]


def test_neither_roll_ups_nor_the_second_feed_are_calls(globex):
    counted = globex.rows("select source, count(*) from fct_calls group by all")
    [(logged,)] = globex.rows("select count(*) from truth_truth where is_logged")

    assert counted == [("traces", logged)]


def test_billed_totals_differ_by_exactly_nothing(globex):
    by_day = """
        select issuer, charge_date, charge_category, sum({amount})
        from {table}
        group by all
        order by all
    """
    found = globex.rows(by_day.format(amount="billed_cost", table="fct_cost_lines"))
    real = globex.rows(by_day.format(amount="cost", table="truth_billed"))

    assert found == real
    assert "Credit" in {category for _, _, category, _ in found}


def test_the_project_without_a_log_is_the_residual(globex):
    by_account = "select issuer, sub_account_id, sum({}) from {} where {} group by all"
    found = globex.rows(
        by_account.format("billed_cost", "fct_cost_lines", "cause = 'unlogged_usage'")
    )
    planted = globex.rows(by_account.format("cost", "truth_truth", "not is_logged"))

    assert found == planted
    assert [(issuer, account) for issuer, account, _ in found] == [("google", "globex-lab")]


def test_a_correction_leaves_its_calls_with_the_corrected_cost(globex):
    corrected = globex.rows(
        """
        select pools.pool_state, pools.billed_quantity = pools.logged_quantity
        from mart_reconciliation_daily as pools
        where pools.charge_count > 1
        """
    )

    assert corrected == [("matched", True)]


def test_the_second_feed_of_the_same_calls_changes_no_total(globex, tmp_path):
    def without(sources):
        return [s for name, s in sources.items() if name != "langfuse"]

    company = again(globex, tmp_path / "globex", without)

    assert company.rows(TOTALS) == globex.rows(TOTALS)
    assert company.rows(STATEMENTS) == globex.rows(STATEMENTS)


def test_which_of_both_feeds_is_the_record_changes_no_total(globex, tmp_path):
    def swapped(sources):
        return [sources[n] for n in ("google_bill", "azure_bill", "langfuse", "traces")]

    company = again(globex, tmp_path / "globex", swapped)
    by_source = company.rows("select source, count(*) from fct_calls group by all order by all")

    assert {source for source, _ in by_source} == {"langfuse", "traces"}
    assert sum(count for _, count in by_source) == 200
    assert company.rows(TOTALS) == globex.rows(TOTALS)
    assert company.rows(STATEMENTS) == globex.rows(STATEMENTS)


def test_traces_in_a_bucket_give_the_same_published_bytes(globex, bucket, tmp_path):
    def remote(sources):
        sources["traces"] |= {
            "location": f"s3://{bucket.name}/exports/traces",
            "endpoint_url": bucket.server.endpoint_url,
        }
        return list(sources.values())

    local = globex.copy(tmp_path / "local")
    for path in local.inbox("traces"):
        bucket.put(f"exports/traces/{path.name}", path.read_bytes())
    shutil.rmtree(local.root / "inbox" / "traces")
    company = again(local, tmp_path / "remote", remote)

    assert company.published_bytes() == globex.published_bytes()


def test_the_committed_company_is_what_the_simulator_writes(globex, tmp_path):
    simulate_globex(tmp_path / "globex", seed=7, days=5, calls=200)
    written, committed = content(tmp_path / "globex"), content(SAMPLE)

    assert written.keys() == committed.keys()
    assert [name for name in written if written[name] != committed[name]] == []
    assert sum(p.stat().st_size for p in SAMPLE.rglob("*") if p.is_file()) < 2_000_000
