/*
description: Billed lines with the part they play. A pooled line is AI usage that calls can have
  caused; the others are capacity nobody used, or cost that no call causes.
grain: one row per source, scope, charge_key
keys: [source, scope, charge_key]
*/

select
    charges.* replace (
        -- FOCUS: a charge that nothing covers is effective as billed
        coalesce(charges.effective_cost, charges.billed_cost) as effective_cost
    ),
    -- the same text as in int_owner_attributes: who owns what no call explains
    concat_ws(
        '|', 'charge:' || charges.issuer, charges.billing_account_id,
        coalesce(charges.sub_account_id, ''), coalesce(charges.resource_id, ''),
        coalesce(charges.api_key_id, ''), coalesce(charges.tags, '')
    ) as subject,
    case
        when
            charges.commitment_discount_status = 'Unused'
            or charges.meter = 'provisioned_throughput'
            then 'idle'
        when
            charges.charge_category = 'Usage'
            and (
                charges.meter is not null
                or charges.service_category = 'AI and Machine Learning'
            )
            then 'pooled'
        else 'shared'
    end as charge_part
from stg_charges as charges
