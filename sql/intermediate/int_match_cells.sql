/*
description: What bill, calls and usage reports tell apart, one row per side and cell. A dimension that
  a cell does not tell is null. Cache writes are one kind of use whose lifetime is a dimension of its own,
  and calls without a sub-account reach only the sub-accounts that no route leads to.
grain: one row per cell_no
keys: [cell_no]
*/

with told as (
    select distinct
        1 as side_order,
        'charge' as side,
        charge_date,
        issuer,
        billing_account_id,
        sub_account_id,
        model_id,
        meter,
        service_tier,
        inference_geo
    from int_charges__classified
    where charge_part = 'pooled'
    union all
    select distinct
        2 as side_order,
        'call' as side,
        charge_date,
        issuer,
        billing_account_id,
        sub_account_id,
        model_id,
        meter,
        service_tier,
        inference_geo
    from int_components
    where issuer is not null
    union all
    select distinct
        3 as side_order,
        'usage' as side,
        charge_date,
        issuer,
        billing_account_id,
        sub_account_id,
        model_id,
        meter,
        service_tier,
        inference_geo
    from stg_usage
),

routed as (
    select distinct
        told.charge_date,
        told.issuer,
        told.billing_account_id,
        told.sub_account_id
    from told
    inner join ref_routes as routes
        on
            told.issuer = routes.issuer
            and told.billing_account_id = routes.billing_account_id
            and told.sub_account_id = routes.sub_account_id
            and (routes.valid_from is null or told.charge_date >= routes.valid_from)
            and (routes.valid_to is null or told.charge_date < routes.valid_to)
),

dimensions as (
    select
        told.*,
        case
            when told.side = 'call' then if(told.sub_account_id is null, 'unrouted', null)
            when told.sub_account_id is null then null
            when routed.sub_account_id is null then 'unrouted'
            else 'routed'
        end as reach,
        -- a call whose AI model is unknown has no price: it is in no pool of a bill that names models
        if(told.side = 'call', coalesce(told.model_id, ''), told.model_id) as told_model,
        if(starts_with(told.meter, 'cache_write'), 'cache_write', told.meter) as kind,
        case told.meter
            when 'cache_write' then null
            when 'cache_write_5m' then '5m'
            when 'cache_write_1h' then '1h'
            else if(told.meter is null, null, '')
        end as lifetime
    from told
    left join routed
        on
            told.charge_date = routed.charge_date
            and told.issuer = routed.issuer
            and told.billing_account_id = routed.billing_account_id
            and told.sub_account_id = routed.sub_account_id
)

select
    *,
    -- one bit per dimension that is told
    if(sub_account_id is null, 0, 1)
    + if(reach is null, 0, 2)
    + if(told_model is null, 0, 4)
    + if(kind is null, 0, 8)
    + if(lifetime is null, 0, 16)
    + if(service_tier is null, 0, 32)
    + if(inference_geo is null, 0, 64) as told_bits,
    -- charges first: a pool is named by the first of its charges
    row_number() over (
        order by
            side_order asc, charge_date asc, issuer asc, billing_account_id asc, sub_account_id asc,
            model_id asc, meter asc, service_tier asc, inference_geo asc
    ) as cell_no
from dimensions
