/*
description: What other feeds say about a call that counts, for the columns its own feed leaves empty.
  Of two that disagree the feed that the workspace names first is heard; what is said of a whole trace is
  for calls that no other feed tells. Nothing here is a quantity, owns money or says what was asked for.
grain: one row per source and call_id
keys: [source, call_id]
*/

with seen as (
    select
        records.record_source as source,
        records.record_call_id as call_id,
        records.source_rank,
        calls.call_id as seen_call_id,
        calls.updated_at,
        coalesce(calls.task_id, traces.task_id) as task_id,
        calls.trace_id,
        coalesce(calls.session_id, traces.session_id) as session_id,
        calls.step_index,
        calls.ended_at,
        calls.first_token_at,
        -- an id of the other feed means nothing here unless it is a call that counts
        case
            when
                parents.record_source = records.record_source
                and parents.record_call_id <> records.record_call_id
                then parents.record_call_id
        end as parent_call_id
    from stg_calls__corroborating as records
    inner join lake_calls as calls
        on
            records.source = calls.source
            and records.call_id = calls.call_id
            and records.charge_date = calls.charge_date
    left join stg_calls__corroborating as parents
        on
            calls.source = parents.source
            and calls.parent_call_id = parents.call_id
            and calls.charge_date = parents.charge_date
    left join stg_traces as traces
        on calls.trace_id = traces.trace_id and calls.charge_date = traces.charge_date
    where records.record_call_id is not null and not calls.is_rollup
),

several as (
    select
        source,
        call_id
    from seen
    group by source, call_id
    having count(*) > 1
),

placed as (
    select
        seen.*,
        row_number() over (
            partition by seen.source, seen.call_id
            order by
                seen.source_rank asc, seen.updated_at desc nulls last, seen.seen_call_id asc,
                seen.ended_at asc, seen.first_token_at asc, seen.trace_id asc, seen.task_id asc,
                seen.session_id asc, seen.step_index asc, seen.parent_call_id asc
        ) as place
    from seen
    semi join several on seen.source = several.source and seen.call_id = several.call_id
)

select
    seen.source,
    seen.call_id,
    seen.task_id,
    seen.trace_id,
    seen.session_id,
    seen.parent_call_id,
    seen.step_index,
    seen.ended_at,
    seen.first_token_at
from seen
anti join several on seen.source = several.source and seen.call_id = several.call_id
union all
select
    source,
    call_id,
    min_by(task_id, place) filter (where task_id is not null) as task_id,
    min_by(trace_id, place) filter (where trace_id is not null) as trace_id,
    min_by(session_id, place) filter (where session_id is not null) as session_id,
    min_by(parent_call_id, place) filter (where parent_call_id is not null) as parent_call_id,
    min_by(step_index, place) filter (where step_index is not null) as step_index,
    min_by(ended_at, place) filter (where ended_at is not null) as ended_at,
    min_by(first_token_at, place) filter (where first_token_at is not null) as first_token_at
from placed
group by source, call_id
union all
select
    calls.source,
    calls.call_id,
    min(traces.task_id) as task_id,
    null as trace_id,
    min(traces.session_id) as session_id,
    null as parent_call_id,
    null as step_index,
    null as ended_at,
    null as first_token_at
from lake_calls as calls
inner join stg_call_feeds as feeds on calls.source = feeds.source
inner join stg_traces as traces
    on calls.trace_id = traces.trace_id and calls.charge_date = traces.charge_date
anti join seen on calls.source = seen.source and calls.call_id = seen.call_id
where feeds.is_record_of_others and not calls.is_rollup
group by calls.source, calls.call_id
