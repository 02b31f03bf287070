/*
description: All money of the day in parts, before owners' shares. What calls got, what calls do not
  explain, what is below a pico, what no call causes, and what is only estimated so far.
grain: one row per part_id
keys: [part_id]
*/

with attributed as (
    select
        parts.pool_id,
        parts.sub_account_id,
        parts.model_id,
        parts.meter,
        parts.owner_id,
        parts.consumer_cost_center_id,
        sum(parts.cost_picos) as cost_picos,
        sum(if(pools.is_weighed_by_price, parts.weight_picos, parts.quantity)) as share,
        sum(parts.quantity) as quantity,
        cast(sum(parts.call_count) as bigint) as call_count
    from int_owner_parts as parts
    inner join int_pools as pools on parts.pool_id = pools.pool_id
    group by
        parts.pool_id,
        parts.sub_account_id,
        parts.model_id,
        parts.meter,
        parts.owner_id,
        parts.consumer_cost_center_id
),

pool_sums as (
    select
        pool_id,
        sum(cost_picos) as cost_picos
    from attributed
    group by pool_id
),

pools as (
    select
        *,
        -- effective cost and list cost follow billed quantity, as billed cost does
        case
            when pool_state = 'no_calls' then 0
            when pool_state = 'underlogged' then logged_measure
            else 1
        end as covered,
        case when pool_state = 'underlogged' then billed_measure else 1 end as whole
    from int_pools
),

pool_lines as (
    select
        'attributed' as cause,
        pools.pool_id,
        attributed.sub_account_id,
        -- in a pool coarser than the calls, the calls still know what they used
        attributed.model_id,
        attributed.meter,
        attributed.owner_id,
        attributed.consumer_cost_center_id,
        -- scale 18 here as well: a union of scales 12 and 18 has scale 12, and dust would be lost
        cast(
            cast(attributed.cost_picos as decimal(38, 0)) * 0.000000000001 as decimal(38, 18)
        ) as billed_cost,
        cast(
            cast(
                case
                    when pools.effective_cost = pools.billed_cost then attributed.cost_picos
                    else
                        pools.effective_picos
                        * pools.covered // pools.whole
                        * cast(attributed.share as hugeint) // pools.share_base
                end
                as decimal(38, 0)
            ) * 0.000000000001
            as decimal(38, 18)
        ) as effective_cost,
        attributed.quantity,
        attributed.call_count,
        pools.grade
    from attributed
    inner join pools on attributed.pool_id = pools.pool_id
),

line_sums as (
    select
        pool_id,
        sum(effective_cost) as effective_cost
    from pool_lines
    group by pool_id
),

unlogged as (
    select
        'unlogged_usage' as cause,
        pools.pool_id,
        unlogged_parts.sub_account_id,
        nullif(pools.pool_model, '*') as model_id,
        nullif(pools.pool_meter, '*') as meter,
        spans.owner_id,
        cast(null as varchar) as consumer_cost_center_id,
        cast(unlogged_parts.billed_cost as decimal(38, 18)) as billed_cost,
        cast(unlogged_parts.effective_cost as decimal(38, 18)) as effective_cost,
        cast(unlogged_parts.quantity as decimal(38, 9)) as quantity,
        cast(null as bigint) as call_count,
        pools.grade
    from int_unlogged_parts as unlogged_parts
    inner join pools on unlogged_parts.pool_id = pools.pool_id
    left join int_owner_spans as spans
        on
            unlogged_parts.subject = spans.subject
            and pools.charge_date = spans.charge_date
            and pools.charge_date = spans.segment_from
),

unlogged_sums as (
    select
        pool_id,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost
    from unlogged
    group by pool_id
),

rounding as (
    select
        'rounding' as cause,
        pools.pool_id,
        pools.sub_account_id,
        nullif(pools.pool_model, '*') as model_id,
        nullif(pools.pool_meter, '*') as meter,
        cast(null as varchar) as owner_id,
        cast(null as varchar) as consumer_cost_center_id,
        pools.billed_cost
        - coalesce(cast(pool_sums.cost_picos as decimal(38, 0)) * 0.000000000001, 0)
        - coalesce(unlogged_sums.billed_cost, 0) as billed_cost,
        pools.effective_cost
        - coalesce(line_sums.effective_cost, 0)
        - coalesce(unlogged_sums.effective_cost, 0) as effective_cost,
        cast(null as decimal(38, 9)) as quantity,
        cast(null as bigint) as call_count,
        pools.grade
    from pools
    left join pool_sums on pools.pool_id = pool_sums.pool_id
    left join line_sums on pools.pool_id = line_sums.pool_id
    left join unlogged_sums on pools.pool_id = unlogged_sums.pool_id
),

