/*
description: Each thing said of an outcome, in one order that holds whatever else is computed. The
  last of an outcome is its greatest revision; what contradicts it otherwise has a fixed place.
grain: one row per source, outcome_id and place
keys: [source, outcome_id, place]
*/

with distinct_events as (
    select distinct * from lake_outcomes
)

select
    *,
    row_number() over (
        partition by source, outcome_id
        -- every column decides in the end: neither file nor line may
        order by
            revision asc, recorded_at asc nulls first, is_withdrawn asc, event_id asc,
            occurred_at asc, result desc, confidence asc nulls first, quantity desc,
            value_amount desc nulls first, value_currency desc nulls first, outcome_type desc,
            quality_score desc nulls first, quality_scale desc nulls first,
            reverses desc nulls first, application_hint desc nulls first,
            ref_external_id desc nulls first, attribution_window_s desc nulls first,
            ref_user_id desc nulls first, ref_task_id desc nulls first,
            ref_trace_id desc nulls first, ref_session_id desc nulls first,
            ref_request_id desc nulls first
    ) as place
from distinct_events
