/*
description: All that a call looks up by its profile, on one row. Its cell, its owner from when until
  when, and its price band from how many input tokens on.
grain: one row per profile_key, charge_date, segment_from, input_tokens_from and minute_from
keys: [profile_key, charge_date, segment_from, input_tokens_from, minute_from]
*/

with bands as (
    select
        price_no,
        issuer,
        provider,
        model_id,
        service_tier,
        price_geo,
        charge_date,
        input_tokens_from,
        input_tokens_to,
        minute_from,
        minute_to,
        currency,
        bool_or(is_geo_unknown) as is_geo_unknown,
        bool_or(is_band_unknown) as is_band_unknown,
        max(case when meter = 'input_uncached' then price_picos end) as input_uncached_price,
        max(case when meter = 'cache_read' then price_picos end) as cache_read_price,
        max(case when meter = 'cache_write' then price_picos end) as cache_write_price,
        max(case when meter = 'cache_write_1h' then price_picos end) as cache_write_1h_price,
        max(case when meter = 'output' then price_picos end) as output_price
    from int_prices
    group by
        price_no,
        issuer,
        provider,
        model_id,
        service_tier,
        price_geo,
        charge_date,
        input_tokens_from,
        input_tokens_to,
        minute_from,
        minute_to,
        currency
)

select
    profiles.profile_key,
    profiles.charge_date,
    cells.cell_no,
    profiles.model_id,
    coalesce(segments.segment_from, profiles.charge_date) as segment_from,
    coalesce(segments.segment_to, profiles.charge_date + interval 1 day) as segment_to,
    segments.owner_id,
    segments.rank as owner_rank,
    coalesce(bands.input_tokens_from, 0) as input_tokens_from,
    bands.input_tokens_to,
    bands.minute_from,
    bands.minute_to,
    bands.price_no,
    bands.currency as price_currency,
    coalesce(bands.is_geo_unknown, false) as is_geo_unknown,
    coalesce(bands.is_band_unknown, false) as is_band_unknown,
    -- what caches save and what an untold lifetime may cost is told against these
    bands.input_uncached_price,
    bands.cache_read_price,
    bands.cache_write_price,
    bands.cache_write_1h_price,
    bands.output_price
from int_profiles as profiles
inner join int_cells as cells
    on
        profiles.charge_date = cells.charge_date
        and profiles.issuer is not distinct from cells.issuer
        and profiles.billing_account_id is not distinct from cells.billing_account_id
        and profiles.sub_account_id is not distinct from cells.sub_account_id
        and profiles.provider is not distinct from cells.provider
        and profiles.model_id is not distinct from cells.model_id
        and profiles.known_service_tier is not distinct from cells.service_tier
        and profiles.inference_geo is not distinct from cells.inference_geo
left join int_owner_spans as segments
    on
        'profile:' || cast(profiles.profile_key as varchar) = segments.subject
        and profiles.charge_date = segments.charge_date
left join bands
    on
        coalesce(profiles.issuer, '') = bands.issuer
        and profiles.provider = bands.provider
        and profiles.model_id = bands.model_id
        and profiles.service_tier = bands.service_tier
        and coalesce(nullif(profiles.inference_geo, 'global'), '') = coalesce(bands.price_geo, '')
        and profiles.charge_date = bands.charge_date
