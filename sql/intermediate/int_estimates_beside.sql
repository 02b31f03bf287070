/*
description: Estimates that stand beside money no call explains, of the same scope, day and AI model. One of the two
  is probably the other. Bill and log name a meter, a service tier or the AI model itself differently; names
  are one family where they are the same or one is the end of the other.
grain: one row per pool_id
keys: [pool_id]
*/

with unexplained as (
    select distinct
        pools.pool_id,
        pools.charge_date,
        pools.issuer,
        pools.billing_account_id,
        pools.billing_currency,
        charges.sub_account_id,
        regexp_replace(lower(charges.model_id), '[^a-z0-9]', '', 'g') as family
    from int_pools as pools
    inner join int_charges__pooled as charges on pools.pool_id = charges.pool_id
    where
        pools.pool_state in ('no_calls', 'underlogged')
        and pools.cost_picos <> pools.call_cost_picos
        and charges.model_id is not null
),

estimates as (
    select
        charge_date,
        issuer,
        billing_account_id,
        sub_account_id,
        model_id,
        meter,
        price_currency,
        regexp_replace(lower(model_id), '[^a-z0-9]', '', 'g') as family,
        sum(weight_picos) as weight_picos
    from int_owner_parts
    where pool_id is null and issuer is not null and unpriced_calls = 0
    group by
        charge_date,
        issuer,
        billing_account_id,
        sub_account_id,
        model_id,
        meter,
        price_currency
    having sum(weight_picos) > 0
),

pairs as (
    select distinct
        unexplained.pool_id,
        unexplained.billing_currency,
        estimates.sub_account_id,
        estimates.model_id,
        estimates.meter,
        estimates.price_currency,
        estimates.weight_picos
    from unexplained
    inner join estimates
        on
            unexplained.charge_date = estimates.charge_date
            and unexplained.issuer = estimates.issuer
            and unexplained.billing_account_id = estimates.billing_account_id
            and coalesce(unexplained.sub_account_id = estimates.sub_account_id, true)
            and (
                unexplained.family = estimates.family
                or (
                    least(length(unexplained.family), length(estimates.family)) >= 4
                    and (
                        ends_with(unexplained.family, estimates.family)
                        or ends_with(estimates.family, unexplained.family)
                    )
                )
            )
)

select
    pool_id,
    cast(
        cast(
            sum(weight_picos) filter (where price_currency = billing_currency) as decimal(38, 0)
        ) * 0.000000000001 as decimal(38, 18)
    ) as estimated_cost,
    string_agg(
        distinct model_id || ' ' || meter, ', '
        order by model_id || ' ' || meter asc
    ) as estimated_parts
from pairs
group by pool_id
