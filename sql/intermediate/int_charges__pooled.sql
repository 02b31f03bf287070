/*
description: Pooled charges with the pool they are in.
grain: one row per source, scope, charge_key
keys: [source, scope, charge_key]
checks:
  pool_is_present: pool_id is not null
*/

select
    charges.*,
    levels.group_no,
    levels.pool_sub_account,
    levels.pool_model,
    levels.pool_meter,
    levels.pool_tier,
    levels.pool_geo,
    levels.coarsened_by,
    levels.is_price_of_calls_unsure,
    concat_ws(
        '|', charges.issuer, charges.billing_account_id, cast(charges.charge_date as varchar),
        levels.pool_key, cast(charges.billing_period as varchar), charges.billing_currency
    ) as pool_id
from int_charges__classified as charges
inner join int_match_levels as levels
    on
        levels.side = 'charge'
        and charges.charge_date = levels.charge_date
        and charges.issuer = levels.issuer
        and charges.billing_account_id = levels.billing_account_id
        and charges.sub_account_id is not distinct from levels.sub_account_id
        and charges.model_id is not distinct from levels.model_id
        and charges.meter is not distinct from levels.meter
        and charges.service_tier is not distinct from levels.service_tier
        and charges.inference_geo is not distinct from levels.inference_geo
where charges.charge_part = 'pooled'
