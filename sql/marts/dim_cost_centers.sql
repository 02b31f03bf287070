/*
description: Cost centres.
grain: one row per cost_center_id
keys: [cost_center_id]
partition: none
columns:
  cost_center_id: "Id of the cost centre."
  cost_center_name: "Name for display."
  parent_cost_center_id: "Cost centre above it; null at the top."
*/

select
    cost_center_id,
    cost_center_name,
    parent_cost_center_id
from ref_cost_centers
