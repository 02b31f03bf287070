/*
description: How fine bill and calls can be matched, decided once per provider account, AI model and day
  and never per row. A dimension takes part only where both sides know it.
grain: one row per charge_date, issuer, billing_account_id, sub_account_id, model_id, meter and service_tier that
  either side names
keys: [charge_date, issuer, billing_account_id, sub_account_id, model_id, meter, service_tier]
*/

with sides as (
    select distinct
        'charge' as side,
        charge_date,
        issuer,
        billing_account_id,
        sub_account_id,
        model_id,
        meter,
        service_tier
    from int_charges__classified
    where charge_part = 'pooled'
    union
    select distinct
        'call' as side,
        charge_date,
        issuer,
        billing_account_id,
        sub_account_id,
        model_id,
        meter,
        service_tier
    from int_components
    where issuer is not null
    union
    select distinct
        'usage' as side,
        charge_date,
        issuer,
        billing_account_id,
        sub_account_id,
        model_id,
        meter,
        service_tier
    from stg_usage
),

accounts as (
    select
        charge_date,
        issuer,
        billing_account_id,
        bool_or(side = 'charge' and model_id is null and meter is null) as is_lump,
        bool_or(side = 'charge' and sub_account_id is null) as is_bill_without_sub_account,
        bool_or(side = 'call' and sub_account_id is null) as is_call_without_sub_account
    from sides
    group by charge_date, issuer, billing_account_id
),

routed_sub_accounts as (
    select distinct
        charge_date,
        issuer,
        billing_account_id,
        sub_account_id
    from sides
    where side = 'call' and sub_account_id is not null
),

meters as (
    select
        charge_date,
        issuer,
        billing_account_id,
        meter,
        bool_or(side = 'charge' and model_id is null) as is_bill_without_model
    from sides
    where meter is not null
    group by charge_date, issuer, billing_account_id, meter
),

ai_models as (
    select
        charge_date,
        issuer,
        billing_account_id,
        model_id,
        bool_or(side = 'charge' and meter is null) as is_bill_without_meter,
        bool_or(side = 'charge' and meter = 'cache_write') as is_bill_without_lifetime,
        bool_or(side in ('charge', 'call') and service_tier is null) as is_tier_unknown
    from sides
    where model_id is not null
    group by charge_date, issuer, billing_account_id, model_id
),

cells as (
    select distinct
        charge_date,
        issuer,
        billing_account_id,
        sub_account_id,
        model_id,
        meter,
        service_tier
    from sides
)

select
    cells.charge_date,
    cells.issuer,
    cells.billing_account_id,
    cells.sub_account_id,
    cells.model_id,
    cells.meter,
    cells.service_tier,
    case
        when accounts.is_bill_without_sub_account then '*'
        when
            cells.sub_account_id is null
            or (accounts.is_call_without_sub_account and routed_sub_accounts.sub_account_id is null)
            then '~unrouted'
        else cells.sub_account_id
    end as pool_sub_account,
    case
        when accounts.is_lump or coalesce(meters.is_bill_without_model, false) then '*'
        else coalesce(cells.model_id, '*')
    end as pool_model,
    case
        when accounts.is_lump or coalesce(ai_models.is_bill_without_meter, false) then '*'
        when
            cells.meter in ('cache_write_5m', 'cache_write_1h')
            and coalesce(ai_models.is_bill_without_lifetime, false)
            then 'cache_write'
        else coalesce(cells.meter, '*')
    end as pool_meter,
    case
        when
            accounts.is_lump
            or coalesce(meters.is_bill_without_model, false)
            or coalesce(ai_models.is_tier_unknown, true)
            then '*'
        else coalesce(cells.service_tier, '*')
    end as pool_tier
from cells
inner join accounts
    on
        cells.charge_date = accounts.charge_date
        and cells.issuer = accounts.issuer
        and cells.billing_account_id = accounts.billing_account_id
left join routed_sub_accounts
    on
        cells.charge_date = routed_sub_accounts.charge_date
        and cells.issuer = routed_sub_accounts.issuer
        and cells.billing_account_id = routed_sub_accounts.billing_account_id
        and cells.sub_account_id = routed_sub_accounts.sub_account_id
left join meters
    on
        cells.charge_date = meters.charge_date
        and cells.issuer = meters.issuer
        and cells.billing_account_id = meters.billing_account_id
        and cells.meter = meters.meter
left join ai_models
    on
        cells.charge_date = ai_models.charge_date
        and cells.issuer = ai_models.issuer
        and cells.billing_account_id = ai_models.billing_account_id
        and cells.model_id = ai_models.model_id
