"""GitHub Copilot: the usage report of an enterprise or organisation, as CSV.

Billed is `net_amount`; the price of the seats is not in this file. What the seats' quota covers is
usage without a bill: it keeps its quantity and the value the report gives it, and costs nothing.

Export:
    1. In the billing settings of the enterprise or organisation, Usage: get the Copilot usage
       report (premium requests, or AI credits) of the month as CSV.
    2. Put each report into `location` under a name of its own, such as `2026-10-05.csv`: the one
       whose name sorts last replaces the days it has rows for.
    3. Seats are on the invoice only: record it in `invoices.csv`, and name their price in
       `reconciling_items.csv`.

Settings:
    - source: copilot
      kind: github_copilot
      location: inbox/copilot
      issuer: github
      billing_account_id: enterprise-acme   # the file does not name the account
      tag_keys: [cost_center_name, repository, organization]

Reads:
    `date`, `username`, `product`, `sku`, `model`, `quantity`, `unit_type`, `gross_amount`,
    `discount_amount`, `net_amount`, `organization`, `repository`, `cost_center_name`, `input`,
    `output`, `cache_read`, `cache_write`, also as `total_input_tokens`, `total_output_tokens`,
    `total_cache_read_tokens`, `total_cache_creation_tokens`; of the oldest layout `timestamp`,
    `user`, `model` and `requests_used`.

Never read:
    The `aic_` columns, which tell the same usage once more, quotas, and any other column.
    `username` becomes a pseudonym inside a line's key and is kept nowhere else.

Traps:
    - Quantities of premium requests are weighted by the AI model's multiplier: 3.6 is no count of
      calls.
    - The oldest layout has no money: it yields usage and no charge.
    - A token column of another name is counted as `unread_token_columns`, not read.
    - Two equal lines are two charges: nothing in the file tells lines apart.
"""

import re
from datetime import date
from functools import partial

from models.facts import Fact
from models.vocabulary import Delivery, Meter, TokenSemantics
from pipelines.sources.base import (
    FoundFile,
    Source,
    TokenRule,
)
from pipelines.sources.bill_lines import (
    BillLine,
    LineBill,
    Made,
    day_of,
    day_span,
    instant,
    read_lines,
    usage_of,
)
from pipelines.sources.bill_rows import tags_json
from pipelines.sources.cells import RowError, Values, count, quantity, text
from pipelines.sources.pages import Span
from pipelines.sources.record_files import Records, csv_records
from pipelines.sources.reports import FactRow

_LAYOUT = ("date", "username", "sku", "model", "quantity", "gross_amount", "net_amount")
_OLDEST_LAYOUT = ("timestamp", "user", "model", "requests_used")
_US_DATE = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", re.ASCII)
_TOKENS = {
    Meter.INPUT_UNCACHED: ("input", "total_input_tokens"),
    Meter.CACHE_READ: ("cache_read", "total_cache_read_tokens"),
    Meter.CACHE_WRITE: ("cache_write", "total_cache_creation_tokens"),
    Meter.OUTPUT: ("output", "total_output_tokens"),
}
"""The report's columns come under two sets of names."""
_TOKEN_COLUMNS = {name for names in _TOKENS.values() for name in names}
_UNITS = {"requests": "Requests", "ai-credits": "AI credits", "aic": "AI credits"}
_UNITS["credits"] = "AI credits"
_TAGS = ("cost_center_name", "repository", "organization")
_PICKED = re.compile(r"^Auto: *")


def _records(found: FoundFile) -> Records:
    return csv_records(found, "Copilot usage report", _LAYOUT, _OLDEST_LAYOUT)


def _span(values: Values) -> Span:
    if "timestamp" in values:
        return day_of(instant(values, "timestamp").date())
    written = text(values, "date")
    match = _US_DATE.fullmatch(written or "")
    if match is None:
        return day_span(values, "date")
    month, day, year = map(int, match.groups())
    try:
        return day_of(date(year, month, day))
    except ValueError:
        raise RowError("period_form", "date", written) from None


