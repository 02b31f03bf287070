/*
description: Every call once, in the newest version its source gave it. Copies of the same call count
  once, in the session that tells it first; roll-ups, feeds that only corroborate, and a call around another
  call of the same work count nothing. An id that came with two different contents of one version counts
  nothing either (stg_calls__repeated says what is content). What a call's own feed does not say of
  its task, trace and times, other feeds of the same call fill in; they add no quantity.
grain: one row per source and call_id
keys: [source, call_id]
*/

-- calls are wide and many: only ids are looked at until the last step, and rows are read once
-- a delivery that comes twice is the same content twice: lineage is not part of lake_calls
with agreed as (
    select distinct calls.*
    from lake_calls as calls
    inner join stg_calls__repeated as repeated
        on
            calls.source = repeated.source
            and calls.call_id = repeated.call_id
            and calls.updated_at is not distinct from repeated.updated_at
    where not calls.is_rollup and not repeated.is_conflict
),

telling as (
    select distinct
        agreed.source,
        agreed.session_id
    from agreed
    semi join stg_calls__repeated as repeated
        on
            agreed.source = repeated.source
            and agreed.call_id = repeated.call_id
            and repeated.is_in_sessions
),

-- a session tells the calls of the one it was made from, and then its own
sessions as (
    select
        calls.source,
        calls.session_id,
        calls.charge_date,
        max(calls.started_at) as last_started_at
    from lake_calls as calls
    semi join telling on calls.source = telling.source and calls.session_id = telling.session_id
    where not calls.is_rollup
    group by calls.source, calls.session_id, calls.charge_date
),

varied as (
    select
        source,
        call_id
    from agreed
    group by source, call_id
    having count(*) > 1
),

-- of copies that agree one is taken whole: the order is total, whatever lay where
placed as (
    select agreed.*
    from agreed
    semi join varied on agreed.source = varied.source and agreed.call_id = varied.call_id
    left join sessions
        on
            agreed.source = sessions.source
            and agreed.session_id = sessions.session_id
            and agreed.charge_date = sessions.charge_date
    qualify
        row_number() over (
            partition by agreed.source, agreed.call_id
            order by
                sessions.last_started_at asc, agreed.session_id asc, agreed.task_id asc,
                agreed.trace_id asc, agreed.parent_call_id asc, agreed.step_index asc,
                agreed.tags asc, agreed.ended_at asc, agreed.first_token_at asc,
                agreed.source_format asc, agreed.error_class asc, agreed.is_streaming asc,
                agreed.reported_input_tokens asc, agreed.reported_output_tokens asc,
                agreed.reported_total_tokens asc, agreed.token_semantics asc,
                agreed.is_token_conflict asc
        ) = 1
),

newest as (
    select agreed.*
    from agreed
    anti join varied on agreed.source = varied.source and agreed.call_id = varied.call_id
    union all
    select placed.*
    from placed
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
    anti join counted_elsewhere as others
        on newest.source = others.source and newest.call_id = others.call_id
),

-- what the calls that tell the same request say besides
told_twice as (
    select
        source,
        counted_call_id as call_id,
        min(provider_request_id) as provider_request_id,
        min(service_tier) as service_tier,
        min(inference_geo) as inference_geo,
        min(task_id) as task_id,
        min(session_id) as session_id,
        max(case when is_unlike then 1 else 0 end) = 1 as is_unlike
    from stg_calls__nested
    where counted_call_id is not null
    group by source, counted_call_id
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
    coalesce(counted.task_id, told_twice.task_id, enriched.task_id) as task_id,
    coalesce(counted.trace_id, enriched.trace_id) as trace_id,
    coalesce(counted.parent_call_id, enriched.parent_call_id) as parent_call_id,
    coalesce(counted.session_id, told_twice.session_id, enriched.session_id) as session_id,
    coalesce(counted.step_index, enriched.step_index) as step_index,
    coalesce(counted.provider_request_id, told_twice.provider_request_id) as provider_request_id,
    counted.operation,
    counted.role,
    counted.provider,
    counted.requested_model,
    counted.served_model,
    counted.deployment_id,
    counted.region,
    coalesce(counted.service_tier, told_twice.service_tier) as service_tier,
    coalesce(counted.inference_geo, told_twice.inference_geo) as inference_geo,
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
    counted.search_units,
    counted.audio_seconds,
    counted.input_characters,
    counted.generated_images,
    counted.reported_input_tokens,
    counted.reported_output_tokens,
    counted.reported_total_tokens,
    counted.token_source,
    counted.token_semantics,
    counted.is_token_conflict or coalesce(told_twice.is_unlike, false) as is_token_conflict,
    counted.logged_cost_usd,
    counted.logged_cost_kind,
    counted.saved_cost_usd,
    counted.is_rollup,
    -- another tier or geography is another profile
    case
        when
            (counted.service_tier is null and told_twice.service_tier is not null)
            or (counted.inference_geo is null and told_twice.inference_geo is not null)
            then
                hash(
                    counted.profile_key,
                    coalesce(counted.service_tier, told_twice.service_tier),
                    coalesce(counted.inference_geo, told_twice.inference_geo)
                )
        else counted.profile_key
    end as profile_key
from counted
left join stg_calls__enriched as enriched
    on counted.source = enriched.source and counted.call_id = enriched.call_id
left join told_twice
    on counted.source = told_twice.source and counted.call_id = told_twice.call_id
