/*
description: Calls that an outcome can be traced to, with the outcome's type. A call of a task with several
  outcomes of one type is there once, so that no cost is multiplied.
grain: one row per source, call_id and outcome_type
keys: [source, call_id, outcome_type]
*/

with links as (
    select
        'task' as link,
        ref_task_id as link_id,
        outcome_type
    from int_outcomes__linked
    where link = 'task'
    union
    select
        'trace' as link,
        ref_trace_id as link_id,
        outcome_type
    from int_outcomes__linked
    where ref_trace_id is not null
    union
    select
        'session' as link,
        ref_session_id as link_id,
        outcome_type
    from int_outcomes__linked
    where ref_session_id is not null
),

matches as (
    select
        calls.source,
        calls.call_id,
        links.outcome_type
    from stg_calls as calls
    inner join links on links.link = 'task' and calls.task_id = links.link_id
    union
    select
        calls.source,
        calls.call_id,
        links.outcome_type
    from stg_calls as calls
    inner join links on links.link = 'trace' and calls.trace_id = links.link_id
    union
    select
        calls.source,
        calls.call_id,
        links.outcome_type
    from stg_calls as calls
    inner join links on links.link = 'session' and calls.session_id = links.link_id
)

select
    source,
    call_id,
    outcome_type
from matches
