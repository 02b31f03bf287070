"""The simulator knows what every call really cost and who owned it; the marts must say the same."""

import pytest

from tests.end_to_end.company import Company

SEEDS = (1, 2, 3)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=SEEDS)
def company(request, tmp_path_factory) -> Company:
    root = tmp_path_factory.mktemp("truth") / f"seed{request.param}"
    company = Company.simulated(root, seed=request.param, days=4, calls=1500)
    company.run()
    return company


def test_every_call_costs_what_it_really_cost(company):
    [(logged, found, differing)] = company.rows(
        """
        select
            count(*),
            count(calls.call_id),
            count(*) filter (where abs(calls.billed_cost - truth.cost) > 0.000000000001)
        from truth_truth as truth
        left join fct_calls as calls
            on truth.source = calls.source and truth.call_id = calls.call_id
        where truth.is_logged
        """
    )

    assert logged > 1000
    assert (found, differing) == (logged, 0)


def test_nothing_but_the_real_calls_costs_anything(company):
    extra = company.rows(
        """
        select calls.call_id, calls.status, calls.billed_cost
        from fct_calls as calls
        anti join truth_truth as truth
            on truth.source = calls.source and truth.call_id = calls.call_id
        where calls.billed_cost <> 0 or calls.cost_basis <> 'billed'
        """
    )

    assert extra == []


def test_billed_totals_differ_by_exactly_nothing(company):
    by_day = """
        select issuer, charge_date, sum({amount})
        from {table}
        where {rows}
        group by all
        order by all
    """
    found = company.rows(
        by_day.format(
            amount="billed_cost",
            table="fct_cost_lines",
            rows="cost_basis = 'billed'",
        )
    )
    real = company.rows(by_day.format(amount="cost", table="truth_billed", rows="true"))

    assert found == real


def test_totals_per_application_and_cost_centre_differ_by_exactly_nothing(company):
    differing = company.rows(
        """
        with found as (
            select
                charge_date,
                issuer,
                application_id,
                cost_center_id,
                cause = 'unlogged_usage' as is_unlogged,
                sum(billed_cost) as cost
            from fct_cost_lines
            where cost_basis = 'billed' and charge_category = 'Usage' and cause <> 'idle'
            group by all
        ),

        real as (
            select
                charge_date,
                issuer,
                coalesce(application_id, '__unallocated__') as application_id,
                cost_center_id,
                not is_logged as is_unlogged,
                sum(cost) as cost
            from truth_owned_daily
            group by all
        )

        select *
        from found
        full join real
            on
                found.charge_date = real.charge_date
                and found.issuer = real.issuer
                and found.application_id = real.application_id
                and found.cost_center_id is not distinct from real.cost_center_id
                and found.is_unlogged = real.is_unlogged
        where coalesce(found.cost, 0) <> coalesce(real.cost, 0)
        """
    )

    assert differing == []


def test_owners_follow_every_reorganisation_and_key_move(company):
    [(compared, differing)] = company.rows(
        """
        select
            count(*),
            count(*) filter (
                where
                calls.application_id is distinct from truth.application_id
                or calls.cost_center_id is distinct from truth.cost_center_id
            )
        from truth_truth as truth
        inner join fct_calls as calls
            on truth.source = calls.source and truth.call_id = calls.call_id
        where truth.is_logged and truth.application_id is not null
        """
    )

    assert compared > 500
    assert differing == 0


def test_planted_unlogged_traffic_is_the_residual(company):
    [(residual,)] = company.rows(
        "select sum(billed_cost) from fct_cost_lines where cause = 'unlogged_usage'"
    )
    [(planted,)] = company.rows("select sum(cost) from truth_truth where not is_logged")

    assert planted > 0
    assert residual == planted


def test_every_statement_ties_out_to_the_cent(company):
    tied = company.rows("select issuer, difference, state from mart_invoice_tie_out")

    assert len(tied) >= 3
    assert {(difference, state) for _, difference, state in tied} == {(0, "tied")}
