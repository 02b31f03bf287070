import pytest

from pipelines.duck import connect
from pipelines.publishing.csv_files import csv_rows
from pipelines.publishing.errors import PublishError
from pipelines.publishing.period_files import period_files

MARTS = """
create table mart_chargeback_monthly as
select
    date '2026-10-01' as billing_period,
    'anthropic' as issuer,
    'acct-1' as billing_account_id,
    'INV-1' as invoice_id,
    'USD' as billing_currency,
    line_kind,
    cost_center_id,
    cost_center_name,
    cause,
    cast(amount as decimal(38, 18)) as amount_exact,
    cast(amount as decimal(38, 4)) as amount,
    cast(amount as decimal(38, 18)) as gross_cost
from (
    values
        ('cost_center', 'cc-100', 'Search', 'attributed', 80.10),
        ('cost_center', 'cc-100', 'Search', 'unlogged_usage', 9.90),
        ('residual', null, null, 'unallocated', 10.00)
) as t(line_kind, cost_center_id, cost_center_name, cause, amount);

create table mart_invoice_tie_out as
select
    date '2026-10-01' as billing_period,
    'anthropic' as issuer,
    'acct-1' as billing_account_id,
    'INV-1' as invoice_id,
    'USD' as billing_currency,
    cast(100 as decimal(38, 4)) as invoice_total;

create table mart_attribution_coverage_daily as
select
    cast(charge_date as date) as charge_date,
    dimension,
    owner_state,
    'USD' as billing_currency,
    cast(call_count as bigint) as call_count,
    cast(cost as decimal(38, 12)) as billed_cost,
    cast(null as decimal(38, 12)) as estimated_cost
from (
    values
        ('2026-10-01', 'cost', 'owned', null, 60.5),
        ('2026-10-31', 'cost', 'owned', null, 29.5),
        ('2026-10-31', 'calls', 'owned', 12, 80.1),
        ('2026-10-31', 'tag:team', 'present', 12, 80.1),
        ('2026-11-01', 'cost', 'owned', null, 500)
) as t(charge_date, dimension, owner_state, call_count, cost);

create table fct_cost_lines as
select
    date '2026-10-01' as billing_period,
    cost_center_id,
    'app-1' as application_id,
    'anthropic' as issuer,
    'acct-1' as billing_account_id,
    'claude' as model_id,
    meter,
    'attributed' as cause,
    'USD' as billing_currency,
    cast(calls as bigint) as call_count,
    cast(quantity as decimal(38, 9)) as quantity,
    cast(cost as decimal(38, 12)) as billed_cost
from (
    values
        ('cc-100', 'output', 5, 1000, 40.05),
        ('cc-100', 'output', 7, 2000, 40.05),
        ('cc-100', 'input', 7, null, null),
        (null, 'output', 1, 1, 10)
) as t(cost_center_id, meter, calls, quantity, cost)
"""


@pytest.fixture
def con():
    with connect() as session:
        session.execute(MARTS)
        yield session


def test_each_period_gets_its_statements_and_its_page(con):
    assert sorted(period_files(con, "acme")) == [
        "chargeback/2026-10/MANIFEST.json",
        "chargeback/2026-10/cc-100.csv",
        "chargeback/2026-10/cc-100.detail.csv",
        "chargeback/2026-10/summary.csv",
        "report/2026-10.html",
    ]


def test_details_add_up_calls_quantity_and_cost_per_meter(con):
    files = period_files(con, "acme")
    [row] = csv_rows(files["chargeback/2026-10/cc-100.detail.csv"])

    assert (row["call_count"], row["quantity"], row["amount_exact"]) == (
        "12",
        "3000.000000000",
        "80.100000000000",
    )


def test_the_page_shows_what_the_statement_says(con):
    page = period_files(con, "acme")["report/2026-10.html"].decode()

    for shown in (
        "ties out",
        "100.00 USD",
        "charged: unlogged usage",
        "residual: unallocated",
        "Search",
        ">12<",
        ">90.00 USD<",
    ):
        assert shown in page


def test_the_same_marts_give_the_same_bytes_in_any_row_order(con):
    first = period_files(con, "acme")
    for table in ("mart_chargeback_monthly", "mart_attribution_coverage_daily", "fct_cost_lines"):
        con.execute(f"create or replace table {table} as from {table} order by all desc")

    assert period_files(con, "acme") == first


def test_a_period_without_an_invoice_is_an_estimate(con):
    con.execute("update mart_chargeback_monthly set invoice_id = null")
    con.execute("update mart_invoice_tie_out set invoice_id = null, invoice_total = null")

    assert b">estimate<" in period_files(con, "acme")["report/2026-10.html"]


def test_a_statement_that_lost_a_cent_is_refused(con):
    con.execute("update mart_chargeback_monthly set amount = 9.99 where amount = 10")

    with pytest.raises(PublishError, match=r"difference 0\.01"):
        period_files(con, "acme")


def test_an_invoice_total_finer_than_a_cent_is_refused(con):
    con.execute("update mart_invoice_tie_out set invoice_total = 100.001")

    with pytest.raises(PublishError, match="finer than the minor unit"):
        period_files(con, "acme")
