/*
description: What the provider says it metered, in the groups that charges and calls make, with its weight at
  contract price where every bucket has one. A bucket that no charge can be for, or that may belong to
  several groups, counts in none.
grain: one row per group_no
keys: [group_no]
*/

with single_tiers as (
    select
        issuer,
        provider,
        model_id,
        charge_date,
        min(service_tier) as service_tier
    from int_prices
    group by issuer, provider, model_id, charge_date
    having min(service_tier) = max(service_tier)
),

weighed as (
    select
        levels.group_no,
        usage_buckets.quantity,
        prices.price_picos
    from stg_usage as usage_buckets
    inner join int_match_levels as levels
        on
            levels.side = 'usage'
            and usage_buckets.charge_date = levels.charge_date
            and usage_buckets.issuer = levels.issuer
            and usage_buckets.billing_account_id = levels.billing_account_id
            and usage_buckets.sub_account_id is not distinct from levels.sub_account_id
            and usage_buckets.model_id is not distinct from levels.model_id
            and usage_buckets.meter is not distinct from levels.meter
            and usage_buckets.service_tier is not distinct from levels.service_tier
            and usage_buckets.inference_geo is not distinct from levels.inference_geo
    -- a report without tiers can be priced only where there is but one
    left join single_tiers
        on
            usage_buckets.issuer = single_tiers.issuer
            and usage_buckets.provider = single_tiers.provider
            and usage_buckets.model_id = single_tiers.model_id
            and usage_buckets.charge_date = single_tiers.charge_date
    left join int_prices as prices
        on
            usage_buckets.issuer = prices.issuer
            and usage_buckets.provider = prices.provider
            and usage_buckets.model_id = prices.model_id
            and coalesce(usage_buckets.service_tier, single_tiers.service_tier)
            = prices.service_tier
            and usage_buckets.charge_date = prices.charge_date
            and usage_buckets.meter = cast(prices.meter as varchar)
            -- a report does not tell how long prompts were: with long-prompt bands it cannot price
            and prices.input_tokens_from = 0
            and prices.input_tokens_to is null
)

select
    group_no,
    sum(quantity) as usage_quantity,
    -- one bucket without a price makes the weight of the whole group unknown
    case
        when count(*) = count(price_picos)
            then cast(sum(cast(quantity as hugeint) * price_picos) as decimal(38, 0))
    end as usage_weight
from weighed
group by group_no
