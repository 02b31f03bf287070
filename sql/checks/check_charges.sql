/*
description: Billed lines of each day. A key twice would be the same money twice.
grain: one row per suite, partition and counter
*/

with keys as (
    select
        charge_date,
        source,
        scope,
        charge_key,
        count(*) as copies
    from stg_charges
    group by charge_date, source, scope, charge_key
),

repeated as (
    select
        charge_date,
        sum(copies - 1) as duplicates
    from keys
    group by charge_date
),

staged as (
    select
        charge_date,
        count(*) as charge_rows,
        count(*) filter (where billing_currency is null) as null_currency,
        count(*) filter (where billed_cost is null) as null_amount,
        count(*) filter (where meter = 'unclassified' and charge_category = 'Usage')
            as unclassified_charges
    from stg_charges
    group by charge_date
),

counted as (
    select
        days.charge_date,
        coalesce(staged.charge_rows, 0) as rows,
        coalesce(repeated.duplicates, 0) as duplicate_charge_key,
        coalesce(staged.null_currency, 0) as null_currency,
        coalesce(staged.null_amount, 0) as null_amount,
        coalesce(staged.unclassified_charges, 0) as unclassified_charges
    from days
    left join staged on days.charge_date = staged.charge_date
    left join repeated on days.charge_date = repeated.charge_date
)

select
    'charges' as suite,
    cast(charge_date as varchar) as partition,
    'rows' as counter,
    cast(rows as bigint) as value
from counted
union all
select
    'charges' as suite,
    cast(charge_date as varchar) as partition,
    'duplicate_charge_key' as counter,
    cast(duplicate_charge_key as bigint) as value
from counted
union all
select
    'charges' as suite,
    cast(charge_date as varchar) as partition,
    'null_currency' as counter,
    cast(null_currency as bigint) as value
from counted
union all
select
    'charges' as suite,
    cast(charge_date as varchar) as partition,
    'null_amount' as counter,
    cast(null_amount as bigint) as value
from counted
union all
select
    'charges' as suite,
    cast(charge_date as varchar) as partition,
    'unclassified_charges' as counter,
    cast(unclassified_charges as bigint) as value
from counted
