/*
description: Feeds that have calls in these days, and what they are to each other.
grain: one row per source
keys: [source]
columns:
  is_other: "Another feed may count its calls: it only corroborates, or another is named before it."
  is_record_of_others: "Its calls may be what another feed tells as well; false where there is no other."
*/

with feeds as (
    select distinct source
    from lake_calls
),

ranked as (
    select
        sources.source,
        sources.source_rank,
        sources.is_system_of_record,
        not sources.is_system_of_record
        or sources.source_rank
        > min(case when sources.is_system_of_record then sources.source_rank end)
            over () as is_other
    from sources
    inner join feeds on sources.source = feeds.source
)

select
    source,
    source_rank,
    is_system_of_record,
    is_other,
    is_system_of_record and max(case when is_other then 1 else 0 end) over () = 1
        as is_record_of_others
from ranked
