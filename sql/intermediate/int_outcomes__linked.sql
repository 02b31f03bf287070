/*
description: Outcomes with the application they count for and whether they count as a success.
grain: one row per source, outcome_id and charge_date
keys: [source, outcome_id, charge_date]
*/

with definitions as (
    select
        outcome_type,
        -- a type that several applications use: the event says whose it is
        case when min(application_id) = max(application_id) then min(application_id) end
            as application_id,
        bool_and(coalesce(is_confirmed_only, false)) as is_confirmed_only
    from ref_outcome_definitions
    group by outcome_type
)

select
    outcomes.source,
    outcomes.outcome_id,
    outcomes.outcome_type,
    outcomes.charge_date,
    outcomes.occurred_at,
    outcomes.recorded_at,
    outcomes.revision,
    outcomes.is_withdrawn,
    outcomes.is_reversed,
    case
        -- what was taken back because it goes on is open, not forgotten
        when outcomes.is_withdrawn and outcomes.result <> 'open' then 'unknown'
        when outcomes.is_reversed then 'failure'
        else outcomes.result
    end as result,
    outcomes.confidence,
    outcomes.quantity,
    outcomes.value_amount,
    outcomes.value_currency,
    outcomes.ref_task_id,
    outcomes.ref_trace_id,
    outcomes.ref_session_id,
    outcomes.ref_request_id,
    outcomes.ref_external_id,
    coalesce(definitions.application_id, outcomes.application_hint) as application_id,
    outcomes.result = 'success'
    and not outcomes.is_withdrawn
    and not outcomes.is_reversed
    and (
        not coalesce(definitions.is_confirmed_only, false)
        or outcomes.confidence = 'confirmed'
    ) as is_counted_success,
    case
        when outcomes.ref_task_id is not null then 'task'
        when outcomes.ref_trace_id is not null then 'trace'
        when outcomes.ref_session_id is not null then 'session'
        when outcomes.ref_request_id is not null then 'request'
        else 'none'
    end as link
from stg_outcomes as outcomes
left join definitions on outcomes.outcome_type = definitions.outcome_type
