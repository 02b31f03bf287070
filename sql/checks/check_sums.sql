/*
description: Each mart adds up to the table it is made of, per day and currency. A join that lost or
  doubled rows shows here and in no test of single rows.
grain: one row per suite, partition and counter
*/

with fct_calls_sums as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from fct_calls
    where true and billed_cost is not null
    group by charge_date, billing_currency
),

fct_calls_base as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from int_money_parts
    where cause = 'attributed' and pool_id is not null and billed_cost is not null
    group by charge_date, billing_currency
),

fct_calls_differences as (
    select
        'fct_calls' as suite,
        coalesce(sums.charge_date, base.charge_date) as charge_date,
        count(*) filter (
            where coalesce(sums.billed_cost, 0) <> coalesce(base.billed_cost, 0)
        ) as sum_differs
    from fct_calls_sums as sums
    full join fct_calls_base as base
        on
            sums.charge_date = base.charge_date
            and sums.billing_currency = base.billing_currency
    group by coalesce(sums.charge_date, base.charge_date)
),

fct_cost_lines_sums as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from fct_cost_lines
    where true and billed_cost is not null
    group by charge_date, billing_currency
),

fct_cost_lines_base as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from int_money_parts
    where true and billed_cost is not null
    group by charge_date, billing_currency
),

fct_cost_lines_differences as (
    select
        'fct_cost_lines' as suite,
        coalesce(sums.charge_date, base.charge_date) as charge_date,
        count(*) filter (
            where coalesce(sums.billed_cost, 0) <> coalesce(base.billed_cost, 0)
        ) as sum_differs
    from fct_cost_lines_sums as sums
    full join fct_cost_lines_base as base
        on
            sums.charge_date = base.charge_date
            and sums.billing_currency = base.billing_currency
    group by coalesce(sums.charge_date, base.charge_date)
),

mart_showback_daily_sums as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from mart_showback_daily
    where true and billed_cost is not null
    group by charge_date, billing_currency
),

mart_showback_daily_base as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from fct_cost_lines
    where true and billed_cost is not null
    group by charge_date, billing_currency
),

mart_showback_daily_differences as (
    select
        'mart_showback_daily' as suite,
        coalesce(sums.charge_date, base.charge_date) as charge_date,
        count(*) filter (
            where coalesce(sums.billed_cost, 0) <> coalesce(base.billed_cost, 0)
        ) as sum_differs
    from mart_showback_daily_sums as sums
    full join mart_showback_daily_base as base
        on
            sums.charge_date = base.charge_date
            and sums.billing_currency = base.billing_currency
    group by coalesce(sums.charge_date, base.charge_date)
),

mart_cost_per_user_daily_sums as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from mart_cost_per_user_daily
    where true and billed_cost is not null
    group by charge_date, billing_currency
),

mart_cost_per_user_daily_base as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from fct_calls
    where true and billed_cost is not null
    group by charge_date, billing_currency
),

mart_cost_per_user_daily_differences as (
    select
        'mart_cost_per_user_daily' as suite,
        coalesce(sums.charge_date, base.charge_date) as charge_date,
        count(*) filter (
            where coalesce(sums.billed_cost, 0) <> coalesce(base.billed_cost, 0)
        ) as sum_differs
    from mart_cost_per_user_daily_sums as sums
    full join mart_cost_per_user_daily_base as base
        on
            sums.charge_date = base.charge_date
            and sums.billing_currency = base.billing_currency
    group by coalesce(sums.charge_date, base.charge_date)
),

mart_reconciliation_daily_sums as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from mart_reconciliation_daily
    where true and billed_cost is not null
    group by charge_date, billing_currency
),

mart_reconciliation_daily_base as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from int_pools
    where true and billed_cost is not null
    group by charge_date, billing_currency
),

mart_reconciliation_daily_differences as (
    select
        'mart_reconciliation_daily' as suite,
        coalesce(sums.charge_date, base.charge_date) as charge_date,
        count(*) filter (
            where coalesce(sums.billed_cost, 0) <> coalesce(base.billed_cost, 0)
        ) as sum_differs
    from mart_reconciliation_daily_sums as sums
    full join mart_reconciliation_daily_base as base
        on
            sums.charge_date = base.charge_date
            and sums.billing_currency = base.billing_currency
    group by coalesce(sums.charge_date, base.charge_date)
),

