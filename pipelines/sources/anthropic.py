"""Anthropic: cost and messages usage reports, as API pages or as Console downloads.

The cost report is in cents, the Console's cost file in dollars rounded to cents: the same money, so
both are the report `costs` and the later delivery replaces the earlier. Input kinds are disjoint.
Reports that are estimates or overlap these two (Claude Code, Enterprise analytics) are refused.

Export:
    1. With an admin key, call `GET /v1/organizations/cost_report` with `group_by[]` `workspace_id`
       and `description`; save every page's answer unchanged.
    2. Call `GET /v1/organizations/usage_report/messages` with `bucket_width=1d` and `group_by[]`
       `api_key_id`, `workspace_id`, `model`, `service_tier`, `context_window`, `inference_geo`.
    3. Put all pages of one call into a folder of their own, such as `2026-10-05/costs/page-1.json`.
       The folder is one delivery, refused until its last page (`has_more: false`) is there.
    4. Without API access: download cost and usage as CSV in the Console. Its cost is rounded to
       cents line by line, so prefer the API.
    5. Fetch the last days again every day, and name later folders so that they sort later.

Settings:
    - source: anthropic_bill
      kind: anthropic
      location: inbox/anthropic
      issuer: anthropic
      billing_account_id: org-acme-claude   # the files do not name the account
      billing_currency: USD

Reads:
    Of costs `amount` (or `cost_usd`, `list_price_usd`), `currency`, `description`, `cost_type`,
    `token_type`, `model`, `workspace_id`, `api_key_id`, `service_tier`, `context_window`,
    `inference_geo` and `speed`; of usage the same dimensions, the five token counts and
    `server_tool_use`; of every bucket its times. Of a Console download also `workspace`.

Never read:
    `account_id`, `service_account_id` and the names of keys, which may be those of people.

Traps:
    - The cost report has no key: its money is split by what gateway logs and usage say.
    - Priority Tier is in no cost report: its commitment is on the invoice.
    - `us` inference has a price of its own: group both reports by `inference_geo` (a cost report by
      `description` tells it), so that calls in the US and elsewhere are matched apart.
    - Code execution is in the cost report only, blocked requests in usage only.
    - A null workspace is the default one, but only in a report that was grouped by workspace.
    - For Claude Code and Claude Enterprise see `anthropic_analytics`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

from models import money
from models.facts import Fact
from models.vocabulary import ChargeCategory, Delivery, Meter, ServiceTier, TokenSemantics
from pipelines.sources.base import DeliveryUnit, ReadContext, Reading, Source, TokenRule
from pipelines.sources.cells import RowError, Values, count, currency, plain_money, text
from pipelines.sources.pages import DAY, Dialect, Span, folder_layout, span_in_one_day
from pipelines.sources.reports import COSTS, FactRow, Provider, ReportLine, metered, read_reports

_USAGE = "usage.messages"

TOKEN_TYPES = {
    "uncached_input_tokens": Meter.INPUT_UNCACHED,
    "cache_read_input_tokens": Meter.CACHE_READ,
    "cache_creation.ephemeral_5m_input_tokens": Meter.CACHE_WRITE_5M,
    "cache_creation.ephemeral_1h_input_tokens": Meter.CACHE_WRITE_1H,
    "output_tokens": Meter.OUTPUT,
}
_CONSOLE_TOKEN_TYPES = {
    "input_no_cache": Meter.INPUT_UNCACHED,
    "input_cache_read": Meter.CACHE_READ,
    "input_cache_write_5m": Meter.CACHE_WRITE_5M,
    "input_cache_write_1h": Meter.CACHE_WRITE_1H,
    "output": Meter.OUTPUT,
}
COST_TYPES = {"web_search": Meter.WEB_SEARCH, "code_execution": Meter.CODE_EXECUTION}
_COUNTS = {**TOKEN_TYPES, "server_tool_use.web_search_requests": Meter.WEB_SEARCH}
_CONSOLE_COUNTS = {
    "usage_input_tokens_no_cache": "uncached_input_tokens",
    "usage_input_tokens_cache_read": "cache_read_input_tokens",
    "usage_input_tokens_cache_write_5m": "cache_creation.ephemeral_5m_input_tokens",
    "usage_input_tokens_cache_write_1h": "cache_creation.ephemeral_1h_input_tokens",
    "usage_output_tokens": "output_tokens",
    "web_search_count": "server_tool_use.web_search_requests",
}
# `message` is what the Console's cost file calls every call, whatever its tier
_TIERS = {
    "standard": ServiceTier.STANDARD,
    "batch": ServiceTier.BATCH,
    "flex": ServiceTier.FLEX,
    "flex_discount": ServiceTier.FLEX,
    "priority": ServiceTier.PRIORITY,
    "priority_on_demand": ServiceTier.PRIORITY,
    "message": None,
}
_DIMENSIONS = (
    "workspace_id",
    "api_key_id",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
    "speed",
)
_CHARGE_KEY = (*_DIMENSIONS, "description", "cost_type", "token_type")
_CREDIT = re.compile(r"\bpromotional credits?\b", re.IGNORECASE)


def bucket_span(values: Values) -> Span:
    """The UTC day, or the part of one, that a bucket or a Console row is about.

    Raises:
        RowError: It does not say, or it is about more than a day.
    """
    try:
        if "usage_date_utc" in values:
            day = date.fromisoformat(text(values, "usage_date_utc") or "")
            midnight = datetime.combine(day, time(), UTC)
            return midnight, midnight + DAY
        start, end = (
            datetime.fromisoformat(text(values, column) or "")
            for column in ("starting_at", "ending_at")
        )
    except ValueError as error:
        raise RowError("period_form") from error
    if start.tzinfo is None or end.tzinfo is None:
        raise RowError("period_form")
    return span_in_one_day(start.astimezone(UTC), end.astimezone(UTC))


def _report_of_result(values: Values) -> str | None:
    # only the Enterprise analytics reports know products and request counts
    if values.keys() & {"product", "requests", "list_amount"}:
        return None
    if "amount" in values:
        return COSTS
    roots = {column.partition(".")[0] for column in _COUNTS}
    return _USAGE if values.keys() & roots else None


def _report_of_name(name: str) -> str | None:
    for part in reversed(name.lower().split("/")):
        if "cost" in part:
            return COSTS
        if "usage" in part:
            return _USAGE
    return None


def _report_of_header(header: Sequence[str], name: str) -> str | None:  # noqa: ARG001
    if "usage_date_utc" not in header:
        return None
    if "cost_usd" in header:
        return COSTS
    return _USAGE if "usage_input_tokens_no_cache" in header else None


def _result_of_row(report: str, values: Values) -> Values:
    """A Console row in the API's words. Key names stay behind: people are named in them."""
    workspace = text(values, "workspace")
    result: dict[str, object] = {
        **{column: values.get(column) for column in ("api_key_id", *_DIMENSIONS[4:])},
        "workspace_id": "default" if workspace == "Default" else workspace,
        "service_tier": values.get("usage_type"),
    }
    if report == _USAGE:
        counted = {new: values.get(old) for old, new in _CONSOLE_COUNTS.items() if old in values}
        return result | counted | {"model": values.get("model_version")}
    told = (text(values, c) for c in ("model", "usage_type", "context_window", "token_type"))
    return result | {
        **{column: values.get(column) for column in ("cost_usd", "list_price_usd")},
        **{column: values.get(column) for column in ("cost_type", "token_type")},
        "model": _model_of_name(text(values, "model")),
        "description": ", ".join(part for part in told if part) or None,
        "currency": "USD",
    }


