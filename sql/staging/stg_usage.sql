/*
description: Metered buckets that count. Only the newest delivery of each scope, with the AI
  model's id and the provider's resolved.
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
    usage_buckets.source,
    usage_buckets.scope,
    usage_buckets.delivery,
    usage_buckets.usage_key,
    usage_buckets.charge_date,
    usage_buckets.issuer,
    usage_buckets.billing_account_id,
    usage_buckets.sub_account_id,
    usage_buckets.api_key_id,
    usage_buckets.model_text,
    usage_buckets.meter,
    usage_buckets.service_tier,
    nullif(lower(usage_buckets.inference_geo), 'not_available') as inference_geo,
    usage_buckets.quantity,
    usage_buckets.request_count,
    usage_buckets.token_semantics,
    -- every spelling of a provider as one id
    case
        when model_map.resolved_by is null then usage_buckets.provider
        else model_map.price_provider
    end as provider,
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
        and usage_buckets.model_text is not distinct from model_map.model_text
-- only what replaces has scopes: a line without one adds up with all others
where usage_buckets.scope is null or winners.delivery is not null
