/*
description: Calls that the record of another feed counts already. They add no quantity; what they
  say besides is in stg_calls__enriched. The record is the feed that the workspace names first.
grain: one row per source and call_id
keys: [source, call_id]
columns:
  is_system_of_record: "False for a feed of which nothing counts; true for overlap nobody declared."
  record_source: "The feed that counts."
  record_call_id: "The call that counts; null where several share its id, or it is of another day."
*/

-- what the provider never answered has no id of its own, and what a cache answered repeats the
-- original's
with identified as (
    select
        calls.source,
        coalesce(nested.counted_call_id, calls.call_id) as call_id,
        calls.charge_date,
        feeds.source_rank,
        feeds.is_system_of_record,
        feeds.is_other,
        feeds.is_record_of_others,
        coalesce(
            case when calls.status <> 'cache_hit' then calls.provider_request_id end,
            calls.call_id
        ) as identity
    from lake_calls as calls
    inner join stg_call_feeds as feeds on calls.source = feeds.source
    left join stg_calls__nested as nested
        on calls.source = nested.source and calls.call_id = nested.call_id
    where (feeds.is_other or feeds.is_record_of_others) and not calls.is_rollup
),

others as (
    select * from identified
    where is_other
),

records as (
    select * from identified
    where is_record_of_others
),

by_feed as (
    select
        records.identity,
        records.source_rank,
        min(records.source) as source,
        min(records.charge_date) as charge_date,
        case when min(records.call_id) = max(records.call_id) then min(records.call_id) end
            as call_id
    from records
    semi join others on records.identity = others.identity
    group by records.identity, records.source_rank
),

first_named as (
    select
        identity,
        min(source_rank) as source_rank
    from by_feed
    group by identity
),

matches as (
    select
        others.source,
        others.call_id,
        others.charge_date,
        others.source_rank,
        others.is_system_of_record,
        by_feed.source as record_source,
        -- days are computed alone and together, and must come out alike
        case when others.charge_date = by_feed.charge_date then by_feed.call_id end
            as record_call_id
    from others
    inner join first_named on others.identity = first_named.identity
    inner join by_feed
        on
            first_named.identity = by_feed.identity
            and first_named.source_rank = by_feed.source_rank
    where others.source_rank > first_named.source_rank or not others.is_system_of_record
)

select
    source,
    call_id,
    source_rank,
    is_system_of_record,
    min(charge_date) as charge_date,
    min(record_source) as record_source,
    case when min(record_call_id) = max(record_call_id) then min(record_call_id) end
        as record_call_id
from matches
group by source, call_id, source_rank, is_system_of_record