def _model_of_name(name: str | None) -> str | None:
    """`Claude Haiku 4.5` is `claude-haiku-4-5`."""
    return None if name is None else re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _tier(line: ReportLine) -> str | None:
    name = text(line.values, "service_tier")
    if name is not None and name not in _TIERS:
        line.counters["service_tier_unknown"] += 1
    tier = _TIERS.get(name or "")
    if text(line.values, "speed") == "fast" and tier in (None, ServiceTier.STANDARD):
        tier = ServiceTier.FAST
    return None if tier is None else tier.value


def _workspace(line: ReportLine) -> str | None:
    """Null is the default workspace, but only where the report was grouped by workspace at all.

    That it was is known from any line with a workspace: usage of the default workspace alone
    stays null.
    """
    fallback = "default" if "workspace_id" in line.told else None
    return text(line.values, "workspace_id") or fallback


def _meter_of_charge(values: Values) -> Meter | None:
    """Null for a line that lumps all meters; `unclassified` for words that are not known."""
    cost_type, token_type = text(values, "cost_type"), text(values, "token_type")
    if cost_type in COST_TYPES:
        return COST_TYPES[cost_type]
    if token_type is not None:
        return (TOKEN_TYPES | _CONSOLE_TOKEN_TYPES).get(token_type, Meter.UNCLASSIFIED)
    is_lump = cost_type is None and text(values, "description") is None
    return None if is_lump else Meter.UNCLASSIFIED


