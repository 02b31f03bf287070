/*
description: The one application that speaks for an owner id on rows that cannot be split. It is the one
  with the largest share.
grain: one row per owner_id
keys: [owner_id]
*/

with ranked as (
    select
        *,
        row_number() over (
            partition by owner_id
            order by share_picos desc, application_id asc
        ) as place
    from int_owners
)

select
    owner_id,
    rule_id,
    application_id,
    is_registered,
    team_id,
    cost_center_id,
    environment,
    model_tier,
    charge_to
from ranked
where place = 1
