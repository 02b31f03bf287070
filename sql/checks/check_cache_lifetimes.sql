/*
description: Calls that wrote to a cache of which nobody says how long it lives, where that has a price,
  and what the dearest of their models would cost more if all of it lived for an hour.
grain: one row per suite, partition and counter
*/

with untold as (
    select
        calls.charge_date,
        cells.model_id,
        prices.currency,
        count(*) as calls,
        sum(written.quantity * prices.price_picos - written.weight_picos) as picos_at_stake
    from int_calls__placed as calls
    inner join int_call_meters as written
        on calls.call_no = written.call_no and written.meter = 'cache_write'
    inner join int_cells as cells on calls.cell_no = cells.cell_no
    left join int_prices as prices
        on calls.price_no = prices.price_no and prices.meter = 'cache_write_1h'
    where calls.is_lifetime_missing
    group by calls.charge_date, cells.model_id, prices.currency
),

told as (
    select
        charge_date,
        calls,
        picos_at_stake,
        concat(
            model_id, ' (',
            coalesce(
                'up to ' || cast(
                    cast(picos_at_stake as decimal(38, 0)) * 0.000000000001 as decimal(38, 6)
                ) || ' ' || currency || ' more',
                'no price'
            ), ')'
        ) as example
    from untold
),

untold_days as (
    select
        charge_date,
        sum(calls) as untold_cache_lifetimes,
        array_to_string(max_by(example, coalesce(picos_at_stake, 0), 3), ', ') as examples
    from told
    group by charge_date
)

select
    'calls' as suite,
    cast(days.charge_date as varchar) as partition,
    'untold_cache_lifetimes' as counter,
    cast(coalesce(untold_days.untold_cache_lifetimes, 0) as bigint) as value,
    untold_days.examples
from days
left join untold_days on days.charge_date = untold_days.charge_date
