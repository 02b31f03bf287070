/*
description: Calls that an outcome can be traced to, with the outcome's type. A call of a task with
  several outcomes of one type is there once. Of several types, those that outcome_definitions.yaml
  names share its cost; the others only where it names none of them.
grain: one row per source, call_id and outcome_type
keys: [source, call_id, outcome_type]
*/

with calls as (
    select
        source,
        call_id,
        provider_request_id,
        task_id,
        trace_id,
        session_id,
        charge_date
    from stg_calls
),

matches as (
    select
        calls.source,
        calls.call_id,
        refs.outcome_type
    from calls
    inner join int_outcome_refs as refs
        on
            refs.link = 'task'
            and calls.task_id = refs.link_id
            and calls.charge_date = refs.call_date
    union
    select
        calls.source,
        calls.call_id,
        refs.outcome_type
    from calls
    inner join int_outcome_refs as refs
        on
            refs.link = 'trace'
            and calls.trace_id = refs.link_id
            and calls.charge_date = refs.call_date
    union
    select
        calls.source,
        calls.call_id,
        refs.outcome_type
    from calls
    inner join int_outcome_refs as refs
        on
            refs.link = 'session'
            and calls.session_id = refs.link_id
            and calls.charge_date = refs.call_date
    union
    select
        calls.source,
        calls.call_id,
        refs.outcome_type
    from calls
    inner join int_outcome_refs as refs
        on
            refs.link = 'request'
            and (calls.call_id = refs.link_id or calls.provider_request_id = refs.link_id)
            and calls.charge_date = refs.call_date
),

named_types as (
    select distinct outcome_type
    from ref_outcome_definitions
),

ranked as (
    select
        matches.source,
        matches.call_id,
        matches.outcome_type,
        named_types.outcome_type is not null as is_named,
        bool_or(named_types.outcome_type is not null) over (
            partition by matches.source, matches.call_id
        ) as has_named
    from matches
    left join named_types on matches.outcome_type = named_types.outcome_type
)

select
    source,
    call_id,
    outcome_type,
    count(*) over (partition by source, call_id) as type_count,
    row_number() over (partition by source, call_id order by outcome_type asc) as place
from ranked
where is_named or not has_named
