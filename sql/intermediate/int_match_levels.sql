/*
description: How fine bill and calls can be matched, decided for each group of cells by what its own
  cells tell. A dimension is part of the pool where all of them tell the same; where they do not,
  coarsened_by says whose words are missing.
grain: one row per cell_no
keys: [cell_no]
*/

with cells as (
    select
        cells.*,
        groups.group_no
    from int_match_cells as cells
    inner join int_match_groups as groups on cells.cell_no = groups.cell_no
),

groups as (
    select
        group_no,
        bool_or(side = 'charge') as has_charge,
        bool_or(side = 'charge' and sub_account_id is null) as is_bill_without_sub_account,
        bool_or(side = 'call' and sub_account_id is null) as is_call_without_sub_account,
        min(sub_account_id) as least_sub_account,
        coalesce(min(sub_account_id) <> max(sub_account_id), false) as is_mixing_subs,
        bool_or(side = 'charge' and told_model is null) as is_bill_without_model,
        min(model_id) as least_model,
        count(*) = count(model_id) as is_model_told,
        coalesce(min(model_id) <> max(model_id), false) as is_mixing_models,
        bool_or(side = 'charge' and kind is null) as is_bill_without_meter,
        min(kind) as least_kind,
        coalesce(min(kind) <> max(kind), false) as is_mixing_meters,
        bool_or(side = 'charge' and lifetime is null and kind is not null)
            as is_bill_without_lifetime,
        bool_or(side = 'call' and lifetime is null) as is_call_without_lifetime,
        min(meter) as least_meter,
        coalesce(min(lifetime) <> max(lifetime), false) as is_mixing_lifetimes,
        bool_or(side = 'charge' and service_tier is null) as is_bill_without_tier,
        bool_or(side = 'call' and service_tier is null) as is_call_without_tier,
        min(service_tier) as least_tier,
        coalesce(min(service_tier) <> max(service_tier), false) as is_mixing_tiers,
        bool_or(side = 'charge' and inference_geo is null) as is_bill_without_geo,
        bool_or(side = 'call' and inference_geo is null) as is_call_without_geo,
        min(inference_geo) as least_geo,
        coalesce(min(inference_geo) <> max(inference_geo), false) as is_mixing_geos
    from cells
    where side <> 'usage'
    group by group_no
),

levels as (
    select
        group_no,
        has_charge,
        -- whose silence lets calls of several prices meet money of several prices
        (is_mixing_tiers and is_call_without_tier)
        or (is_mixing_geos and is_call_without_geo)
        or (is_mixing_lifetimes and is_call_without_lifetime) as is_price_of_calls_unsure,
        case
            when is_bill_without_sub_account then '*'
            when is_call_without_sub_account then '~unrouted'
            else least_sub_account
        end as pool_sub_account,
        if(is_model_told and not is_mixing_models, least_model, '*') as pool_model,
        case
            when is_bill_without_meter or is_mixing_meters then '*'
            when is_bill_without_lifetime or is_call_without_lifetime or is_mixing_lifetimes
                then least_kind
            else least_meter
        end as pool_meter,
        if(
            is_bill_without_tier or is_call_without_tier or is_mixing_tiers, '*', least_tier
        ) as pool_tier,
        if(
            is_bill_without_geo or is_call_without_geo or is_mixing_geos, '*', least_geo
        ) as pool_geo,
        nullif(
            concat_ws(
                ', ',
                if(is_mixing_subs and is_bill_without_sub_account, 'bill: sub-account', null),
                if(is_mixing_subs and is_call_without_sub_account, 'calls: sub-account', null),
                if(is_mixing_models, 'bill: AI model', null),
                if(is_mixing_meters, 'bill: meter', null),
                if(is_mixing_lifetimes and is_bill_without_lifetime, 'bill: cache lifetime', null),
                if(is_mixing_lifetimes and is_call_without_lifetime, 'calls: cache lifetime', null),
                if(is_mixing_tiers and is_bill_without_tier, 'bill: service tier', null),
                if(is_mixing_tiers and is_call_without_tier, 'calls: service tier', null),
                if(is_mixing_geos and is_bill_without_geo, 'bill: geography', null),
                if(is_mixing_geos and is_call_without_geo, 'calls: geography', null)
            ),
            ''
        ) as coarsened_by
    from groups
),

keyed as (
    select
        levels.*,
        concat_ws(
            '|', levels.pool_sub_account, levels.pool_model, levels.pool_meter, levels.pool_tier,
            levels.pool_geo
        )
        -- where a dimension is missing the words do not name a group, its first charge does
        || if(
            '*' in (
                levels.pool_sub_account, levels.pool_model, levels.pool_meter, levels.pool_tier,
                levels.pool_geo
            ) or levels.pool_sub_account = '~unrouted',
            '#' || left(
                md5(
                    concat_ws(
                        '|', coalesce(first_cells.sub_account_id, '*'),
                        coalesce(first_cells.model_id, '*'), coalesce(first_cells.meter, '*'),
                        coalesce(first_cells.service_tier, '*'),
                        coalesce(first_cells.inference_geo, '*')
                    )
                ),
                8
            ),
            ''
        ) as pool_key
    from levels
    inner join cells as first_cells on levels.group_no = first_cells.cell_no
)

select
    cells.side,
    cells.cell_no,
    cells.charge_date,
    cells.issuer,
    cells.billing_account_id,
    cells.sub_account_id,
    cells.model_id,
    cells.meter,
    cells.service_tier,
    cells.inference_geo,
    cells.group_no,
    keyed.has_charge,
    keyed.is_price_of_calls_unsure,
    keyed.pool_sub_account,
    keyed.pool_model,
    keyed.pool_meter,
    keyed.pool_tier,
    keyed.pool_geo,
    keyed.pool_key,
    keyed.coarsened_by
from cells
inner join keyed on cells.group_no = keyed.group_no
