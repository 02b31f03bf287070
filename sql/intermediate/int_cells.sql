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
        known_service_tier as service_tier,
        inference_geo
    from int_profiles
)

select
    cells.*,
    row_number() over (
        order by
            cells.charge_date asc,
            cells.issuer asc,
            cells.billing_account_id asc,
            cells.sub_account_id asc,
            cells.provider asc, cells.model_id asc, cells.service_tier asc,
            cells.inference_geo asc
    ) as cell_no
from cells
