/*
description: The proof per billing period. Statements add up to invoices, and the chargeback is the money.
grain: one row per suite, partition and counter
partition: period
*/

with counted as (
    select
        strftime(periods.billing_period, '%Y-%m') as partition,
        count(*) filter (
            where
            tie_out.statement_total <> coalesce(tie_out.invoice_total, tie_out.statement_total)
            or tie_out.statement_total
            <> tie_out.reconciling_items + tie_out.attributed + tie_out.unlogged_usage_owned
            + tie_out.shared_allocated + tie_out.idle_owned + tie_out.unlogged_usage
            + tie_out.shared + tie_out.idle + tie_out.rounding + tie_out.unallocated
            + tie_out.unexplained
        ) as statements_not_tied,
        -- an amount, of the worst statement: amounts in different currencies are never added
        coalesce(max(abs(tie_out.difference)), 0) as unexplained_difference,
        count(*) filter (where tie_out.state = 'no_invoice') as missing_invoices
    from periods
    left join mart_invoice_tie_out as tie_out
        on periods.billing_period = tie_out.billing_period
    group by periods.billing_period
),

-- charged less what rounding added less what was billed, in whichever of them a currency is
amounts as (
    select
        billing_period,
        billing_currency,
        amount_exact as amount
    from mart_chargeback_monthly
    where line_kind <> 'reconciling' and cause <> 'unexplained'
    union all
    select
        billing_period,
        billing_currency,
        -rounding_added as amount
    from statement_rounding
    union all
    select
        billing_period,
        billing_currency,
        -billed_cost as amount
    from period_cost_lines
    where cost_basis = 'billed'
),

differences as (
    select
        billing_period,
        billing_currency
    from amounts
    group by billing_period, billing_currency
    having sum(amount) <> 0
),

sums as (
    select
        strftime(periods.billing_period, '%Y-%m') as partition,
        count(differences.billing_currency) as sum_differs
    from periods
    left join differences on periods.billing_period = differences.billing_period
    group by periods.billing_period
)

select
    'tie_out' as suite,
    partition,
    'statements_not_tied' as counter,
    cast(statements_not_tied as varchar) as value
from counted
union all
select
    'tie_out' as suite,
    partition,
    'unexplained_difference' as counter,
    cast(unexplained_difference as varchar) as value
from counted
union all
select
    'tie_out' as suite,
    partition,
    'missing_invoices' as counter,
    cast(missing_invoices as varchar) as value
from counted
union all
select
    'mart_chargeback_monthly' as suite,
    partition,
    'sum_differs' as counter,
    cast(sum_differs as varchar) as value
from sums
