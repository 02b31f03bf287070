/*
description: Calls that came more than once, with the version that counts and whether its copies agree.
  Copies agree when they say the same of what was used, of whom, at which price and by whom. Under which
  session, task, trace, parent or tags a copy was written down is no content - a session that is forked or
  resumed tells its earlier calls again under its own name -, nor is how its format counts.
grain: one row per source and call_id
keys: [source, call_id]
columns:
  charge_date: "Day of the earliest copy."
  updated_at: "Of the newest version; null where no copy says when it was changed."
  is_conflict: "Copies of the newest version contradict each other: nobody knows which is right."
  is_in_sessions: "Several sessions tell it."
*/

with repeated as (
    select
        calls.source,
        calls.call_id,
        min(calls.charge_date) as charge_date,
        max(calls.updated_at) as updated_at
    from lake_calls as calls
    semi join sources on calls.source = sources.source and sources.is_system_of_record
    where not calls.is_rollup
    group by calls.source, calls.call_id
    having count(*) > 1
),

contents as (
    select
        calls.source,
        calls.call_id,
        min(calls.session_id) as least_session_id,
        max(calls.session_id) as greatest_session_id
    from lake_calls as calls
    inner join repeated
        on
            calls.source = repeated.source
            and calls.call_id = repeated.call_id
            and calls.updated_at is not distinct from repeated.updated_at
    where not calls.is_rollup
    group by
        calls.source,
        calls.call_id,
        calls.charge_date,
        calls.started_at,
        calls.provider_request_id,
        calls.operation,
        calls.role,
        calls.provider,
        calls.requested_model,
        calls.served_model,
        calls.deployment_id,
        calls.region,
        calls.service_tier,
        calls.inference_geo,
        calls.api_key_id,
        calls.user_id,
        calls.end_user_id,
        calls.team_id,
        calls.org_id,
        calls.project_id,
        calls.status,
        calls.http_status,
        calls.attempt_no,
        calls.input_uncached_tokens,
        calls.cache_read_tokens,
        calls.cache_write_5m_tokens,
        calls.cache_write_1h_tokens,
        calls.cache_write_tokens,
        calls.input_audio_tokens,
        calls.input_image_tokens,
        calls.output_text_tokens,
        calls.output_reasoning_tokens,
        calls.output_audio_tokens,
        calls.output_image_tokens,
        calls.web_search_requests,
        calls.search_units,
        calls.audio_seconds,
        calls.input_characters,
        calls.generated_images,
        calls.token_source,
        calls.logged_cost_usd,
        calls.logged_cost_kind,
        calls.saved_cost_usd
),

compared as (
    select
        source,
        call_id,
        count(*) > 1 as is_conflict,
        coalesce(min(least_session_id) <> max(greatest_session_id), false) as is_in_sessions
    from contents
    group by source, call_id
)

select
    repeated.source,
    repeated.call_id,
    repeated.charge_date,
    repeated.updated_at,
    compared.is_conflict,
    compared.is_in_sessions
from repeated
inner join compared
    on repeated.source = compared.source and repeated.call_id = compared.call_id
