"""OpenAI: costs and usage, as API pages or as dashboard downloads.

Costs are dollars per day and line item; the AI model is inside the line item's display text.
Usage totals include their cached part. Nothing here equals an invoice: it is the daily detail.

Export:
    1. With an admin key, call `GET /v1/organization/costs` with `bucket_width=1d` and `group_by`
       `project_id`, `line_item` and `api_key_id`; save every page's answer unchanged.
    2. Do the same for `GET /v1/organization/usage/completions` (and `embeddings`, `images`, ... as
       far as you use them), grouped by `project_id`, `api_key_id`, `model`, `batch`,
       `service_tier`. Always group alike: the days are the same money in another cut.
    3. Put all pages of one call into a folder of their own, such as `2026-10-05/costs/page-1.json`.
       The folder is one delivery, refused until its last page (`has_more: false`) is there.
    4. Without API access: download costs and usage in the dashboard and keep the file names,
       `cost_<from>_<to>.csv` and `completions_usage_<from>_<to>.csv`.
    5. Fetch the last days again every day: costs of a day keep growing after it ends. Name later
       folders so that they sort later.

Settings:
    - source: openai_bill
      kind: openai
      location: inbox/openai
      issuer: openai
      billing_account_id: org-acme      # where the files do not name the organization
      billing_currency: USD

Reads:
    Of costs `amount`, `line_item`, `quantity`, `quantity_unit`, `project_id`, `api_key_id`,
    `api_source` and `organization_id`; of usage the token and unit counts, `num_model_requests`,
    `model`, `batch`, `service_tier`, `project_id` and `api_key_id`; of every bucket its times.

Never read:
    `user_id`, `user_email` and the display names of projects and organizations.

Traps:
    - An `api_key_id` grouping of costs is refused by OpenAI for periods before 2025-12-06.
    - There is no count of reasoning tokens: they are inside the output.
    - Whether totals hold audio changed in mid 2026: pages with `input_uncached_tokens` are the
      newer kind.
    - A line item no rule knows keeps its money, with the meter `unclassified`.
    - Tax and credit grants may be on the invoice only: name the difference in
      `reconciling_items.csv`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from models.facts import Fact
from models.money import MONEY_CONTEXT
from models.vocabulary import Delivery, Meter, ServiceTier, TokenSemantics
from pipelines.sources.base import DeliveryUnit, ReadContext, Reading, Source, TokenRule
from pipelines.sources.cells import (
    RowError,
    Values,
    binary_money,
    count,
    currency,
    flag,
    quantity,
    text,
)
from pipelines.sources.openai_line_items import kind_of_charge, quantities
from pipelines.sources.pages import Dialect, Span, folder_layout, span_in_one_day
from pipelines.sources.reports import COSTS, FactRow, Provider, ReportLine, metered, read_reports

_TIME_COLUMNS = ("start_time", "end_time", "start_time_iso", "end_time_iso")
_RESULT_OBJECTS = {
    "organization.costs.result": COSTS,
    "organization.usage.completions.result": "usage.completions",
    "organization.usage.decisions.result": "usage.decisions",
    "organization.usage.embeddings.result": "usage.embeddings",
    "organization.usage.moderations.result": "usage.moderations",
    "organization.usage.images.result": "usage.images",
    "organization.usage.audio_speeches.result": "usage.audio_speeches",
    "organization.usage.audio_transcriptions.result": "usage.audio_transcriptions",
    "organization.usage.vector_stores.result": "usage.vector_stores",
    "organization.usage.code_interpreter_sessions.result": "usage.code_interpreter_sessions",
    "organization.usage.file_searches.result": "usage.file_search_calls",
    "organization.usage.web_searches.result": "usage.web_search_calls",
}
# what the plain usage reports count, and what it is called here
_PLAIN_USAGE = {
    "usage.embeddings": ("input_tokens", Meter.INPUT_UNCACHED),
    "usage.moderations": ("input_tokens", Meter.INPUT_UNCACHED),
    "usage.images": ("images", Meter.IMAGE_GENERATION),
    "usage.audio_speeches": ("characters", Meter.CHARACTERS),
    "usage.audio_transcriptions": ("seconds", Meter.AUDIO_DURATION),
    "usage.vector_stores": ("usage_bytes", Meter.VECTOR_STORAGE),
    "usage.code_interpreter_sessions": ("num_sessions", Meter.CODE_EXECUTION),
    "usage.file_search_calls": ("num_requests", Meter.FILE_SEARCH),
    "usage.web_search_calls": ("num_requests", Meter.WEB_SEARCH),
}
_USAGE_TIERS = {
    "default": ServiceTier.STANDARD,
    "standard": ServiceTier.STANDARD,
    "batch": ServiceTier.BATCH,
    "flex": ServiceTier.FLEX,
    "priority": ServiceTier.PRIORITY,
}

_RESIDUE_SCALE = 36
_CHARGE_KEY = ("organization_id", "project_id", "api_key_id", "api_source", "line_item")


def _span(values: Values) -> Span:
    start, end = count(values, "start_time"), count(values, "end_time")
    if start is None or end is None or max(start, end) > 253_402_300_799:
        raise RowError("period_form", "start_time")
    return span_in_one_day(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))


def _report_of_result(values: Values) -> str | None:
    return _RESULT_OBJECTS.get(str(values.get("object")))


def _report_of_name(name: str) -> str | None:
    """Nearest part of the path that holds a report's name: the file's, then its folders'."""
    for part in reversed(name.lower().split("/")):
        for report in _RESULT_OBJECTS.values():
            if report.removeprefix("usage.") in part:
                return report
        if part.startswith("cost"):
            return COSTS
    return None


