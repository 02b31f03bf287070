"""From computed marts to what finance gets: statements as CSV and a page per billing period."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal, localcontext

import duckdb

from models.money import MONEY_CONTEXT, minor_digits
from pipelines.publishing.chargeback import DetailLine, StatementLine, chargeback_files
from pipelines.publishing.errors import PublishError
from pipelines.publishing.statement_page import (
    CostCenterTotal,
    Coverage,
    StatementPage,
    TieOut,
    report_files,
)
from pipelines.quoting import identifier
from pipelines.statements import Invoice

_INVOICES = """
select
    issuer,
    billing_account_id,
    invoice_id,
    billing_period,
    billing_currency,
    invoice_total
from mart_invoice_tie_out
where invoice_id is not null
"""

_DETAILS = """
select
    billing_period,
    cost_center_id,
    application_id,
    issuer,
    billing_account_id,
    model_id,
    meter,
    cause,
    billing_currency,
    cast(sum(call_count) as bigint) as call_count,
    sum(quantity) as quantity,
    sum(billed_cost) as amount_exact
from {cost_lines}
where cost_center_id is not null and billed_cost is not null
group by all
"""

_COVERAGE = """
with money as (
    select
        case line_kind
            when 'cost_center' then 'owned' when 'reconciling' then 'reconciling items' else cause
        end as state,
        billing_currency,
        sum(amount) as amount,
        sum(gross_cost) as gross_cost
    from mart_chargeback_monthly
    where billing_period = $period
    group by all
),

days as (
    select *
    from mart_attribution_coverage_daily
    where charge_date >= $period and charge_date < cast($period as date) + interval 1 month
),

estimates as (
    select
        'estimated' as state,
        billing_currency,
        sum(estimated_cost) as amount,
        cast(null as decimal(38, 18)) as gross_cost
    from days
    where dimension = 'cost' and estimated_cost is not null
    group by all
),

calls as (
    select
        if(owner_state = 'owned', 'owned', 'unallocated') as state,
        billing_currency,
        cast(sum(call_count) as bigint) as calls
    from days
    where dimension = 'calls'
    group by all
),

amounts as (
    from money union all from estimates
)

select
    coalesce(amounts.state, calls.state),
    coalesce(amounts.billing_currency, calls.billing_currency),
    amounts.amount,
    calls.calls,
    amounts.gross_cost
from amounts
full join calls
    on
        amounts.state = calls.state
        and amounts.billing_currency is not distinct from calls.billing_currency
"""


def period_files(
    con: duckdb.DuckDBPyConnection, company: str, *, cost_lines: str = "fct_cost_lines"
) -> dict[str, bytes]:
    """Write the statements and the page of every billing period in `mart_chargeback_monthly`.

    Args:
        con: Session in which the marts are readable by name: `mart_chargeback_monthly`,
            `mart_invoice_tie_out`, `mart_attribution_coverage_daily` and `cost_lines`.
        company: Company id, for the page's title.
        cost_lines: Relation with the columns of `fct_cost_lines` that the details are made of.

    Returns:
        Bytes by path below the version: the extra files of `publish`.

    Raises:
        PublishError: A statement does not add up to its invoice.
    """
    lines = _lines(con)
    invoices = _invoices(con)
    query = _DETAILS.format(cost_lines=identifier(cost_lines))
    details = [DetailLine(*row) for row in con.execute(query).fetchall()]
    pages = [
        StatementPage(
            company=company,
            billing_period=period,
            tie_outs=_tie_outs(by_period, invoices),
            cost_centers=_cost_centers(by_period),
            coverage=_coverage(con, period),
        )
        for period in sorted({line.billing_period for line in lines})
        for by_period in [[line for line in lines if line.billing_period == period]]
    ]
    return {**chargeback_files(lines, invoices, details), **report_files(pages)}


def _lines(con: duckdb.DuckDBPyConnection) -> list[StatementLine]:
    columns = ", ".join(StatementLine._fields)
    rows = con.execute(f"select {columns} from mart_chargeback_monthly").fetchall()  # noqa: S608
    return [StatementLine(*row) for row in rows]


def _invoices(con: duckdb.DuckDBPyConnection) -> dict[Invoice, int]:
    """Invoice totals in minor units."""
    return {
        Invoice(*names): _minor_units(total, names[-1])
        for *names, total in con.execute(_INVOICES).fetchall()
    }


def _minor_units(total: Decimal, currency: str) -> int:
    scaled = total.scaleb(minor_digits(currency))
    if scaled != int(scaled):
        raise PublishError(
            f"mart_invoice_tie_out: a total is finer than the minor unit of {currency}"
        )
    return int(scaled)


def _coverage(con: duckdb.DuckDBPyConnection, period: date) -> tuple[Coverage, ...]:
    rows = con.execute(_COVERAGE, {"period": period}).fetchall()
    return tuple(Coverage(*row) for row in rows)


def _tie_outs(
    lines: Iterable[StatementLine], invoices: Mapping[Invoice, int]
) -> tuple[TieOut, ...]:
    parts: defaultdict[Invoice, defaultdict[tuple[str, str], Decimal]]
    parts = defaultdict(lambda: defaultdict(Decimal))
    with localcontext(MONEY_CONTEXT):
        for line in lines:
            parts[line.invoice][line.line_kind, line.cause] += line.amount
    return tuple(
        TieOut(
            issuer=invoice.issuer,
            billing_account_id=invoice.billing_account_id,
            invoice_id=invoice.invoice_id,
            billing_currency=invoice.billing_currency,
            invoiced=_amount(invoices[invoice], invoice) if invoice in invoices else None,
            parts=dict(amounts),
        )
        for invoice, amounts in parts.items()
    )


def _amount(total: int, invoice: Invoice) -> Decimal:
    return Decimal(total).scaleb(-minor_digits(invoice.billing_currency))


def _cost_centers(lines: Iterable[StatementLine]) -> tuple[CostCenterTotal, ...]:
    totals: defaultdict[tuple[str, str | None, str], Decimal] = defaultdict(Decimal)
    with localcontext(MONEY_CONTEXT):
        for line in lines:
            if line.cost_center_id is not None:
                key = (line.cost_center_id, line.cost_center_name, line.billing_currency)
                totals[key] += line.amount
    return tuple(CostCenterTotal(*key, amount) for key, amount in totals.items())
