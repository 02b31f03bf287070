/*
description: The workload register. Which team, cost centre and purpose an application has, and when.
grain: one row per application_id and valid_from
keys: [application_id, valid_from]
partition: none
columns:
  application_id: "Id of the application."
  application_name: "Name for display."
  team_id: "Team."
  cost_center_id: "Cost centre."
  business_owner: "Who answers for the value."
  technical_owner: "Who answers for the traffic."
  environment: "Environment of the application, from the register."
  use_case: "Use case of the application, from the register."
  business_process: "Business process of the application, from the register."
  model_tier: "Model tier the application is registered for."
  data_class: "Data class of the application, from the register."
  charge_to: "owner or consumer: whose cost centre pays."
  valid_from: "From when the entry holds, UTC; null is since always."
  valid_to: "Until when, exclusive; null is open."
*/

select
    application_id,
    application_name,
    team_id,
    cost_center_id,
    business_owner,
    technical_owner,
    environment,
    use_case,
    business_process,
    model_tier,
    data_class,
    charge_to,
    valid_from,
    valid_to
from ref_applications
