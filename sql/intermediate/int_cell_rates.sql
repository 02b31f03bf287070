/*
description: What a cell's calls share per meter, side by side. A meter without a share base has no
  charge yet.
grain: one row per cell_no
keys: [cell_no]
*/

select
    components.cell_no,
    max(pools.grade) as grade,
    min(pools.billing_currency) as billing_currency,
    bool_or(components.pool_id is null) as has_estimates,
    max(case when components.meter = 'input_uncached' then pools.call_cost_picos end)
        as input_uncached_cost_picos,
    max(case when components.meter = 'input_uncached' then pools.share_base end)
        as input_uncached_share_base,
    coalesce(bool_or(components.meter = 'input_uncached' and pools.is_weighed_by_price), false)
        as is_input_uncached_by_price,
    max(case when components.meter = 'cache_read' then pools.call_cost_picos end)
        as cache_read_cost_picos,
    max(case when components.meter = 'cache_read' then pools.share_base end)
        as cache_read_share_base,
    coalesce(bool_or(components.meter = 'cache_read' and pools.is_weighed_by_price), false)
        as is_cache_read_by_price,
    max(case when components.meter = 'cache_write_5m' then pools.call_cost_picos end)
        as cache_write_5m_cost_picos,
    max(case when components.meter = 'cache_write_5m' then pools.share_base end)
        as cache_write_5m_share_base,
    coalesce(bool_or(components.meter = 'cache_write_5m' and pools.is_weighed_by_price), false)
        as is_cache_write_5m_by_price,
    max(case when components.meter = 'cache_write_1h' then pools.call_cost_picos end)
        as cache_write_1h_cost_picos,
    max(case when components.meter = 'cache_write_1h' then pools.share_base end)
        as cache_write_1h_share_base,
    coalesce(bool_or(components.meter = 'cache_write_1h' and pools.is_weighed_by_price), false)
        as is_cache_write_1h_by_price,
    max(case when components.meter = 'input_audio' then pools.call_cost_picos end)
        as input_audio_cost_picos,
    max(case when components.meter = 'input_audio' then pools.share_base end)
        as input_audio_share_base,
    coalesce(bool_or(components.meter = 'input_audio' and pools.is_weighed_by_price), false)
        as is_input_audio_by_price,
    max(case when components.meter = 'input_image' then pools.call_cost_picos end)
        as input_image_cost_picos,
    max(case when components.meter = 'input_image' then pools.share_base end)
        as input_image_share_base,
    coalesce(bool_or(components.meter = 'input_image' and pools.is_weighed_by_price), false)
        as is_input_image_by_price,
    max(case when components.meter = 'output' then pools.call_cost_picos end) as output_cost_picos,
    max(case when components.meter = 'output' then pools.share_base end) as output_share_base,
    coalesce(bool_or(components.meter = 'output' and pools.is_weighed_by_price), false)
        as is_output_by_price,
    max(case when components.meter = 'output_audio' then pools.call_cost_picos end)
        as output_audio_cost_picos,
    max(case when components.meter = 'output_audio' then pools.share_base end)
        as output_audio_share_base,
    coalesce(bool_or(components.meter = 'output_audio' and pools.is_weighed_by_price), false)
        as is_output_audio_by_price,
    max(case when components.meter = 'output_image' then pools.call_cost_picos end)
        as output_image_cost_picos,
    max(case when components.meter = 'output_image' then pools.share_base end)
        as output_image_share_base,
    coalesce(bool_or(components.meter = 'output_image' and pools.is_weighed_by_price), false)
        as is_output_image_by_price,
    max(case when components.meter = 'web_search' then pools.call_cost_picos end)
        as web_search_cost_picos,
    max(case when components.meter = 'web_search' then pools.share_base end)
        as web_search_share_base,
    coalesce(bool_or(components.meter = 'web_search' and pools.is_weighed_by_price), false)
        as is_web_search_by_price
from int_components__pooled as components
left join int_pools as pools on components.pool_id = pools.pool_id
group by components.cell_no
