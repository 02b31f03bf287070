"""Anthropic's reports about people: Claude Code usage, and the Enterprise analytics reports.

Claude Code's cost is an estimate, and its API part is in the cost report already: here it becomes
usage and outcomes, and never a charge. The analytics cost report is money in fractional cents,
after discount. A user may be in several groups, so a report by group adds up to more than the bill.

Export:
    1. Claude Code: with an admin key, call `GET /v1/organizations/usage_report/claude_code` for
       each day; commits and pull requests become outcomes of the person's pseudonym.
    2. Claude Enterprise: call `GET /v1/organizations/analytics/cost_report` and
       `.../usage_report`, by `product`, `model` and `cost_type`, never by `rbac_group_id`.
    3. Put all pages of one call into a folder of their own, such as `2026-10-05/costs/page-1.json`.
       The folder is one delivery, refused until its last page (`has_more: false`) is there.
    4. Fetch the last days again every day, and name later folders so that they sort later.

Settings:
    - source: claude_enterprise
      kind: anthropic_analytics
      location: inbox/claude_enterprise
      issuer: anthropic
      billing_account_id: org-acme-claude   # the files do not name the account
      billing_currency: USD

Reads:
    Of Claude Code `date`, `actor`, `customer_type`, `terminal_type`, `core_metrics`,
    `model_breakdown` with its `tokens` and `estimated_cost`; of analytics costs `amount`,
    `list_amount`, `currency`, `product`, `model`, `cost_type`, `token_type`, `context_window`,
    `inference_geo`, `speed`; of usage the same dimensions, the five token counts and `requests`.

Never read:
    Tool actions and lines of code. `actor` becomes a pseudonym: no address and no key name is kept.

Traps:
    - Claude Code on a subscription is not billed by use; its estimate is a counter, never money.
    - Claude Code's API use is in the messages usage report too: here it stands beside the bill,
      under an account of its own, and meets no pool.
    - The API spend of an organization may be in both cost reports: read one of `anthropic` and
      `anthropic_analytics` as the bill of an account, never both.
    - Analytics reports reach back 365 days, and not before 2026-01-01.
"""

from collections.abc import Sequence

from models import money
from models.facts import Fact
from models.vocabulary import ChargeCategory, Delivery, Meter, TokenSemantics
from pipelines.sources.anthropic import (
    COST_TYPES,
    TOKEN_TYPES,
    bucket_span,
    counted_tokens,
    geography,
)
from pipelines.sources.base import (
    DeliveryUnit,
    FoundFile,
    ReadContext,
    Reading,
    Source,
    SourceError,
    TokenRule,
)
from pipelines.sources.cells import Values, count, currency, plain_money, text
from pipelines.sources.claude_code_days import is_claude_code, read_claude_code
from pipelines.sources.pages import Dialect, folder_layout, parse_json, text_content
from pipelines.sources.reports import COSTS, FactRow, Provider, ReportLine, metered, read_reports

_USAGE = "usage.analytics"
# the API's cost and messages usage reports have none of these
_ONLY_HERE = {"product", "requests", "list_amount"}
_DIMENSIONS = ("product", "model", "context_window", "inference_geo", "speed")
_CHARGE_KEY = (*_DIMENSIONS, "cost_type", "token_type")


def _report_of_result(values: Values) -> str | None:
    if not values.keys() & _ONLY_HERE:
        return None
    return COSTS if "amount" in values else _USAGE


def _report_of_name(name: str) -> str | None:
    stem = name.lower().rpartition("/")[2]
    return COSTS if "cost" in stem else _USAGE if "usage" in stem else None


def _meter(values: Values) -> str | None:
    """Null for a line that lumps all meters together."""
    cost_type, token_type = text(values, "cost_type"), text(values, "token_type")
    if token_type is not None:
        return TOKEN_TYPES.get(token_type, Meter.UNCLASSIFIED).value
    if cost_type in (None, "tokens"):
        return None
    return COST_TYPES.get(cost_type, Meter.UNCLASSIFIED).value


