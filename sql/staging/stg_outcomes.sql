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
            -- one event with two contents is a mistake of the feed: pick one, and always the same
            order by
                distinct_events.revision desc, distinct_events.event_id desc,
                distinct_events.recorded_at desc, distinct_events.is_withdrawn desc,
                distinct_events.result asc, distinct_events.quantity asc,
                distinct_events.value_amount asc
        ) as place
    from distinct_events
),

-- within the window of the outcome's own day, however many days are computed at once
reversed as (
    select distinct
        ranked.source,
        ranked.outcome_id
    from ranked
    inner join distinct_events as reversals
        on
            ranked.source = reversals.source
            and ranked.outcome_id = reversals.reverses
            and ranked.charge_date <= reversals.charge_date
            and ranked.charge_date + cast($outcome_window_days as integer) >= reversals.charge_date
    where ranked.place = 1 and not reversals.is_withdrawn
)

select
    ranked.*,
    reversed.outcome_id is not null as is_reversed
from ranked
left join reversed
    on ranked.source = reversed.source and ranked.outcome_id = reversed.outcome_id
where ranked.place = 1
