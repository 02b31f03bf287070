/*
description: Who an owner id stands for. The applications a rule names, with their shares, and what
  the register says of each at that moment.
grain: one row per owner_id and application_id
keys: [owner_id, application_id]
checks:
  share_is_positive: share_picos > 0
*/

with owner_ids as (
    select distinct
        owner_id,
        rule_id,
        segment_from
    from int_owner_segments
)

select
    owner_ids.owner_id,
    owner_ids.rule_id,
    rules.application_id,
    cast(rules.share * 1000000000000 as bigint) as share_picos,
    applications.application_id is not null as is_registered,
    applications.application_name,
    applications.team_id,
    applications.cost_center_id,
    applications.environment,
    applications.use_case,
    applications.business_process,
    applications.model_tier,
    applications.data_class,
    coalesce(applications.charge_to, 'owner') as charge_to
from owner_ids
inner join ref_ownership_rules as rules on owner_ids.rule_id = rules.rule_id
left join ref_applications as applications
    on
        rules.application_id = applications.application_id
        and (applications.valid_from is null or owner_ids.segment_from >= applications.valid_from)
        and (applications.valid_to is null or owner_ids.segment_from < applications.valid_to)