mart_attribution_coverage_daily_sums as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from mart_attribution_coverage_daily
    where dimension = 'cost' and billed_cost is not null
    group by charge_date, billing_currency
),

mart_attribution_coverage_daily_base as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from fct_cost_lines
    where true and billed_cost is not null
    group by charge_date, billing_currency
),

mart_attribution_coverage_daily_differences as (
    select
        'mart_attribution_coverage_daily' as suite,
        coalesce(sums.charge_date, base.charge_date) as charge_date,
        count(*) filter (
            where coalesce(sums.billed_cost, 0) <> coalesce(base.billed_cost, 0)
        ) as sum_differs
    from mart_attribution_coverage_daily_sums as sums
    full join mart_attribution_coverage_daily_base as base
        on
            sums.charge_date = base.charge_date
            and sums.billing_currency = base.billing_currency
    group by coalesce(sums.charge_date, base.charge_date)
),

fct_bill_lines_sums as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from fct_bill_lines
    where true and billed_cost is not null
    group by charge_date, billing_currency
),

fct_bill_lines_base as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from stg_charges
    where true and billed_cost is not null
    group by charge_date, billing_currency
),

fct_bill_lines_differences as (
    select
        'fct_bill_lines' as suite,
        coalesce(sums.charge_date, base.charge_date) as charge_date,
        count(*) filter (
            where coalesce(sums.billed_cost, 0) <> coalesce(base.billed_cost, 0)
        ) as sum_differs
    from fct_bill_lines_sums as sums
    full join fct_bill_lines_base as base
        on
            sums.charge_date = base.charge_date
            and sums.billing_currency = base.billing_currency
    group by coalesce(sums.charge_date, base.charge_date)
),

mart_cost_per_outcome_daily_sums as (
    select
        charge_date,
        application_id,
        billing_currency,
        sum(coalesce(linked_cost, 0) + coalesce(unlinked_cost, 0)) as cost
    from mart_cost_per_outcome_daily
    where linked_cost is not null or unlinked_cost is not null
    group by charge_date, application_id, billing_currency
),

mart_cost_per_outcome_daily_base as (
    select
        charge_date,
        application_id,
        billing_currency,
        sum(coalesce(billed_cost, 0) + coalesce(estimated_cost, 0)) as cost
    from fct_calls
    where billed_cost is not null or estimated_cost is not null
    group by charge_date, application_id, billing_currency
),

-- by application as well: cost that changed its owner would not show in a day's total
mart_cost_per_outcome_daily_differences as (
    select
        'mart_cost_per_outcome_daily' as suite,
        coalesce(sums.charge_date, base.charge_date) as charge_date,
        count(*) filter (
            where coalesce(sums.cost, 0) <> coalesce(base.cost, 0)
        ) as sum_differs
    from mart_cost_per_outcome_daily_sums as sums
    full join mart_cost_per_outcome_daily_base as base
        on
            sums.charge_date = base.charge_date
            and sums.application_id is not distinct from base.application_id
            and sums.billing_currency is not distinct from base.billing_currency
    group by coalesce(sums.charge_date, base.charge_date)
),

differences as (
    select * from mart_cost_per_outcome_daily_differences
    union all
    select * from fct_bill_lines_differences
    union all
    select * from fct_calls_differences
    union all
    select * from fct_cost_lines_differences
    union all
    select * from mart_showback_daily_differences
    union all
    select * from mart_cost_per_user_daily_differences
    union all
    select * from mart_reconciliation_daily_differences
    union all
    select * from mart_attribution_coverage_daily_differences
),

suites as (
    select unnest([
        'fct_bill_lines',
        'fct_calls',
        'fct_cost_lines',
        'mart_showback_daily',
        'mart_cost_per_outcome_daily',
        'mart_cost_per_user_daily',
        'mart_reconciliation_daily',
        'mart_attribution_coverage_daily'
    ]) as suite
)

select
    suites.suite,
    cast(days.charge_date as varchar) as partition,
    'sum_differs' as counter,
    cast(coalesce(differences.sum_differs, 0) as bigint) as value
from suites
cross join days
left join differences
    on suites.suite = differences.suite and days.charge_date = differences.charge_date
