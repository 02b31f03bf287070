/*
description: What cells used of each meter, with the pool it falls into. A component whose pool has no charge
  yet has a null pool_id and is estimated.
grain: one row per cell_no and meter
keys: [cell_no, meter]
*/

with pool_money as (
    select
        group_no,
        pool_id,
        row_number() over (
            partition by group_no
            order by sum(abs(billed_cost)) desc, pool_id asc
        ) as place
    from int_charges__pooled
    group by group_no, pool_id
)

select
    components.*,
    pool_money.pool_id
from int_components as components
left join int_match_levels as levels
    on
        levels.side = 'call'
        and components.charge_date = levels.charge_date
        and components.issuer = levels.issuer
        and components.billing_account_id = levels.billing_account_id
        and components.sub_account_id is not distinct from levels.sub_account_id
        and components.model_id is not distinct from levels.model_id
        and components.meter is not distinct from levels.meter
        and components.service_tier is not distinct from levels.service_tier
        and components.inference_geo is not distinct from levels.inference_geo
left join pool_money on levels.group_no = pool_money.group_no and pool_money.place = 1
