/*
description: What cells used of each meter, with the pool it falls into. A component whose pool has no charge
  yet has a null pool_id and is estimated.
grain: one row per cell_no and meter
keys: [cell_no, meter]
*/

with pool_money as (
    select
        charge_date,
        issuer,
        billing_account_id,
        pool_sub_account,
        pool_model,
        pool_meter,
        pool_tier,
        pool_id,
        row_number() over (
            partition by
                charge_date,
                issuer,
                billing_account_id,
                pool_sub_account,
                pool_model,
                pool_meter,
                pool_tier
            order by sum(abs(billed_cost)) desc, pool_id asc
        ) as place
    from int_charges__pooled
    group by
        charge_date,
        issuer,
        billing_account_id,
        pool_sub_account,
        pool_model,
        pool_meter,
        pool_tier,
        pool_id
)

select
    components.*,
    levels.pool_sub_account,
    levels.pool_model,
    levels.pool_meter,
    levels.pool_tier,
    pool_money.pool_id
from int_components as components
left join int_match_levels as levels
    on
        components.charge_date = levels.charge_date
        and components.issuer = levels.issuer
        and components.billing_account_id = levels.billing_account_id
        and components.sub_account_id is not distinct from levels.sub_account_id
        and components.model_id is not distinct from levels.model_id
        and components.meter is not distinct from levels.meter
        and components.service_tier is not distinct from levels.service_tier
left join pool_money
    on
        levels.charge_date = pool_money.charge_date
        and levels.issuer = pool_money.issuer
        and levels.billing_account_id = pool_money.billing_account_id
        and levels.pool_sub_account = pool_money.pool_sub_account
        and levels.pool_model = pool_money.pool_model
        and levels.pool_meter = pool_money.pool_meter
        and levels.pool_tier = pool_money.pool_tier
        and pool_money.place = 1