pooled as (
    select * from pool_lines
    union all
    select * from unlogged
    union all
    select * from rounding
    where billed_cost <> 0 or effective_cost <> 0
),

shared_rules as (
    select distinct
        rule_id,
        rank,
        issuer,
        charge_category,
        meter,
        charge_description,
        valid_from,
        valid_to
    from ref_shared_cost_rules
),

other_charges as (
    select
        charge_part,
        subject,
        -- money given back for a project is that project's
        is_scope_named and (
            charge_category in ('Credit', 'Adjustment')
            or coalesce(charge_class = 'Correction', false)
        ) as is_given_back,
        charge_date,
        billing_period,
        issuer,
        billing_account_id,
        sub_account_id,
        invoice_id,
        provider,
        model_id,
        meter,
        service_tier,
        charge_category,
        charge_description,
        billing_currency,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost,
        sum(consumed_quantity) as quantity
    from int_charges__classified
    where charge_part <> 'pooled'
    group by
        charge_part,
        subject,
        is_given_back,
        charge_date,
        billing_period,
        issuer,
        billing_account_id,
        sub_account_id,
        invoice_id,
        provider,
        model_id,
        meter,
        service_tier,
        charge_category,
        charge_description,
        billing_currency
),

numbered_charges as (
    select
        *,
        row_number() over (
            order by
                charge_part asc, subject asc, charge_date asc, billing_period asc,
                invoice_id asc, provider asc, model_id asc, meter asc, service_tier asc,
                charge_category asc, is_given_back asc, charge_description asc, billing_currency asc
        ) as charge_no
    from other_charges
),

ruled_charges as (
    select
        charges.charge_no,
        shared_rules.rule_id,
        row_number() over (
            partition by charges.charge_no
            order by shared_rules.rank asc, shared_rules.rule_id asc
        ) as place
    from numbered_charges as charges
    inner join shared_rules
        on
            (shared_rules.issuer is null or charges.issuer = shared_rules.issuer)
            and (
                shared_rules.charge_category is null
                or charges.charge_category = shared_rules.charge_category
            )
            and (shared_rules.meter is null or charges.meter = shared_rules.meter)
            and (
                shared_rules.charge_description is null
                or charges.charge_description = shared_rules.charge_description
            )
            and (shared_rules.valid_from is null or charges.charge_date >= shared_rules.valid_from)
            and (shared_rules.valid_to is null or charges.charge_date < shared_rules.valid_to)
),

other_lines as (
    select
        charges.*,
        ruled_charges.rule_id as shared_rule_id,
        case
            when
                ruled_charges.rule_id is null
                and (charges.charge_category = 'Usage' or charges.is_given_back)
                then spans.owner_id
            when charges.charge_part = 'idle' then spans.owner_id
        end as owner_id,
        case
            when charges.charge_part = 'idle' then 'idle'
            when ruled_charges.rule_id is not null then 'shared'
            when charges.is_given_back and spans.owner_id is not null then 'attributed'
            when charges.charge_category <> 'Usage' then 'shared'
            when spans.owner_id is null then 'unallocated'
            else 'attributed'
        end as cause
    from numbered_charges as charges
    left join ruled_charges
        on charges.charge_no = ruled_charges.charge_no and ruled_charges.place = 1
    left join int_owner_spans as spans
        on
            charges.subject = spans.subject
            and charges.charge_date = spans.charge_date
            and charges.charge_date = spans.segment_from
),

estimates as (
    select
        charge_date,
        issuer,
        billing_account_id,
        sub_account_id,
        provider,
        model_id,
        meter,
        service_tier,
        owner_id,
        consumer_cost_center_id,
        price_currency,
        sum(quantity) as quantity,
        cast(sum(call_count) as bigint) as call_count,
        cast(sum(unpriced_calls) as bigint) as unpriced_calls,
        -- one call without a price makes it unknown, as does a price that nobody has
        cast(case when sum(unpriced_calls) = 0 then sum(weight_picos) end as decimal(38, 0))
            as weight_picos
    from int_owner_parts
    where pool_id is null
    group by
        charge_date,
        issuer,
        billing_account_id,
        sub_account_id,
        provider,
        model_id,
        meter,
        service_tier,
        owner_id,
        consumer_cost_center_id,
        price_currency
),

