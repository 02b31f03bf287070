/*
description: What feeds that only corroborate say about a whole trace, their roll-ups included, where
  they say one thing. The feed that the workspace names first is heard first.
grain: one row per trace_id and charge_date
keys: [trace_id, charge_date]
*/

with by_feed as (
    select
        calls.trace_id,
        calls.charge_date,
        sources.source_rank,
        case when min(calls.task_id) = max(calls.task_id) then min(calls.task_id) end as task_id,
        case when min(calls.session_id) = max(calls.session_id) then min(calls.session_id) end
            as session_id
    from lake_calls as calls
    inner join sources on calls.source = sources.source
    where not sources.is_system_of_record and calls.trace_id is not null
    group by calls.trace_id, calls.charge_date, sources.source_rank
)

select
    trace_id,
    charge_date,
    min_by(task_id, source_rank) filter (where task_id is not null) as task_id,
    min_by(session_id, source_rank) filter (where session_id is not null) as session_id
from by_feed
group by trace_id, charge_date
