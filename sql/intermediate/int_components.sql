/*
description: What the calls of a cell used of each meter in all. Null weight is not possible here,
  calls without a price are counted instead.
grain: one row per cell_no and meter
keys: [cell_no, meter]
*/

with sums as (
    select
        cell_no,
        meter,
        cast(sum(quantity) as decimal(38, 0)) as logged_quantity,
        cast(coalesce(sum(weight_picos), 0) as decimal(38, 0)) as logged_weight,
        count(*) - count(weight_picos) as unpriced_calls
    from int_call_meters
    group by cell_no, meter
),

currencies as (
    select
        cell_no,
        case when min(price_currency) = max(price_currency) then min(price_currency) end
            as price_currency
    from int_profile_cells
    group by cell_no
)

select
    sums.cell_no,
    cells.charge_date,
    cells.issuer,
    cells.billing_account_id,
    cells.sub_account_id,
    cells.provider,
    cells.model_id,
    cells.service_tier,
    cells.inference_geo,
    cast(sums.meter as varchar) as meter,
    currencies.price_currency,
    sums.logged_quantity,
    sums.logged_weight,
    sums.unpriced_calls
from sums
inner join int_cells as cells on sums.cell_no = cells.cell_no
left join currencies on sums.cell_no = currencies.cell_no
where sums.logged_quantity > 0
