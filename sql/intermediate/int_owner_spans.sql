/*
description: A subject's whole day without holes. Where no rule holds, the owner id is null.
grain: one row per subject, charge_date and segment_from
keys: [subject, charge_date, segment_from]
*/

with segments as (
    select * from int_owner_segments
),

neighbours as (
    select
        subject,
        charge_date,
        segment_from,
        segment_to,
        lag(segment_to) over (
            partition by subject, charge_date
            order by segment_from asc
        ) as earlier_to,
        lead(segment_from) over (
            partition by subject, charge_date
            order by segment_from asc
        ) as later_from
    from segments
),

holes as (
    select
        subject,
        charge_date,
        coalesce(earlier_to, charge_date) as segment_from,
        segment_from as segment_to
    from neighbours
    where segment_from > coalesce(earlier_to, charge_date)
    union all
    select
        subject,
        charge_date,
        segment_to as segment_from,
        charge_date + interval 1 day as segment_to
    from neighbours
    where later_from is null and segment_to < charge_date + interval 1 day
)

select
    subject,
    charge_date,
    segment_from,
    segment_to,
    owner_id,
    rank
from segments
union all
select
    subject,
    charge_date,
    segment_from,
    segment_to,
    cast(null as varchar) as owner_id,
    cast(null as integer) as rank
from holes
