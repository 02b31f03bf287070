/*
description: All money. Every billed amount is in exactly one row per owner, so the rows of an
  account and period add up to its bill; what nobody owns is a row with a name.
grain: one row per cost_line_id
keys: [cost_line_id]
columns:
  cost_line_id: "Stable id of the line: a hash over its keys."
  cause: "attributed, or the name of the residual: unlogged_usage, shared, idle, rounding, unallocated."
  charge_date: "The provider's UTC day."
  billing_period: "First day of the provider's invoice month."
  issuer: "Who sends the invoice."
  billing_account_id: "The paying account at the issuer."
  sub_account_id: "Provider project, workspace or usage account; null where bill and calls cannot both tell it."
  invoice_id: "Invoice the charge says it is on; null until invoiced."
  provider: "Provider whose price list applies."
  model_id: "AI model; null where the bill does not tell it."
  meter: "What is metered: input_uncached, cache_read, output, ...; null where the bill lumps meters."
  service_tier: "standard, batch, flex, priority; null where one side does not tell it."
  charge_category: "FOCUS ChargeCategory."
  charge_description: "FOCUS ChargeDescription of charges that no call causes."
  billing_currency: "ISO 4217 currency of all amounts of the row."
  pool_id: "Pool the money comes from; null for charges that no call causes and for estimates."
  application_id: "Owning application, or __unallocated__, __shared__, __idle__, __rounding__."
  team_id: "Team of the application on that day."
  cost_center_id: "Cost centre that pays; null for residuals nobody owns."
  owner_cost_center_id: "Cost centre of the application."
  consumer_cost_center_id: "Cost centre of the end user's business unit, where known."
  environment: "Environment of the application, from the register."
  use_case: "Use case of the application, from the register."
  business_process: "Business process of the application, from the register."
  model_tier: "Model tier the application is registered for."
  data_class: "Data class of the application, from the register."
  owner_state: "owned, no_rule, not_registered, shared or rounding: why the row has the owner it has."
  ownership_rule_id: "Ownership rule that matched."
  shared_rule_id: "Shared-cost rule that will split the row at the end of the period."
  cost_basis: "billed, estimated or unpriced."
  grade: "A matched by quantity, B matched coarser or by cost only, C contract-price estimate, E unpriced."
  billed_cost: "FOCUS BilledCost in billing_currency; null until billed."
  effective_cost: "FOCUS EffectiveCost in billing_currency; null until billed."
  estimated_cost: "Estimate at contract price in billing_currency, until the bill comes; null once billed."
  reporting_cost: "billed_cost in the workspace's reporting currency; null without a rate."
  fx_rate: "Rate used, of the newest rate date up to charge_date; 1 in the reporting currency."
  quantity: "Units of the meter."
  call_count: "Calls the line stands for; null for lines without calls. A call is counted once per meter."
checks:
  reserved_or_registered: "cost_center_id is not null or owner_state <> 'owned'"
*/

with parts as (
    select * from int_money_parts
),

split_parts as (
    select
        parts.*,
        owners.rule_id as ownership_rule_id,
        owners.application_id as owner_application_id,
        owners.is_registered,
        owners.team_id,
        owners.cost_center_id as owner_cost_center_id,
        owners.environment,
        owners.use_case,
        owners.business_process,
        owners.model_tier,
        owners.data_class,
        owners.charge_to,
        cast(
            cast(
                cast(cast(parts.billed_cost as decimal(38, 12)) * 1000000000000 as hugeint)
                * coalesce(owners.share_picos, 1000000000000) // 1000000000000
                as decimal(38, 0)
            ) * 0.000000000001
            as decimal(38, 18)
        ) as billed_cost_floor,
        cast(
            cast(
                cast(cast(parts.effective_cost as decimal(38, 12)) * 1000000000000 as hugeint)
                * coalesce(owners.share_picos, 1000000000000) // 1000000000000
                as decimal(38, 0)
            ) * 0.000000000001
            as decimal(38, 18)
        ) as effective_cost_floor,
        cast(
            cast(
                cast(cast(parts.estimated_cost as decimal(38, 12)) * 1000000000000 as hugeint)
                * coalesce(owners.share_picos, 1000000000000) // 1000000000000
                as decimal(38, 0)
            ) * 0.000000000001
            as decimal(38, 18)
        ) as estimated_cost_floor,
        cast(
            cast(
                cast(trunc(parts.quantity * 1000000) as hugeint)
                * coalesce(owners.share_picos, 1000000000000) // 1000000000000
                as decimal(38, 0)
            ) * 0.000001
            as decimal(38, 9)
        ) as quantity_floor,
        row_number() over (
            partition by parts.part_id
            order by owners.share_picos desc, owners.application_id asc
        ) as place
    from parts
    left join int_owners as owners on parts.owner_id = owners.owner_id
),

