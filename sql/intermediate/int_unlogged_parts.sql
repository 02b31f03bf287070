/*
description: What calls do not explain of a pool, split by what is known of it before anybody asks who owns it.
  A pool without calls is split as it was billed, and by the API keys of the provider's usage report where
  the bill tells none; of others the rest is split in proportion to what is left of each sub-account.
grain: one row per pool_id and subject
keys: [pool_id, subject]
*/

with pools as (
    select
        *,
        billed_cost - cast(call_cost_picos as decimal(38, 0)) * 0.000000000001 as rest_cost,
        -- effective cost follows billed quantity, as billed cost does
        effective_cost - if(
            pool_state = 'no_calls',
            0,
            cast(
                effective_picos // billed_measure * logged_measure
                + effective_picos % billed_measure * logged_measure // billed_measure
                as decimal(38, 0)
            )
            * 0.000000000001
        ) as effective_rest,
        cast(greatest(billed_quantity - logged_quantity, 0) as decimal(38, 9)) as rest_quantity
    from int_pools
    where pool_state in ('no_calls', 'underlogged')
),

billed as (
    select
        pool_id,
        subject,
        issuer,
        billing_account_id,
        sub_account_id,
        resource_id is null and api_key_id is null and tags is null as is_key_open,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost,
        case when count(*) = count(consumed_quantity) then sum(consumed_quantity) end as quantity,
        count(*) over (partition by pool_id) as subjects
    from int_charges__pooled
    group by
        pool_id,
        subject,
        issuer,
        billing_account_id,
        sub_account_id,
        resource_id,
        api_key_id,
        tags
),

-- the keys of a report add up to the pool only where it has one unit
usage_keys as (
    select
        levels.group_no,
        usage_buckets.sub_account_id,
        usage_buckets.api_key_id,
        cast(sum(usage_buckets.quantity) * 1000000 as hugeint) as micros
    from stg_usage as usage_buckets
    inner join int_match_levels as levels
        on
            levels.side = 'usage'
            and usage_buckets.charge_date = levels.charge_date
            and usage_buckets.issuer = levels.issuer
            and usage_buckets.billing_account_id = levels.billing_account_id
            and usage_buckets.sub_account_id is not distinct from levels.sub_account_id
            and usage_buckets.model_id is not distinct from levels.model_id
            and usage_buckets.meter is not distinct from levels.meter
            and usage_buckets.service_tier is not distinct from levels.service_tier
            and usage_buckets.inference_geo is not distinct from levels.inference_geo
    where levels.pool_meter <> '*' and usage_buckets.quantity > 0
    group by levels.group_no, usage_buckets.sub_account_id, usage_buckets.api_key_id
),

-- what is shared among whom: the line of a subject among its keys, what is left among subjects
untouched as (
    select
        pools.pool_id,
        billed.subject as shared,
        billed.issuer,
        billed.billing_account_id,
        billed.sub_account_id,
        case
            when usage_keys.api_key_id is null then billed.subject
            else concat_ws(
                '|', 'charge:' || billed.issuer, billed.billing_account_id,
                coalesce(billed.sub_account_id, ''), '', usage_keys.api_key_id, ''
            )
        end as subject,
        billed.billed_cost as rest_cost,
        billed.effective_cost as effective_rest,
        coalesce(billed.quantity, if(billed.subjects = 1, pools.billed_quantity, null))
            as rest_quantity,
        coalesce(usage_keys.micros, 1) as weight
    from pools
    inner join billed on pools.pool_id = billed.pool_id
    left join usage_keys
        on
            pools.group_no = usage_keys.group_no
            and billed.sub_account_id is not distinct from usage_keys.sub_account_id
            and billed.is_key_open
    where pools.pool_state = 'no_calls'
),

explained as (
    select
        pool_id,
        sub_account_id,
        cast(sum(cost_picos) as hugeint) // 1000 as nanos
    from int_owner_parts
    where pool_id is not null
    group by pool_id, sub_account_id
),