parts as (
    select
        lines.cause,
        pools.charge_date,
        pools.billing_period,
        pools.issuer,
        pools.billing_account_id,
        lines.sub_account_id,
        cast(null as varchar) as invoice_id,
        pools.provider,
        lines.model_id,
        lines.meter,
        nullif(pools.pool_tier, '*') as service_tier,
        'Usage' as charge_category,
        cast(null as varchar) as charge_description,
        pools.billing_currency,
        pools.pool_id,
        lines.owner_id,
        lines.consumer_cost_center_id,
        cast(null as varchar) as shared_rule_id,
        'billed' as cost_basis,
        lines.grade,
        cast(lines.billed_cost as decimal(38, 18)) as billed_cost,
        cast(lines.effective_cost as decimal(38, 18)) as effective_cost,
        cast(null as decimal(38, 18)) as estimated_cost,
        cast(lines.quantity as decimal(38, 9)) as quantity,
        lines.call_count
    from pooled as lines
    inner join int_pools as pools on lines.pool_id = pools.pool_id
    union all
    select
        cause,
        charge_date,
        billing_period,
        issuer,
        billing_account_id,
        sub_account_id,
        invoice_id,
        provider,
        model_id,
        meter,
        service_tier,
        charge_category,
        charge_description,
        billing_currency,
        cast(null as varchar) as pool_id,
        owner_id,
        cast(null as varchar) as consumer_cost_center_id,
        shared_rule_id,
        'billed' as cost_basis,
        'A' as grade,
        billed_cost,
        effective_cost,
        cast(null as decimal(38, 18)) as estimated_cost,
        quantity,
        cast(null as bigint) as call_count
    from other_lines
    union all
    select
        'attributed' as cause,
        charge_date,
        cast(date_trunc('month', charge_date) as date) as billing_period,
        issuer,
        billing_account_id,
        sub_account_id,
        cast(null as varchar) as invoice_id,
        provider,
        model_id,
        meter,
        service_tier,
        'Usage' as charge_category,
        cast(null as varchar) as charge_description,
        price_currency as billing_currency,
        cast(null as varchar) as pool_id,
        owner_id,
        consumer_cost_center_id,
        cast(null as varchar) as shared_rule_id,
        if(weight_picos is null, 'unpriced', 'estimated') as cost_basis,
        if(weight_picos is null, 'E', 'C') as grade,
        cast(null as decimal(38, 18)) as billed_cost,
        cast(null as decimal(38, 18)) as effective_cost,
        cast(weight_picos * 0.000000000001 as decimal(38, 18)) as estimated_cost,
        cast(quantity as decimal(38, 9)) as quantity,
        call_count
    from estimates
)

select
    md5(
        concat_ws(
            '|',
            coalesce(cast(cause as varchar), ''),
            coalesce(cast(charge_date as varchar), ''),
            coalesce(cast(billing_period as varchar), ''),
            coalesce(cast(issuer as varchar), ''),
            coalesce(cast(billing_account_id as varchar), ''),
            coalesce(cast(sub_account_id as varchar), ''),
            coalesce(cast(invoice_id as varchar), ''),
            coalesce(cast(provider as varchar), ''),
            coalesce(cast(model_id as varchar), ''),
            coalesce(cast(meter as varchar), ''),
            coalesce(cast(service_tier as varchar), ''),
            coalesce(cast(charge_category as varchar), ''),
            coalesce(cast(charge_description as varchar), ''),
            coalesce(cast(billing_currency as varchar), ''),
            coalesce(cast(pool_id as varchar), ''),
            coalesce(cast(owner_id as varchar), ''),
            coalesce(cast(consumer_cost_center_id as varchar), ''),
            coalesce(cast(shared_rule_id as varchar), ''),
            coalesce(cast(cost_basis as varchar), '')
        )
    ) as part_id,
    cause,
    charge_date,
    billing_period,
    issuer,
    billing_account_id,
    sub_account_id,
    invoice_id,
    provider,
    model_id,
    meter,
    service_tier,
    charge_category,
    charge_description,
    billing_currency,
    pool_id,
    owner_id,
    consumer_cost_center_id,
    shared_rule_id,
    cost_basis,
    max(grade) as grade,
    sum(billed_cost) as billed_cost,
    sum(effective_cost) as effective_cost,
    sum(estimated_cost) as estimated_cost,
    sum(quantity) as quantity,
    cast(sum(call_count) as bigint) as call_count
from parts
group by
    cause,
    charge_date,
    billing_period,
    issuer,
    billing_account_id,
    sub_account_id,
    invoice_id,
    provider,
    model_id,
    meter,
    service_tier,
    charge_category,
    charge_description,
    billing_currency,
    pool_id,
    owner_id,
    consumer_cost_center_id,
    shared_rule_id,
    cost_basis
