/*
description: What each owner's calls got of each pool, before shares. Parts without a pool are
  estimates at contract price.
grain: one row per cell_no, meter, owner_id and consumer_cost_center_id
keys: [cell_no, meter, owner_id, consumer_cost_center_id]
*/

with sums as (
    select
        cell_no,
        owner_id,
        consumer_cost_center_id,
        min(price_currency) as price_currency,
        cast(sum(input_uncached_picos) as decimal(38, 0)) as input_uncached_picos,
        cast(sum(input_uncached_weight) as decimal(38, 0)) as input_uncached_weight,
        cast(sum(input_uncached_quantity) as decimal(38, 0)) as input_uncached_quantity,
        count(*) filter (where input_uncached_weight is null) as input_uncached_unpriced,
        count(*) filter (where input_uncached_quantity > 0) as input_uncached_calls,
        cast(sum(cache_read_picos) as decimal(38, 0)) as cache_read_picos,
        cast(sum(cache_read_weight) as decimal(38, 0)) as cache_read_weight,
        cast(sum(cache_read_quantity) as decimal(38, 0)) as cache_read_quantity,
        count(*) filter (where cache_read_weight is null) as cache_read_unpriced,
        count(*) filter (where cache_read_quantity > 0) as cache_read_calls,
        cast(sum(cache_write_5m_picos) as decimal(38, 0)) as cache_write_5m_picos,
        cast(sum(cache_write_5m_weight) as decimal(38, 0)) as cache_write_5m_weight,
        cast(sum(cache_write_5m_quantity) as decimal(38, 0)) as cache_write_5m_quantity,
        count(*) filter (where cache_write_5m_weight is null) as cache_write_5m_unpriced,
        count(*) filter (where cache_write_5m_quantity > 0) as cache_write_5m_calls,
        cast(sum(cache_write_1h_picos) as decimal(38, 0)) as cache_write_1h_picos,
        cast(sum(cache_write_1h_weight) as decimal(38, 0)) as cache_write_1h_weight,
        cast(sum(cache_write_1h_quantity) as decimal(38, 0)) as cache_write_1h_quantity,
        count(*) filter (where cache_write_1h_weight is null) as cache_write_1h_unpriced,
        count(*) filter (where cache_write_1h_quantity > 0) as cache_write_1h_calls,
        cast(sum(input_audio_picos) as decimal(38, 0)) as input_audio_picos,
        cast(sum(input_audio_weight) as decimal(38, 0)) as input_audio_weight,
        cast(sum(input_audio_quantity) as decimal(38, 0)) as input_audio_quantity,
        count(*) filter (where input_audio_weight is null) as input_audio_unpriced,
        count(*) filter (where input_audio_quantity > 0) as input_audio_calls,
        cast(sum(input_image_picos) as decimal(38, 0)) as input_image_picos,
        cast(sum(input_image_weight) as decimal(38, 0)) as input_image_weight,
        cast(sum(input_image_quantity) as decimal(38, 0)) as input_image_quantity,
        count(*) filter (where input_image_weight is null) as input_image_unpriced,
        count(*) filter (where input_image_quantity > 0) as input_image_calls,
        cast(sum(output_picos) as decimal(38, 0)) as output_picos,
        cast(sum(output_weight) as decimal(38, 0)) as output_weight,
        cast(sum(output_quantity) as decimal(38, 0)) as output_quantity,
        count(*) filter (where output_weight is null) as output_unpriced,
        count(*) filter (where output_quantity > 0) as output_calls,
        cast(sum(output_audio_picos) as decimal(38, 0)) as output_audio_picos,
        cast(sum(output_audio_weight) as decimal(38, 0)) as output_audio_weight,
        cast(sum(output_audio_quantity) as decimal(38, 0)) as output_audio_quantity,
        count(*) filter (where output_audio_weight is null) as output_audio_unpriced,
        count(*) filter (where output_audio_quantity > 0) as output_audio_calls,
        cast(sum(output_image_picos) as decimal(38, 0)) as output_image_picos,
        cast(sum(output_image_weight) as decimal(38, 0)) as output_image_weight,
        cast(sum(output_image_quantity) as decimal(38, 0)) as output_image_quantity,
        count(*) filter (where output_image_weight is null) as output_image_unpriced,
        count(*) filter (where output_image_quantity > 0) as output_image_calls,
        cast(sum(web_search_picos) as decimal(38, 0)) as web_search_picos,
        cast(sum(web_search_weight) as decimal(38, 0)) as web_search_weight,
        cast(sum(web_search_quantity) as decimal(38, 0)) as web_search_quantity,
        count(*) filter (where web_search_weight is null) as web_search_unpriced,
        count(*) filter (where web_search_quantity > 0) as web_search_calls
    from int_calls__costed
    group by cell_no, owner_id, consumer_cost_center_id
),

