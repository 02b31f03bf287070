/*
description: What each application cost on each day, by AI model, with every residual as a row of its
  own. The rows of a day add up to the bills of that day.
grain: one row per charge_date, cause, application_id, team_id, cost_center_id, environment, provider, model_id,
  model_tier and billing_currency
keys: [charge_date, cause, application_id, team_id, cost_center_id, environment, provider, model_id, model_tier, billing_currency]
columns:
  charge_date: "The provider's UTC day."
  cause: "attributed, or the name of the residual: unlogged_usage, shared, idle, rounding, unallocated."
  application_id: "Owning application, or __unallocated__, __shared__, __idle__, __rounding__."
  team_id: "Team of the application on that day."
  cost_center_id: "Cost centre that pays; null for residuals nobody owns."
  environment: "Environment of the application, from the register."
  provider: "Provider whose price list applies."
  model_id: "AI model; null where the bill does not tell it."
  model_tier: "Model tier the application is registered for."
  billing_currency: "ISO 4217 currency of all amounts of the row."
  call_count: "Calls, attempts included; null on rows without calls."
  unpriced_calls: "Calls whose usage or price is unknown."
  input_uncached_tokens: "Text input neither read from nor written to cache."
  cache_read_tokens: "Input read from the provider's prompt cache."
  cache_write_tokens: "Input written to the provider's prompt cache, any lifetime."
  output_tokens: "Output, reasoning included."
  output_reasoning_tokens: "Reasoning part of the output."
  billed_cost: "FOCUS BilledCost."
  effective_cost: "FOCUS EffectiveCost."
  estimated_cost: "Estimates at contract price until the bill comes."
  reporting_cost: "billed_cost in the reporting currency; null if any part has no rate."
  list_cost: "Calls at list price; null if any has none."
  cost_per_call: "Billed plus estimated cost per call, to the ninth decimal, rounded down; null without calls."
  call_cost_p50: "Nearest-rank median of the calls' cost."
  call_cost_p95: "Nearest-rank 95th percentile."
  call_cost_p99: "Nearest-rank 99th percentile."
  retry_cost: "Billed cost of retries and fallbacks."
  prompt_cache_saving: "Saved by the provider's prompt cache."
  gateway_cache_saving: "Saved by the gateway's own cache."
*/

with money as (
    select
        charge_date,
        cause,
        application_id,
        team_id,
        cost_center_id,
        environment,
        provider,
        model_id,
        model_tier,
        billing_currency,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost,
        sum(estimated_cost) as estimated_cost,
        case
            when count(billed_cost) = count(reporting_cost) then sum(reporting_cost)
        end as reporting_cost
    from fct_cost_lines
    group by
        charge_date,
        cause,
        application_id,
        team_id,
        cost_center_id,
        environment,
        provider,
        model_id,
        model_tier,
        billing_currency
),

calls as (
    select
        *,
        case when owner_state = 'owned' then 'attributed' else 'unallocated' end as cause,
        coalesce(billed_cost, 0) + coalesce(estimated_cost, 0) as cost
    from fct_calls
),

measures as (
    select
        charge_date,
        cause,
        application_id,
        team_id,
        cost_center_id,
        environment,
        provider,
        model_id,
        model_tier,
        billing_currency,
        count(*) as call_count,
        count(*) filter (where cost_basis = 'unpriced') as unpriced_calls,
        sum(input_uncached_tokens) as input_uncached_tokens,
        sum(cache_read_tokens) as cache_read_tokens,
        sum(
            coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)
            + coalesce(cache_write_tokens, 0)
        ) as cache_write_tokens,
        sum(coalesce(output_text_tokens, 0) + coalesce(output_reasoning_tokens, 0))
            as output_tokens,
        sum(output_reasoning_tokens) as output_reasoning_tokens,
        case when count(*) = count(list_cost) then sum(list_cost) end as list_cost,
        sum(cost) filter (where cost_basis <> 'unpriced') as call_cost,
        quantile_disc(cost, 0.5) filter (where cost_basis <> 'unpriced') as call_cost_p50,
        quantile_disc(cost, 0.95) filter (where cost_basis <> 'unpriced') as call_cost_p95,
        quantile_disc(cost, 0.99) filter (where cost_basis <> 'unpriced') as call_cost_p99,
        sum(billed_cost) filter (where role in ('retry', 'fallback')) as retry_cost,
        sum(prompt_cache_saving) as prompt_cache_saving,
        sum(gateway_cache_saving) as gateway_cache_saving
    from calls
    group by
        charge_date,
        cause,
        application_id,
        team_id,
        cost_center_id,
        environment,
        provider,
        model_id,
        model_tier,
        billing_currency
),

