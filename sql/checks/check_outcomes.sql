/*
description: Outcomes of each day. A revision that stayed beside its successor would count twice.
grain: one row per suite, partition and counter
*/

with keys as (
    select
        charge_date,
        source,
        outcome_id,
        count(*) as copies
    from stg_outcomes
    group by charge_date, source, outcome_id
),

repeated as (
    select
        charge_date,
        sum(copies - 1) as duplicates
    from keys
    group by charge_date
)

select
    'outcomes' as suite,
    cast(days.charge_date as varchar) as partition,
    'duplicate_outcome' as counter,
    cast(coalesce(repeated.duplicates, 0) as bigint) as value
from days
left join repeated on days.charge_date = repeated.charge_date
