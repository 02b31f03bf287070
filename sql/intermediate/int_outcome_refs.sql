/*
description: What calls of a day an outcome is about, by every id that its last revision within the
  day's outcome window names. One outcome may name several tasks, traces, sessions or requests.
grain: one row per call_date, link, link_id and outcome_type
keys: [call_date, link, link_id, outcome_type]
*/

-- outcomes of the window of the call's own day, however many days are computed at once
with seen as (
    select
        days.charge_date as call_date,
        events.source,
        events.outcome_id,
        events.outcome_type,
        events.revision,
        events.ref_task_id,
        events.ref_trace_id,
        events.ref_session_id,
        events.ref_request_id,
        max(events.revision) over (
            partition by days.charge_date, events.source, events.outcome_id
        ) as last_revision
    from days
    inner join stg_outcome_events as events
        on
            days.charge_date <= events.charge_date
            and days.charge_date + cast($outcome_window_days as integer) >= events.charge_date
),

last_said as (
    select * from seen
    where revision = last_revision
)

select
    call_date,
    'task' as link,
    ref_task_id as link_id,
    outcome_type
from last_said
where ref_task_id is not null
union
select
    call_date,
    'trace' as link,
    ref_trace_id as link_id,
    outcome_type
from last_said
where ref_trace_id is not null
union
select
    call_date,
    'session' as link,
    ref_session_id as link_id,
    outcome_type
from last_said
where ref_session_id is not null
union
select
    call_date,
    'request' as link,
    ref_request_id as link_id,
    outcome_type
from last_said
where ref_request_id is not null
