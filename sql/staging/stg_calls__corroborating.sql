/*
description: Calls that the record of another feed counts already. They add no quantity; what they
  say besides is in stg_calls__enriched. The record is the feed that the workspace names first.
grain: one row per source and call_id
keys: [source, call_id]
columns:
  is_system_of_record: "False for a feed of which nothing counts; true for overlap nobody declared."
  record_source: "The feed that counts."
  record_call_id: "The call that counts; null where several may be it, or it is of another day."
*/

with same as (
    select * from stg_calls__compared
    where is_same
),

first_named as (
    select
        source,
        call_id,
        min(record_rank) as record_rank
    from same
    group by source, call_id
)

select
    same.source,
    same.call_id,
    same.source_rank,
    same.is_system_of_record,
    min(same.charge_date) as charge_date,
    min(same.record_source) as record_source,
    -- days are computed alone and together, and must come out alike
    case
        when
            min(same.record_call_id) = max(same.record_call_id)
            and min(same.charge_date) = max(same.record_date)
            and max(same.charge_date) = min(same.record_date)
            then min(same.record_call_id)
    end as record_call_id
from same
inner join first_named
    on
        same.source = first_named.source
        and same.call_id = first_named.call_id
        and same.record_rank = first_named.record_rank
group by same.source, same.call_id, same.source_rank, same.is_system_of_record
