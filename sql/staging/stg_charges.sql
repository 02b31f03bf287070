/*
description: Billed lines that count. Of a snapshot source only the newest delivery of each scope,
  with the AI model's id resolved.
grain: one row per source, scope, charge_key
keys: [source, scope, charge_key]
*/

with charges as (
    select * from lake_charges
),

winners as (
    select * from lake_winners
    where fact = 'charges'
)

select
    charges.*,
    model_map.model_id
from charges
left join winners
    on
        charges.source = winners.source
        and charges.scope = winners.scope
        and charges.delivery = winners.delivery
left join model_map
    on
        charges.provider is not distinct from model_map.provider
        and charges.model_text = model_map.model_text
-- only what replaces has scopes: a line without one adds up with all others
where charges.scope is null or winners.delivery is not null
