/*
description: Which cells belong together. Whatever may be the same money is in one group, and nothing
  else is, so that what one scope does not tell coarsens no other. A group has the number of its first cell.
  Usage reports join the group whose charges they may belong to; where that is more than one, or where another
  report tells the same finer, they join none.
grain: one row per cell_no
keys: [cell_no]
*/

with recursive call_links as (  -- noqa: PRS
    select
        link_no,
        cell_no
    from int_match_links
    where side = 'call'
),

-- each round hands the least number on across links, from the cells whose number has just fallen
groups (cell_no, group_no) using key (cell_no) as (
    select
        cell_no,
        cell_no as group_no
    from int_match_cells
    where side <> 'usage'
    union
    select
        call_links.cell_no,
        min(least_numbers.group_no) as group_no
    from (
        select
            call_links.link_no,
            min(groups.group_no) as group_no
        from groups
        inner join call_links on groups.cell_no = call_links.cell_no
        group by call_links.link_no
    ) as least_numbers
    inner join call_links on least_numbers.link_no = call_links.link_no
    inner join recurring.groups as known on call_links.cell_no = known.cell_no
    where least_numbers.group_no < known.group_no
    group by call_links.cell_no
),

usage_groups as (
    select
        usage_ends.cell_no,
        min(groups.group_no) as group_no
    from int_match_links as usage_ends
    inner join int_match_cells as cells
        on usage_ends.cell_no = cells.cell_no and cells.side = 'usage'
    inner join int_match_links as charge_ends
        on usage_ends.link_no = charge_ends.link_no and charge_ends.side = 'usage'
    inner join groups on charge_ends.cell_no = groups.cell_no
    group by usage_ends.cell_no
    having min(groups.group_no) = max(groups.group_no)
),

usage_cells as (
    select
        cells.*,
        usage_groups.group_no
    from usage_groups
    inner join int_match_cells as cells on usage_groups.cell_no = cells.cell_no
),

-- the same use told twice, once in another report's coarser cut
told_finer as (
    select distinct coarse.cell_no
    from usage_cells as coarse
    inner join usage_cells as fine
        on
            coarse.group_no = fine.group_no
            and coarse.meter = fine.meter
            and coarse.told_bits <> fine.told_bits
            and coarse.told_bits & fine.told_bits = coarse.told_bits
            and coalesce(coarse.sub_account_id = fine.sub_account_id, true)
            and coalesce(coarse.told_model = fine.told_model, true)
            and coalesce(coarse.service_tier = fine.service_tier, true)
            and coalesce(coarse.inference_geo = fine.inference_geo, true)
)

select
    cell_no,
    group_no
from groups
union all
select
    usage_cells.cell_no,
    usage_cells.group_no
from usage_cells
anti join told_finer on usage_cells.cell_no = told_finer.cell_no
