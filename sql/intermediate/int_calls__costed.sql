/*
description: What each call got of the bill in all, in whole picos, and what it would cost at contract
  price where there is no charge yet. Null is unknown, as soon as one meter used has neither a charge
  nor a price, or no list price.
grain: one row per call_no
keys: [call_no]
*/

with sums as (
    select
        call_no,
        cast(sum(cost_picos) as hugeint) as billed_picos,
        cast(sum(weight_picos) filter (where cost_picos is null) as bigint) as estimated_picos,
        count(*) filter (where cost_picos is null and weight_picos is null) as unpriced_meters,
        cast(sum(list_picos) as bigint) as list_picos,
        count(*) - count(list_picos) as unlisted_meters
    from int_call_meters__costed
    group by call_no
),

cells as (
    select
        cell_no,
        max(grade) as pool_grade,
        min(billing_currency) as billing_currency,
        bool_or(share_base is null) as has_estimates
    from int_cell_rates
    group by cell_no
),

currencies as (
    select
        price_no,
        min(currency) as price_currency
    from int_prices
    group by price_no
)

select
    calls.call_no,
    calls.charge_date,
    calls.cell_no,
    calls.owner_id,
    calls.consumer_cost_center_id,
    calls.is_billable,
    calls.is_usage_missing,
    calls.is_lifetime_missing,
    calls.prompt_cache_saving_picos,
    calls.gateway_cache_saving_picos,
    cells.pool_grade,
    cells.billing_currency,
    currencies.price_currency,
    coalesce(cells.has_estimates, false) as has_estimates,
    coalesce(sums.billed_picos, 0) as billed_picos,
    case when coalesce(sums.unpriced_meters, 0) = 0 then coalesce(sums.estimated_picos, 0) end
        as estimated_picos,
    case when coalesce(sums.unlisted_meters, 0) = 0 then coalesce(sums.list_picos, 0) end
        as list_picos
from int_calls__placed as calls
left join sums on calls.call_no = sums.call_no
left join cells on calls.cell_no = cells.cell_no
left join currencies on calls.price_no = currencies.price_no
