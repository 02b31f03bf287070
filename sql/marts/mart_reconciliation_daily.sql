/*
description: Bill and gateway log side by side, pool by pool. Matched, unlogged and rounding add up to
  the billed cost of each pool.
grain: one row per pool_id
keys: [charge_date, pool_id]
columns:
  charge_date: "The provider's UTC day."
  pool_id: "Pool the money comes from; null for charges that no call causes and for estimates."
  issuer: "Who sends the invoice."
  billing_account_id: "The paying account at the issuer."
  pool_sub_account: "Sub-account of the pool, * where the bill does not tell it, ~unrouted where routes do not."
  pool_model: "AI model of the pool, * where the bill or the calls lump them."
  pool_meter: "Meter of the pool, * where lumped."
  pool_tier: "Service tier of the pool, * where one side does not tell it."
  pool_geo: "Inference geography of the pool, * where one side does not tell it."
  coarsened_by: "What is missing where the pool mixes cells that could be told apart: whose words (bill or calls), and of what; null where nothing is mixed."
  billing_period: "First day of the provider's invoice month."
  billing_currency: "ISO 4217 currency of all amounts of the row."
  match_level: "Dimensions in which bill and calls matched."
  match_basis: "quantity, weight (quantity at contract price), unknown or none."
  pool_state: "matched, underlogged, overlogged, cost_only or no_calls."
  grade: "A matched by quantity, B matched coarser or by cost only, C contract-price estimate, E unpriced."
  charge_count: "Billed lines in the pool."
  billed_quantity: "Quantity of the charge, else of the provider's usage report; null is unknown."
  logged_quantity: "Quantity the calls logged."
  billed_cost: "FOCUS BilledCost in billing_currency; null until billed."
  matched_cost: "What the logged calls got."
  unlogged_cost: "What no call explains."
  rounding_cost: "What is below a pico of the shares."
  logged_at_contract_price: "Logged quantity at contract price; null where a call has no price, or prices are in another currency than the bill."
  rate_variance: "matched_cost less logged_at_contract_price: what the bill's rate differs from the contract; null where unknown."
  estimated_beside_cost: "Estimates of the same scope, day and AI model beside unlogged_cost: probably the same use under another meter, tier or name; null without any, or in another currency."
  estimated_beside: "AI models and meters of those estimates; null where there are none."
checks:
  pool_is_conserved: billed_cost = matched_cost + unlogged_cost + rounding_cost
*/

with lines as (
    select
        pool_id,
        sum(billed_cost) filter (where cause = 'attributed') as matched_cost,
        sum(billed_cost) filter (where cause = 'unlogged_usage') as unlogged_cost,
        sum(billed_cost) filter (where cause = 'rounding') as rounding_cost
    from int_money_parts
    where pool_id is not null
    group by pool_id
)

select
    pools.charge_date,
    pools.pool_id,
    pools.issuer,
    pools.billing_account_id,
    pools.pool_sub_account,
    pools.pool_model,
    pools.pool_meter,
    pools.pool_tier,
    pools.pool_geo,
    pools.coarsened_by,
    pools.billing_period,
    pools.billing_currency,
    pools.match_level,
    pools.match_basis,
    pools.pool_state,
    pools.grade,
    pools.charge_count,
    cast(pools.billed_quantity as decimal(38, 9)) as billed_quantity,
    cast(pools.logged_quantity as decimal(38, 0)) as logged_quantity,
    cast(pools.billed_cost as decimal(38, 18)) as billed_cost,
    cast(coalesce(lines.matched_cost, 0) as decimal(38, 18)) as matched_cost,
    cast(coalesce(lines.unlogged_cost, 0) as decimal(38, 18)) as unlogged_cost,
    cast(coalesce(lines.rounding_cost, 0) as decimal(38, 18)) as rounding_cost,
    case
        when pools.unpriced_calls = 0 and pools.price_currency = pools.billing_currency
            then
                cast(
                    cast(pools.logged_weight as decimal(38, 0)) * 0.000000000001 as decimal(38, 18)
                )
    end as logged_at_contract_price,
    case
        when
            pools.unpriced_calls = 0
            and pools.pool_state <> 'no_calls'
            and pools.price_currency = pools.billing_currency
            then cast(
                coalesce(lines.matched_cost, 0)
                - cast(pools.logged_weight as decimal(38, 0)) * 0.000000000001
                as decimal(38, 18)
            )
    end as rate_variance,
    beside.estimated_cost as estimated_beside_cost,
    beside.estimated_parts as estimated_beside
from int_pools as pools
left join lines on pools.pool_id = lines.pool_id
left join int_estimates_beside as beside on pools.pool_id = beside.pool_id