-- what flooring leaves goes to the largest share, so the parts add up to the amount
owned as (
    select
        split_parts.charge_date,
        split_parts.billing_period,
        split_parts.issuer,
        split_parts.billing_account_id,
        split_parts.sub_account_id,
        split_parts.invoice_id,
        split_parts.provider,
        split_parts.model_id,
        split_parts.meter,
        split_parts.service_tier,
        split_parts.charge_category,
        split_parts.charge_description,
        split_parts.billing_currency,
        split_parts.pool_id,
        split_parts.team_id,
        split_parts.owner_cost_center_id,
        split_parts.consumer_cost_center_id,
        split_parts.environment,
        split_parts.use_case,
        split_parts.business_process,
        split_parts.model_tier,
        split_parts.data_class,
        split_parts.ownership_rule_id,
        split_parts.shared_rule_id,
        split_parts.cost_basis,
        split_parts.grade,
        case
            when split_parts.cause = 'attributed' and not coalesce(split_parts.is_registered, false)
                then 'unallocated'
            else split_parts.cause
        end as cause,
        case
            when split_parts.cause = 'rounding' then '__rounding__'
            when split_parts.cause = 'shared' then '__shared__'
            when split_parts.is_registered then split_parts.owner_application_id
            when split_parts.cause = 'idle' then '__idle__'
            else '__unallocated__'
        end as application_id,
        case
            when split_parts.cause in ('rounding', 'shared') then split_parts.cause
            when split_parts.is_registered then 'owned'
            when split_parts.owner_application_id is not null then 'not_registered'
            else 'no_rule'
        end as owner_state,
        case
            when split_parts.charge_to = 'consumer'
                then coalesce(
                    split_parts.consumer_cost_center_id, split_parts.owner_cost_center_id
                )
            else split_parts.owner_cost_center_id
        end as cost_center_id,
        case when split_parts.place = 1 then split_parts.call_count end as call_count,
        case
            when split_parts.place = 1
                then split_parts.billed_cost - coalesce(
                    sum(split_parts.billed_cost_floor) over (
                        partition by split_parts.part_id
                    ) - split_parts.billed_cost_floor,
                    0
                )
            else split_parts.billed_cost_floor
        end as billed_cost,
        case
            when split_parts.place = 1
                then split_parts.effective_cost - coalesce(
                    sum(split_parts.effective_cost_floor) over (
                        partition by split_parts.part_id
                    ) - split_parts.effective_cost_floor,
                    0
                )
            else split_parts.effective_cost_floor
        end as effective_cost,
        case
            when split_parts.place = 1
                then split_parts.estimated_cost - coalesce(
                    sum(split_parts.estimated_cost_floor) over (
                        partition by split_parts.part_id
                    ) - split_parts.estimated_cost_floor,
                    0
                )
            else split_parts.estimated_cost_floor
        end as estimated_cost,
        case
            when split_parts.place = 1
                then split_parts.quantity - coalesce(
                    sum(split_parts.quantity_floor) over (
                        partition by split_parts.part_id
                    ) - split_parts.quantity_floor,
                    0
                )
            else split_parts.quantity_floor
        end as quantity
    from split_parts
),

currency_days as (
    select distinct
        charge_date,
        billing_currency
    from owned
),

rates as (
    select
        currency_days.charge_date,
        currency_days.billing_currency,
        fx_rates.rate,
        row_number() over (
            partition by currency_days.charge_date, currency_days.billing_currency
            order by fx_rates.rate_date desc
        ) as place
    from currency_days
    inner join ref_fx_rates as fx_rates
        on
            currency_days.billing_currency = fx_rates.from_currency
            and fx_rates.to_currency = $reporting_currency
            and currency_days.charge_date >= fx_rates.rate_date
),

lines as (
    select
        owned.*,
        case
            when owned.billing_currency = $reporting_currency then cast(1 as decimal(18, 9))
            else rates.rate
        end as fx_rate
    from owned
    left join rates
        on
            owned.charge_date = rates.charge_date
            and owned.billing_currency = rates.billing_currency
            and rates.place = 1
)

