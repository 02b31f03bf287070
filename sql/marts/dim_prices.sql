/*
description: The price book of the AI models in use. Contract rows and list prices with the days they hold.
grain: one row per price_kind, issuer, provider, model_id, meter, service_tier, inference_geo, valid_from,
  min_input_tokens, time_from and precedence
keys: [price_kind, issuer, provider, model_id, meter, service_tier, inference_geo, valid_from, min_input_tokens,
  time_from, precedence, currency]
partition: none
columns:
  price_kind: "contract or list; contract wins meter by meter."
  issuer: "Issuer the contract is with; null for list prices."
  provider: "Provider whose price it is."
  model_id: "AI model."
  meter: "What is priced."
  service_tier: "standard, batch, flex, priority or fast."
  inference_geo: "Geography the price holds in, * any other; null is where none is said."
  valid_from: "From when the price holds, UTC; null is since always."
  valid_to: "Until when, exclusive; null is open."
  min_input_tokens: "The price holds for calls with more input than this."
  time_from: "Start of the hours it holds in, UTC minutes; null is all day."
  time_to: "End of those hours, exclusive; null is all day."
  currency: "ISO 4217."
  price_per_million: "Price of 1,000,000 units of the meter."
  is_per_call: "The price is for a call that uses the meter at all, however much."
  price_source: "Where the price is from, and what dim_price_modifiers multiplied it by."
  precedence: "Of a contract's prices: 0 written down, 1 made of those, 2 and 3 of list prices; 4 the list's."
*/

select
    price_kind,
    issuer,
    provider,
    model_id,
    meter,
    service_tier,
    inference_geo,
    valid_from,
    valid_to,
    min_input_tokens,
    time_from,
    time_to,
    currency,
    price_per_million,
    is_per_call,
    price_source,
    precedence
from price_book
