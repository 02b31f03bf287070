/*
description: Every call once, in the newest version its source gave it. Copies of the same call count
  once; roll-ups, feeds that only corroborate, and a call around another call of the same work count nothing.
  An id that came with two different contents of one version counts nothing either. What a call's own feed
  does not say of its task, trace and times, other feeds of the same call fill in; they add no quantity.
grain: one row per source and call_id
keys: [source, call_id]
*/

-- calls are wide and many: only ids are looked at until the last step, and rows are read once
with records as (
    select
        calls.source,
        calls.call_id,
        calls.parent_call_id,
        calls.updated_at
    from lake_calls as calls
    semi join sources on calls.source = sources.source and sources.is_system_of_record
    where not calls.is_rollup
),

repeated as (
    select
        source,
        call_id,
        max(updated_at) as updated_at
    from records
    group by source, call_id
    having count(*) > 1
),

-- a delivery that comes twice is the same content twice: lineage is not part of lake_calls
newest as (
    select distinct calls.*
    from lake_calls as calls
    inner join repeated
        on
            calls.source = repeated.source
            and calls.call_id = repeated.call_id
            and calls.updated_at is not distinct from repeated.updated_at
    where not calls.is_rollup
),

conflicts as (
    select
        source,
        call_id
    from newest
    group by source, call_id
    having count(*) > 1
),

-- a call that names another as its parent: is it the same work, told by a framework and a client?
pairs as (
    select distinct
        inners.source,
        inners.call_id as inner_id,
        outers.call_id as outer_id
    from records as inners
    inner join records as outers
        on inners.source = outers.source and inners.parent_call_id = outers.call_id
    where inners.parent_call_id <> inners.call_id
),

paired as (
    select
        source,
        inner_id as call_id
    from pairs
    union
    select
        source,
        outer_id as call_id
    from pairs
),

used as (
    select
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
        coalesce(calls.cache_write_5m_tokens, 0) as cache_write_5m,
        coalesce(calls.cache_write_1h_tokens, 0) as cache_write_1h,
        coalesce(calls.input_audio_tokens, 0) as input_audio,
        coalesce(calls.input_image_tokens, 0) as input_image,
        coalesce(calls.output_text_tokens, 0) as output_text,
        coalesce(calls.output_reasoning_tokens, 0) as output_reasoning,
        coalesce(calls.output_audio_tokens, 0) as output_audio,
        coalesce(calls.output_image_tokens, 0) as output_image
    from lake_calls as calls
    semi join paired on calls.source = paired.source and calls.call_id = paired.call_id
    anti join conflicts on calls.source = conflicts.source and calls.call_id = conflicts.call_id
    left join repeated on calls.source = repeated.source and calls.call_id = repeated.call_id
    where
        not calls.is_rollup
        and calls.operation <> 'tool'
        and (
            repeated.call_id is null
            or calls.updated_at is not distinct from repeated.updated_at
        )
),

around_another as (
    select distinct
        outers.source,
        outers.call_id
    from used as inners
    inner join used as outers
        on
            inners.source = outers.source
            and inners.parent_call_id = outers.call_id
            and inners.charge_date = outers.charge_date
            and inners.trace_id is not distinct from outers.trace_id
    where
        inners.call_id <> outers.call_id
        and inners.input_uncached + inners.cache_read + inners.cache_write_5m
        + inners.cache_write_1h + inners.input_audio + inners.input_image + inners.output_text
        + inners.output_reasoning + inners.output_audio + inners.output_image > 0
        and (
            inners.provider_request_id = outers.provider_request_id
            or (
                inners.started_at between outers.started_at and outers.ended_at
                and inners.input_uncached = outers.input_uncached
                and inners.cache_read = outers.cache_read
                and inners.cache_write_5m = outers.cache_write_5m
                and inners.cache_write_1h = outers.cache_write_1h
                and inners.input_audio = outers.input_audio
                and inners.input_image = outers.input_image
                and inners.output_text = outers.output_text
                and inners.output_reasoning = outers.output_reasoning
                and inners.output_audio = outers.output_audio
                and inners.output_image = outers.output_image
            )
        )
),

not_counted as (
    select
        source,
        call_id
    from stg_calls__corroborating
    where is_system_of_record
    union
    select
        source,
        call_id
    from conflicts
    union
    select
        source,
        call_id
    from around_another
),

not_as_they_are as (
    select
        source,
        call_id
    from repeated
    union
    select
        source,
        call_id
    from not_counted
),

counted as (
    select calls.*
    from lake_calls as calls
    semi join sources on calls.source = sources.source and sources.is_system_of_record
    anti join not_as_they_are
        on calls.source = not_as_they_are.source and calls.call_id = not_as_they_are.call_id
    where not calls.is_rollup
    union all
    select newest.*
    from newest
    anti join not_counted
        on newest.source = not_counted.source and newest.call_id = not_counted.call_id
)

select
    counted.source,
    counted.call_id,
    counted.source_format,
    counted.charge_date,
    counted.started_at,
    coalesce(
        counted.ended_at,
        case when enriched.ended_at >= counted.started_at then enriched.ended_at end
    ) as ended_at,
    coalesce(
        counted.first_token_at,
        case when enriched.first_token_at >= counted.started_at then enriched.first_token_at end
    ) as first_token_at,
    coalesce(counted.task_id, enriched.task_id) as task_id,
    coalesce(counted.trace_id, enriched.trace_id) as trace_id,
    coalesce(counted.parent_call_id, enriched.parent_call_id) as parent_call_id,
    coalesce(counted.session_id, enriched.session_id) as session_id,
    coalesce(counted.step_index, enriched.step_index) as step_index,
    counted.provider_request_id,
    counted.operation,
    counted.role,
    counted.provider,
    counted.requested_model,
    counted.served_model,
    counted.deployment_id,
    counted.region,
    counted.service_tier,
    counted.api_key_id,
    counted.user_id,
    counted.end_user_id,
    counted.team_id,
    counted.org_id,
    counted.project_id,
    counted.tags,
    counted.status,
    counted.error_class,
    counted.http_status,
    counted.attempt_no,
    counted.is_streaming,
    counted.input_uncached_tokens,
    counted.cache_read_tokens,
    counted.cache_write_5m_tokens,
    counted.cache_write_1h_tokens,
    counted.input_audio_tokens,
    counted.input_image_tokens,
    counted.output_text_tokens,
    counted.output_reasoning_tokens,
    counted.output_audio_tokens,
    counted.output_image_tokens,
    counted.web_search_requests,
    counted.reported_input_tokens,
    counted.reported_output_tokens,
    counted.reported_total_tokens,
    counted.token_source,
    counted.token_semantics,
    counted.is_token_conflict,
    counted.logged_cost_usd,
    counted.logged_cost_kind,
    counted.saved_cost_usd,
    counted.is_rollup,
    counted.profile_key
from counted
left join stg_calls__enriched as enriched
    on counted.source = enriched.source and counted.call_id = enriched.call_id
