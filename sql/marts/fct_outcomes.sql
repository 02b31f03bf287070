/*
description: Each business outcome as of its latest revision, on the day it happened. Work that has
  not ended is there as open, on days on which it is known to be; an outcome that ended later than
  the outcome window is on that day too.
grain: one row per source, outcome_id and charge_date
keys: [charge_date, outcome_type, source, outcome_id]
columns:
  charge_date: "The provider's UTC day."
  outcome_type: "What kind of outcome it is."
  source: "Feed the outcome was read from."
  outcome_id: "Stable id of the outcome; revisions share it."
  application_id: "Application it is counted for: of its definition, else of its calls."
  occurred_at: "When it happened, UTC."
  recorded_at: "When the system of record knew it."
  revision: "Revision that counts: the greatest."
  result: "success, failure, partial, open or unknown, after withdrawals and reversals."
  confidence: "confirmed, assumed, judged or sampled."
  is_withdrawn: "The outcome was taken back."
  is_reversed: "A later outcome undid it."
  is_counted_success: "Counts in the denominator of cost per outcome."
  link: "How its calls are found: task, trace, session, request or none."
  task_id: "Task it belongs to; of several the first by name."
  trace_id: "Trace it belongs to; of several the first by name."
  session_id: "Session it belongs to; of several the first by name."
  external_id: "Business object, such as a ticket number."
  quantity: "Units achieved."
  value_amount: "Business value in value_currency."
  value_currency: "ISO 4217 currency of the value."
*/

with outcomes as (
    select * from int_outcomes__linked
)

select
    charge_date,
    outcome_type,
    source,
    outcome_id,
    application_id,
    occurred_at,
    recorded_at,
    revision,
    result,
    confidence,
    is_withdrawn,
    is_reversed,
    is_counted_success,
    link,
    ref_task_id as task_id,
    ref_trace_id as trace_id,
    ref_session_id as session_id,
    ref_external_id as external_id,
    quantity,
    value_amount,
    value_currency
from outcomes
where charge_date >= $from_date and charge_date < $to_date
