/*
description: What a cell's calls share of each meter they used. A meter without a share base has no
  charge yet.
grain: one row per cell_no and meter
keys: [cell_no, meter]
*/

select
    components.cell_no,
    cast(components.meter as meter) as meter,
    pools.call_cost_picos as cost_picos,
    pools.share_base,
    coalesce(pools.is_weighed_by_price, false) as is_by_price,
    pools.grade,
    pools.billing_currency
from int_components__pooled as components
left join int_pools as pools on components.pool_id = pools.pool_id
