/*
description: Every call once. Copies of the same call count once, roll-ups and feeds that only
  corroborate count nothing, and an id that came with two different contents counts nothing either.
grain: one row per source and call_id
keys: [source, call_id]
*/

-- calls are wide and many: only ids are looked at until the last step, and rows are read once
with records as (
    select
        calls.source,
        calls.call_id,
        sources.source_rank,
        -- what the provider never answered has no id of its own, and what a cache answered
        -- repeats the original's
        case
            when calls.status = 'cache_hit' or calls.provider_request_id is null
                then calls.call_id
            else calls.provider_request_id
        end as identity
    from lake_calls as calls
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
    select distinct calls.*
    from lake_calls as calls
    semi join repeated on calls.source = repeated.source and calls.call_id = repeated.call_id
    where not calls.is_rollup
),

conflicts as (
    select
        source,
        call_id
    from repeated_contents
    group by source, call_id
    having count(*) > 1
),

-- the same call seen by two feeds: the one the workspace names first is the record
seen_twice as (
    select
        identity,
        min(source_rank) as source_rank
    from records
    group by identity
    having min(source_rank) <> max(source_rank)
),

corroborating as (
    select distinct
        records.source,
        records.call_id
    from records
    inner join seen_twice on records.identity = seen_twice.identity
    where records.source_rank > seen_twice.source_rank
),

not_as_they_are as (
    select
        source,
        call_id
    from repeated
    union
    select
        source,
        call_id
    from corroborating
),

not_once as (
    select
        source,
        call_id
    from conflicts
    union
    select
        source,
        call_id
    from corroborating
)

select calls.*
from lake_calls as calls
semi join sources on calls.source = sources.source and sources.is_system_of_record
anti join not_as_they_are
    on calls.source = not_as_they_are.source and calls.call_id = not_as_they_are.call_id
where not calls.is_rollup
union all
select repeated_contents.*
from repeated_contents
anti join not_once
    on
        repeated_contents.source = not_once.source
        and repeated_contents.call_id = not_once.call_id
