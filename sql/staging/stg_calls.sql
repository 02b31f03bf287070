/*
description: Every call once. Copies of the same call count once, roll-ups and feeds that only
  corroborate count nothing, and an id that came with two different contents counts nothing either.
grain: one row per source and call_id
keys: [source, call_id]
*/

with calls as (
    select * from lake_calls
),

records as (
    select calls.*
    from calls
    inner join sources on calls.source = sources.source
    where sources.is_system_of_record and not calls.is_rollup
),

repeated as (
    select
        source,
        call_id
    from records
    group by source, call_id
    having count(*) > 1
),

-- a delivery that comes twice is the same content twice: lineage is not part of lake_calls
repeated_contents as (
    select distinct records.*
    from records
    semi join repeated on records.source = repeated.source and records.call_id = repeated.call_id
),

conflicts as (
    select
        source,
        call_id
    from repeated_contents
    group by source, call_id
    having count(*) > 1
),

once as (
    select records.*
    from records
    anti join repeated on records.source = repeated.source and records.call_id = repeated.call_id
    union all
    select repeated_contents.*
    from repeated_contents
    anti join conflicts
        on
            repeated_contents.source = conflicts.source
            and repeated_contents.call_id = conflicts.call_id
),

-- the same call seen by two gateways: the one the workspace names first is the record
seen_twice as (
    select
        once.provider_request_id,
        min(sources.source_rank) as source_rank
    from once
    inner join sources on once.source = sources.source
    where once.provider_request_id is not null and once.status <> 'cache_hit'
    group by once.provider_request_id
    having min(once.source) <> max(once.source)
),

corroborating as (
    select
        once.source,
        once.call_id
    from once
    inner join sources on once.source = sources.source
    inner join seen_twice on once.provider_request_id = seen_twice.provider_request_id
    where sources.source_rank > seen_twice.source_rank and once.status <> 'cache_hit'
)

select once.*
from once
anti join corroborating
    on once.source = corroborating.source and once.call_id = corroborating.call_id
