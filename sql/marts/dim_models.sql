/*
description: Every name an AI model was called by, and the model it stands for.
grain: one row per provider and model_text
keys: [provider, model_text]
partition: none
columns:
  provider: "Provider the name was used with."
  model_text: "Name in a log or on a bill."
  model_id: "AI model it stands for: rows of all tables join on this."
  resolved_by: "alias (your reference file), the price list, or unmatched."
*/

select
    provider,
    model_text,
    model_id,
    resolved_by
from model_map
