/*
description: What the provider says it metered, by its bill in each pool and by its usage report in each group,
  with its weight at contract price where every line has one. A bucket of a report that no charge can be for,
  or that may belong to several groups, counts in none.
grain: one row per side, group_no and pool_id
keys: [side, group_no, pool_id]
*/

with metered as (
    select
        'charge' as side,
        group_no,
        pool_id,
        charge_date,
        issuer,
        provider,
        model_id,
        meter,
        service_tier,
        inference_geo,
        consumed_quantity as quantity
    from int_charges__pooled
    union all
    select
        'usage' as side,
        levels.group_no,
        cast(null as varchar) as pool_id,
        usage_buckets.charge_date,
        usage_buckets.issuer,
        usage_buckets.provider,
        usage_buckets.model_id,
        usage_buckets.meter,
        usage_buckets.service_tier,
        usage_buckets.inference_geo,
        usage_buckets.quantity
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
),

singles as (
    select
        issuer,
        provider,
        model_id,
        charge_date,
        case when min(service_tier) = max(service_tier) then min(service_tier) end as service_tier,
        case
            when min(coalesce(price_geo, '')) = max(coalesce(price_geo, ''))
                then min(coalesce(price_geo, ''))
        end as price_geo
    from int_prices
    group by issuer, provider, model_id, charge_date
),

weighed as (
    select
        metered.*,
        prices.price_picos
    from metered
    -- a line without a tier or a geography can be priced only where there is but one
    left join singles
        on
            metered.issuer = singles.issuer
            and metered.provider = singles.provider
            and metered.model_id = singles.model_id
            and metered.charge_date = singles.charge_date
    left join int_prices as prices
        on
            metered.issuer = prices.issuer
            and metered.provider = prices.provider
            and metered.model_id = prices.model_id
            and coalesce(metered.service_tier, singles.service_tier) = prices.service_tier
            and coalesce(
                if(metered.inference_geo = 'global', '', metered.inference_geo), singles.price_geo
            ) = coalesce(prices.price_geo, '')
            and metered.charge_date = prices.charge_date
            and metered.meter = cast(prices.meter as varchar)
            -- neither tells how long prompts were, nor the hour: where a price depends on it there is none
            and prices.input_tokens_from = 0
            and prices.input_tokens_to is null
            and prices.minute_from is null
)

select
    side,
    group_no,
    pool_id,
    case when count(*) = count(quantity) then sum(quantity) end as quantity,
    -- one line without a price makes the weight of all unknown
    case
        when count(*) = count(price_picos) and count(*) = count(quantity)
            then cast(sum(cast(quantity as hugeint) * price_picos) as decimal(38, 0))
    end as weight,
    coalesce(min(price_picos) = max(price_picos), true) as is_one_price
from weighed
group by side, group_no, pool_id
