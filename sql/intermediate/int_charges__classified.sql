/*
description: Billed lines with the part they play. A pooled line is AI usage that calls can have
  caused; the others are capacity nobody used, or cost that no call causes.
grain: one row per source, scope, charge_key
keys: [source, scope, charge_key]
*/

select
    charges.source,
    charges.scope,
    charges.delivery,
    charges.charge_key,
    charges.charge_date,
    charges.billing_period,
    charges.charge_period_start,
    charges.charge_period_end,
    charges.issuer,
    charges.service_provider_name,
    charges.host_provider_name,
    charges.invoice_issuer_name,
    charges.invoice_id,
    charges.billing_account_id,
    charges.sub_account_id,
    charges.api_key_id,
    charges.resource_id,
    charges.region_id,
    charges.charge_category,
    charges.charge_class,
    charges.charge_frequency,
    charges.charge_description,
    charges.service_category,
    charges.service_name,
    charges.sku_id,
    charges.sku_price_id,
    charges.sku_meter,
    charges.provider,
    charges.model_text,
    charges.meter,
    charges.service_tier,
    charges.inference_geo,
    charges.pricing_category,
    charges.pricing_quantity,
    charges.pricing_unit,
    charges.consumed_quantity,
    charges.consumed_unit,
    charges.commitment_discount_id,
    charges.commitment_discount_status,
    charges.billing_currency,
    charges.billed_cost,
    -- FOCUS: a charge that nothing covers is effective as billed
    coalesce(charges.effective_cost, charges.billed_cost) as effective_cost,
    charges.contracted_cost,
    charges.list_cost,
    charges.tags,
    charges.repairs,
    charges.model_id,
    -- the same text as in int_owner_attributes: who owns what no call explains
    concat_ws(
        '|', 'charge:' || charges.issuer, charges.billing_account_id,
        coalesce(charges.sub_account_id, ''), coalesce(charges.resource_id, ''),
        coalesce(charges.api_key_id, ''), coalesce(charges.tags, '')
    ) as subject,
    coalesce(
        charges.sub_account_id, charges.resource_id, charges.api_key_id, charges.tags
    ) is not null as is_scope_named,
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
