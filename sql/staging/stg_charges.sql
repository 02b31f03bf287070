/*
description: Billed lines that count. Of a snapshot source only the newest delivery of each scope,
  with the AI model's id and the provider's resolved.
grain: one row per source, scope, charge_key
keys: [source, scope, charge_key]
*/

with aliases as (
    select distinct lower(model_text) as alias from ref_model_aliases
),

-- a line that names no AI model may name a product, and an alias may say which model that is
charges as (
    select
        lake_charges.*,
        case
            when lake_charges.model_text is not null then null
            when lower(lake_charges.service_name) in (select aliases.alias from aliases)
                then lake_charges.service_name
            when lower(lake_charges.sku_meter) in (select aliases.alias from aliases)
                then lake_charges.sku_meter
            when lower(lake_charges.charge_description) in (select aliases.alias from aliases)
                then lake_charges.charge_description
        end as product
    from lake_charges
),

winners as (
    select * from lake_winners
    where fact = 'charges'
)

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
    charges.model_text,
    charges.meter,
    charges.service_tier,
    nullif(lower(charges.inference_geo), 'not_available') as inference_geo,
    charges.pricing_category,
    charges.pricing_quantity,
    charges.pricing_unit,
    charges.consumed_quantity,
    charges.consumed_unit,
    charges.commitment_discount_id,
    charges.commitment_discount_status,
    charges.billing_currency,
    charges.billed_cost,
    charges.effective_cost,
    charges.contracted_cost,
    charges.list_cost,
    charges.tags,
    charges.repairs,
    -- every spelling of a provider as one id
    case
        when model_map.resolved_by is null then charges.provider
        else model_map.price_provider
    end as provider,
    model_map.model_id
from charges
left join winners
    on
        charges.source = winners.source
        and charges.scope = winners.scope
        and charges.delivery = winners.delivery
left join model_map
    on
        charges.provider is not distinct from model_map.provider
        and coalesce(charges.model_text, charges.product) is not distinct from model_map.model_text
-- only what replaces has scopes: a line without one adds up with all others
where charges.scope is null or winners.delivery is not null
