/*
description: A billing period's statement at full precision. Each cost centre's part by cause, and what no
  cost centre pays by the name of its residual.
grain: one row per billing_period, issuer, billing_account_id, billing_currency, cost_center_id and cause
keys: [billing_period, issuer, billing_account_id, billing_currency, cost_center_id, cause]
partition: period
*/

with lines as (
    select * from period_cost_lines
    where cost_basis = 'billed'
),

split_rules as (
    select distinct
        billing_period,
        issuer,
        billing_account_id,
        billing_currency,
        shared_rule_id
    from int_shared_allocations
),

parts as (
    select
        lines.billing_period,
        lines.issuer,
        lines.billing_account_id,
        lines.billing_currency,
        lines.cost_center_id,
        lines.cause,
        lines.billed_cost
    from lines
    anti join split_rules
        on
            lines.cause = 'shared'
            and lines.billing_period = split_rules.billing_period
            and lines.issuer = split_rules.issuer
            and lines.billing_account_id = split_rules.billing_account_id
            and lines.billing_currency = split_rules.billing_currency
            and lines.shared_rule_id = split_rules.shared_rule_id
    union all
    select
        billing_period,
        issuer,
        billing_account_id,
        billing_currency,
        cost_center_id,
        'shared' as cause,
        billed_cost
    from int_shared_allocations
)

select
    billing_period,
    issuer,
    billing_account_id,
    billing_currency,
    cost_center_id,
    cause,
    cast(sum(billed_cost) as decimal(38, 18)) as amount_exact,
    -- charges and credits side by side: nothing cancels out
    cast(sum(abs(billed_cost)) as decimal(38, 18)) as gross_cost
from parts
group by
    billing_period,
    issuer,
    billing_account_id,
    billing_currency,
    cost_center_id,
    cause
