/*
description: Calls and charges of each day whose price misses something that they say. The price is kept,
  and what it misses is counted here.
grain: one row per suite, partition and counter
*/

with calls as (
    select
        charge_date,
        count(*) filter (where is_billable and is_geo_unknown) as geography_without_rule,
        count(*) filter (where is_billable and is_band_unknown) as long_prompts_at_flat_price
    from int_calls__placed
    group by charge_date
),

banded as (
    select distinct
        provider,
        model_id
    from price_book
    where min_input_tokens > 0
),

charges as (
    select
        billed.charge_date,
        count(*) as long_prompts_without_price
    from int_charges__classified as billed
    anti join banded on billed.provider = banded.provider and billed.model_id = banded.model_id
    where
        billed.charge_part = 'pooled'
        and billed.model_id is not null
        and regexp_matches(
            lower(concat_ws(' ', billed.sku_meter, billed.charge_description)),
            'long[-_ ]?(context|ctx|prompt)|\blongco\b|200k ?-|> ?200k'
        )
    group by billed.charge_date
),

counted as (
    select
        days.charge_date,
        coalesce(calls.geography_without_rule, 0) as geography_without_rule,
        coalesce(calls.long_prompts_at_flat_price, 0) as long_prompts_at_flat_price,
        coalesce(charges.long_prompts_without_price, 0) as long_prompts_without_price
    from days
    left join calls on days.charge_date = calls.charge_date
    left join charges on days.charge_date = charges.charge_date
)

select
    'prices' as suite,
    cast(charge_date as varchar) as partition,
    'geography_without_rule' as counter,
    cast(geography_without_rule as bigint) as value
from counted
union all
select
    'prices' as suite,
    cast(charge_date as varchar) as partition,
    'long_prompts_at_flat_price' as counter,
    cast(long_prompts_at_flat_price as bigint) as value
from counted
union all
select
    'prices' as suite,
    cast(charge_date as varchar) as partition,
    'long_prompts_without_price' as counter,
    cast(long_prompts_without_price as bigint) as value
from counted
