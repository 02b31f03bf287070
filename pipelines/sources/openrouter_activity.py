"""OpenRouter: daily activity as the API's answer, or generations as the dashboard's download.

Both are the same money in dollars, so either replaces the other by UTC day. What was paid to a
provider on one's own key is on that provider's bill: here it is counted and never added.

Export:
    1. With a provisioning key, call `GET /api/v1/activity` each day (it tells the last 30 complete
       UTC days) and save the answer unchanged; or download the activity as CSV, for whole UTC days.
    2. Put each file into `location` under a name of its own, such as `2026-10-05.json`: the one
       whose name sorts last replaces the days it has.
    3. For owners by call, add the generations as a feed of the kind `openrouter_generations`, or
       the log of your own gateway.

Settings:
    - source: openrouter_bill
      kind: openrouter_activity
      location: inbox/openrouter
      issuer: openrouter
      billing_account_id: acme          # the files do not name the account
      billing_currency: USD

Reads:
    Of activity `date`, `model`, `model_permaslug`, `endpoint_id`, `provider_name`, `workspace_id`,
    `usage`, `byok_usage_inference`, `requests`, `prompt_tokens` and `completion_tokens`; of a
    download `generation_id`, `created_at`, `cost_total`, `byok_usage_inference`,
    `tokens_prompt`, `tokens_completion`, `tokens_cached`, `model_permaslug`, `provider_name`,
    `api_key_name` and `app_name`.

Never read:
    `user` and every other column. The name of a key or application that holds an e-mail address
    becomes a pseudonym.

Traps:
    - Activity does not tell the cached part of the prompt: its prompt tokens have no one meter.
      Downloads tell it.
    - `cost_cache` and `cost_web_search` are inside `cost_total` and not added.
    - Credits that were bought are no usage: they are on the invoice.
"""

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
    no_less,
    read_lines,
    usage_of,
)
from pipelines.sources.cells import count, text
from pipelines.sources.record_files import Records, by_suffix, csv_records, json_records
from pipelines.sources.reports import FactRow

_COLUMNS = ("generation_id", "created_at", "cost_total", "model_permaslug")


def _records(found: FoundFile) -> Records:
    return by_suffix(
        found,
        {
            ".json": lambda f: json_records(f, "data", kind="OpenRouter activity"),
            ".csv": lambda f: csv_records(f, "OpenRouter download", _COLUMNS),
        },
    )


def _read_line(line: BillLine) -> Made:
    return _generation(line) if "generation_id" in line.values else _day(line)


def _note_own_key(line: BillLine) -> FactRow:
    """Set apart what the provider bills itself; only OpenRouter's fee is on this bill."""
    upstream = line.optional_money("byok_usage_inference")
    if not upstream:
        return {}
    line.counters["own_key_rows"] += 1
    line.note("own_key_upstream_dollars", upstream)
    return {"sku_meter": "own_key"}


def _charge(line: BillLine, cost: str, model_text: str | None) -> FactRow:
    return {
        **_note_own_key(line),
        "billed_cost": line.money(cost),
        "billing_currency": "USD",
        "model_text": model_text,
        "host_provider_name": text(line.values, "provider_name"),
        "charge_description": text(line.values, "model_permaslug"),
    }


def _day(line: BillLine) -> Made:
    values = line.values
    span = day_span(values, "date")
    model_text = text(values, "model") or text(values, "model_permaslug")
    common: FactRow = {
        "sub_account_id": text(values, "workspace_id"),
        "provider": "openrouter",
        "model_text": model_text,
        "token_semantics": TokenSemantics.INCLUSIVE.value,
    }
    # the cached part of the input is inside and not told, so the input has no one meter
    counted = {
        Meter.UNCLASSIFIED: count(values, "prompt_tokens") or 0,
        Meter.OUTPUT: count(values, "completion_tokens") or 0,
    }
    endpoint_id = text(values, "endpoint_id")
    charge = _charge(line, "usage", model_text)
    return Made(
        span=span,
        scope=f"activity:{span[0]:%Y-%m-%d}",
        key=(
            common["sub_account_id"],
            model_text,
            text(values, "model_permaslug"),
            text(values, "provider_name"),
            endpoint_id,
        ),
        is_identity=endpoint_id is not None,
        charges=[
            {**charge, "sub_account_id": common["sub_account_id"], "resource_id": endpoint_id}
        ],
        usage=usage_of(common, counted, count(values, "requests")),
    )


def _generation(line: BillLine) -> Made:
    values = line.values
    at = instant(values, "created_at")
    model_text = text(values, "model_permaslug")
    prompt, cached = count(values, "tokens_prompt") or 0, count(values, "tokens_cached") or 0
    counted = {
        Meter.INPUT_UNCACHED: no_less("tokens_prompt", prompt, cached),
        Meter.CACHE_READ: cached,
        Meter.OUTPUT: count(values, "tokens_completion") or 0,
    }
    common: FactRow = {
        "api_key_id": line.name("api_key_name"),
        "provider": "openrouter",
        "model_text": model_text,
        "token_semantics": TokenSemantics.INCLUSIVE.value,
    }
    charge = _charge(line, "cost_total", model_text)
    return Made(
        span=day_of(at.date()),
        scope=f"activity:{at:%Y-%m-%d}",
        key=(text(values, "generation_id"),),
        is_identity=values["generation_id"] is not None,
        charges=[
            {
                **charge,
                "charge_period_start": at,
                "api_key_id": common["api_key_id"],
                "resource_id": line.name("app_name"),
            }
        ],
        usage=usage_of(common, counted, 1),
    )


_BILL = LineBill(
    issuer="openrouter",
    facts=(Fact.CHARGES, Fact.USAGE),
    constants={
        "service_provider_name": "OpenRouter",
        "invoice_issuer_name": "OpenRouter",
        "service_category": "AI and Machine Learning",
        "service_name": "OpenRouter",
        "provider": "openrouter",
    },
    records=_records,
    read_line=_read_line,
)


SOURCE = Source(
    name="openrouter_activity",
    summary="OpenRouter activity: the API's answer (JSON) or generations (CSV)",
    facts=_BILL.facts,
    delivery=Delivery.SNAPSHOT,
    money_unit="dollars",
    token_rules=(
        TokenRule(
            "openrouter activity",
            "openrouter",
            TokenSemantics.INCLUSIVE,
            TokenSemantics.INCLUSIVE,
            "prompt tokens hold cached ones, which only the CSV tells; "
            "reasoning is inside completion tokens",
        ),
    ),
    proof="documented examples",
    suffixes=(".json", ".csv"),
    read=partial(read_lines, bill=_BILL),
)
