/*
description: Calls of two feeds that may be one, each with what speaks for it. An id is unique inside its feed
  and no further - two gateways may give the same ids to different calls -, so that an id that both
  tell needs usage or time beside it; and a call without an id of its provider, as one that failed, is known by
  its trace, start, AI model, end and usage.
grain: one row per source, call_id, record_source and record_call_id
keys: [source, call_id, record_source, record_call_id]
columns:
  source: "Feed that only corroborates, or is named later."
  is_system_of_record: "False for a feed of which nothing counts; true for overlap nobody declared."
  record_source: "Feed whose call counts if the two are one."
  is_same: "Whether they are one; else two calls that share an id."
*/

-- what the provider never answered has no id of its own, and what a cache answered repeats the
-- original's
with identified as (
    select
        calls.source,
        calls.call_id,
        feeds.is_other,
        feeds.is_record_of_others,
        calls.trace_id,
        calls.provider_request_id is null as is_without_answer_id,
        coalesce(
            case when calls.status <> 'cache_hit' then calls.provider_request_id end,
            calls.call_id
        ) as identity
    from lake_calls as calls
    inner join stg_call_feeds as feeds on calls.source = feeds.source
    where (feeds.is_other or feeds.is_record_of_others) and not calls.is_rollup
),

shared_ids as (
    select records.identity
    from identified as records
    inner join identified as others
        on records.identity = others.identity and records.source <> others.source
    where records.is_record_of_others and others.is_other
    group by records.identity
),

unanswered as (
    select trace_id
    from identified
    where is_without_answer_id and trace_id is not null
    group by trace_id
),

shared_traces as (
    select identified.trace_id
    from identified
    semi join unanswered on identified.trace_id = unanswered.trace_id
    group by identified.trace_id
    having min(identified.source) < max(identified.source)
),

candidates as (
    select
        identified.source,
        identified.call_id
    from identified
    semi join shared_ids on identified.identity = shared_ids.identity
    union
    select
        identified.source,
        identified.call_id
    from identified
    semi join shared_traces on identified.trace_id = shared_traces.trace_id
),

told as materialized (
    select
        calls.source,
        coalesce(nested.counted_call_id, calls.call_id) as call_id,
        calls.charge_date,
        calls.started_at,
        calls.trace_id,
        calls.provider_request_id,
        calls.status,
        lower(coalesce(calls.requested_model, calls.served_model)) as model,
        feeds.source_rank,
        feeds.is_system_of_record,
        feeds.is_other,
        feeds.is_record_of_others,
        coalesce(
            case when calls.status <> 'cache_hit' then calls.provider_request_id end,
            calls.call_id
        ) as identity,
        coalesce(calls.input_uncached_tokens, 0)
        + coalesce(calls.cache_read_tokens, 0)
        + coalesce(calls.cache_write_5m_tokens, 0)
        + coalesce(calls.cache_write_1h_tokens, 0)
        + coalesce(calls.cache_write_tokens, 0)
        + coalesce(calls.input_audio_tokens, 0)
        + coalesce(calls.input_image_tokens, 0) as input_total,
        coalesce(calls.output_text_tokens, 0)
        + coalesce(calls.output_reasoning_tokens, 0)
        + coalesce(calls.output_audio_tokens, 0)
        + coalesce(calls.output_image_tokens, 0) as output_total,
        coalesce(calls.token_source, 'provider') = 'provider' as is_counted
    from lake_calls as calls
    semi join candidates
        on calls.source = candidates.source and calls.call_id = candidates.call_id
    inner join stg_call_feeds as feeds on calls.source = feeds.source
    left join stg_calls__nested as nested
        on calls.source = nested.source and calls.call_id = nested.call_id
    where not calls.is_rollup
),

-- the feed named first is the record
pairs as (
    select
        others.source,
        others.call_id,
        others.charge_date,
        others.source_rank,
        others.is_system_of_record,
        records.source as record_source,
        records.call_id as record_call_id,
        records.charge_date as record_date,
        records.source_rank as record_rank,
        others.input_total,
        others.output_total,
        records.input_total as record_input_total,
        records.output_total as record_output_total,
        others.is_counted and records.is_counted
        and others.input_total + others.output_total > 0
        and records.input_total + records.output_total > 0 as is_usage_known,
        coalesce(
            date_diff('second', records.started_at, others.started_at) between -600 and 600, true
        ) as is_near
    from told as others
    inner join told as records
        on others.identity = records.identity and others.source <> records.source
    where
        others.is_other
        and records.is_record_of_others
        and (others.source_rank > records.source_rank or not others.is_system_of_record)
    union all
    select
        others.source,
        others.call_id,
        others.charge_date,
        others.source_rank,
        others.is_system_of_record,
        records.source as record_source,
        records.call_id as record_call_id,
        records.charge_date as record_date,
        records.source_rank as record_rank,
        others.input_total,
        others.output_total,
        records.input_total as record_input_total,
        records.output_total as record_output_total,
        true as is_usage_known,
        true as is_near
    from told as others
    inner join told as records
        on
            others.trace_id = records.trace_id
            and others.status = records.status
            and others.source <> records.source
    where
        others.is_other
        and records.is_record_of_others
        and (others.source_rank > records.source_rank or not others.is_system_of_record)
        and (others.provider_request_id is null or records.provider_request_id is null)
        and others.input_total = records.input_total
        and others.output_total = records.output_total
        and date_diff('millisecond', records.started_at, others.started_at) between -1000 and 1000
        and coalesce(
            contains(others.model, records.model) or contains(records.model, others.model), true
        )
),

judged as (
    select
        *,
        case
            when not is_usage_known then is_near
            when input_total = record_input_total and output_total = record_output_total then true
            -- who reads details otherwise still agrees with the other in one of the totals
            when input_total = record_input_total or output_total = record_output_total
                then is_near
            else is_near and not is_system_of_record
        end as is_same
    from pairs
)

select
    source,
    call_id,
    min(charge_date) as charge_date,
    source_rank,
    is_system_of_record,
    record_source,
    record_call_id,
    min(record_date) as record_date,
    min(record_rank) as record_rank,
    max(case when is_same then 1 else 0 end) = 1 as is_same
from judged
group by source, call_id, source_rank, is_system_of_record, record_source, record_call_id
