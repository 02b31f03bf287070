/*
description: Calls that came more than once, with the version that counts.
grain: one row per source and call_id
keys: [source, call_id]
columns:
  updated_at: "Of the newest version; null where no copy says when it was changed."
*/

select
    calls.source,
    calls.call_id,
    max(calls.updated_at) as updated_at
from lake_calls as calls
semi join sources on calls.source = sources.source and sources.is_system_of_record
where not calls.is_rollup
group by calls.source, calls.call_id
having count(*) > 1
