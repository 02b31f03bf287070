/*
description: What changes a price besides AI model, meter and day. The company's own rows are tried first,
  then those of the book, each by rank; of one attribute and value the first that fits holds, and different
  attributes multiply.
grain: one row per modifier_kind and rank
keys: [modifier_kind, rank, valid_from]
partition: none
columns:
  modifier_kind: "contract: reference/price_modifiers.csv; list: the book."
  rank: "Order in which the modifiers of a kind are tried."
  issuer: "Issuer it holds for; null is any."
  provider: "Provider whose prices it changes."
  model_id: "AI models, * standing for anything."
  meter: "Meter; null is every meter of tokens."
  attribute: "inference_geo, service_tier or input_tokens; null: it holds always, for list prices."
  value: "Value of the attribute; * is any other."
  factor: "What the price is multiplied by."
  is_per_call: "The price is for a call that uses the meter at all, however much."
  valid_from: "From when it holds, UTC; null is since always."
  valid_to: "Until when, exclusive; null is open."
  modifier_source: "Whose rule it is."
*/

select
    modifier_kind,
    rank,
    issuer,
    provider,
    model_id,
    meter,
    attribute,
    value,
    factor,
    is_per_call,
    valid_from,
    valid_to,
    modifier_source
from price_modifiers
