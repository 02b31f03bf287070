/*
description: All that a call looks up by its profile, on one row. Its cell, its owner from when until
  when, and its prices from how many input tokens on.
grain: one row per profile_key, charge_date, segment_from and input_tokens_from
keys: [profile_key, charge_date, segment_from, input_tokens_from]
*/

select
    profiles.profile_key,
    profiles.charge_date,
    cells.cell_no,
    profiles.model_id,
    coalesce(segments.segment_from, profiles.charge_date) as segment_from,
    coalesce(segments.segment_to, profiles.charge_date + interval 1 day) as segment_to,
    segments.owner_id,
    segments.rank as owner_rank,
    coalesce(prices.input_tokens_from, 0) as input_tokens_from,
    prices.input_tokens_to,
    prices.currency as price_currency,
    prices.price_kind,
    prices.input_uncached_price,
    prices.input_uncached_list_price,
    prices.cache_read_price,
    prices.cache_read_list_price,
    prices.cache_write_5m_price,
    prices.cache_write_5m_list_price,
    prices.cache_write_1h_price,
    prices.cache_write_1h_list_price,
    prices.input_audio_price,
    prices.input_audio_list_price,
    prices.input_image_price,
    prices.input_image_list_price,
    prices.output_price,
    prices.output_list_price,
    prices.output_audio_price,
    prices.output_audio_list_price,
    prices.output_image_price,
    prices.output_image_list_price,
    prices.web_search_price,
    prices.web_search_list_price
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
left join int_owner_spans as segments
    on
        'profile:' || cast(profiles.profile_key as varchar) = segments.subject
        and profiles.charge_date = segments.charge_date
left join int_prices as prices
    on
        coalesce(profiles.issuer, '') = prices.issuer
        and profiles.provider = prices.provider
        and profiles.model_id = prices.model_id
        and profiles.service_tier = prices.service_tier
        and profiles.charge_date = prices.charge_date
