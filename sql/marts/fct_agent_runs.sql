/*
description: One task as its calls tell it. Calls, retries, failures and cost; a task that crosses
  midnight has a row on each day, and the money is on the day of each call.
grain: one row per charge_date, run_id, application_id and billing_currency
keys: [charge_date, run_id, application_id, billing_currency]
columns:
  charge_date: "The provider's UTC day."
  run_id: "The task: explicit task id, else trace id."
  application_id: "Owning application, or __unallocated__, __shared__, __idle__, __rounding__."
  billing_currency: "ISO 4217 currency of all amounts of the row."
  started_at: "First call of the run on this day, UTC."
  ended_at: "Start of its last call on this day, UTC."
  call_count: "Attempts in the run on this day."
  step_count: "Calls that were not retries."
  tool_calls: "Tool calls the log shows."
  retry_count: "Retries and fallbacks."
  error_count: "Calls that failed."
  last_status: "Status of its last call: where it ended."
  failed_role: "Role of its first failed call; null if none failed."
  last_model_id: "AI model of its last call."
  billed_cost: "Billed cost of the calls in billing_currency; null if none is billed yet."
  estimated_cost: "Estimates for calls not billed yet."
  retry_cost: "Billed cost of retries and fallbacks."
*/

with calls as (
    select
        *,
        coalesce(task_id, trace_id) as run_id
    from fct_calls
    where task_id is not null or trace_id is not null
)

select
    charge_date,
    run_id,
    application_id,
    billing_currency,
    min(started_at) as started_at,
    max(started_at) as ended_at,
    count(*) as call_count,
    count(*) filter (where role not in ('retry', 'fallback')) as step_count,
    count(*) filter (where operation = 'tool' or role = 'tool') as tool_calls,
    count(*) filter (where role in ('retry', 'fallback')) as retry_count,
    count(*) filter (where status = 'error') as error_count,
    max_by(status, started_at || call_id || source) as last_status,
    min_by(role, started_at || call_id || source) filter (where status = 'error') as failed_role,
    max_by(model_id, started_at || call_id || source) as last_model_id,
    cast(sum(billed_cost) as decimal(38, 12)) as billed_cost,
    cast(sum(estimated_cost) as decimal(38, 12)) as estimated_cost,
    cast(
        sum(case when role in ('retry', 'fallback') then billed_cost end) as decimal(38, 12)
    ) as retry_cost
from calls
group by charge_date, run_id, application_id, billing_currency