-- a line against the sign of the pool, such as a refund, takes no part of what is left
sized as (
    select
        billed.*,
        pools.rest_cost,
        pools.effective_rest,
        pools.rest_quantity,
        if(pools.billed_cost < 0, -1, 1) as direction,
        greatest(
            if(pools.billed_cost < 0, -1, 1)
            * cast(trunc(billed.billed_cost * 1000000000) as hugeint),
            0
        ) as nanos
    from pools
    inner join billed on pools.pool_id = billed.pool_id
    where pools.pool_state = 'underlogged'
),

sub_accounts as (
    select
        sized.pool_id,
        sized.sub_account_id,
        sum(sized.nanos) as nanos,
        greatest(
            sum(sized.nanos) - coalesce(max(sized.direction * explained.nanos), 0), 0
        ) as left_nanos
    from sized
    left join explained
        on
            sized.pool_id = explained.pool_id
            and sized.sub_account_id is not distinct from explained.sub_account_id
    group by sized.pool_id, sized.sub_account_id
),

left_over as (
    select
        sized.pool_id,
        sized.pool_id as shared,
        sized.issuer,
        sized.billing_account_id,
        sized.sub_account_id,
        sized.subject,
        sized.rest_cost,
        sized.effective_rest,
        sized.rest_quantity,
        cast(
            if(
                sub_accounts.nanos = 0,
                0,
                cast(sized.nanos as hugeint) * cast(sub_accounts.left_nanos as hugeint)
                // cast(sub_accounts.nanos as hugeint)
            ) as hugeint
        ) as weight
    from sized
    inner join sub_accounts
        on
            sized.pool_id = sub_accounts.pool_id
            and sized.sub_account_id is not distinct from sub_accounts.sub_account_id
),

shares as (
    select * from untouched
    union all
    select * from left_over
),

-- how much of the whole is given up to and with this row, in millionths of billionths
steps as (
    select
        *,
        row_number() over (
            partition by pool_id, shared
            order by weight asc, subject asc
        ) as place,
        count(*) over (partition by pool_id, shared) as places,
        cast(sum(weight) over (partition by pool_id, shared) as hugeint) as all_weight,
        cast(
            sum(weight) over (
                partition by pool_id, shared
                order by weight asc, subject asc
                rows between unbounded preceding and current row
            ) as hugeint
        ) as weight_so_far
    from shares
),

cuts as (
    select
        *,
        case
            when place = places then 1000000000000000
            when all_weight = 0 then 0
            else weight_so_far * 1000000000000000 // all_weight
        end as upper_cut,
        case
            when place = 1 or all_weight = 0 then 0
            else (weight_so_far - weight) * 1000000000000000 // all_weight
        end as lower_cut,
        cast(trunc(rest_cost) as hugeint) * 1000000000000
        + cast(trunc((rest_cost - trunc(rest_cost)) * 1000000000000) as hugeint) as rest_picos,
        cast(trunc(effective_rest) as hugeint) * 1000000000000
        + cast(trunc((effective_rest - trunc(effective_rest)) * 1000000000000) as hugeint)
            as effective_picos,
        cast(rest_quantity * 1000000 as hugeint) as rest_micros
    from steps
),

amounts as (
    select
        *,
        rest_picos * upper_cut // 1000000000000000
        - rest_picos * lower_cut // 1000000000000000 as part_picos,
        effective_picos * upper_cut // 1000000000000000
        - effective_picos * lower_cut // 1000000000000000 as effective_part_picos,
        rest_micros * upper_cut // 1000000000000000
        - rest_micros * lower_cut // 1000000000000000 as part_micros
    from cuts
)

select
    pool_id,
    subject,
    min(sub_account_id) as sub_account_id,
    -- what is below a pico or a millionth stays with the greatest
    sum(
        cast(part_picos as decimal(38, 0)) * 0.000000000001
        + if(place = places, rest_cost - cast(rest_picos as decimal(38, 0)) * 0.000000000001, 0)
    ) as billed_cost,
    sum(
        cast(effective_part_picos as decimal(38, 0)) * 0.000000000001
        + if(
            place = places,
            effective_rest - cast(effective_picos as decimal(38, 0)) * 0.000000000001,
            0
        )
    ) as effective_cost,
    sum(
        cast(part_micros as decimal(38, 0)) * 0.000001
        + if(place = places, rest_quantity - cast(rest_micros as decimal(38, 0)) * 0.000001, 0)
    ) as quantity
from amounts
group by pool_id, subject