def _read_line(line: BillLine) -> Made:
    values = line.values
    span = _span(values)
    told = text(values, "model")
    model_text = None if told is None else _PICKED.sub("", told)
    organization, sku = text(values, "organization"), text(values, "sku")
    person = line.person("username") or line.person("user")
    common: FactRow = {
        "sub_account_id": organization,
        "provider": "github-copilot",
        "model_text": model_text,
    }
    charged: list[FactRow] = []
    if "requests_used" in values:
        # the oldest layout knows no money: requests, weighted by the multiplier of their AI model
        used = quantity(values, "requests_used")
        if used is None:
            raise RowError("no_quantities", "requests_used")
        usage = [{**common, "meter": Meter.REQUESTS.value, "quantity": used}]
    else:
        charged = [{**common, **_charge(line, sku)}]
        counted = {
            meter: sum(count(values, name) or 0 for name in names if name in values)
            for meter, names in _TOKENS.items()
        }
        line.counters["unread_token_columns"] += any(
            "tokens" in name and name not in _TOKEN_COLUMNS and text(values, name)
            for name in values
        )
        exclusive = {**common, "token_semantics": TokenSemantics.EXCLUSIVE.value}
        usage = list(usage_of(exclusive, counted, None))
    return Made(
        span=span,
        scope=f"report:{span[0]:%Y-%m-%d}",
        key=(
            person,
            organization,
            text(values, "repository"),
            text(values, "cost_center_name"),
            sku,
            told,
        ),
        charges=charged,
        usage=usage,
    )


def _charge(line: BillLine, sku: str | None) -> FactRow:
    values = line.values
    net, gross = line.money("net_amount"), line.money("gross_amount")
    covered = line.optional_money("discount_amount")
    used = quantity(values, "quantity")
    line.counters["amounts_that_do_not_add_up"] += gross - (covered or 0) != net
    # a line that the quota covers in part is billed; its list cost shows what it would have been
    is_covered = net == 0 and covered is not None and covered > 0
    line.counters["included_rows"] += is_covered
    unit = text(values, "unit_type")
    kept = [name for name in _TAGS if name in line.settings.tag_keys]
    return {
        "billed_cost": net,
        "effective_cost": gross if is_covered else net,
        "list_cost": gross,
        "billing_currency": "USD",
        "pricing_category": "Committed" if is_covered else "Standard",
        "commitment_discount_id": "copilot-plan" if is_covered else None,
        "commitment_discount_status": "Used" if is_covered else None,
        "sku_id": sku,
        "service_name": text(values, "product"),
        "charge_description": sku,
        "pricing_quantity": used,
        "pricing_unit": unit,
        "consumed_quantity": used,
        "consumed_unit": _UNITS.get(unit or "", unit),
        "tags": tags_json({name: text(values, name) for name in kept}),
    }


_BILL = LineBill(
    issuer="github",
    facts=(Fact.CHARGES, Fact.USAGE),
    constants={
        "service_provider_name": "GitHub",
        "host_provider_name": "GitHub",
        "invoice_issuer_name": "GitHub",
        "service_category": "AI and Machine Learning",
        "provider": "github-copilot",
    },
    records=_records,
    read_line=_read_line,
)


SOURCE = Source(
    name="github_copilot",
    summary="GitHub Copilot usage report: premium requests and AI credits (CSV)",
    facts=_BILL.facts,
    delivery=Delivery.SNAPSHOT,
    money_unit="dollars",
    token_rules=(
        TokenRule(
            "copilot ai credits",
            "github-copilot",
            TokenSemantics.EXCLUSIVE,
            TokenSemantics.UNKNOWN,
            "input, cache read and cache write stand beside each other",
        ),
    ),
    proof="documented examples",
    suffixes=(".csv",),
    read=partial(read_lines, bill=_BILL),
)
