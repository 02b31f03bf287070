/*
description: The statement of each billing period. What each cost centre is charged, in cents, and the
  named residual lines; together they are the invoice.
grain: one row per billing_period, issuer, billing_account_id, billing_currency, line_kind, cost_center_id
  and cause
keys: [billing_period, issuer, billing_account_id, billing_currency, line_kind, cost_center_id, cause]
partition: period
columns:
  billing_period: "First day of the provider's invoice month."
  issuer: "Who sends the invoice."
  billing_account_id: "The paying account at the issuer."
  invoice_id: "Invoice the period is charged on; null while there is none, then the row is an estimate."
  billing_currency: "ISO 4217 currency of all amounts of the row."
  line_kind: "cost_center: charged to it. residual: nobody pays yet, and why. reconciling: named by finance."
  cost_center_id: "Cost centre charged. On residual and reconciling lines the default cost centre, or null."
  cost_center_name: "Name of the cost centre."
  cause: "attributed, unlogged_usage, shared, idle, rounding, unallocated, unexplained, or the reconciling item."
  amount_exact: "At full precision."
  amount: "In whole minor units (cents) by largest remainder: the rows of an invoice add up to it."
  gross_cost: "Sum of the sizes of the lines behind it: charges and credits do not cancel out."
*/

select
    statements.billing_period,
    statements.issuer,
    statements.billing_account_id,
    statements.invoice_id,
    statements.billing_currency,
    statements.line_kind,
    statements.cost_center_id,
    cost_centers.cost_center_name,
    statements.cause,
    statements.amount_exact,
    statements.amount,
    statements.gross_cost
from rounded_statements as statements
left join ref_cost_centers as cost_centers
    on statements.cost_center_id = cost_centers.cost_center_id
