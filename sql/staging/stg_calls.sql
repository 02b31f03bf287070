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

-- the same call seen by two feeds: the one the workspace names first is the record. What the
-- provider never answered has no id of its own, and what a cache answered repeats the original's
identified as (
    select
        once.source,
        once.call_id,
        sources.source_rank,
        case
            when once.status = 'cache_hit' or once.provider_request_id is null then once.call_id
            else once.provider_request_id
        end as identity
    from once
    inner join sources on once.source = sources.source
),

seen_twice as (
    select
        identity,
        min(source_rank) as source_rank
    from identified
    group by identity
    having min(source_rank) <> max(source_rank)
),

corroborating as (
    select
        identified.source,
        identified.call_id
    from identified
    inner join seen_twice on identified.identity = seen_twice.identity
    where identified.source_rank > seen_twice.source_rank
)

select once.*
from once
anti join corroborating
    on once.source = corroborating.source and once.call_id = corroborating.call_id