both_sides as (
    select
        coalesce(money.charge_date, measures.charge_date) as charge_date,
        coalesce(money.cause, measures.cause) as cause,
        coalesce(money.application_id, measures.application_id) as application_id,
        coalesce(money.team_id, measures.team_id) as team_id,
        coalesce(money.cost_center_id, measures.cost_center_id) as cost_center_id,
        coalesce(money.environment, measures.environment) as environment,
        coalesce(money.provider, measures.provider) as provider,
        coalesce(money.model_id, measures.model_id) as model_id,
        coalesce(money.model_tier, measures.model_tier) as model_tier,
        coalesce(money.billing_currency, measures.billing_currency) as billing_currency,
        measures.call_count,
        measures.unpriced_calls,
        measures.input_uncached_tokens,
        measures.cache_read_tokens,
        measures.cache_write_tokens,
        measures.output_tokens,
        measures.output_reasoning_tokens,
        measures.list_cost,
        measures.call_cost,
        measures.call_cost_p50,
        measures.call_cost_p95,
        measures.call_cost_p99,
        measures.retry_cost,
        measures.prompt_cache_saving,
        measures.gateway_cache_saving,
        money.billed_cost,
        money.effective_cost,
        money.estimated_cost,
        money.reporting_cost
    from money
    full join measures
        on
            money.charge_date is not distinct from measures.charge_date
            and money.cause is not distinct from measures.cause
            and money.application_id is not distinct from measures.application_id
            and money.team_id is not distinct from measures.team_id
            and money.cost_center_id is not distinct from measures.cost_center_id
            and money.environment is not distinct from measures.environment
            and money.provider is not distinct from measures.provider
            and money.model_id is not distinct from measures.model_id
            and money.model_tier is not distinct from measures.model_tier
            and money.billing_currency is not distinct from measures.billing_currency
)

select
    charge_date,
    cause,
    application_id,
    team_id,
    cost_center_id,
    environment,
    provider,
    model_id,
    model_tier,
    billing_currency,
    call_count,
    unpriced_calls,
    cast(input_uncached_tokens as bigint) as input_uncached_tokens,
    cast(cache_read_tokens as bigint) as cache_read_tokens,
    cast(cache_write_tokens as bigint) as cache_write_tokens,
    cast(output_tokens as bigint) as output_tokens,
    cast(output_reasoning_tokens as bigint) as output_reasoning_tokens,
    cast(billed_cost as decimal(38, 18)) as billed_cost,
    cast(effective_cost as decimal(38, 18)) as effective_cost,
    cast(estimated_cost as decimal(38, 18)) as estimated_cost,
    cast(reporting_cost as decimal(38, 18)) as reporting_cost,
    cast(list_cost as decimal(38, 12)) as list_cost,
    -- in whole billionths: a decimal divided by anything would be a binary float
    cast(
        cast(
            cast(call_cost * 1000000000000 as hugeint)
            // (1000 * nullif(call_count - unpriced_calls, 0))
            as decimal(38, 0)
        ) * 0.000000001
        as decimal(38, 9)
    ) as cost_per_call,
    cast(call_cost_p50 as decimal(38, 12)) as call_cost_p50,
    cast(call_cost_p95 as decimal(38, 12)) as call_cost_p95,
    cast(call_cost_p99 as decimal(38, 12)) as call_cost_p99,
    cast(retry_cost as decimal(38, 12)) as retry_cost,
    cast(prompt_cache_saving as decimal(38, 12)) as prompt_cache_saving,
    cast(gateway_cache_saving as decimal(38, 12)) as gateway_cache_saving
from both_sides
