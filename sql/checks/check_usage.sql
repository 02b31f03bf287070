/*
description: Metered buckets of each day.
grain: one row per suite, partition and counter
*/

with counted as (
    select
        days.charge_date,
        -- only a report of tokens takes details off totals; other units may be retracted
        count(usage_buckets.quantity) filter (
            where usage_buckets.quantity < 0 and usage_buckets.token_semantics is not null
        ) as negative_quantity
    from days
    left join stg_usage as usage_buckets on days.charge_date = usage_buckets.charge_date
    group by days.charge_date
)

select
    'usage' as suite,
    cast(charge_date as varchar) as partition,
    'negative_quantity' as counter,
    cast(negative_quantity as bigint) as value
from counted
