/*
description: Each call that counts with its cell, its owner, what it used of each meter and what
  that weighs, which is quantity times its own contract price in whole picos. A meter that was used and has no
  price weighs null. What a gateway's cache answered or the provider refused uses nothing.
grain: one row per source and call_id
keys: [source, call_id]
*/

with calls as (
    select
        stg_calls.*,
        coalesce(stg_calls.end_user_id, stg_calls.user_id) as person_id,
        stg_calls.status in ('success', 'cancelled')
        or (stg_calls.status = 'error' and stg_calls.token_source = 'provider') as is_billable,
        coalesce(stg_calls.input_uncached_tokens, 0) + coalesce(stg_calls.cache_read_tokens, 0)
        + coalesce(stg_calls.cache_write_5m_tokens, 0)
        + coalesce(stg_calls.cache_write_1h_tokens, 0)
        + coalesce(stg_calls.input_audio_tokens, 0)
        + coalesce(stg_calls.input_image_tokens, 0) as all_input_tokens,
        coalesce(stg_calls.output_text_tokens, 0)
        + coalesce(stg_calls.output_reasoning_tokens, 0) as output_tokens
    from stg_calls
),

user_spans as (
    select
        substr(subject, 6) as person_of_source,
        charge_date,
        segment_from,
        segment_to,
        owner_id,
        rank
    from int_owner_segments
    where starts_with(subject, 'user:')
),

priced as (
    select
        calls.source,
        calls.call_id,
        calls.charge_date,
        calls.person_id,
        calls.is_billable,
        calls.is_billable and calls.token_source = 'unknown' as is_usage_missing,
        cells.cell_no,
        cells.model_id,
        users.cost_center_id as consumer_cost_center_id,
        case
            when user_spans.rank < coalesce(cells.owner_rank, 2147483647) then user_spans.owner_id
            else cells.owner_id
        end as owner_id,
        cells.price_kind,
        cells.price_currency,
        case
            when calls.is_billable
                then
                    coalesce(calls.cache_read_tokens, 0)
                    * (cells.input_uncached_price - cells.cache_read_price)
        end as prompt_cache_saving_picos,
        case
            when calls.status = 'cache_hit'
                then
                    case
                        when calls.all_input_tokens = 0 then 0
                        else calls.all_input_tokens * cells.input_uncached_price
                    end
                    + case
                        when calls.output_tokens = 0 then 0
                        else calls.output_tokens * cells.output_price
                    end
        end as gateway_cache_saving_picos,
        case when calls.is_billable then coalesce(calls.input_uncached_tokens, 0) else 0 end
            as input_uncached_quantity,
        case when calls.is_billable then coalesce(calls.cache_read_tokens, 0) else 0 end
            as cache_read_quantity,
        case when calls.is_billable then coalesce(calls.cache_write_5m_tokens, 0) else 0 end
            as cache_write_5m_quantity,
        case when calls.is_billable then coalesce(calls.cache_write_1h_tokens, 0) else 0 end
            as cache_write_1h_quantity,
        case when calls.is_billable then coalesce(calls.input_audio_tokens, 0) else 0 end
            as input_audio_quantity,
        case when calls.is_billable then coalesce(calls.input_image_tokens, 0) else 0 end
            as input_image_quantity,
        case when calls.is_billable then calls.output_tokens else 0 end as output_quantity,
        case when calls.is_billable then coalesce(calls.output_audio_tokens, 0) else 0 end
            as output_audio_quantity,
        case when calls.is_billable then coalesce(calls.output_image_tokens, 0) else 0 end
            as output_image_quantity,
        case when calls.is_billable then coalesce(calls.web_search_requests, 0) else 0 end
            as web_search_quantity,
        cells.input_uncached_price,
        cells.input_uncached_list_price,
        cells.cache_read_price,
        cells.cache_read_list_price,
        cells.cache_write_5m_price,
        cells.cache_write_5m_list_price,
        cells.cache_write_1h_price,
        cells.cache_write_1h_list_price,
        cells.input_audio_price,
        cells.input_audio_list_price,
        cells.input_image_price,
        cells.input_image_list_price,
        cells.output_price,
        cells.output_list_price,
        cells.output_audio_price,
        cells.output_audio_list_price,
        cells.output_image_price,
        cells.output_image_list_price,
        cells.web_search_price,
        cells.web_search_list_price
    from calls
    inner join int_profile_cells as cells
        on
            calls.profile_key = cells.profile_key
            and calls.charge_date = cells.charge_date
            and calls.started_at >= cells.segment_from
            and calls.started_at < cells.segment_to
            and (calls.all_input_tokens > cells.input_tokens_from or cells.input_tokens_from = 0)
            and (
                cells.input_tokens_to is null
                or calls.all_input_tokens <= cells.input_tokens_to
            )
    left join ref_users as users
        on
            calls.person_id = users.user_id
            and (users.valid_from is null or calls.started_at >= users.valid_from)
            and (users.valid_to is null or calls.started_at < users.valid_to)
    left join user_spans
        on
            calls.source || '|' || calls.person_id = user_spans.person_of_source
            and calls.charge_date = user_spans.charge_date
            and calls.started_at >= user_spans.segment_from
            and calls.started_at < user_spans.segment_to
)

