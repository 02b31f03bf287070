/*
description: What each call got of the money of each meter's pool, in whole picos. A part is rounded
  towards zero, what that leaves is the pool's rounding line. Null cost is not billed yet.
grain: one row per call_no and meter
keys: [call_no, meter]
*/

select
    used.call_no,
    used.cell_no,
    used.meter,
    used.quantity,
    used.weight_picos,
    used.list_picos,
    case
        when rates.is_by_price and rates.cost_picos = rates.share_base then used.weight_picos
        else
            cast(if(rates.is_by_price, used.weight_picos, used.quantity) as hugeint)
            * rates.cost_picos // rates.share_base
    end as cost_picos
from int_call_meters as used
left join int_cell_rates as rates on used.cell_no = rates.cell_no and used.meter = rates.meter
