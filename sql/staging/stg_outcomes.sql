/*
description: Each outcome as of its greatest revision, withdrawn and reversed ones included and
  marked. Looks ahead by the outcome window, because a call is followed by its outcome.
grain: one row per source and outcome_id
keys: [source, outcome_id]
*/

with outcomes as (
    select * from lake_outcomes
),

distinct_events as (
    select distinct * from outcomes
),

ranked as (
    select
        distinct_events.*,
        row_number() over (
            partition by distinct_events.source, distinct_events.outcome_id
            order by distinct_events.revision desc, distinct_events.event_id desc
        ) as place
    from distinct_events
),

reversed as (
    select distinct
        source,
        reverses as outcome_id
    from distinct_events
    where reverses is not null and not is_withdrawn
)

select
    ranked.*,
    reversed.outcome_id is not null as is_reversed
from ranked
left join reversed
    on ranked.source = reversed.source and ranked.outcome_id = reversed.outcome_id
where ranked.place = 1
