/*
description: Outcomes of each day. A revision that stayed beside its successor would count twice.
grain: one row per suite, partition and counter
*/

with counted as (
    select
        days.charge_date,
        count(outcomes.outcome_id) - count(distinct outcomes.source || '|' || outcomes.outcome_id)
            as duplicate_outcome
    from days
    left join stg_outcomes as outcomes on days.charge_date = outcomes.charge_date
    group by days.charge_date
)

select
    'outcomes' as suite,
    cast(charge_date as varchar) as partition,
    'duplicate_outcome' as counter,
    cast(duplicate_outcome as bigint) as value
from counted
