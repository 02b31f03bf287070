/*
description: Each outcome as of its last revision, withdrawn and reversed ones included and marked.
  What is said again within the outcome window, before or after, replaces what was said.
grain: one row per source, outcome_id and charge_date
keys: [source, outcome_id, charge_date]
*/

with events as (
    select * from stg_outcome_events
),

-- within the window of the event's own day, however many days are computed at once
replaced as (
    select distinct
        earlier.source,
        earlier.outcome_id,
        earlier.place
    from events as earlier
    inner join events as later
        on
            earlier.source = later.source
            and earlier.outcome_id = later.outcome_id
            and earlier.place < later.place
            and earlier.charge_date
            <= later.charge_date + cast($outcome_window_days as integer)
            and later.charge_date
            <= earlier.charge_date + cast($outcome_window_days as integer)
),

standing as (
    select events.*
    from events
    anti join replaced
        on
            events.source = replaced.source
            and events.outcome_id = replaced.outcome_id
            and events.place = replaced.place
),

reversals as (
    select
        standing.source,
        standing.outcome_id,
        standing.place,
        undoing.outcome_id as reversal_id,
        undoing.place as reversal_place,
        standing.charge_date + cast($outcome_window_days as integer) as last_date
    from standing
    inner join events as undoing
        on
            standing.source = undoing.source
            and standing.outcome_id = undoing.reverses
            and standing.charge_date <= undoing.charge_date
            and standing.charge_date + cast($outcome_window_days as integer) >= undoing.charge_date
    where not undoing.is_withdrawn
),

reversed as (
    select distinct
        reversals.source,
        reversals.outcome_id,
        reversals.place
    from reversals
    -- an undoing that was taken back itself undoes nothing
    anti join events as takings_back
        on
            reversals.source = takings_back.source
            and reversals.reversal_id = takings_back.outcome_id
            and reversals.reversal_place < takings_back.place
            and reversals.last_date >= takings_back.charge_date
            and takings_back.is_withdrawn
)

select
    standing.*,
    reversed.outcome_id is not null as is_reversed
from standing
left join reversed
    on
        standing.source = reversed.source
        and standing.outcome_id = reversed.outcome_id
        and standing.place = reversed.place
