/*
description: What each user's calls cost per application and day. Users are keyed pseudonyms.
grain: one row per charge_date, application_id, user_id, billing_currency, cost_center_id and
  consumer_cost_center_id
keys: [charge_date, application_id, user_id, billing_currency, cost_center_id, consumer_cost_center_id]
columns:
  charge_date: "The provider's UTC day."
  application_id: "Owning application, or __unallocated__, __shared__, __idle__, __rounding__."
  user_id: "Keyed pseudonym; null for calls without a user."
  billing_currency: "ISO 4217 currency of all amounts of the row."
  cost_center_id: "Cost centre that pays; null for residuals nobody owns."
  consumer_cost_center_id: "Cost centre of the end user's business unit, where known."
  call_count: "Calls, attempts included."
  unpriced_calls: "Calls whose usage or price is unknown: not in any cost of the row."
  input_tokens: "All input, cached or not."
  output_tokens: "All output, reasoning included."
  billed_cost: "Billed cost of the calls in billing_currency; null if none is billed yet."
  estimated_cost: "Estimates for calls not billed yet."
*/

with calls as (
    select * from fct_calls
)

select
    charge_date,
    application_id,
    user_id,
    billing_currency,
    cost_center_id,
    consumer_cost_center_id,
    count(*) as call_count,
    count(*) filter (where cost_basis = 'unpriced') as unpriced_calls,
    cast(
        sum(
            coalesce(input_uncached_tokens, 0) + coalesce(cache_read_tokens, 0)
            + coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)
            + coalesce(cache_write_tokens, 0)
            + coalesce(input_audio_tokens, 0) + coalesce(input_image_tokens, 0)
        ) as bigint
    ) as input_tokens,
    cast(
        sum(
            coalesce(output_text_tokens, 0) + coalesce(output_reasoning_tokens, 0)
            + coalesce(output_audio_tokens, 0) + coalesce(output_image_tokens, 0)
        ) as bigint
    ) as output_tokens,
    cast(sum(billed_cost) as decimal(38, 12)) as billed_cost,
    cast(sum(estimated_cost) as decimal(38, 12)) as estimated_cost
from calls
group by
    charge_date,
    application_id,
    user_id,
    billing_currency,
    cost_center_id,
    consumer_cost_center_id
