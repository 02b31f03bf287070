/*
description: Calls of each day, counted once. An inner join that dropped or doubled a call shows here.
grain: one row per suite, partition and counter
*/

-- by identity, as equal numbers may be a call lost and another doubled
with numbers as (
    select
        charge_date,
        rowid as call_no,
        1 as staged,
        0 as placed
    from stg_calls
    union all
    select
        charge_date,
        call_no,
        0 as staged,
        1 as placed
    from int_calls__placed
),

ids as (
    select
        charge_date,
        hash(source, call_id) as call_hash,
        1 as staged,
        0 as published
    from stg_calls
    union all
    select
        charge_date,
        hash(source, call_id) as call_hash,
        0 as staged,
        1 as published
    from fct_calls
),

not_once as (
    select charge_date
    from numbers
    group by charge_date, call_no
    having sum(staged) <> 1 or sum(placed) <> 1
    union all
    select charge_date
    from ids
    group by charge_date, call_hash
    having sum(staged) <> 1 or sum(published) <> 1
),

uneven as (
    select
        charge_date,
        count(*) as duplicate_call_id
    from not_once
    group by charge_date
),

costed as (
    select
        charge_date,
        count(*) filter (where cost_basis = 'unpriced') as unpriced_calls,
        count(*) filter (where issuer is null) as no_route_calls
    from fct_calls
    group by charge_date
),

staged as (
    select
        charge_date,
        count(*) as call_rows,
        count(*) filter (where call_id is null) as null_call_id,
        count(*) filter (where started_at is null) as null_started_at,
        count(*) filter (where cast(started_at as date) <> charge_date) as day_mismatch,
        count(*) filter (
            where
            least(
                input_uncached_tokens, cache_read_tokens, cache_write_5m_tokens,
                cache_write_1h_tokens, cache_write_tokens, input_audio_tokens,
                input_image_tokens, output_text_tokens, output_reasoning_tokens,
                output_audio_tokens, output_image_tokens, web_search_requests, search_units,
                audio_seconds, input_characters, generated_images
            ) < 0
        ) as negative_tokens,
        count(*) filter (where is_token_conflict) as token_conflicts
    from stg_calls
    group by charge_date
),

overlapping as (
    select
        charge_date,
        count(*) as overlapping_calls
    from stg_calls__corroborating
    where is_system_of_record
    group by charge_date
),

counted as (
    select
        days.charge_date,
        coalesce(staged.call_rows, 0) as rows,
        coalesce(staged.null_call_id, 0) as null_call_id,
        coalesce(uneven.duplicate_call_id, 0) as duplicate_call_id,
        coalesce(staged.null_started_at, 0) as null_started_at,
        coalesce(staged.day_mismatch, 0) as day_mismatch,
        coalesce(staged.negative_tokens, 0) as negative_tokens,
        coalesce(staged.token_conflicts, 0) as token_conflicts,
        coalesce(costed.unpriced_calls, 0) as unpriced_calls,
        coalesce(costed.no_route_calls, 0) as no_route_calls,
        coalesce(overlapping.overlapping_calls, 0) as overlapping_calls
    from days
    left join staged on days.charge_date = staged.charge_date
    left join uneven on days.charge_date = uneven.charge_date
    left join costed on days.charge_date = costed.charge_date
    left join overlapping on days.charge_date = overlapping.charge_date
)

select
    'calls' as suite,
    cast(charge_date as varchar) as partition,
    'rows' as counter,
    cast(rows as bigint) as value
from counted
union all
select
    'calls' as suite,
    cast(charge_date as varchar) as partition,
    'null_call_id' as counter,
    cast(null_call_id as bigint) as value
from counted
union all
select
    'calls' as suite,
    cast(charge_date as varchar) as partition,
    'duplicate_call_id' as counter,
    cast(duplicate_call_id as bigint) as value
from counted
union all
select
    'calls' as suite,
    cast(charge_date as varchar) as partition,
    'null_started_at' as counter,
    cast(null_started_at as bigint) as value
from counted
union all
select
    'calls' as suite,
    cast(charge_date as varchar) as partition,
    'day_mismatch' as counter,
    cast(day_mismatch as bigint) as value
from counted
union all
select
    'calls' as suite,
    cast(charge_date as varchar) as partition,
    'negative_tokens' as counter,
    cast(negative_tokens as bigint) as value
from counted
union all
select
    'calls' as suite,
    cast(charge_date as varchar) as partition,
    'token_conflicts' as counter,
    cast(token_conflicts as bigint) as value
from counted
union all
select
    'calls' as suite,
    cast(charge_date as varchar) as partition,
    'unpriced_calls' as counter,
    cast(unpriced_calls as bigint) as value
from counted
union all
select
    'calls' as suite,
    cast(charge_date as varchar) as partition,
    'no_route_calls' as counter,
    cast(no_route_calls as bigint) as value
from counted
union all
select
    'calls' as suite,
    cast(charge_date as varchar) as partition,
    'overlapping_calls' as counter,
    cast(overlapping_calls as bigint) as value
from counted
