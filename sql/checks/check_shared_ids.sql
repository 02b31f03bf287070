/*
description: Calls of each day that share an id with a call of another feed and are another call, and some of
  them. Both count.
grain: one row per suite, partition and counter
*/

with apart as (
    select
        source,
        call_id,
        min(charge_date) as charge_date
    from stg_calls__compared
    where is_system_of_record
    group by source, call_id
    having max(case when is_same then 1 else 0 end) = 0
),

counted as (
    select
        charge_date,
        count(*) as shared_id_calls,
        array_to_string(list_sort(min(source || ' ' || call_id, 5)), ', ') as examples
    from apart
    group by charge_date
)

select
    'calls' as suite,
    cast(days.charge_date as varchar) as partition,
    'shared_id_calls' as counter,
    cast(coalesce(counted.shared_id_calls, 0) as bigint) as value,
    counted.examples
from days
left join counted on days.charge_date = counted.charge_date