def _kind_of_charge(line: ReportLine, amount: Decimal) -> FactRow:
    values = line.values
    meter = _meter_of_charge(values)
    is_told = text(values, "cost_type") is not None or meter not in (None, Meter.UNCLASSIFIED)
    if _CREDIT.search(text(values, "description") or "") or (amount < 0 and not is_told):
        workspace_id = text(values, "workspace_id")
        return {"charge_category": ChargeCategory.CREDIT.value, "sub_account_id": workspace_id}
    line.counters["line_unclassified"] += meter is Meter.UNCLASSIFIED
    return {
        "charge_category": ChargeCategory.USAGE.value,
        "sub_account_id": _workspace(line),
        "model_text": text(values, "model"),
        "meter": None if meter is None else meter.value,
        "service_tier": _tier(line),
    }


def _read_charge(line: ReportLine) -> FactRow | None:
    values = line.values
    code = currency(values, "currency", line.settings.billing_currency)
    list_cost = None
    if "amount" in values:
        billed_cost = plain_money(values, "amount", minor_digits=money.minor_digits(code))
    else:
        billed_cost = plain_money(values, "cost_usd")
        if text(values, "list_price_usd") is not None:
            list_cost = plain_money(values, "list_price_usd")
    return {
        **_kind_of_charge(line, billed_cost),
        "billed_cost": billed_cost,
        "list_cost": list_cost,
        "billing_currency": code,
        "api_key_id": text(values, "api_key_id"),
        "region_id": geography(values),
        "inference_geo": geography(values),
        "charge_description": text(values, "description"),
        "sku_meter": text(values, "token_type") or text(values, "cost_type"),
        "key": tuple(text(values, column) for column in _CHARGE_KEY),
    }


def geography(values: Values) -> str | None:
    """Where inference ran, which has a price; older AI models do not know."""
    told = text(values, "inference_geo")
    return None if told is None or told.lower() == "not_available" else told.lower()


def counted_tokens(values: Values) -> dict[Meter, int]:
    """The disjoint kinds that a usage record tells; kinds left out by the report are zero."""
    flat = dict(values)
    for name in ("cache_creation", "server_tool_use"):
        nested = values.get(name)
        if isinstance(nested, Mapping):
            flat |= {f"{name}.{column}": value for column, value in nested.items()}
        elif nested is not None:
            raise RowError("count_form", name)
    numbers = {meter: count(flat, column) for column, meter in _COUNTS.items()}
    if all(n is None for n in numbers.values()):
        raise RowError("no_quantities")
    return {meter: n or 0 for meter, n in numbers.items()}


def _read_usage(line: ReportLine) -> Sequence[FactRow]:
    values = line.values
    common: FactRow = {
        "sub_account_id": _workspace(line),
        "api_key_id": text(values, "api_key_id"),
        "provider": "anthropic",
        "model_text": text(values, "model"),
        "service_tier": _tier(line),
        "inference_geo": geography(values),
        "token_semantics": TokenSemantics.EXCLUSIVE.value,
        "key": tuple(text(values, column) for column in _DIMENSIONS),
    }
    return metered(common, counted_tokens(values), None)


_PROVIDER = Provider(
    issuer="anthropic",
    constants={
        "service_provider_name": "Anthropic",
        "host_provider_name": "Anthropic",
        "invoice_issuer_name": "Anthropic",
        "service_category": "AI and Machine Learning",
        "service_name": "Claude API",
        "provider": "anthropic",
    },
    dialect=Dialect(
        span=bucket_span,
        report_of_result=_report_of_result,
        report_of_header=_report_of_header,
        report_of_name=_report_of_name,
        result_of_row=_result_of_row,
        has_every_bucket=False,
    ),
    read_charge=_read_charge,
    read_usage=_read_usage,
)


def _read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    return read_reports(unit, context, _PROVIDER)


SOURCE = Source(
    name="anthropic",
    summary="Anthropic costs and usage: API pages (JSON) or Console downloads (CSV)",
    facts=(Fact.CHARGES, Fact.USAGE),
    delivery=Delivery.SNAPSHOT,
    money_unit="cents in API pages, dollars in Console downloads",
    token_rules=(
        TokenRule(
            "anthropic messages usage",
            "anthropic",
            TokenSemantics.EXCLUSIVE,
            TokenSemantics.INCLUSIVE,
            "uncached, cache read and both cache writes stand beside each other; "
            "thinking is inside output_tokens",
        ),
    ),
    proof="documented examples",
    suffixes=(".json", ".csv"),
    layout=folder_layout,
    read=_read,
)