def _report_of_header(header: Sequence[str], name: str) -> str | None:
    if not set(_TIME_COLUMNS) <= set(header):
        return None
    if "amount_value" in header:
        return COSTS
    return "usage.completions" if "input_cached_tokens" in header else _report_of_name(name)


def _result_of_row(report: str, values: Values) -> Values:
    told = {k: v for k, v in values.items() if k not in _TIME_COLUMNS and v is not None}
    if report == COSTS and told:
        amount = {"value": values.get("amount_value"), "currency": values.get("amount_currency")}
        return {**told, "amount": amount}
    return told


def _read_charge(line: ReportLine) -> FactRow | None:
    values = line.values
    if not values:
        return None
    amount = values.get("amount")
    amount = amount if isinstance(amount, Mapping) else {}
    billed_cost, residue = binary_money(amount, "value")
    line_item = text(values, "line_item")
    number, unit = quantity(values, "quantity"), text(values, "quantity_unit")
    row: FactRow = {
        **kind_of_charge(line_item, billed_cost),
        "billed_cost": billed_cost,
        "billing_currency": currency(amount, "currency", line.settings.billing_currency),
        "billing_account_id": text(values, "organization_id"),
        "sub_account_id": text(values, "project_id"),
        "api_key_id": text(values, "api_key_id"),
        "charge_description": line_item,
        "key": tuple(text(values, column) for column in _CHARGE_KEY),
    }
    if number is not None:
        row |= quantities(number, unit, row.get("meter"))
        line.counters["quantity_unit_not_understood"] += "consumed_quantity" not in row
    if residue:
        row["repairs"] = "amount_quantised"
        line.counters["amount_quantised"] += 1
        booked = int(residue.scaleb(_RESIDUE_SCALE, MONEY_CONTEXT))
        line.counters[f"amount_residue_1e-{_RESIDUE_SCALE}"] += booked
    line.counters["line_item_unclassified"] += row.get("meter") == Meter.UNCLASSIFIED
    return row


def _tier(line: ReportLine) -> str | None:
    if flag(line.values, "batch"):
        return ServiceTier.BATCH.value
    name = text(line.values, "service_tier")
    if name is not None and name not in _USAGE_TIERS:
        line.counters["service_tier_unknown"] += 1
    return _USAGE_TIERS[name].value if name in _USAGE_TIERS else None


def _split(values: Values, total: int, *parts: str) -> tuple[int, ...]:
    """The parts of a total: they add up to it, or the first is not told and is what is left."""
    first, *others = (count(values, part) for part in parts)
    told = [n or 0 for n in others]
    left = total - sum(told)
    if left < 0 or first not in (None, left):
        raise RowError("token_identity", parts[0])
    return (left, *told)


