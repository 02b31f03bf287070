/*
description: Every call with its owner and what it cost. Its cost is its share of the bill, not the
  gateway's figure.
grain: one row per source and call_id
keys: [charge_date, application_id, model_id, source, call_id]
columns:
  charge_date: "The provider's UTC day."
  application_id: "Owning application, or __unallocated__, __shared__, __idle__, __rounding__."
  model_id: "AI model; null where the bill does not tell it."
  source: "Feed the call was read from."
  call_id: "The source's own id of the attempt."
  started_at: "When the call started, UTC."
  duration_ms: "From start to end, milliseconds."
  issuer: "Who sends the invoice."
  billing_account_id: "The paying account at the issuer."
  sub_account_id: "Provider project, workspace or usage account; null where bill and calls cannot both tell it."
  provider: "Provider whose price list applies."
  requested_model: "AI model the caller asked for."
  served_model: "AI model that answered, as logged."
  service_tier: "standard, batch, flex, priority; null where one side does not tell it."
  inference_geo: "Geography with a price of its own that the call ran in, such as us; null is unsaid."
  operation: "chat, embedding, ..."
  role: "primary, retry, fallback, guardrail, judge, ...: what the call was for."
  status: "success, error, cancelled or cache_hit."
  error_class: "Class of the error; never its message."
  is_billable: "False where nothing is billed by rule: gateway cache hits and refused calls."
  task_id: "Explicit business id of the task."
  trace_id: "Trace of the task."
  session_id: "Conversation."
  parent_call_id: "Call that caused it."
  user_id: "Keyed pseudonym of the end user, else of the internal user."
  team_id: "Team of the application on that day."
  cost_center_id: "Cost centre that pays; null for residuals nobody owns."
  consumer_cost_center_id: "Cost centre of the end user's business unit, where known."
  environment: "Environment of the application, from the register."
  model_tier: "Model tier the application is registered for."
  owner_state: "owned, no_rule, not_registered or shared: why the row has the owner it has."
  ownership_rule_id: "Ownership rule that matched."
  input_uncached_tokens: "Text input neither read from nor written to cache; null is unknown, here and in every token column."
  cache_read_tokens: "Input read from the provider's prompt cache."
  cache_write_5m_tokens: "Input written to the five-minute cache."
  cache_write_1h_tokens: "Input written to the one-hour cache."
  cache_write_tokens: "Input written to a cache whose lifetime the log does not tell; weighed at the five-minute price."
  input_audio_tokens: "Audio input."
  input_image_tokens: "Image input."
  output_text_tokens: "Visible output."
  output_reasoning_tokens: "Reasoning output, billed as output."
  output_audio_tokens: "Audio output."
  output_image_tokens: "Image output."
  web_search_requests: "Server-side web searches."
  search_units: "Search units of a rerank."
  audio_seconds: "Audio billed by its length, in started seconds."
  input_characters: "Input billed by the character, as for speech."
  generated_images: "Images billed by the piece."
  token_source: "provider, estimated (also where a part is unknown: its column is null) or unknown."
  is_token_conflict: "The log row contradicts its format's token semantics."
  cost_basis: "billed, estimated or unpriced."
  grade: "A matched by quantity, B coarser or cost only, C estimate, D token count estimated or partly unknown, or lifetime of cache writes unknown, E unpriced."
  billing_currency: "ISO 4217 currency of all amounts of the row."
  billed_cost: "The call's share of the bill; null until billed or if usage is unknown."
  estimated_cost: "Estimate at contract price of what is not billed yet; null if nothing is, no price is known, or prices are in another currency than the bill."
  list_cost: "At list price; null if any meter has none, or the list is in another currency than the bill."
  prompt_cache_saving: "What reading from the provider's prompt cache saved against uncached input, at contract price."
  gateway_cache_saving: "What the gateway's own cache saved, at contract price."
  logged_cost_usd: "The gateway's own figure, for comparison only."
checks:
  basis_is_known: cost_basis in ('billed', 'estimated', 'unpriced')
*/

with compared as (
    select
        *,
        -- what contract or list say in another currency than the bill cannot stand beside it
        billing_currency is null
        or price_currency is null
        or billing_currency = price_currency as is_one_currency
    from int_calls__costed
),

