/*
description: What each owner's calls got of each pool, before shares. Parts without a pool are
  estimates at contract price.
grain: one row per cell_no, meter, owner_id and consumer_cost_center_id
keys: [cell_no, meter, owner_id, consumer_cost_center_id]
*/

with sums as (
    select
        used.cell_no,
        used.meter,
        calls.owner_id,
        calls.consumer_cost_center_id,
        cast(coalesce(sum(used.cost_picos), 0) as decimal(38, 0)) as cost_picos,
        cast(coalesce(sum(used.weight_picos), 0) as decimal(38, 0)) as weight_picos,
        cast(sum(used.quantity) as decimal(38, 0)) as quantity,
        count(*) - count(used.weight_picos) as unpriced_calls,
        count(*) as call_count
    from int_call_meters__costed as used
    inner join int_calls__placed as calls on used.call_no = calls.call_no
    group by used.cell_no, used.meter, calls.owner_id, calls.consumer_cost_center_id
)

select
    sums.cell_no,
    sums.owner_id,
    sums.consumer_cost_center_id,
    components.price_currency,
    components.meter,
    sums.cost_picos,
    sums.weight_picos,
    sums.quantity,
    sums.unpriced_calls,
    sums.call_count,
    components.charge_date,
    components.issuer,
    components.billing_account_id,
    components.sub_account_id,
    components.provider,
    components.model_id,
    components.service_tier,
    components.pool_id
from sums
inner join int_components__pooled as components
    on sums.cell_no = components.cell_no and cast(sums.meter as varchar) = components.meter
