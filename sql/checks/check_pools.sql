/*
description: Conservation per pool. What calls get, what they do not explain and what rounding leaves is the charge.
grain: one row per suite, partition and counter
*/

with pool_lines as (
    select
        pool_id,
        min(charge_date) as charge_date,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost
    from int_money_parts
    where pool_id is not null
    group by pool_id
),

conserved as (
    select
        coalesce(pools.charge_date, pool_lines.charge_date) as charge_date,
        count(*) filter (
            where
            pools.billed_cost is distinct from pool_lines.billed_cost
            or pools.effective_cost is distinct from pool_lines.effective_cost
        ) as pools_not_conserved,
        count(*) filter (where pools.pool_state = 'overlogged') as overlogged_pools,
        count(*) filter (where pools.coarsened_by is not null) as coarsened_pools,
        count(beside.pool_id) as unlogged_beside_estimates
    from int_pools as pools
    -- also lines of a pool that there is not
    full join pool_lines on pools.pool_id = pool_lines.pool_id
    left join int_estimates_beside as beside on pools.pool_id = beside.pool_id
    group by coalesce(pools.charge_date, pool_lines.charge_date)
),

-- by identity, as equal numbers may be a charge lost and another doubled
places as (
    select
        charge_date,
        source,
        scope,
        charge_key,
        1 as charged,
        0 as pooled
    from int_charges__classified
    where charge_part = 'pooled'
    union all
    select
        charge_date,
        source,
        scope,
        charge_key,
        0 as charged,
        1 as pooled
    from int_charges__pooled
),

charges as (
    select
        charge_date,
        sum(charged) as charged,
        sum(pooled) as pooled
    from places
    group by charge_date, source, scope, charge_key
),

charged as (
    select
        charge_date,
        count(*) filter (where charged <> 1 or pooled <> 1) as misplaced_charges,
        sum(charged) as pooled_charges
    from charges
    group by charge_date
),

in_pools as (
    select
        charge_date,
        sum(charge_count) as pooled_charges
    from int_pools
    group by charge_date
),

component_pools as (
    select
        charge_date,
        cell_no,
        meter,
        count(*) as pools
    from int_components__pooled
    group by charge_date, cell_no, meter
),

components as (
    select
        charge_date,
        count(*) filter (where pools > 1) as components_in_two_pools
    from component_pools
    group by charge_date
),

call_costs as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from fct_calls
    where billed_cost is not null
    group by charge_date, billing_currency
),

call_lines as (
    select
        charge_date,
        billing_currency,
        sum(billed_cost) as billed_cost
    from int_money_parts
    where cause = 'attributed' and pool_id is not null
    group by charge_date, billing_currency
),

call_money as (
    select
        coalesce(call_costs.charge_date, call_lines.charge_date) as charge_date,
        count(*) filter (
            where coalesce(call_costs.billed_cost, 0) <> coalesce(call_lines.billed_cost, 0)
        ) as call_cost_not_conserved
    from call_costs
    full join call_lines
        on
            call_costs.charge_date = call_lines.charge_date
            and call_costs.billing_currency = call_lines.billing_currency
    group by coalesce(call_costs.charge_date, call_lines.charge_date)
),

counted as (
    select
        days.charge_date,
        coalesce(conserved.pools_not_conserved, 0) as pools_not_conserved,
        greatest(
            coalesce(charged.misplaced_charges, 0),
            abs(coalesce(charged.pooled_charges, 0) - coalesce(in_pools.pooled_charges, 0))
        ) as charges_without_pool,
        coalesce(components.components_in_two_pools, 0) as components_in_two_pools,
        coalesce(call_money.call_cost_not_conserved, 0) as call_cost_not_conserved,
        coalesce(conserved.overlogged_pools, 0) as overlogged_pools,
        coalesce(conserved.coarsened_pools, 0) as coarsened_pools,
        coalesce(conserved.unlogged_beside_estimates, 0) as unlogged_beside_estimates
    from days
    left join conserved on days.charge_date = conserved.charge_date
    left join charged on days.charge_date = charged.charge_date
    left join in_pools on days.charge_date = in_pools.charge_date
    left join components on days.charge_date = components.charge_date
    left join call_money on days.charge_date = call_money.charge_date
)

select
    'pools' as suite,
    cast(charge_date as varchar) as partition,
    'pools_not_conserved' as counter,
    cast(pools_not_conserved as bigint) as value
from counted
union all
select
    'pools' as suite,
    cast(charge_date as varchar) as partition,
    'charges_without_pool' as counter,
    cast(charges_without_pool as bigint) as value
from counted
union all
select
    'pools' as suite,
    cast(charge_date as varchar) as partition,
    'components_in_two_pools' as counter,
    cast(components_in_two_pools as bigint) as value
from counted
union all
select
    'pools' as suite,
    cast(charge_date as varchar) as partition,
    'call_cost_not_conserved' as counter,
    cast(call_cost_not_conserved as bigint) as value
from counted
union all
select
    'pools' as suite,
    cast(charge_date as varchar) as partition,
    'overlogged_pools' as counter,
    cast(overlogged_pools as bigint) as value
from counted
union all
select
    'pools' as suite,
    cast(charge_date as varchar) as partition,
    'coarsened_pools' as counter,
    cast(coarsened_pools as bigint) as value
from counted
union all
select
    'pools' as suite,
    cast(charge_date as varchar) as partition,
    'unlogged_beside_estimates' as counter,
    cast(unlogged_beside_estimates as bigint) as value
from counted
