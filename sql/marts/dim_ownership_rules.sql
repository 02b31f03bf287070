/*
description: Ownership rules. The first that matches, by rank, names the application.
grain: one row per rule_id, application_id and valid_from
keys: [rule_id, application_id, valid_from, match_value]
partition: none
columns:
  rule_id: "Id of the rule."
  rank: "Lower wins."
  match_on: "What the rule looks at."
  match_source: "Only for this feed; null is any."
  match_key: "Tag key, or issuer; null is any."
  match_value: "Value that matches; null for users, who are pseudonyms."
  application_id: "Application that owns."
  share: "Part of the cost; shares of a rule add up to 1."
  valid_from: "From when, UTC; null is since always."
  valid_to: "Until when, exclusive; null is open."
*/

select
    rule_id,
    rank,
    match_on,
    match_source,
    match_key,
    case when match_on <> 'user' then match_value end as match_value,
    application_id,
    share,
    valid_from,
    valid_to
from ref_ownership_rules
