/*
description: Every name an AI model was called by, and the model it stands for.
grain: one row per provider and model_text
keys: [provider, model_text]
partition: none
columns:
  provider: "Provider the name was used with."
  model_text: "Name in a log or on a bill."
  price_provider: "Provider whose price list applies: one id for all spellings; null is unknown."
  model_id: "AI model it stands for: rows of all tables join on this."
  resolved_by: "alias (your reference file), list (the price list), maker (no provider was told: the only one that makes it), or unmatched."
  nearest: "Of an unmatched name, the known one most like it: of the provider if that is unknown, else of the AI model."
*/

select
    provider,
    model_text,
    price_provider,
    model_id,
    resolved_by,
    nearest
from model_map
