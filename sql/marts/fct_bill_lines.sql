/*
description: The bills as they say it themselves, before anything is split. What counts of each
  export, per day and name of line; an invoice's lines are these by month.
grain: one row per charge_date, issuer, billing_account_id, billing_period, billing_currency and all that
  names a line
keys: [charge_date, issuer, billing_account_id, billing_period, billing_currency, sub_account_id,
  invoice_id, charge_category, service_name, charge_description, sku_id, provider, model_text, meter,
  service_tier]
columns:
  charge_date: "The provider's UTC day."
  issuer: "Who sends the invoice."
  billing_account_id: "The paying account at the issuer."
  billing_period: "First day of the provider's invoice month."
  billing_currency: "ISO 4217 currency of all amounts of the row."
  sub_account_id: "Provider project, workspace or usage account; null where the bill does not tell it."
  invoice_id: "Invoice the charge says it is on; null until invoiced."
  charge_category: "FOCUS ChargeCategory."
  service_name: "FOCUS ServiceName."
  charge_description: "FOCUS ChargeDescription: the provider's line name."
  sku_id: "FOCUS SkuId."
  provider: "Provider whose price list applies."
  model_text: "AI model as the bill names it; null where it names none."
  meter: "What is metered; null where the line lumps meters."
  service_tier: "standard, batch, flex, priority; null where the bill does not say."
  charge_count: "Rows of the export."
  consumed_quantity: "In single units of the meter; null where unknown."
  billed_cost: "FOCUS BilledCost in billing_currency."
  effective_cost: "FOCUS EffectiveCost in billing_currency; as billed where the source has none."
*/

select
    charge_date,
    issuer,
    billing_account_id,
    billing_period,
    billing_currency,
    sub_account_id,
    invoice_id,
    charge_category,
    service_name,
    charge_description,
    sku_id,
    provider,
    model_text,
    meter,
    service_tier,
    count(*) as charge_count,
    cast(sum(consumed_quantity) as decimal(38, 9)) as consumed_quantity,
    cast(sum(billed_cost) as decimal(38, 18)) as billed_cost,
    cast(sum(effective_cost) as decimal(38, 18)) as effective_cost
from int_charges__classified
group by
    charge_date,
    issuer,
    billing_account_id,
    billing_period,
    billing_currency,
    sub_account_id,
    invoice_id,
    charge_category,
    service_name,
    charge_description,
    sku_id,
    provider,
    model_text,
    meter,
    service_tier
