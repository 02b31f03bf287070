/*
description: Calls of each day whose copies contradict each other, and the ids of some of them.
grain: one row per suite, partition and counter
*/

with conflicting as (
    select
        repeated.charge_date,
        count(*) as conflicting_calls,
        array_to_string(
            list_sort(min(repeated.source || ' ' || repeated.call_id, 5)), ', '
        ) as examples
    from stg_calls__repeated as repeated
    anti join stg_calls__corroborating as others
        on repeated.source = others.source and repeated.call_id = others.call_id
    where repeated.is_conflict
    group by repeated.charge_date
)

select
    'calls' as suite,
    cast(days.charge_date as varchar) as partition,
    'conflicting_calls' as counter,
    cast(coalesce(conflicting.conflicting_calls, 0) as bigint) as value,
    conflicting.examples
from days
left join conflicting on days.charge_date = conflicting.charge_date
