/*
description: All money of each day has an owner or a name, and no rule hands out more or less than it has.
grain: one row per suite, partition and counter
*/

with billed as (
    select
        charge_date,
        issuer,
        billing_account_id,
        billing_period,
        billing_currency,
        sum(billed_cost) as billed_cost
    from stg_charges
    group by charge_date, issuer, billing_account_id, billing_period, billing_currency
),

lines as (
    select
        charge_date,
        issuer,
        billing_account_id,
        billing_period,
        billing_currency,
        sum(billed_cost) as billed_cost
    from fct_cost_lines
    where cost_basis = 'billed'
    group by charge_date, issuer, billing_account_id, billing_period, billing_currency
),

conserved as (
    select
        coalesce(billed.charge_date, lines.charge_date) as charge_date,
        count(*) filter (
            where billed.billed_cost is distinct from lines.billed_cost
        ) as money_not_conserved
    from billed
    full join lines
        on
            billed.charge_date = lines.charge_date
            and billed.issuer = lines.issuer
            and billed.billing_account_id = lines.billing_account_id
            and billed.billing_period = lines.billing_period
            and billed.billing_currency = lines.billing_currency
    group by coalesce(billed.charge_date, lines.charge_date)
),

shares as (
    select
        owner_id,
        sum(share_picos) as share_picos
    from int_owners
    group by owner_id
),

shared_owners as (
    select
        segments.charge_date,
        count(*) filter (where shares.share_picos is distinct from 1000000000000)
            as owner_shares_not_one
    from int_owner_segments as segments
    left join shares on segments.owner_id = shares.owner_id
    group by segments.charge_date
),

states as (
    select
        charge_date,
        count(*) filter (where owner_state in ('no_rule', 'not_registered')) as unallocated_lines,
        count(*) filter (where billed_cost is not null and fx_rate is null) as fx_missing
    from fct_cost_lines
    group by charge_date
),

counted as (
    select
        days.charge_date,
        coalesce(conserved.money_not_conserved, 0) as money_not_conserved,
        coalesce(shared_owners.owner_shares_not_one, 0) as owner_shares_not_one,
        coalesce(states.unallocated_lines, 0) as unallocated_lines,
        coalesce(states.fx_missing, 0) as fx_missing
    from days
    left join conserved on days.charge_date = conserved.charge_date
    left join shared_owners on days.charge_date = shared_owners.charge_date
    left join states on days.charge_date = states.charge_date
)

select
    'cost_lines' as suite,
    cast(charge_date as varchar) as partition,
    'money_not_conserved' as counter,
    cast(money_not_conserved as bigint) as value
from counted
union all
select
    'cost_lines' as suite,
    cast(charge_date as varchar) as partition,
    'owner_shares_not_one' as counter,
    cast(owner_shares_not_one as bigint) as value
from counted
union all
select
    'cost_lines' as suite,
    cast(charge_date as varchar) as partition,
    'unallocated_lines' as counter,
    cast(unallocated_lines as bigint) as value
from counted
union all
select
    'cost_lines' as suite,
    cast(charge_date as varchar) as partition,
    'fx_missing' as counter,
    cast(fx_missing as bigint) as value
from counted
