/*
description: Calls that an outcome can be traced to, with the outcome's type. A call of a task with several
  outcomes of one type is there once, so that no cost is multiplied.
grain: one row per source, call_id and outcome_type
keys: [source, call_id, outcome_type]
*/

with calls as (
    select
        source,
        call_id,
        task_id,
        trace_id,
        session_id,
        charge_date,
        charge_date + cast($outcome_window_days as integer) as last_outcome_date
    from stg_calls
),

-- outcomes of the window of the call's own day, however many days are computed at once
links as (
    select
        'task' as link,
        ref_task_id as link_id,
        outcome_type,
        charge_date
    from int_outcomes__linked
    where link = 'task'
    union
    select
        'trace' as link,
        ref_trace_id as link_id,
        outcome_type,
        charge_date
    from int_outcomes__linked
    where ref_trace_id is not null
    union
    select
        'session' as link,
        ref_session_id as link_id,
        outcome_type,
        charge_date
    from int_outcomes__linked
    where ref_session_id is not null
),

matches as (
    select
        calls.source,
        calls.call_id,
        links.outcome_type
    from calls
    inner join links
        on
            links.link = 'task'
            and calls.task_id = links.link_id
            and links.charge_date between calls.charge_date and calls.last_outcome_date
    union
    select
        calls.source,
        calls.call_id,
        links.outcome_type
    from calls
    inner join links
        on
            links.link = 'trace'
            and calls.trace_id = links.link_id
            and links.charge_date between calls.charge_date and calls.last_outcome_date
    union
    select
        calls.source,
        calls.call_id,
        links.outcome_type
    from calls
    inner join links
        on
            links.link = 'session'
            and calls.session_id = links.link_id
            and links.charge_date between calls.charge_date and calls.last_outcome_date
)

select
    source,
    call_id,
    outcome_type
from matches
