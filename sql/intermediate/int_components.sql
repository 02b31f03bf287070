/*
description: What the calls of a cell used of each meter in all. Null weight is not possible here,
  calls without a price are counted instead.
grain: one row per cell_no and meter
keys: [cell_no, meter]
*/

with sums as (
    select
        cell_no,
        case when min(price_currency) = max(price_currency) then min(price_currency) end
            as price_currency,
        cast(sum(input_uncached_quantity) as decimal(38, 0)) as input_uncached_quantity,
        cast(sum(input_uncached_weight) as decimal(38, 0)) as input_uncached_weight,
        count(*) filter (where input_uncached_weight is null) as input_uncached_unpriced,
        cast(sum(cache_read_quantity) as decimal(38, 0)) as cache_read_quantity,
        cast(sum(cache_read_weight) as decimal(38, 0)) as cache_read_weight,
        count(*) filter (where cache_read_weight is null) as cache_read_unpriced,
        cast(sum(cache_write_5m_quantity) as decimal(38, 0)) as cache_write_5m_quantity,
        cast(sum(cache_write_5m_weight) as decimal(38, 0)) as cache_write_5m_weight,
        count(*) filter (where cache_write_5m_weight is null) as cache_write_5m_unpriced,
        cast(sum(cache_write_1h_quantity) as decimal(38, 0)) as cache_write_1h_quantity,
        cast(sum(cache_write_1h_weight) as decimal(38, 0)) as cache_write_1h_weight,
        count(*) filter (where cache_write_1h_weight is null) as cache_write_1h_unpriced,
        cast(sum(input_audio_quantity) as decimal(38, 0)) as input_audio_quantity,
        cast(sum(input_audio_weight) as decimal(38, 0)) as input_audio_weight,
        count(*) filter (where input_audio_weight is null) as input_audio_unpriced,
        cast(sum(input_image_quantity) as decimal(38, 0)) as input_image_quantity,
        cast(sum(input_image_weight) as decimal(38, 0)) as input_image_weight,
        count(*) filter (where input_image_weight is null) as input_image_unpriced,
        cast(sum(output_quantity) as decimal(38, 0)) as output_quantity,
        cast(sum(output_weight) as decimal(38, 0)) as output_weight,
        count(*) filter (where output_weight is null) as output_unpriced,
        cast(sum(output_audio_quantity) as decimal(38, 0)) as output_audio_quantity,
        cast(sum(output_audio_weight) as decimal(38, 0)) as output_audio_weight,
        count(*) filter (where output_audio_weight is null) as output_audio_unpriced,
        cast(sum(output_image_quantity) as decimal(38, 0)) as output_image_quantity,
        cast(sum(output_image_weight) as decimal(38, 0)) as output_image_weight,
        count(*) filter (where output_image_weight is null) as output_image_unpriced,
        cast(sum(web_search_quantity) as decimal(38, 0)) as web_search_quantity,
        cast(sum(web_search_weight) as decimal(38, 0)) as web_search_weight,
        count(*) filter (where web_search_weight is null) as web_search_unpriced
    from int_calls__weighed
    group by cell_no
),

components as (
    select
        sums.cell_no,
        sums.price_currency,
        call_meters.meter,
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
        end as logged_quantity,
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
        end as logged_weight,
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
        end as unpriced_calls
    from sums
    cross join call_meters
)

select
    components.cell_no,
    cells.charge_date,
    cells.issuer,
    cells.billing_account_id,
    cells.sub_account_id,
    cells.provider,
    cells.model_id,
    cells.service_tier,
    components.meter,
    components.price_currency,
    components.logged_quantity,
    components.logged_weight,
    components.unpriced_calls
from components
inner join int_cells as cells on components.cell_no = cells.cell_no
where components.logged_quantity > 0
