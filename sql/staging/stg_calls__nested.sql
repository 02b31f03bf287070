/*
description: Calls that stand around another call of the same work, as a framework's span does around
  the span of the provider's client. Only the inner one is counted. A call that caused another one has
  other usage, or was over before it, and is not here.
grain: one row per source and call_id
keys: [source, call_id]
*/

-- only ids are looked at to find calls that another call names as its parent
with parents as (
    select distinct
        inners.source,
        inners.parent_call_id as call_id
    from lake_calls as inners
    semi join sources on inners.source = sources.source and sources.is_system_of_record
    semi join lake_calls as outers
        on inners.source = outers.source and inners.parent_call_id = outers.call_id
    where not inners.is_rollup and inners.parent_call_id <> inners.call_id
),

family as (
    select
        source,
        call_id
    from parents
    union
    select
        calls.source,
        calls.call_id
    from lake_calls as calls
    semi join parents
        on calls.source = parents.source and calls.parent_call_id = parents.call_id
),

used as (
    select distinct
        calls.source,
        calls.call_id,
        calls.charge_date,
        calls.trace_id,
        calls.parent_call_id,
        calls.provider_request_id,
        calls.started_at,
        calls.ended_at,
        coalesce(calls.input_uncached_tokens, 0) as input_uncached,
        coalesce(calls.cache_read_tokens, 0) as cache_read,
        -- an outer one may not know the lifetime that the inner one tells
        coalesce(calls.cache_write_5m_tokens, 0) + coalesce(calls.cache_write_1h_tokens, 0)
        + coalesce(calls.cache_write_tokens, 0) as cache_write,
        coalesce(calls.input_audio_tokens, 0) as input_audio,
        coalesce(calls.input_image_tokens, 0) as input_image,
        coalesce(calls.output_text_tokens, 0) as output_text,
        coalesce(calls.output_reasoning_tokens, 0) as output_reasoning,
        coalesce(calls.output_audio_tokens, 0) as output_audio,
        coalesce(calls.output_image_tokens, 0) as output_image
    from lake_calls as calls
    semi join family on calls.source = family.source and calls.call_id = family.call_id
    left join stg_calls__repeated as repeated
        on calls.source = repeated.source and calls.call_id = repeated.call_id
    where
        not calls.is_rollup
        and calls.operation <> 'tool'
        and (
            repeated.call_id is null
            or calls.updated_at is not distinct from repeated.updated_at
        )
),

pairs as (
    select distinct
        outers.source,
        outers.call_id,
        inners.call_id as inner_call_id
    from used as inners
    inner join used as outers
        on
            inners.source = outers.source
            and inners.parent_call_id = outers.call_id
            and inners.charge_date = outers.charge_date
            and inners.trace_id is not distinct from outers.trace_id
    where
        inners.call_id <> outers.call_id
        and inners.input_uncached + inners.cache_read + inners.cache_write
        + inners.input_audio + inners.input_image + inners.output_text
        + inners.output_reasoning + inners.output_audio + inners.output_image > 0
        and (
            inners.provider_request_id = outers.provider_request_id
            or (
                inners.started_at between outers.started_at and outers.ended_at
                and inners.input_uncached = outers.input_uncached
                and inners.cache_read = outers.cache_read
                and inners.cache_write = outers.cache_write
                and inners.input_audio = outers.input_audio
                and inners.input_image = outers.input_image
                and inners.output_text = outers.output_text
                and inners.output_reasoning = outers.output_reasoning
                and inners.output_audio = outers.output_audio
                and inners.output_image = outers.output_image
            )
        )
),

-- where the inner call came with two contents nothing of it counts, and the outer one stays
conflicts as (
    select
        source,
        call_id
    from stg_calls__repeated
    where is_conflict
)

select distinct
    pairs.source,
    pairs.call_id
from pairs
anti join conflicts
    on pairs.source = conflicts.source and pairs.inner_call_id = conflicts.call_id