select
    priced.source,
    priced.call_id,
    priced.charge_date,
    priced.cell_no,
    priced.model_id,
    priced.person_id,
    priced.owner_id,
    priced.consumer_cost_center_id,
    priced.is_billable,
    priced.is_usage_missing,
    priced.price_kind,
    priced.price_currency,
    priced.prompt_cache_saving_picos,
    priced.gateway_cache_saving_picos,
    priced.input_uncached_quantity,
    priced.cache_read_quantity,
    priced.cache_write_5m_quantity,
    priced.cache_write_1h_quantity,
    priced.input_audio_quantity,
    priced.input_image_quantity,
    priced.output_quantity,
    priced.output_audio_quantity,
    priced.output_image_quantity,
    priced.web_search_quantity,
    case
        when priced.input_uncached_quantity = 0 then 0
        else priced.input_uncached_quantity * priced.input_uncached_price
    end as input_uncached_weight,
    case
        when priced.cache_read_quantity = 0 then 0
        else priced.cache_read_quantity * priced.cache_read_price
    end as cache_read_weight,
    case
        when priced.cache_write_5m_quantity = 0 then 0
        else priced.cache_write_5m_quantity * priced.cache_write_5m_price
    end as cache_write_5m_weight,
    case
        when priced.cache_write_1h_quantity = 0 then 0
        else priced.cache_write_1h_quantity * priced.cache_write_1h_price
    end as cache_write_1h_weight,
    case
        when priced.input_audio_quantity = 0 then 0
        else priced.input_audio_quantity * priced.input_audio_price
    end as input_audio_weight,
    case
        when priced.input_image_quantity = 0 then 0
        else priced.input_image_quantity * priced.input_image_price
    end as input_image_weight,
    case
        when priced.output_quantity = 0 then 0
        else priced.output_quantity * priced.output_price
    end as output_weight,
    case
        when priced.output_audio_quantity = 0 then 0
        else priced.output_audio_quantity * priced.output_audio_price
    end as output_audio_weight,
    case
        when priced.output_image_quantity = 0 then 0
        else priced.output_image_quantity * priced.output_image_price
    end as output_image_weight,
    case
        when priced.web_search_quantity = 0 then 0
        else priced.web_search_quantity * priced.web_search_price
    end as web_search_weight,
    case
        when priced.input_uncached_quantity = 0 then 0
        else priced.input_uncached_quantity * priced.input_uncached_list_price
    end + case
        when priced.cache_read_quantity = 0 then 0
        else priced.cache_read_quantity * priced.cache_read_list_price
    end + case
        when priced.cache_write_5m_quantity = 0 then 0
        else priced.cache_write_5m_quantity * priced.cache_write_5m_list_price
    end + case
        when priced.cache_write_1h_quantity = 0 then 0
        else priced.cache_write_1h_quantity * priced.cache_write_1h_list_price
    end + case
        when priced.input_audio_quantity = 0 then 0
        else priced.input_audio_quantity * priced.input_audio_list_price
    end + case
        when priced.input_image_quantity = 0 then 0
        else priced.input_image_quantity * priced.input_image_list_price
    end + case
        when priced.output_quantity = 0 then 0
        else priced.output_quantity * priced.output_list_price
    end + case
        when priced.output_audio_quantity = 0 then 0
        else priced.output_audio_quantity * priced.output_audio_list_price
    end + case
        when priced.output_image_quantity = 0 then 0
        else priced.output_image_quantity * priced.output_image_list_price
    end + case
        when priced.web_search_quantity = 0 then 0
        else priced.web_search_quantity * priced.web_search_list_price
    end as list_picos
from priced
