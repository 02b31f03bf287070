/*
description: Where money meets calls. Billed and logged quantity of each pool side by side, and how
  much of its money the logged calls get; architecture section 3 is the rule.
grain: one row per pool_id
keys: [pool_id]
checks:
  calls_get_no_more_than_billed: abs(call_cost_picos) <= abs(cost_picos)
*/

with charges as (
    select
        pool_id,
        charge_date,
        issuer,
        billing_account_id,
        pool_sub_account,
        pool_model,
        pool_meter,
        pool_tier,
        pool_geo,
        coarsened_by,
        is_price_of_calls_unsure,
        group_no,
        billing_period,
        billing_currency,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost,
        sum(list_cost) as list_cost,
        count(*) as charge_count,
        case
            when pool_meter <> '*' and count(*) = count(consumed_quantity)
                then sum(consumed_quantity)
        end as charged_quantity,
        case
            when min(coalesce(sub_account_id, '')) = max(coalesce(sub_account_id, ''))
                then min(sub_account_id)
        end as sub_account_id,
        min(provider) as provider
    from int_charges__pooled
    group by
        pool_id,
        charge_date,
        issuer,
        billing_account_id,
        pool_sub_account,
        pool_model,
        pool_meter,
        pool_tier,
        pool_geo,
        coarsened_by,
        is_price_of_calls_unsure,
        group_no,
        billing_period,
        billing_currency
),

components as (
    select
        pool_id,
        cast(sum(logged_quantity) as hugeint) as logged_quantity,
        cast(sum(logged_weight) as hugeint) as logged_weight,
        sum(unpriced_calls) as unpriced_calls,
        -- one price for all of the pool: then quantity says it all
        min(cast(logged_weight as hugeint) // cast(logged_quantity as hugeint))
        = max(cast(logged_weight as hugeint) // cast(logged_quantity as hugeint))
        and max(cast(logged_weight as hugeint) % cast(logged_quantity as hugeint)) = 0
            as is_one_price,
        case when min(price_currency) = max(price_currency) then min(price_currency) end
            as price_currency
    from int_components__pooled
    where pool_id is not null
    group by pool_id
),

sides as (
    select
        charges.*,
        -- apart before and after the point: decimal(38, 18) has no room for a trillion times itself
        cast(trunc(charges.billed_cost) as hugeint) * 1000000000000
        + cast(
            trunc((charges.billed_cost - trunc(charges.billed_cost)) * 1000000000000) as hugeint
        ) as cost_picos,
        cast(trunc(charges.effective_cost) as hugeint) * 1000000000000
        + cast(
            trunc((charges.effective_cost - trunc(charges.effective_cost)) * 1000000000000)
            as hugeint
        ) as effective_picos,
        components.price_currency,
        coalesce(charges.charged_quantity, reported.quantity) as billed_quantity,
        coalesce(billed.weight, reported.weight) as billed_weight,
        coalesce(components.logged_quantity, 0) as logged_quantity,
        coalesce(components.logged_weight, 0) as logged_weight,
        coalesce(components.unpriced_calls, 0) as unpriced_calls,
        components.unpriced_calls = 0 and components.logged_weight > 0 as is_weighed_by_price,
        case
            when components.logged_quantity is null then 'none'
            when
                not (components.is_one_price and coalesce(billed.is_one_price, true))
                and components.unpriced_calls = 0
                and not coalesce(charges.is_price_of_calls_unsure, false)
                and coalesce(billed.weight, reported.weight) is not null
                then 'weight'
            when
                charges.pool_meter <> '*'
                and coalesce(charges.charged_quantity, reported.quantity) is not null
                then 'quantity'
            else 'unknown'
        end as match_basis
    from charges
    left join components on charges.pool_id = components.pool_id
    left join int_metered as billed
        on charges.pool_id = billed.pool_id and billed.side = 'charge'
    left join int_metered as reported
        on charges.group_no = reported.group_no and reported.side = 'usage'
),

measured as (
    select
        *,
        -- compared in millionths of a unit, or in picos of weight
        case match_basis
            when 'weight' then cast(billed_weight as hugeint)
            when 'quantity' then cast(billed_quantity * 1000000 as hugeint)
        end as billed_measure,
        case match_basis
            when 'weight' then logged_weight
            when 'quantity' then logged_quantity * 1000000
        end as logged_measure
    from sides
),

decided as (
    select
        *,
        case
            when match_basis = 'none' then 'no_calls'
            when match_basis = 'unknown' then 'cost_only'
            when
                abs(billed_measure - logged_measure) * 1000000 <= billed_measure * $tolerance_ppm
                then 'matched'
            when logged_measure > billed_measure then 'overlogged'
            else 'underlogged'
        end as pool_state
    from measured
)

select
    pool_id,
    charge_date,
    issuer,
    billing_account_id,
    pool_sub_account,
    pool_model,
    pool_meter,
    pool_tier,
    pool_geo,
    coarsened_by,
    billing_period,
    billing_currency,
    billed_cost,
    effective_cost,
    list_cost,
    charge_count,
    cost_picos,
    effective_picos,
    price_currency,
    billed_quantity,
    logged_quantity,
    logged_weight,
    unpriced_calls,
    is_weighed_by_price,
    match_basis,
    pool_state,
    billed_measure,
    logged_measure,
    case pool_state
        when 'no_calls' then 0
        when 'underlogged'
            -- in two steps: an amount times a quantity may have more than 38 digits
            then
                cost_picos // billed_measure * logged_measure
                + cost_picos % billed_measure * logged_measure // billed_measure
        else cost_picos
    end as call_cost_picos,
    case when is_weighed_by_price then logged_weight else logged_quantity end as share_base,
    case
        when pool_state = 'cost_only' or pool_model = '*' or pool_meter = '*' then 'B'
        else 'A'
    end as grade,
    concat_ws(
        '+',
        case when pool_sub_account not in ('*', '~unrouted') then 'sub_account' end,
        case when pool_model <> '*' then 'model' end,
        case when pool_meter <> '*' then 'meter' end,
        case when pool_tier <> '*' then 'tier' end,
        case when pool_geo <> '*' then 'geography' end
    ) as match_level,
    group_no,
    sub_account_id,
    provider
from decided