costed as (
    select
        *,
        case when is_one_currency or estimated_picos = 0 then estimated_picos end
            as own_estimated_picos
    from compared
)

select
    calls.charge_date,
    case when owners.is_registered then owners.application_id else '__unallocated__' end
        as application_id,
    cells.model_id,
    calls.source,
    calls.call_id,
    calls.started_at,
    date_diff('millisecond', calls.started_at, calls.ended_at) as duration_ms,
    cells.issuer,
    cells.billing_account_id,
    cells.sub_account_id,
    cells.provider,
    calls.requested_model,
    calls.served_model,
    calls.service_tier,
    calls.inference_geo,
    calls.operation,
    calls.role,
    calls.status,
    calls.error_class,
    costed.is_billable,
    calls.task_id,
    calls.trace_id,
    calls.session_id,
    calls.parent_call_id,
    coalesce(calls.end_user_id, calls.user_id) as user_id,
    owners.team_id,
    case
        when owners.charge_to = 'consumer'
            then coalesce(costed.consumer_cost_center_id, owners.cost_center_id)
        else owners.cost_center_id
    end as cost_center_id,
    costed.consumer_cost_center_id,
    owners.environment,
    owners.model_tier,
    case
        when owners.is_registered then 'owned'
        when owners.owner_id is not null then 'not_registered'
        else 'no_rule'
    end as owner_state,
    owners.rule_id as ownership_rule_id,
    calls.input_uncached_tokens,
    calls.cache_read_tokens,
    calls.cache_write_5m_tokens,
    calls.cache_write_1h_tokens,
    calls.cache_write_tokens,
    calls.input_audio_tokens,
    calls.input_image_tokens,
    calls.output_text_tokens,
    calls.output_reasoning_tokens,
    calls.output_audio_tokens,
    calls.output_image_tokens,
    calls.web_search_requests,
    calls.search_units,
    calls.audio_seconds,
    calls.input_characters,
    calls.generated_images,
    calls.token_source,
    calls.is_token_conflict,
    case
        when costed.is_usage_missing or costed.own_estimated_picos is null then 'unpriced'
        when costed.has_estimates and costed.own_estimated_picos > 0 then 'estimated'
        else 'billed'
    end as cost_basis,
    case
        when costed.is_usage_missing or costed.own_estimated_picos is null then 'E'
        when calls.token_source = 'estimated' or costed.is_lifetime_missing then 'D'
        when costed.has_estimates and costed.own_estimated_picos > 0 then 'C'
        when not costed.is_billable then 'A'
        else coalesce(costed.pool_grade, 'A')
    end as grade,
    coalesce(costed.billing_currency, costed.price_currency) as billing_currency,
    case
        when costed.is_usage_missing then null
        when
            costed.has_estimates and costed.billed_picos = 0
            and coalesce(costed.own_estimated_picos, 1) > 0
            then null
        else cast(cast(costed.billed_picos as decimal(38, 0)) * 0.000000000001 as decimal(38, 12))
    end as billed_cost,
    cast(
        cast(nullif(costed.own_estimated_picos, 0) as decimal(38, 0))
        * 0.000000000001 as decimal(38, 12)
    ) as estimated_cost,
    case
        when costed.is_one_currency
            then
                cast(cast(costed.list_picos as decimal(38, 0)) * 0.000000000001 as decimal(38, 12))
    end as list_cost,
    case
        when costed.is_one_currency
            then cast(
                cast(nullif(costed.prompt_cache_saving_picos, 0) as decimal(38, 0))
                * 0.000000000001 as decimal(38, 12)
            )
    end as prompt_cache_saving,
    case
        when costed.is_one_currency
            then cast(
                cast(nullif(costed.gateway_cache_saving_picos, 0) as decimal(38, 0))
                * 0.000000000001 as decimal(38, 12)
            )
    end as gateway_cache_saving,
    calls.logged_cost_usd
from costed
inner join stg_calls as calls on costed.call_no = calls.rowid
inner join int_cells as cells on costed.cell_no = cells.cell_no
left join int_main_owners as owners on costed.owner_id = owners.owner_id
