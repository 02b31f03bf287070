/*
description: How much of the money and of the calls has an owner, by reason where not; and how much
  carries each required tag.
grain: one row per charge_date, dimension, owner_state, cause, cost_basis and billing_currency
keys: [charge_date, dimension, owner_state, cause, cost_basis, billing_currency]
columns:
  charge_date: "The provider's UTC day."
  dimension: "cost, calls, or tag:<key> for each required tag."
  owner_state: "owned, no_rule, not_registered, shared or rounding; for a tag: present or missing."
  cause: "attributed, or the name of the residual: unlogged_usage, shared, idle, rounding, unallocated."
  cost_basis: "billed, estimated or unpriced."
  billing_currency: "ISO 4217 currency of all amounts of the row."
  call_count: "Calls in that state; null for money that no call stands for."
  billed_cost: "Billed cost in that state."
  estimated_cost: "Estimated cost in that state."
  unpriced_calls: "Calls without a cost at all."
  unpriced_exposure_usd: "What the gateways' own figures say of those: an exposure, not a cost; null if they say nothing."
*/

with money as (
    select
        charge_date,
        'cost' as dimension,
        owner_state,
        cause,
        cost_basis,
        billing_currency,
        cast(null as bigint) as call_count,
        sum(billed_cost) as billed_cost,
        sum(estimated_cost) as estimated_cost,
        cast(null as bigint) as unpriced_calls,
        cast(null as decimal(38, 12)) as unpriced_exposure_usd
    from fct_cost_lines
    group by charge_date, owner_state, cause, cost_basis, billing_currency
),

-- all sums at scale 18: a union of scales 12 and 18 has scale 12, and dust would be lost
calls as (
    select
        charge_date,
        'calls' as dimension,
        owner_state,
        case when owner_state = 'owned' then 'attributed' else 'unallocated' end as cause,
        cost_basis,
        billing_currency,
        count(*) as call_count,
        cast(sum(billed_cost) as decimal(38, 18)) as billed_cost,
        cast(sum(estimated_cost) as decimal(38, 18)) as estimated_cost,
        count(*) filter (where cost_basis = 'unpriced') as unpriced_calls,
        sum(logged_cost_usd) filter (where cost_basis = 'unpriced') as unpriced_exposure_usd
    from fct_calls
    group by charge_date, owner_state, cost_basis, billing_currency
),

tagged as (
    select
        fct_calls.charge_date,
        'tag:' || required_tags.tag_key as dimension,
        case
            when json_extract_string(stg_calls.tags, '$."' || required_tags.tag_key || '"') is null
                then 'missing'
            else 'present'
        end as owner_state,
        'attributed' as cause,
        fct_calls.cost_basis,
        fct_calls.billing_currency,
        count(*) as call_count,
        cast(sum(fct_calls.billed_cost) as decimal(38, 18)) as billed_cost,
        cast(sum(fct_calls.estimated_cost) as decimal(38, 18)) as estimated_cost,
        count(*) filter (where fct_calls.cost_basis = 'unpriced') as unpriced_calls,
        sum(fct_calls.logged_cost_usd) filter (where fct_calls.cost_basis = 'unpriced')
            as unpriced_exposure_usd
    from fct_calls
    inner join stg_calls
        on fct_calls.source = stg_calls.source and fct_calls.call_id = stg_calls.call_id
    cross join required_tags
    group by
        fct_calls.charge_date,
        required_tags.tag_key,
        case
            when json_extract_string(stg_calls.tags, '$."' || required_tags.tag_key || '"') is null
                then 'missing'
            else 'present'
        end,
        fct_calls.cost_basis,
        fct_calls.billing_currency
),

all_rows as (
    select * from money
    union all
    select * from calls
    union all
    select * from tagged
)

select
    charge_date,
    dimension,
    owner_state,
    cause,
    cost_basis,
    billing_currency,
    call_count,
    cast(billed_cost as decimal(38, 18)) as billed_cost,
    cast(estimated_cost as decimal(38, 18)) as estimated_cost,
    unpriced_calls,
    cast(unpriced_exposure_usd as decimal(38, 12)) as unpriced_exposure_usd
from all_rows
