/*
description: Which cells of calls or usage may be the same money as which cells of the bill. They may
  where they agree on every dimension that both tell; all that agree meet in a link.
grain: one row per side, link_no and cell_no
keys: [side, link_no, cell_no]
*/

with charge_forms as (
    select distinct
        charge_date,
        issuer,
        billing_account_id,
        told_bits
    from int_match_cells
    where side = 'charge'
),

other_forms as (
    select distinct
        charge_date,
        issuer,
        billing_account_id,
        side,
        told_bits
    from int_match_cells
    where side <> 'charge'
),

-- few: a bill tells its lines apart in one or two ways, and so does a log
shared_forms as (
    select
        charge_forms.charge_date,
        charge_forms.issuer,
        charge_forms.billing_account_id,
        charge_forms.told_bits as charge_bits,
        other_forms.side,
        other_forms.told_bits as other_bits,
        charge_forms.told_bits & other_forms.told_bits as shared_bits
    from charge_forms
    inner join other_forms
        on
            charge_forms.charge_date = other_forms.charge_date
            and charge_forms.issuer = other_forms.issuer
            and charge_forms.billing_account_id = other_forms.billing_account_id
),

ends as (
    select
        forms.side,
        forms.charge_bits,
        forms.other_bits,
        cells.cell_no,
        cells.side = 'charge' as is_charge,
        cells.charge_date,
        cells.issuer,
        cells.billing_account_id,
        if(forms.shared_bits & 1 > 0, cells.sub_account_id, null) as sub_account_id,
        if(forms.shared_bits & 2 > 0, cells.reach, null) as reach,
        if(forms.shared_bits & 4 > 0, cells.told_model, null) as told_model,
        if(forms.shared_bits & 8 > 0, cells.kind, null) as kind,
        if(forms.shared_bits & 16 > 0, cells.lifetime, null) as lifetime,
        if(forms.shared_bits & 32 > 0, cells.service_tier, null) as service_tier,
        if(forms.shared_bits & 64 > 0, cells.inference_geo, null) as inference_geo
    from int_match_cells as cells
    inner join shared_forms as forms
        on
            cells.charge_date = forms.charge_date
            and cells.issuer = forms.issuer
            and cells.billing_account_id = forms.billing_account_id
            and (
                (cells.side = 'charge' and cells.told_bits = forms.charge_bits)
                or (cells.side = forms.side and cells.told_bits = forms.other_bits)
            )
),

numbered as (
    select
        side,
        cell_no,
        is_charge,
        dense_rank() over (
            order by
                side asc, charge_bits asc, other_bits asc, charge_date asc, issuer asc,
                billing_account_id asc, sub_account_id asc, reach asc, told_model asc, kind asc,
                lifetime asc, service_tier asc, inference_geo asc
        ) as link_no
    from ends
),

two_sided as (
    select link_no
    from numbered
    group by link_no
    having bool_or(is_charge) and not bool_and(is_charge)
)

select
    numbered.side,
    numbered.link_no,
    numbered.cell_no
from numbered
inner join two_sided on numbered.link_no = two_sided.link_no
