"""Vercel AI Gateway: the report of its API, grouped by day or hour and any of its other keys.

`total_cost` is what Vercel charges, `market_cost` the list price. On an own key the provider bills
the traffic itself, so the market cost of such a row is no price of this bill.

Export:
    1. Call the gateway's spend report by `day`, grouped by `model`, `provider` and
       `credential_type` (`user` too, if you want), and save the answer unchanged, with its list
       `results`.
    2. Never group by `tag`: a request with two tags is in two rows. Such a report is refused.
    3. Put each answer into `location` under a name of its own, such as `2026-10-05.json`: the one
       whose name sorts last replaces the days it has.

Settings:
    - source: vercel_bill
      kind: vercel_ai_gateway_report
      location: inbox/vercel
      issuer: vercel
      billing_account_id: team-acme     # the file does not name the account
      billing_currency: USD

Reads:
    `day` or `hour`, `model`, `provider`, `credential_type`, `user`, `total_cost`, `market_cost`,
    `input_tokens`, `output_tokens`, `cached_input_tokens`, `cache_creation_input_tokens` and
    `request_count`.

Never read:
    Any other member. `user` becomes a pseudonym inside a line's key and is kept nowhere else.

Traps:
    - The spelling on the wire is that of the gateway's client library and not verified against a
      real answer.
    - Reasoning is inside the output tokens and not told apart.
"""

from datetime import timedelta
from functools import partial

from models.facts import Fact
from models.vocabulary import Delivery, Meter, TokenSemantics
from pipelines.sources.base import (
    FoundFile,
    Source,
    SourceError,
    TokenRule,
)
from pipelines.sources.bill_lines import (
    BillLine,
    LineBill,
    Made,
    day_span,
    instant,
    no_less,
    read_lines,
    usage_of,
)
from pipelines.sources.cells import RowError, Values, count, text
from pipelines.sources.pages import span_in_one_day
from pipelines.sources.record_files import Records, json_records
from pipelines.sources.reports import FactRow

HOUR = timedelta(hours=1)
_OWN_KEY = "byok"
_INSIDE_INPUT = {
    Meter.CACHE_READ: "cached_input_tokens",
    Meter.CACHE_WRITE: "cache_creation_input_tokens",
}


def _records(found: FoundFile) -> Records:
    records = json_records(found, "results", kind="Vercel AI Gateway report")
    if any("tag" in values for values in records if not isinstance(values, RowError)):
        raise SourceError(
            f"{found.name}: grouped by tag. A request with two tags is in two rows, so the sum is "
            "more than the bill. Download the report without this group."
        )
    return records


def _read_line(line: BillLine) -> Made:
    values = line.values
    if "hour" in values:
        start = instant(values, "hour")
        span = span_in_one_day(start, start + HOUR)
    else:
        span = day_span(values, "day")
        start = span[0]
    credential = text(values, "credential_type")
    is_own_key = (credential or "").lower() == _OWN_KEY
    line.counters["own_key_rows"] += is_own_key
    model_text = text(values, "model")
    host = text(values, "provider")
    common: FactRow = {
        "provider": "vercel",
        "model_text": model_text,
        "token_semantics": TokenSemantics.INCLUSIVE.value,
    }
    charge: FactRow = {
        "billed_cost": line.money("total_cost"),
        "list_cost": None if is_own_key else line.optional_money("market_cost"),
        "billing_currency": "USD",
        "host_provider_name": host,
        "model_text": model_text,
        "sku_meter": credential,
        "charge_description": model_text,
    }
    return Made(
        span=span,
        scope=f"report:{start:%Y-%m-%d}",
        key=(line.person("user"), model_text, host, credential),
        is_identity=True,
        charges=[charge],
        usage=usage_of(common, _counted(values), count(values, "request_count")),
    )


def _counted(values: Values) -> dict[Meter, int]:
    parts = {meter: count(values, column) or 0 for meter, column in _INSIDE_INPUT.items()}
    total = count(values, "input_tokens") or 0
    return {
        Meter.INPUT_UNCACHED: no_less("input_tokens", total, *parts.values()),
        **parts,
        Meter.OUTPUT: count(values, "output_tokens") or 0,
    }


_BILL = LineBill(
    issuer="vercel",
    facts=(Fact.CHARGES, Fact.USAGE),
    constants={
        "service_provider_name": "Vercel",
        "invoice_issuer_name": "Vercel",
        "service_category": "AI and Machine Learning",
        "service_name": "Vercel AI Gateway",
        "provider": "vercel",
    },
    records=_records,
    read_line=_read_line,
)


SOURCE = Source(
    name="vercel_ai_gateway_report",
    summary="Vercel AI Gateway report by day or hour (JSON)",
    facts=_BILL.facts,
    delivery=Delivery.SNAPSHOT,
    money_unit="dollars",
    token_rules=(
        TokenRule(
            "vercel ai gateway report",
            "vercel",
            TokenSemantics.INCLUSIVE,
            TokenSemantics.INCLUSIVE,
            "input tokens hold cache reads and cache writes; reasoning is inside output tokens",
        ),
    ),
    proof="constructed files",
    suffixes=(".json",),
    read=partial(read_lines, bill=_BILL),
)
