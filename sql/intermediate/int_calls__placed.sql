/*
description: Each call that counts with its cell, its owner and the price band it falls into. What it
  used of each meter is in int_call_meters. A call is known here and from here on by its row number
  in stg_calls. What a gateway's cache answered or the provider refused is not billable.
grain: one row per call_no
keys: [call_no]
*/

with calls as (
    select
        stg_calls.rowid as call_no,
        stg_calls.source,
        stg_calls.charge_date,
        stg_calls.started_at,
        stg_calls.profile_key,
        stg_calls.status,
        stg_calls.token_source,
        stg_calls.cache_read_tokens,
        stg_calls.cache_write_tokens,
        coalesce(stg_calls.end_user_id, stg_calls.user_id) as person_id,
        stg_calls.status in ('success', 'cancelled')
        or (
            stg_calls.status = 'error'
            and (
                stg_calls.token_source = 'provider'
                -- an answer that broke off was served as far as it came, whoever counted it
                or coalesce(stg_calls.output_text_tokens, 0)
                + coalesce(stg_calls.output_reasoning_tokens, 0) > 0
            )
        ) as is_billable,
        coalesce(stg_calls.input_uncached_tokens, 0) + coalesce(stg_calls.cache_read_tokens, 0)
        + coalesce(stg_calls.cache_write_5m_tokens, 0)
        + coalesce(stg_calls.cache_write_1h_tokens, 0)
        + coalesce(stg_calls.cache_write_tokens, 0)
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
)

select
    calls.call_no,
    calls.charge_date,
    cells.cell_no,
    cells.price_no,
    cells.is_geo_unknown,
    cells.is_band_unknown,
    users.cost_center_id as consumer_cost_center_id,
    case
        when user_spans.rank < coalesce(cells.owner_rank, 2147483647) then user_spans.owner_id
        else cells.owner_id
    end as owner_id,
    calls.is_billable,
    calls.is_billable and calls.token_source = 'unknown' as is_usage_missing,
    -- where an hour costs as much as five minutes nobody needs to know
    calls.is_billable
    and coalesce(calls.cache_write_tokens, 0) > 0
    and (cells.cache_write_price is distinct from cells.cache_write_1h_price)
        as is_lifetime_missing,
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
    end as gateway_cache_saving_picos
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
        and (
            cells.minute_from is null
            or (
                date_diff('minute', calls.charge_date, calls.started_at) >= cells.minute_from
                and (
                    cells.minute_to is null
                    or date_diff('minute', calls.charge_date, calls.started_at) < cells.minute_to
                )
            )
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
