/*
description: Shared cost of a billing period, split over cost centres by the rule that matched. What
  a rule cannot split, because nobody has a weight, stays shared.
grain: one row per billing_period, issuer, billing_account_id, billing_currency, shared_rule_id and cost_center_id
keys: [billing_period, issuer, billing_account_id, billing_currency, shared_rule_id, cost_center_id]
partition: period
*/

with lines as (
    select * from period_cost_lines
),

shared_cost as (
    select
        billing_period,
        issuer,
        billing_account_id,
        billing_currency,
        shared_rule_id,
        sum(billed_cost) as billed_cost
    from lines
    where cause = 'shared' and shared_rule_id is not null
    group by billing_period, issuer, billing_account_id, billing_currency, shared_rule_id
),

direct_cost as (
    select
        billing_period,
        issuer,
        billing_account_id,
        billing_currency,
        cost_center_id,
        greatest(cast(trunc(sum(billed_cost) * 1000000) as hugeint), 0) as cost_weight
    from lines
    where cost_center_id is not null and billed_cost is not null
    group by billing_period, issuer, billing_account_id, billing_currency, cost_center_id
),

drivers as (
    select
        lines.billing_period,
        lines.cost_center_id,
        cast(sum(lines.call_count) as hugeint) as call_weight,
        cast(sum(case when meters.is_token then trunc(lines.quantity) end) as hugeint)
            as token_weight
    from lines
    left join meters on lines.meter = meters.meter
    where lines.cost_center_id is not null and lines.call_count is not null
    group by lines.billing_period, lines.cost_center_id
),

targets as (
    select
        shared_cost.*,
        rules.method,
        rules.driver,
        coalesce(rules.cost_center_id, direct_cost.cost_center_id) as cost_center_id,
        rules.share,
        direct_cost.cost_weight
    from shared_cost
    inner join ref_shared_cost_rules as rules on shared_cost.shared_rule_id = rules.rule_id
    left join direct_cost
        on
            shared_cost.billing_period = direct_cost.billing_period
            and shared_cost.issuer = direct_cost.issuer
            and shared_cost.billing_account_id = direct_cost.billing_account_id
            and shared_cost.billing_currency = direct_cost.billing_currency
            and (
                rules.cost_center_id is null
                or rules.cost_center_id = direct_cost.cost_center_id
            )
),

weighed as (
    select
        targets.*,
        case targets.method
            when 'fixed' then cast(targets.share * 1000000000000 as hugeint)
            when 'proportional' then coalesce(targets.cost_weight, 0)
            when 'usage'
                then coalesce(
                    if(targets.driver = 'tokens', drivers.token_weight, drivers.call_weight), 0
                )
            else 1
        end as weight
    from targets
    left join drivers
        on
            targets.billing_period = drivers.billing_period
            and targets.cost_center_id = drivers.cost_center_id
    where targets.cost_center_id is not null
),

floored as (
    select
        *,
        cast(
            cast(
                cast(trunc(billed_cost * 1000000) as hugeint) * weight
                // sum(weight)
                    over (
                        partition by
                            billing_period, issuer, billing_account_id, billing_currency,
                            shared_rule_id
                    )
                as decimal(38, 0)
            ) * 0.000001
            as decimal(38, 18)
        ) as floor_cost,
        row_number() over (
            partition by
                billing_period, issuer, billing_account_id, billing_currency, shared_rule_id
            order by weight desc, cost_center_id asc
        ) as place
    from weighed
    where weight > 0
)

select
    billing_period,
    issuer,
    billing_account_id,
    billing_currency,
    shared_rule_id,
    cost_center_id,
    method,
    -- what flooring leaves goes to the largest weight
    cast(
        case
            when place = 1
                then billed_cost - (
                    sum(floor_cost) over (
                        partition by
                            billing_period, issuer, billing_account_id, billing_currency,
                            shared_rule_id
                    ) - floor_cost
                )
            else floor_cost
        end
        as decimal(38, 18)
    ) as billed_cost
from floored
