/*
description: What an outcome costs. All attempts are in the numerator, those of open work included,
  audited successes in the denominator, and cost without any outcome stands beside it; linked and
  unlinked cost add up to the cost of all calls. Cost is on the day of the call, outcomes on the day they
  happened, so sum both over the period you ask about before dividing.
grain: one row per charge_date, application_id, outcome_type and billing_currency
keys: [charge_date, application_id, outcome_type, billing_currency]
columns:
  charge_date: "The provider's UTC day."
  application_id: "Owning application, or __unallocated__, __shared__, __idle__, __rounding__."
  outcome_type: "Type of outcome; null on the rows of cost that no outcome is linked to."
  billing_currency: "ISO 4217 currency of all amounts of the row."
  successes: "Audited successes that happened on the day. Outcomes have no currency: they are on one row of a day, application and type, that of the reporting currency if it has one; null on the others and on unlinked rows."
  failures: "Failures that happened on the day; null as successes."
  open_outcomes: "Work that is known not to have ended; null as successes. Not to be added up over days."
  other_outcomes: "Partial, unknown and withdrawn outcomes; null as successes."
  linked_calls: "Calls of the day that an outcome of this type can be traced to, failed attempts included."
  linked_cost: "What those calls cost (billed plus estimated). The cost of a call of several types is split evenly over them."
  unlinked_cost: "On the row without outcome type: cost of the application's calls that no outcome is linked to."
  cost_per_success: "linked_cost per success of the day, application and type, to the sixth decimal; null without successes, never 0."
  value_amount: "Business value of the day's successes in value_currency; null if in several currencies, and as successes."
  value_currency: "ISO 4217 currency of the value; null if none or several."
*/

with calls as (
    select
        source,
        call_id,
        charge_date,
        application_id,
        billing_currency,
        coalesce(billed_cost, 0) + coalesce(estimated_cost, 0) as cost
    from fct_calls
    -- an unpriced call may have billed parts: they are cost
    where billed_cost is not null or estimated_cost is not null
),

linked_calls as (
    select
        calls.charge_date,
        calls.application_id,
        links.outcome_type,
        calls.billing_currency,
        calls.cost,
        links.type_count,
        links.place,
        cast(
            cast(
                cast(cast(calls.cost as decimal(38, 12)) * 1000000000000 as hugeint)
                // links.type_count
                as decimal(38, 0)
            ) * 0.000000000001
            as decimal(38, 12)
        ) as even_cost
    from calls
    inner join int_call_outcomes as links
        on calls.source = links.source and calls.call_id = links.call_id
),

linked as (
    select
        charge_date,
        application_id,
        outcome_type,
        billing_currency,
        count(*) as linked_calls,
        -- the first type gets what an even split leaves
        sum(if(place = 1, cost - even_cost * (type_count - 1), even_cost)) as linked_cost
    from linked_calls
    group by charge_date, application_id, outcome_type, billing_currency
),

unlinked as (
    select
        calls.charge_date,
        calls.application_id,
        calls.billing_currency,
        sum(calls.cost) as unlinked_cost
    from calls
    anti join int_call_outcomes as links
        on calls.source = links.source and calls.call_id = links.call_id
    group by calls.charge_date, calls.application_id, calls.billing_currency
),

outcomes as (
    select
        charge_date,
        coalesce(application_id, '__unallocated__') as application_id,
        outcome_type,
        count(*) filter (where is_counted_success) as successes,
        count(*) filter (where result = 'failure') as failures,
        count(*) filter (where result = 'open') as open_outcomes,
        count(*) filter (where not is_counted_success and result not in ('failure', 'open'))
            as other_outcomes,
        sum(case when is_counted_success then value_amount end) as value_amount,
        min(case when is_counted_success then value_currency end) as value_currency,
        max(case when is_counted_success then value_currency end) as last_value_currency
    from fct_outcomes
    group by charge_date, coalesce(application_id, '__unallocated__'), outcome_type
),

ranked as (
    select
        linked.*,
        -- outcomes have no currency: they stand on one row, or sums would repeat them
        row_number() over (
            partition by linked.charge_date, linked.application_id, linked.outcome_type
            order by
                coalesce(linked.billing_currency = $reporting_currency, false) desc,
                linked.billing_currency asc nulls last
        ) as place
    from linked
),

rows_of_types as (
    select
        coalesce(linked.charge_date, outcomes.charge_date) as charge_date,
        coalesce(linked.application_id, outcomes.application_id) as application_id,
        coalesce(linked.outcome_type, outcomes.outcome_type) as outcome_type,
        linked.billing_currency,
        coalesce(linked.place, 1) = 1 as has_counts,
        coalesce(outcomes.successes, 0) as successes,
        coalesce(outcomes.failures, 0) as failures,
        coalesce(outcomes.open_outcomes, 0) as open_outcomes,
        coalesce(outcomes.other_outcomes, 0) as other_outcomes,
        coalesce(linked.linked_calls, 0) as linked_calls,
        cast(linked.linked_cost as decimal(38, 12)) as linked_cost,
        case
            when outcomes.value_currency = outcomes.last_value_currency then outcomes.value_amount
        end
            as value_amount,
        case
            when outcomes.value_currency = outcomes.last_value_currency then outcomes.value_currency
        end
            as value_currency
    from ranked as linked
    full join outcomes
        on
            linked.charge_date = outcomes.charge_date
            and linked.application_id = outcomes.application_id
            and linked.outcome_type = outcomes.outcome_type
)

select
    charge_date,
    application_id,
    outcome_type,
    billing_currency,
    case when has_counts then successes end as successes,
    case when has_counts then failures end as failures,
    case when has_counts then open_outcomes end as open_outcomes,
    case when has_counts then other_outcomes end as other_outcomes,
    linked_calls,
    linked_cost,
    cast(null as decimal(38, 12)) as unlinked_cost,
    -- whole micro-units: a decimal divided by anything would be a binary float
    cast(
        cast(
            cast(trunc(linked_cost * 1000000) as hugeint) // nullif(successes, 0)
            as decimal(38, 0)
        ) * 0.000001
        as decimal(38, 6)
    ) as cost_per_success,
    cast(case when has_counts then value_amount end as decimal(38, 18)) as value_amount,
    case when has_counts then value_currency end as value_currency
from rows_of_types
union all
select
    charge_date,
    application_id,
    cast(null as varchar) as outcome_type,
    billing_currency,
    cast(null as bigint) as successes,
    cast(null as bigint) as failures,
    cast(null as bigint) as open_outcomes,
    cast(null as bigint) as other_outcomes,
    cast(null as bigint) as linked_calls,
    cast(null as decimal(38, 12)) as linked_cost,
    cast(unlinked_cost as decimal(38, 12)) as unlinked_cost,
    cast(null as decimal(38, 6)) as cost_per_success,
    cast(null as decimal(38, 18)) as value_amount,
    cast(null as varchar) as value_currency
from unlinked
