/*
description: Each call's part of its pools' money, in whole picos, meter by meter; and what it would
  cost at contract price where there is no charge yet. A part is rounded towards zero, what that
  leaves is the pool's rounding line.
grain: one row per source and call_id
keys: [source, call_id]
*/

select
    calls.source,
    calls.call_id,
    calls.charge_date,
    calls.cell_no,
    calls.model_id,
    calls.person_id,
    calls.owner_id,
    calls.consumer_cost_center_id,
    calls.is_billable,
    calls.is_usage_missing,
    calls.list_picos,
    calls.prompt_cache_saving_picos,
    calls.gateway_cache_saving_picos,
    rates.grade as pool_grade,
    rates.billing_currency,
    calls.price_currency,
    coalesce(rates.has_estimates, false) as has_estimates,
    calls.input_uncached_quantity,
    calls.input_uncached_weight,
    calls.cache_read_quantity,
    calls.cache_read_weight,
    calls.cache_write_5m_quantity,
    calls.cache_write_5m_weight,
    calls.cache_write_1h_quantity,
    calls.cache_write_1h_weight,
    calls.input_audio_quantity,
    calls.input_audio_weight,
    calls.input_image_quantity,
    calls.input_image_weight,
    calls.output_quantity,
    calls.output_weight,
    calls.output_audio_quantity,
    calls.output_audio_weight,
    calls.output_image_quantity,
    calls.output_image_weight,
    calls.web_search_quantity,
    calls.web_search_weight,
    case
        when calls.input_uncached_quantity = 0 or rates.input_uncached_share_base is null then 0
        when
            rates.is_input_uncached_by_price
            and rates.input_uncached_cost_picos = rates.input_uncached_share_base
            then calls.input_uncached_weight
        else cast(
            cast(
                if(
                    rates.is_input_uncached_by_price,
                    calls.input_uncached_weight,
                    calls.input_uncached_quantity
                ) as hugeint
            ) * rates.input_uncached_cost_picos // rates.input_uncached_share_base
            as bigint
        )
    end as input_uncached_picos,
    case
        when calls.cache_read_quantity = 0 or rates.cache_read_share_base is null then 0
        when
            rates.is_cache_read_by_price
            and rates.cache_read_cost_picos = rates.cache_read_share_base
            then calls.cache_read_weight
        else cast(
            cast(
                if(
                    rates.is_cache_read_by_price, calls.cache_read_weight, calls.cache_read_quantity
                ) as hugeint
            ) * rates.cache_read_cost_picos // rates.cache_read_share_base
            as bigint
        )
    end as cache_read_picos,
    case
        when calls.cache_write_5m_quantity = 0 or rates.cache_write_5m_share_base is null then 0
        when
            rates.is_cache_write_5m_by_price
            and rates.cache_write_5m_cost_picos = rates.cache_write_5m_share_base
            then calls.cache_write_5m_weight
        else cast(
            cast(
                if(
                    rates.is_cache_write_5m_by_price,
                    calls.cache_write_5m_weight,
                    calls.cache_write_5m_quantity
                ) as hugeint
            ) * rates.cache_write_5m_cost_picos // rates.cache_write_5m_share_base
            as bigint
        )
    end as cache_write_5m_picos,
    case
        when calls.cache_write_1h_quantity = 0 or rates.cache_write_1h_share_base is null then 0
        when
            rates.is_cache_write_1h_by_price
            and rates.cache_write_1h_cost_picos = rates.cache_write_1h_share_base
            then calls.cache_write_1h_weight
        else cast(
            cast(
                if(
                    rates.is_cache_write_1h_by_price,
                    calls.cache_write_1h_weight,
                    calls.cache_write_1h_quantity
                ) as hugeint
            ) * rates.cache_write_1h_cost_picos // rates.cache_write_1h_share_base
            as bigint
        )
    end as cache_write_1h_picos,
    case
        when calls.input_audio_quantity = 0 or rates.input_audio_share_base is null then 0
        when
            rates.is_input_audio_by_price
            and rates.input_audio_cost_picos = rates.input_audio_share_base
            then calls.input_audio_weight
        else cast(
            cast(
                if(
                    rates.is_input_audio_by_price,
                    calls.input_audio_weight,
                    calls.input_audio_quantity
                ) as hugeint
            ) * rates.input_audio_cost_picos // rates.input_audio_share_base
            as bigint
        )
    end as input_audio_picos,
    case
        when calls.input_image_quantity = 0 or rates.input_image_share_base is null then 0
        when
            rates.is_input_image_by_price
            and rates.input_image_cost_picos = rates.input_image_share_base
            then calls.input_image_weight
        else cast(
            cast(
                if(
                    rates.is_input_image_by_price,
                    calls.input_image_weight,
                    calls.input_image_quantity
                ) as hugeint
            ) * rates.input_image_cost_picos // rates.input_image_share_base
            as bigint
        )
    end as input_image_picos,
    case
        when calls.output_quantity = 0 or rates.output_share_base is null then 0
        when rates.is_output_by_price and rates.output_cost_picos = rates.output_share_base
            then calls.output_weight
        else cast(
            cast(
                if(rates.is_output_by_price, calls.output_weight, calls.output_quantity) as hugeint
            ) * rates.output_cost_picos // rates.output_share_base
            as bigint
        )
    end as output_picos,
    case
        when calls.output_audio_quantity = 0 or rates.output_audio_share_base is null then 0
        when
            rates.is_output_audio_by_price
            and rates.output_audio_cost_picos = rates.output_audio_share_base
            then calls.output_audio_weight
        else cast(
            cast(
                if(
                    rates.is_output_audio_by_price,
                    calls.output_audio_weight,
                    calls.output_audio_quantity
                ) as hugeint
            ) * rates.output_audio_cost_picos // rates.output_audio_share_base
            as bigint
        )
    end as output_audio_picos,
    case
        when calls.output_image_quantity = 0 or rates.output_image_share_base is null then 0
        when
            rates.is_output_image_by_price
            and rates.output_image_cost_picos = rates.output_image_share_base
            then calls.output_image_weight
        else cast(
            cast(
                if(
                    rates.is_output_image_by_price,
                    calls.output_image_weight,
                    calls.output_image_quantity
                ) as hugeint
            ) * rates.output_image_cost_picos // rates.output_image_share_base
            as bigint
        )
    end as output_image_picos,
    case
        when calls.web_search_quantity = 0 or rates.web_search_share_base is null then 0
        when
            rates.is_web_search_by_price
            and rates.web_search_cost_picos = rates.web_search_share_base
            then calls.web_search_weight
        else cast(
            cast(
                if(
                    rates.is_web_search_by_price, calls.web_search_weight, calls.web_search_quantity
                ) as hugeint
            ) * rates.web_search_cost_picos // rates.web_search_share_base
            as bigint
        )
    end as web_search_picos,
    -- null as soon as one meter has neither a charge nor a price
    case when rates.input_uncached_share_base is null then calls.input_uncached_weight else 0 end
    + case when rates.cache_read_share_base is null then calls.cache_read_weight else 0 end
    + case when rates.cache_write_5m_share_base is null then calls.cache_write_5m_weight else 0 end
    + case when rates.cache_write_1h_share_base is null then calls.cache_write_1h_weight else 0 end
    + case when rates.input_audio_share_base is null then calls.input_audio_weight else 0 end
    + case when rates.input_image_share_base is null then calls.input_image_weight else 0 end
    + case when rates.output_share_base is null then calls.output_weight else 0 end
    + case when rates.output_audio_share_base is null then calls.output_audio_weight else 0 end
    + case when rates.output_image_share_base is null then calls.output_image_weight else 0 end
    + case when rates.web_search_share_base is null then calls.web_search_weight else 0 end
        as estimated_picos
from int_calls__weighed as calls
left join int_cell_rates as rates on calls.cell_no = rates.cell_no