parts as (
    select
        sums.cell_no,
        sums.owner_id,
        sums.consumer_cost_center_id,
        sums.price_currency,
        call_meters.meter,
        case call_meters.meter
            when 'input_uncached' then sums.input_uncached_picos
            when 'cache_read' then sums.cache_read_picos
            when 'cache_write_5m' then sums.cache_write_5m_picos
            when 'cache_write_1h' then sums.cache_write_1h_picos
            when 'input_audio' then sums.input_audio_picos
            when 'input_image' then sums.input_image_picos
            when 'output' then sums.output_picos
            when 'output_audio' then sums.output_audio_picos
            when 'output_image' then sums.output_image_picos
            when 'web_search' then sums.web_search_picos
        end as cost_picos,
        case call_meters.meter
            when 'input_uncached' then sums.input_uncached_weight
            when 'cache_read' then sums.cache_read_weight
            when 'cache_write_5m' then sums.cache_write_5m_weight
            when 'cache_write_1h' then sums.cache_write_1h_weight
            when 'input_audio' then sums.input_audio_weight
            when 'input_image' then sums.input_image_weight
            when 'output' then sums.output_weight
            when 'output_audio' then sums.output_audio_weight
            when 'output_image' then sums.output_image_weight
            when 'web_search' then sums.web_search_weight
        end as weight_picos,
        case call_meters.meter
            when 'input_uncached' then sums.input_uncached_quantity
            when 'cache_read' then sums.cache_read_quantity
            when 'cache_write_5m' then sums.cache_write_5m_quantity
            when 'cache_write_1h' then sums.cache_write_1h_quantity
            when 'input_audio' then sums.input_audio_quantity
            when 'input_image' then sums.input_image_quantity
            when 'output' then sums.output_quantity
            when 'output_audio' then sums.output_audio_quantity
            when 'output_image' then sums.output_image_quantity
            when 'web_search' then sums.web_search_quantity
        end as quantity,
        case call_meters.meter
            when 'input_uncached' then sums.input_uncached_unpriced
            when 'cache_read' then sums.cache_read_unpriced
            when 'cache_write_5m' then sums.cache_write_5m_unpriced
            when 'cache_write_1h' then sums.cache_write_1h_unpriced
            when 'input_audio' then sums.input_audio_unpriced
            when 'input_image' then sums.input_image_unpriced
            when 'output' then sums.output_unpriced
            when 'output_audio' then sums.output_audio_unpriced
            when 'output_image' then sums.output_image_unpriced
            when 'web_search' then sums.web_search_unpriced
        end as unpriced_calls,
        case call_meters.meter
            when 'input_uncached' then sums.input_uncached_calls
            when 'cache_read' then sums.cache_read_calls
            when 'cache_write_5m' then sums.cache_write_5m_calls
            when 'cache_write_1h' then sums.cache_write_1h_calls
            when 'input_audio' then sums.input_audio_calls
            when 'input_image' then sums.input_image_calls
            when 'output' then sums.output_calls
            when 'output_audio' then sums.output_audio_calls
            when 'output_image' then sums.output_image_calls
            when 'web_search' then sums.web_search_calls
        end as call_count
    from sums
    cross join call_meters
)

select
    parts.*,
    components.charge_date,
    components.issuer,
    components.billing_account_id,
    components.sub_account_id,
    components.provider,
    components.model_id,
    components.service_tier,
    components.pool_id
from parts
inner join int_components__pooled as components
    on parts.cell_no = components.cell_no and parts.meter = components.meter
where parts.quantity > 0