def _read_charge(line: ReportLine) -> FactRow | None:
    values = line.values
    code = currency(values, "currency", line.settings.billing_currency)
    digits = money.minor_digits(code)
    has_list = values.get("list_amount") is not None
    product = text(values, "product")
    return {
        "charge_category": ChargeCategory.USAGE.value,
        "billed_cost": plain_money(values, "amount", minor_digits=digits),
        "list_cost": plain_money(values, "list_amount", minor_digits=digits) if has_list else None,
        "billing_currency": code,
        "model_text": text(values, "model"),
        "meter": _meter(values),
        "resource_id": product,
        "sku_id": product,
        "sku_meter": text(values, "token_type") or text(values, "cost_type"),
        "region_id": geography(values),
        "inference_geo": geography(values),
        "charge_description": product,
        "key": tuple(text(values, column) for column in _CHARGE_KEY),
    }


def _read_usage(line: ReportLine) -> Sequence[FactRow]:
    values = line.values
    common: FactRow = {
        "provider": "anthropic",
        "model_text": text(values, "model"),
        "inference_geo": geography(values),
        "token_semantics": TokenSemantics.EXCLUSIVE.value,
        "key": tuple(text(values, column) for column in _DIMENSIONS),
    }
    return metered(common, counted_tokens(values), count(values, "requests"))


_CONSTANTS = {
    "service_provider_name": "Anthropic",
    "host_provider_name": "Anthropic",
    "invoice_issuer_name": "Anthropic",
    "service_category": "AI and Machine Learning",
    "service_name": "Claude Enterprise",
    "provider": "anthropic",
}
_ANALYTICS = Provider(
    issuer="anthropic",
    constants=_CONSTANTS,
    dialect=Dialect(
        span=bucket_span,
        report_of_result=_report_of_result,
        report_of_header=lambda header, name: None,  # noqa: ARG005
        report_of_name=_report_of_name,
        result_of_row=lambda report, values: values,  # noqa: ARG005
        has_every_bucket=False,
    ),
    read_charge=_read_charge,
    read_usage=_read_usage,
)


def _read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    entries = {found.name: _entries(found) for found in unit.files}
    if any(is_claude_code(entry) for listed in entries.values() for entry in listed):
        return read_claude_code(unit, context)
    for name, listed in entries.items():
        if any(_is_by_group(entry) for entry in listed):
            raise SourceError(
                f"{name}: grouped by `rbac_group_id`. A user may be in several groups, so the rows "
                "add up to more than the bill. Request the report without this group."
            )
    return read_reports(unit, context, _ANALYTICS)


def _entries(found: FoundFile) -> list[object]:
    """The buckets or days of one page; none if it is no page, which its reader says better."""
    top = parse_json(found, text_content(found))
    listed = top.get("data") if isinstance(top, dict) else top
    return listed if isinstance(listed, list) else []


def _is_by_group(bucket: object) -> bool:
    results = bucket.get("results") if isinstance(bucket, dict) else None
    return isinstance(results, list) and any(
        isinstance(result, dict) and result.get("rbac_group_id") is not None for result in results
    )


SOURCE = Source(
    name="anthropic_analytics",
    summary="Anthropic Claude Code usage and Enterprise analytics reports: API pages (JSON)",
    facts=(Fact.CHARGES, Fact.USAGE, Fact.OUTCOMES),
    delivery=Delivery.SNAPSHOT,
    money_unit="cents",
    token_rules=(
        TokenRule(
            "anthropic analytics and claude code usage",
            "anthropic",
            TokenSemantics.EXCLUSIVE,
            TokenSemantics.INCLUSIVE,
            "uncached, cache read and cache creation stand beside each other; "
            "Claude Code does not tell the lifetime of its cache writes",
        ),
    ),
    proof="constructed files",
    suffixes=(".json",),
    layout=folder_layout,
    read=_read,
)
