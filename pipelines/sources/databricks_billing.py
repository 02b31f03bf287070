"""Databricks: extracts of `system.billing.usage`, priced by an extract of the list prices.

Usage is in DBUs and without money. Where the prices lie beside it, in the same folder, a record is
a charge at list price (contract discounts are in neither table); where they do not, it is usage
without a price, and never a charge of 0. A correction is two more records: the twin with the sign
turned, and the restatement. All of them add up.

Export:
    1. Each day, extract `select * from system.billing.usage where ingestion_date = <yesterday>` as
       CSV with a header: whole ingestion days, all record types. Maps and structs as JSON text.
    2. Extract `select * from system.billing.list_prices` as CSV.
    3. Put both into a folder of their own in `location`, such as `extract-2026-10-05/usage.csv` and
       `extract-2026-10-05/list_prices.csv`: the folder is one delivery. Extracts may overlap.
    4. Record the invoice in `invoices.csv`: what it is below list price is then a difference that
       you name in `reconciling_items.csv`.

Settings:
    - source: databricks_bill
      kind: databricks_billing
      location: inbox/databricks
      issuer: databricks
      billing_currency: USD             # which list prices are taken
      tag_keys: [team]                  # custom tags to keep

Reads:
    `record_id`, `account_id`, `workspace_id`, `sku_name`, `cloud`, `usage_start_time`,
    `usage_date`, `ingestion_date`, `usage_unit`, `usage_quantity`, `usage_type`, `record_type`,
    `billing_origin_product`; of `usage_metadata` the endpoint, job, warehouse or cluster; of
    `custom_tags` the keys in `tag_keys`. Of prices `price_start_time`, `price_end_time`,
    `sku_name`, `cloud`, `currency_code` and `pricing`.

Never read:
    `identity_metadata`, which names people, and any other column.

Traps:
    - Billed cost is a list price here, marked `billed_at_list_price`: the invoice is lower where
      you have a contract.
    - `RETRACTION` and `RESTATEMENT` count like `ORIGINAL`: leave none out.
    - Tokens of pay-per-token serving are in `databricks_endpoint_usage`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext
from functools import partial

from models.facts import Fact
from models.money import MONEY_CONTEXT, MoneyError, parse_money
from models.vocabulary import Delivery, Meter
from pipelines.sources.base import (
    DeliveryUnit,
    FoundFile,
    ReadContext,
    Reading,
    Source,
    SourceError,
)
from pipelines.sources.bill_lines import BillLine, LineBill, Made, day_span, instant, read_lines
from pipelines.sources.bill_rows import json_object, tags_json
from pipelines.sources.cells import RowError, Values, quantity, text
from pipelines.sources.pages import folder_layout
from pipelines.sources.record_files import Records, csv_records
from pipelines.sources.reports import FactRow

_USAGE = (
    "record_id",
    "account_id",
    "workspace_id",
    "sku_name",
    "cloud",
    "usage_start_time",
    "usage_date",
    "usage_unit",
    "usage_quantity",
    "record_type",
)
_PRICES = ("price_start_time", "price_end_time", "sku_name", "cloud", "currency_code", "pricing")
_RESOURCES = ("endpoint_name", "endpoint_id", "job_id", "warehouse_id", "cluster_id")
_RECORD_TYPES = ("ORIGINAL", "RETRACTION", "RESTATEMENT")
_AI_PRODUCTS = (
    "MODEL_SERVING",
    "AI_FUNCTIONS",
    "AI_GATEWAY",
    "AI_RUNTIME",
    "AGENT_BRICKS",
    "AGENT_EVALUATION",
    "FOUNDATION_MODEL_TRAINING",
    "VECTOR_SEARCH",
)


@dataclass(frozen=True)
class _Price:
    start: datetime
    end: datetime | None
    amount: Decimal

    def holds_at(self, at: datetime) -> bool:
        """Whether the price is valid at an instant; its end is exclusive."""
        return self.start <= at and (self.end is None or at < self.end)


_Book = Mapping[tuple[str | None, ...], Sequence[_Price]]


def _read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    is_prices = {f.name: _is_prices(f) for f in unit.files}
    wanted = context.settings.billing_currency or "USD"
    book: dict[tuple[str | None, ...], list[_Price]] = {}
    rows = 0
    empty: dict[str, int] = {}
    for found in unit.files:
        if is_prices[found.name]:
            empty[found.name] = rows = _add_prices(found, book, wanted)
    usage = tuple(f for f in unit.files if not is_prices[f.name])
    bill = replace(_BILL, read_line=partial(_read_line, book=book, code=wanted))
    reading = read_lines(DeliveryUnit(unit.delivery, usage), context, bill)
    return replace(
        reading,
        rows_read={**reading.rows_read, **empty},
        rows_empty={**reading.rows_empty, **empty},
        counters={**reading.counters, **({"price_rows": rows} if rows else {})},
    )


def _is_prices(found: FoundFile) -> bool:
    with found.path.open("rb") as lines:
        return b"currency_code" in lines.readline(65536)


def _add_prices(
    found: FoundFile, book: dict[tuple[str | None, ...], list[_Price]], wanted: str
) -> int:
    """Take up the list prices in one currency; how many rows the file has."""
    records = csv_records(found, "extract of system.billing.list_prices", _PRICES)
    for position, values in enumerate(records, start=1):
        try:
            if isinstance(values, RowError):
                raise values
            if text(values, "currency_code") == wanted:
                key = (text(values, "sku_name"), text(values, "cloud"))
                book.setdefault(key, []).append(_price(values))
        except (RowError, MoneyError) as error:
            raise SourceError(
                f"{found.name}: row {position} holds no price. Extract the table again unchanged."
            ) from error
    return len(records)


def _price(values: Values) -> _Price:
    pricing = json_object(text(values, "pricing")) or {}
    effective = pricing.get("effective_list")
    amount = effective.get("default") if isinstance(effective, dict) else pricing.get("default")
    return _Price(
        start=instant(values, "price_start_time"),
        end=instant(values, "price_end_time") if text(values, "price_end_time") else None,
        amount=parse_money(str(amount), exponent=True),
    )


def _read_line(line: BillLine, *, book: _Book, code: str) -> Made:
    values = line.values
    start, span = instant(values, "usage_start_time"), day_span(values, "usage_date")
    used = quantity(values, "usage_quantity")
    if used is None:
        raise RowError("quantity_form", "usage_quantity")
    kind = text(values, "record_type") or "ORIGINAL"
    if kind not in _RECORD_TYPES:
        raise RowError("record_type", "record_type", kind)
    line.counters[f"{kind.lower()}_rows"] += 1
    common: FactRow = {
        "billing_account_id": text(values, "account_id"),
        "sub_account_id": text(values, "workspace_id"),
        "provider": "databricks",
    }
    product = text(values, "billing_origin_product")
    prices = book.get((text(values, "sku_name"), text(values, "cloud")), ())
    price = next((p for p in prices if p.holds_at(start)), None)
    charge = usage = None
    if price is None:
        line.counters["rows_without_price"] += 1
        usage = {**common, "meter": Meter.UNCLASSIFIED.value, "quantity": used}
    else:
        charge = {
            **common,
            **_charge(values, used, kind, product, line),
            "billing_currency": code,
            **_list_cost(values, price),
        }
    return Made(
        span=span,
        scope=":".join(
            text(values, column) or ""
            for column in (
                "account_id",
                "workspace_id",
                "billing_origin_product",
                "usage_date",
                "ingestion_date",
            )
        ),
        key=(text(values, "record_id"),),
        is_identity=values["record_id"] is not None,
        charges=[charge] if charge else [],
        usage=[usage] if usage else [],
    )


def _list_cost(values: Values, price: _Price) -> FactRow:
    with localcontext(MONEY_CONTEXT):
        exact = Decimal(str(values["usage_quantity"])) * price.amount
    try:
        cost = parse_money(f"{exact:f}", binary=True)
    except MoneyError as error:
        raise RowError("amount_form", "usage_quantity") from error
    return {
        "billed_cost": cost,
        "list_cost": cost,
        "repairs": "billed_at_list_price",
    }


def _charge(
    values: Values, used: Decimal, kind: str, product: str | None, line: BillLine
) -> FactRow:
    told = json_object(text(values, "custom_tags"))
    metadata = json_object(text(values, "usage_metadata")) or {}
    line.counters["tags_invalid"] += told is None
    tags = {key: text(told or {}, key) for key in line.settings.tag_keys}
    unit = text(values, "usage_unit")
    is_ai = product in _AI_PRODUCTS
    return {
        "charge_class": None if kind == "ORIGINAL" else "Correction",
        "resource_id": next(filter(None, (text(metadata, name) for name in _RESOURCES)), None),
        "host_provider_name": text(values, "cloud"),
        "service_name": product,
        "service_category": "AI and Machine Learning" if is_ai else "Analytics",
        "sku_id": text(values, "sku_name"),
        "sku_meter": text(values, "usage_type"),
        "charge_description": text(values, "sku_name"),
        "pricing_quantity": used,
        "pricing_unit": unit,
        "consumed_quantity": used,
        "consumed_unit": unit,
        "pricing_category": "Standard",
        "tags": tags_json(tags),
    }


def _records(found: FoundFile) -> Records:
    return csv_records(found, "extract of system.billing.usage", _USAGE)


_UNPRICED: Callable[[BillLine], Made] = partial(_read_line, book={}, code="USD")
_BILL = LineBill(
    issuer="databricks",
    facts=(Fact.CHARGES, Fact.USAGE),
    constants={"service_provider_name": "Databricks", "invoice_issuer_name": "Databricks"},
    records=_records,
    read_line=_UNPRICED,
)

SOURCE = Source(
    name="databricks_billing",
    summary="Databricks system.billing.usage, with its list prices beside it (CSV)",
    facts=_BILL.facts,
    delivery=Delivery.APPEND,
    money_unit="list prices beside it",
    token_rules=(),
    proof="constructed files",
    suffixes=(".csv",),
    layout=folder_layout,
    read=_read,
)