def _current_tokens(values: Values, total: int, output: int) -> dict[Meter, int]:
    uncached, cached, written = _split(
        values,
        total,
        "input_uncached_tokens",
        "input_cached_tokens",
        "input_cache_write_tokens",
    )
    plain, audio, image = _split(
        values, uncached, "input_text_tokens", "input_audio_tokens", "input_image_tokens"
    )
    cached_parts = ("input_cached_text_tokens", "input_cached_audio_tokens")
    _split(values, cached, *cached_parts, "input_cached_image_tokens")
    _split(values, written, "input_cache_write_30m_tokens", "input_cache_write_12h_tokens")
    out, out_audio, out_image = _split(
        values, output, "output_text_tokens", "output_audio_tokens", "output_image_tokens"
    )
    return {
        Meter.INPUT_UNCACHED: plain,
        Meter.CACHE_READ: cached,
        Meter.CACHE_WRITE: written,
        Meter.INPUT_AUDIO: audio,
        Meter.INPUT_IMAGE: image,
        Meter.OUTPUT: out,
        Meter.OUTPUT_AUDIO: out_audio,
        Meter.OUTPUT_IMAGE: out_image,
    }


def _older_tokens(values: Values, total: int, output: int) -> dict[Meter, int]:
    """Up to mid 2026 the totals were documented as text only: audio stood beside them."""
    uncached, cached = _split(values, total, "input_uncached_tokens", "input_cached_tokens")
    return {
        Meter.INPUT_UNCACHED: uncached,
        Meter.CACHE_READ: cached,
        Meter.INPUT_AUDIO: count(values, "input_audio_tokens") or 0,
        Meter.OUTPUT: output,
        Meter.OUTPUT_AUDIO: count(values, "output_audio_tokens") or 0,
    }


def _completions(values: Values) -> dict[Meter, int]:
    total, output = count(values, "input_tokens"), count(values, "output_tokens")
    if total is None or output is None:
        raise RowError("no_quantities", "input_tokens")
    tokens = _current_tokens if _is_current(values) else _older_tokens
    return tokens(values, total, output)


def _is_current(values: Values) -> bool:
    return values.get("input_uncached_tokens") is not None


def _read_usage(line: ReportLine) -> Sequence[FactRow]:
    values = line.values
    if not values:
        return []
    semantics = TokenSemantics.INCLUSIVE
    if line.report in _PLAIN_USAGE:
        column, meter = _PLAIN_USAGE[line.report]
        number = count(values, column)
        if number is None:
            raise RowError("no_quantities", column)
        counted = {meter: number}
    else:
        counted = _completions(values)
        semantics = TokenSemantics.INCLUSIVE if _is_current(values) else TokenSemantics.MIXED
    project_id, api_key_id = text(values, "project_id"), text(values, "api_key_id")
    model_text, tier = text(values, "model"), _tier(line)
    common: FactRow = {
        "sub_account_id": project_id,
        "api_key_id": api_key_id,
        "provider": "openai",
        "model_text": model_text,
        "service_tier": tier,
        "token_semantics": semantics.value,
        "key": (project_id, api_key_id, model_text, tier, text(values, "api_source")),
    }
    # calls that searched the web are in the completions report already
    is_counted_elsewhere = line.report == "usage.web_search_calls"
    calls = None if is_counted_elsewhere else count(values, "num_model_requests")
    return metered(common, counted, calls)


_PROVIDER = Provider(
    issuer="openai",
    constants={
        "service_provider_name": "OpenAI",
        "host_provider_name": "OpenAI",
        "invoice_issuer_name": "OpenAI",
        "service_category": "AI and Machine Learning",
        "service_name": "OpenAI API",
        "provider": "openai",
    },
    dialect=Dialect(
        span=_span,
        report_of_result=_report_of_result,
        report_of_header=_report_of_header,
        report_of_name=_report_of_name,
        result_of_row=_result_of_row,
        has_every_bucket=True,
    ),
    read_charge=_read_charge,
    read_usage=_read_usage,
)


def _read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    return read_reports(unit, context, _PROVIDER)


SOURCE = Source(
    name="openai",
    summary="OpenAI costs and usage: API pages (JSON) or dashboard downloads (CSV)",
    facts=(Fact.CHARGES, Fact.USAGE),
    delivery=Delivery.SNAPSHOT,
    money_unit="dollars",
    token_rules=(
        TokenRule(
            "openai usage, with input_uncached_tokens",
            "openai",
            TokenSemantics.INCLUSIVE,
            TokenSemantics.INCLUSIVE,
            "input_tokens holds cached, cache-write and uncached input of every modality",
        ),
        TokenRule(
            "openai usage, without input_uncached_tokens",
            "openai",
            TokenSemantics.MIXED,
            TokenSemantics.MIXED,
            "input_tokens holds cached text; audio stands beside it, as documented to mid 2026",
        ),
    ),
    proof="documented examples, real dashboard downloads",
    suffixes=(".json", ".csv"),
    layout=folder_layout,
    read=_read,
)
