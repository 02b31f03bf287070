/*
description: Every call once, in the newest version its source gave it. Copies of the same call count
  once; roll-ups, feeds that only corroborate, and a call around another call of the same work count nothing.
  An id that came with two different contents of one version counts nothing either. What a call's own feed
  does not say of its task, trace and times, other feeds of the same call fill in; they add no quantity.
grain: one row per source and call_id
keys: [source, call_id]
*/

-- calls are wide and many: only ids are looked at until the last step, and rows are read once
-- a delivery that comes twice is the same content twice: lineage is not part of lake_calls
with newest as (
    select distinct calls.*
    from lake_calls as calls
    inner join stg_calls__repeated as repeated
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

counted_elsewhere as (
    select
        source,
        call_id
    from stg_calls__corroborating
    where is_system_of_record
    union
    select
        source,
        call_id
    from stg_calls__nested
),

counted as (
    select calls.*
    from lake_calls as calls
    semi join sources on calls.source = sources.source and sources.is_system_of_record
    anti join stg_calls__repeated as repeated
        on calls.source = repeated.source and calls.call_id = repeated.call_id
    anti join counted_elsewhere as others
        on calls.source = others.source and calls.call_id = others.call_id
    where not calls.is_rollup
    union all
    select newest.*
    from newest
    anti join conflicts
        on newest.source = conflicts.source and newest.call_id = conflicts.call_id
    anti join counted_elsewhere as others
        on newest.source = others.source and newest.call_id = others.call_id
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
    counted.inference_geo,
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
    counted.cache_write_tokens,
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
