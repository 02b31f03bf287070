/*
description: The proof per billing period. Statements add up to invoices, and the chargeback is the money.
grain: one row per suite, partition and counter
partition: period
*/

with counted as (
    select
        strftime(periods.billing_period, '%Y-%m') as partition,
        count(*) filter (where tie_out.difference <> 0) as statements_not_tied,
        count(*) filter (where tie_out.state = 'unexplained') as unexplained_difference,
        count(*) filter (where tie_out.state = 'no_invoice') as missing_invoices
    from periods
    left join mart_invoice_tie_out as tie_out
        on periods.billing_period = tie_out.billing_period
    group by periods.billing_period
),

charged as (
    select
        billing_period,
        billing_currency,
        sum(amount_exact) as amount_exact
    from mart_chargeback_monthly
    where line_kind <> 'reconciling' and cause <> 'unexplained'
    group by billing_period, billing_currency
),

billed as (
    select
        billing_period,
        billing_currency,
        sum(billed_cost) as billed_cost
    from period_cost_lines
    where cost_basis = 'billed'
    group by billing_period, billing_currency
),

rounding as (
    select
        billing_period,
        billing_currency,
        sum(rounding_added) as rounding_added
    from statement_rounding
    group by billing_period, billing_currency
),

sums as (
    select
        strftime(periods.billing_period, '%Y-%m') as partition,
        count(*) filter (
            where
            coalesce(charged.amount_exact, 0) - coalesce(rounding.rounding_added, 0)
            <> coalesce(billed.billed_cost, 0)
        ) as sum_differs
    from periods
    left join billed on periods.billing_period = billed.billing_period
    left join charged
        on
            billed.billing_period = charged.billing_period
            and billed.billing_currency = charged.billing_currency
    left join rounding
        on
            billed.billing_period = rounding.billing_period
            and billed.billing_currency = rounding.billing_currency
    group by periods.billing_period
)

select
    'tie_out' as suite,
    partition,
    'statements_not_tied' as counter,
    cast(statements_not_tied as bigint) as value
from counted
union all
select
    'tie_out' as suite,
    partition,
    'unexplained_difference' as counter,
    cast(unexplained_difference as bigint) as value
from counted
union all
select
    'tie_out' as suite,
    partition,
    'missing_invoices' as counter,
    cast(missing_invoices as bigint) as value
from counted
union all
select
    'mart_chargeback_monthly' as suite,
    partition,
    'sum_differs' as counter,
    cast(sum_differs as bigint) as value
from sums
