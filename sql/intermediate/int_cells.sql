/*
description: The finest cell that calls can name, numbered. All calls of a cell share their pools.
grain: one row per cell_no
keys: [cell_no]
*/

with cells as (
    select distinct
        charge_date,
        issuer,
        billing_account_id,
        sub_account_id,
        provider,
        model_id,
        known_service_tier as service_tier
    from int_profiles
)

select
    cells.*,
    row_number() over (
        order by
            charge_date asc, issuer asc, billing_account_id asc, sub_account_id asc,
            provider asc, model_id asc, service_tier asc
    ) as cell_no
from cells
