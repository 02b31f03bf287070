/*
description: The proof. Per invoice its total, what cost centres are charged, every residual by name, and the
  difference.
grain: one row per billing_period, issuer, billing_account_id and billing_currency
keys: [billing_period, issuer, billing_account_id, billing_currency]
partition: period
columns:
  billing_period: "First day of the provider's invoice month."
  issuer: "Who sends the invoice."
  billing_account_id: "The paying account at the issuer."
  billing_currency: "ISO 4217 currency of all amounts of the row."
  invoice_id: "Invoice, or null while there is none."
  invoice_total: "Total of the invoice; null while there is none."
  billed_cost: "Sum of the bill export at full precision."
  reconciling_items: "Differences between invoice and export that finance has named."
  attributed: "Charged to cost centres for calls they made."
  unlogged_usage_owned: "Traffic no gateway logged, charged to the owner of the account it came from."
  shared_allocated: "Shared cost, charged by rule."
  idle_owned: "Idle capacity charged to its owner."
  unlogged_usage: "Residual: traffic no gateway logged, without an owner."
  shared: "Residual: shared cost no rule splits."
  idle: "Residual: capacity paid and not used."
  rounding: "Residual: below a cent. Rounding of the invoice's own lines is a reconciling item."
  unallocated: "Residual: calls without an owner."
  unexplained: "Invoice and export differ by more than rounding, and nobody has said why."
  statement_total: "Sum of all statement lines."
  difference: "Invoice less what export, named items and rounding explain of it; null without an invoice."
  defaulted: "Of the residuals and reconciling items: charged to the workspace's default cost centre."
  gross_cost: "Sum of the sizes of all lines: charges and credits do not cancel out."
  owned_gross_cost: "The part of gross_cost that has an owner."
  state: "tied, no_invoice or unexplained."
checks:
  statement_is_the_invoice: invoice_total is null or statement_total = invoice_total
  statement_is_its_parts: statement_total = reconciling_items + attributed + unlogged_usage_owned + shared_allocated
    + idle_owned + unlogged_usage + shared + idle + rounding + unallocated + unexplained
  tied_without_difference: (state = 'tied') = (difference is not null and difference = 0)
*/

with statements as (
    select * from mart_chargeback_monthly
),

billed as (
    select
        billing_period,
        issuer,
        billing_account_id,
        billing_currency,
        sum(billed_cost) as billed_cost
    from period_cost_lines
    where cost_basis = 'billed'
    group by billing_period, issuer, billing_account_id, billing_currency
),

totals as (
    select
        billing_period,
        issuer,
        billing_account_id,
        billing_currency,
        min(invoice_id) as invoice_id,
        sum(amount) as statement_total,
        coalesce(sum(amount) filter (where line_kind = 'reconciling'), 0) as reconciling_items,
        coalesce(sum(amount) filter (where line_kind = 'cost_center' and cause = 'attributed'), 0)
            as attributed,
        coalesce(
            sum(amount) filter (where line_kind = 'cost_center' and cause = 'unlogged_usage'), 0
        ) as unlogged_usage_owned,
        coalesce(sum(amount) filter (where line_kind = 'cost_center' and cause = 'shared'), 0)
            as shared_allocated,
        coalesce(sum(amount) filter (where line_kind = 'cost_center' and cause = 'idle'), 0)
            as idle_owned,
        coalesce(
            sum(amount) filter (where line_kind = 'residual' and cause = 'unlogged_usage'), 0
        ) as unlogged_usage,
        coalesce(sum(amount) filter (where line_kind = 'residual' and cause = 'shared'), 0)
            as shared,
        coalesce(sum(amount) filter (where line_kind = 'residual' and cause = 'idle'), 0) as idle,
        coalesce(sum(amount) filter (where line_kind = 'residual' and cause = 'rounding'), 0)
            as rounding,
        coalesce(sum(amount) filter (where line_kind = 'residual' and cause = 'unallocated'), 0)
            as unallocated,
        coalesce(sum(amount) filter (where line_kind = 'residual' and cause = 'unexplained'), 0)
            as unexplained,
        coalesce(
            sum(amount) filter (where line_kind <> 'cost_center' and cost_center_id is not null), 0
        ) as defaulted,
        coalesce(sum(gross_cost), 0) as gross_cost,
        coalesce(sum(gross_cost) filter (where line_kind = 'cost_center'), 0) as owned_gross_cost
    from statements
    group by billing_period, issuer, billing_account_id, billing_currency
)

select
    totals.billing_period,
    totals.issuer,
    totals.billing_account_id,
    totals.billing_currency,
    totals.invoice_id,
    cast(invoices.total_amount as decimal(38, 4)) as invoice_total,
    cast(billed.billed_cost as decimal(38, 18)) as billed_cost,
    cast(totals.reconciling_items as decimal(38, 4)) as reconciling_items,
    cast(totals.attributed as decimal(38, 4)) as attributed,
    cast(totals.unlogged_usage_owned as decimal(38, 4)) as unlogged_usage_owned,
    cast(totals.shared_allocated as decimal(38, 4)) as shared_allocated,
    cast(totals.idle_owned as decimal(38, 4)) as idle_owned,
    cast(totals.unlogged_usage as decimal(38, 4)) as unlogged_usage,
    cast(totals.shared as decimal(38, 4)) as shared,
    cast(totals.idle as decimal(38, 4)) as idle,
    cast(totals.rounding as decimal(38, 4)) as rounding,
    cast(totals.unallocated as decimal(38, 4)) as unallocated,
    cast(totals.unexplained as decimal(38, 4)) as unexplained,
    cast(totals.statement_total as decimal(38, 4)) as statement_total,
    cast(
        invoices.total_amount - (totals.statement_total - totals.unexplained) as decimal(38, 4)
    ) as difference,
    cast(totals.defaulted as decimal(38, 4)) as defaulted,
    cast(totals.gross_cost as decimal(38, 18)) as gross_cost,
    cast(totals.owned_gross_cost as decimal(38, 18)) as owned_gross_cost,
    case
        when invoices.total_amount is null then 'no_invoice'
        when totals.unexplained <> 0 then 'unexplained'
        else 'tied'
    end as state
from totals
left join invoice_totals as invoices
    on
        totals.billing_period = invoices.billing_period
        and totals.issuer = invoices.issuer
        and totals.billing_account_id = invoices.billing_account_id
        and totals.billing_currency = invoices.billing_currency
left join billed
    on
        totals.billing_period = billed.billing_period
        and totals.issuer = billed.issuer
        and totals.billing_account_id = billed.billing_account_id
        and totals.billing_currency = billed.billing_currency
