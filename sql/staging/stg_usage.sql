/*
description: Metered buckets that count. Only the newest delivery of each scope, with the AI
  model's id resolved.
grain: one row per source, scope, usage_key
keys: [source, scope, usage_key]
*/

with usage_buckets as (
    select * from lake_usage
),

winners as (
    select * from lake_winners
    where fact = 'usage'
)

select
    usage_buckets.*,
    model_map.model_id
from usage_buckets
left join winners
    on
        usage_buckets.source = winners.source
        and usage_buckets.scope = winners.scope
        and usage_buckets.delivery = winners.delivery
left join model_map
    on
        usage_buckets.provider is not distinct from model_map.provider
        and usage_buckets.model_text = model_map.model_text
-- only what replaces has scopes: a line without one adds up with all others
where usage_buckets.scope is null or winners.delivery is not null
