/*
description: What each billable call used of each meter, and what that weighs, which is quantity times
  the call's own contract price in whole picos. A meter without a price weighs null. Of a meter that is
  charged per call the quantity is one, however much the call used.
grain: one row per call_no and meter
keys: [call_no, meter]
*/

select
    quantities.call_no,
    calls.cell_no,
    quantities.meter,
    if(prices.is_per_call, 1, quantities.quantity) as quantity,
    if(prices.is_per_call, 1, quantities.quantity) * prices.price_picos as weight_picos,
    if(prices.is_per_call, 1, quantities.quantity) * prices.list_price_picos as list_picos
from int_call_quantities as quantities
inner join int_calls__placed as calls on quantities.call_no = calls.call_no
left join int_prices as prices
    on calls.price_no = prices.price_no and quantities.meter = prices.meter
where calls.is_billable
union all
-- what a provider asks for a request as such, beside its tokens
select
    calls.call_no,
    calls.cell_no,
    prices.meter,
    1 as quantity,
    prices.price_picos as weight_picos,
    prices.list_price_picos as list_picos
from int_calls__placed as calls
inner join int_prices as prices on calls.price_no = prices.price_no
where calls.is_billable and prices.meter = 'requests'