select
    md5(
        concat_ws(
            '|',
            coalesce(cast(lines.cause as varchar), ''),
            coalesce(cast(lines.charge_date as varchar), ''),
            coalesce(cast(lines.billing_period as varchar), ''),
            coalesce(cast(lines.issuer as varchar), ''),
            coalesce(cast(lines.billing_account_id as varchar), ''),
            coalesce(cast(lines.sub_account_id as varchar), ''),
            coalesce(cast(lines.invoice_id as varchar), ''),
            coalesce(cast(lines.provider as varchar), ''),
            coalesce(cast(lines.model_id as varchar), ''),
            coalesce(cast(lines.meter as varchar), ''),
            coalesce(cast(lines.service_tier as varchar), ''),
            coalesce(cast(lines.charge_category as varchar), ''),
            coalesce(cast(lines.charge_description as varchar), ''),
            coalesce(cast(lines.billing_currency as varchar), ''),
            coalesce(cast(lines.pool_id as varchar), ''),
            coalesce(cast(lines.application_id as varchar), ''),
            coalesce(cast(lines.team_id as varchar), ''),
            coalesce(cast(lines.cost_center_id as varchar), ''),
            coalesce(cast(lines.owner_cost_center_id as varchar), ''),
            coalesce(cast(lines.consumer_cost_center_id as varchar), ''),
            coalesce(cast(lines.environment as varchar), ''),
            coalesce(cast(lines.use_case as varchar), ''),
            coalesce(cast(lines.business_process as varchar), ''),
            coalesce(cast(lines.model_tier as varchar), ''),
            coalesce(cast(lines.data_class as varchar), ''),
            coalesce(cast(lines.owner_state as varchar), ''),
            coalesce(cast(lines.ownership_rule_id as varchar), ''),
            coalesce(cast(lines.shared_rule_id as varchar), ''),
            coalesce(cast(lines.cost_basis as varchar), '')
        )
    ) as cost_line_id,
    lines.cause,
    lines.charge_date,
    lines.billing_period,
    lines.issuer,
    lines.billing_account_id,
    lines.sub_account_id,
    lines.invoice_id,
    lines.provider,
    lines.model_id,
    lines.meter,
    lines.service_tier,
    lines.charge_category,
    lines.charge_description,
    lines.billing_currency,
    lines.pool_id,
    lines.application_id,
    lines.team_id,
    lines.cost_center_id,
    lines.owner_cost_center_id,
    lines.consumer_cost_center_id,
    lines.environment,
    lines.use_case,
    lines.business_process,
    lines.model_tier,
    lines.data_class,
    lines.owner_state,
    lines.ownership_rule_id,
    lines.shared_rule_id,
    lines.cost_basis,
    max(lines.grade) as grade,
    cast(sum(lines.billed_cost) as decimal(38, 18)) as billed_cost,
    cast(sum(lines.effective_cost) as decimal(38, 18)) as effective_cost,
    cast(sum(lines.estimated_cost) as decimal(38, 18)) as estimated_cost,
    cast(
        case
            when lines.billing_currency = $reporting_currency then sum(lines.billed_cost)
            else
                cast(sum(lines.billed_cost) as decimal(23, 12))
                * cast(lines.fx_rate as decimal(15, 9))
        end
        as decimal(38, 18)
    ) as reporting_cost,
    lines.fx_rate,
    cast(sum(lines.quantity) as decimal(38, 9)) as quantity,
    cast(sum(lines.call_count) as bigint) as call_count
from lines
group by
    lines.cause,
    lines.charge_date,
    lines.billing_period,
    lines.issuer,
    lines.billing_account_id,
    lines.sub_account_id,
    lines.invoice_id,
    lines.provider,
    lines.model_id,
    lines.meter,
    lines.service_tier,
    lines.charge_category,
    lines.charge_description,
    lines.billing_currency,
    lines.pool_id,
    lines.application_id,
    lines.team_id,
    lines.cost_center_id,
    lines.owner_cost_center_id,
    lines.consumer_cost_center_id,
    lines.environment,
    lines.use_case,
    lines.business_process,
    lines.model_tier,
    lines.data_class,
    lines.owner_state,
    lines.ownership_rule_id,
    lines.shared_rule_id,
    lines.cost_basis,
    lines.fx_rate
