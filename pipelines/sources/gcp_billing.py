"""Google Cloud detailed billing export: every line of an account, Gemini and Vertex AI understood.

Google only ever appends: a late hour or a correction is a new row, no row is changed. So every file
adds, unless its path says which window it holds whole (`invoice_month=202610/`); then the newest
extract of that window counts. The same rows extracted twice under different names count once.

A row's cost is before its credits. Credits that lower its price are part of its billed cost; money
given (promotions) is a charge of its own beside it. Both together are what the invoice asks for.

Export:
    1. In Billing, Billing export: switch on the *detailed usage cost* export to BigQuery.
    2. Each day, extract the rows whose `export_time` is of the day before, with nested records, as
       JSON lines (gzipped) or Parquet: `export data options (format = 'JSON', ...) as select * from
       gcp_billing_export_resource_v1_<account> where ...`. `export_time` never goes back;
       usage time does.
    3. Put each extract into `location` under a name of its own, and never extract a row into two
       different extracts; or extract whole windows again and again, in
       `export_date=2026-10-04/<extract>/`, `usage_date=.../<extract>/` or
       `invoice_month=202610/<extract>/`: the extract whose name sorts last counts.
    4. Without BigQuery: download the console's cost table as CSV, in English, for whole days of the
       whole account, and set `billing_account_id` and `billing_currency`.

Settings:
    - source: google_bill
      kind: gcp_billing
      location: inbox/google
      issuer: google
      billing_account_id: 01A2B3-C4D5E6-F7A8B9  # for cost tables, which do not name it
      billing_currency: USD
      tag_keys: [team, app]                     # labels and tags to keep

Reads:
    `cost`, `currency`, `credits`, `invoice.month`, `cost_type`, `cost_at_list`,
    `billing_account_id`, `project.id`, `service.id`, `service.description`, `sku.id`,
    `sku.description`, `usage_start_time`, `usage_end_time`, `export_time`, `usage.amount`,
    `usage.unit`, `usage.amount_in_pricing_units`, `usage.pricing_unit`, `location`,
    `resource.name`, `resource.global_name`, `subscription.instance_id`, `adjustment_info.type`; of
    `labels`, `project.labels` and `tags` the keys in `tag_keys`.

Never read:
    Project names, system labels, ancestors, and any other field.

Traps:
    - AI model and meter are in the SKU's description, a display text: what no rule knows is
      `unclassified`, money intact.
    - There is no API key in the bill: owners go by project and label, or by the gateway's log.
    - `invoice.month` is the billing period, whatever month the usage is of.
    - Money stays in `currency`; no rate is applied here.
    - A cost table and an export of one account are the same money: keep them apart.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath

import polars as pl

from models.facts import Fact
from models.vocabulary import ChargeCategory, Delivery
from pipelines.sources.base import (
    DeliveryUnit,
    FoundFile,
    ReadContext,
    Reading,
    Source,
    SourceError,
)
from pipelines.sources.bill_files import Bill, load
from pipelines.sources.bill_records import JSON_SUFFIXES, flat_name
from pipelines.sources.bill_rows import (
    INSTANT,
    MONEY,
    QUANTITY,
    TEXT,
    charge_columns,
    charge_reading,
    look_up,
    quantity,
    with_amounts,
)
from pipelines.sources.bill_rules import (
    RowRule,
    amount_rules,
    any_is,
    count_flags,
    currency_rule,
    flagged,
    instant_rules,
    missing,
    quantity_rule,
    split_rejected,
)
from pipelines.sources.gcp_cells import (
    read_credits,
    read_labels,
    read_month,
    read_time,
    window_of,
)
from pipelines.sources.gcp_cost_table import is_cost_table, load_cost_table
from pipelines.sources.gemini_skus import read_sku

_REQUIRED = ("cost", "currency", "invoice_month", "sku_description", "usage_start_time")
_LABELS = ("labels", "project_labels", "tags")
_WANTED = (
    *_REQUIRED,
    *_LABELS,
    "adjustment_info_type",
    "billing_account_id",
    "cost_at_list",
    "cost_type",
    "credits",
    "export_time",
    "location_location",
    "location_region",
    "project_id",
    "resource_global_name",
    "resource_name",
    "service_description",
    "service_id",
    "sku_id",
    "subscription_instance_id",
    "usage_amount",
    "usage_amount_in_pricing_units",
    "usage_end_time",
    "usage_pricing_unit",
    "usage_unit",
)
_MONEY = ("cost", "cost_at_list")
_TIMES = {
    "usage_start_time": "start_at",
    "usage_end_time": "end_at",
    "export_time": "exported_at",
}
_AI_SERVICES = ("AEFD-7695-64FA", "C7E2-9256-1C43")
_AI = "AI and Machine Learning"

_CATEGORIES = {
    "regular": ChargeCategory.USAGE,
    "tax": ChargeCategory.TAX,
    "adjustment": ChargeCategory.ADJUSTMENT,
    "rounding_error": ChargeCategory.ADJUSTMENT,
}
# the others (goodwill, a broken service level, ...) are given money and change no usage
_CORRECTIONS = ("USAGE_CORRECTION", "PRICE_CORRECTION", "METADATA_CORRECTION")


def gcp_layout(files: Sequence[FoundFile]) -> Iterable[DeliveryUnit]:
    """Every file is a delivery of its own; the files of one extract of a window are one."""
    units: defaultdict[str, list[FoundFile]] = defaultdict(list)
    for found in sorted(files, key=lambda f: f.name):
        folder = PurePosixPath(found.name).parent
        units[str(folder) if window_of(found.name) else found.name].append(found)
    for name in sorted(units):
        yield DeliveryUnit(name, tuple(units[name]))


def read_gcp(unit: DeliveryUnit, context: ReadContext) -> Reading:
    """Read one extract of the export table, or one cost table of the console.

    Args:
        unit: One file, or all files of a window.
        context: `issuer` defaults to `google`; `billing_account_id` and `billing_currency` fill
            what a cost table does not say; `tag_keys` is the allow-list of labels and tags.

    Raises:
        SourceError: A file is damaged or of another kind.
    """
    is_table = len(unit.files) == 1 and is_cost_table(unit.files[0])
    bill, totals = load_cost_table(unit, _WANTED) if is_table else (_load_export(unit), 0)
    typed = _typed(bill, context).with_columns(is_table=pl.lit(value=is_table))
    good, rejected = split_rejected(typed, [*_RULES, *_window_rules(window_of(unit.files[0].name))])
    scoped = good.with_columns(scope=_scope(unit, bill, is_table=is_table))
    columns = charge_columns(_charge(unit, context))
    charges = pl.concat([scoped.select(columns), _given(scoped).select(columns)])
    window, account = window_of(unit.files[0].name), context.settings.billing_account_id
    reading = charge_reading(
        bill,
        charges,
        rejected,
        empty_scope=f"gcp:{account}:{window}" if account and window else None,
        counters=count_flags(scoped, {**_REPAIRS, **_OBSERVATIONS}),
    )
    return replace(reading, rows_empty={unit.files[0].name: totals} if totals else {})


def _load_export(unit: DeliveryUnit) -> Bill:
    bill = load(unit, _WANTED, (), "Google billing export", flat_name)
    for file in bill.files:
        lacking = [name for name in _REQUIRED if name not in file.columns]
        if lacking and file.row_count:
            raise SourceError(
                f"{file.found.name}: no Google billing export, it has no {lacking[0]}. Extract "
                "the table with this field, and keep other files out of this location."
            )
    # an extract has no manifest to miss
    return replace(bill, has_manifest=True)


def _typed(bill: Bill, context: ReadContext) -> pl.DataFrame:
    settings = context.settings
    return (
        bill.rows.with_columns(pl.col(_WANTED).replace("", None))
        .with_columns(
            billing_account_id=pl.coalesce(
                "billing_account_id", pl.lit(settings.billing_account_id)
            ),
            currency=pl.coalesce("currency", pl.lit(settings.billing_currency)),
        )
        .pipe(_with_times)
        .pipe(with_amounts, _MONEY, exponent=True, binary=_MONEY)
        .pipe(_with_credits)
        .pipe(_with_meaning)
        .pipe(_with_quantities)
        .pipe(
            look_up,
            _LABELS,
            {"tags_kept": TEXT, "tags_invalid": pl.Boolean()},
            partial(read_labels, settings.tag_keys),
        )
    )


def _with_times(rows: pl.DataFrame) -> pl.DataFrame:
    for column, name in _TIMES.items():
        rows = look_up(rows, [column], {name: INSTANT}, read_time)
    return look_up(rows, ["invoice_month"], {"month_at": INSTANT}, read_month)


def _with_credits(rows: pl.DataFrame) -> pl.DataFrame:
    """Add what credits take off the price, and the list of the others."""
    given = pl.List(pl.Struct({"credit_name": TEXT, "credit": TEXT}))
    return look_up(rows, ["credits"], {"discount": MONEY, "given": given}, read_credits)


def _with_meaning(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the category of a line, whether it is of an AI service, and what its SKU says."""
    is_ai = (
        pl.col("service_id").is_in(_AI_SERVICES)
        | pl.col("service_description").str.starts_with("Vertex AI")
        | pl.col("service_description").str.starts_with("Gemini API")
    ).fill_null(value=False)
    kind = pl.col("cost_type").fill_null("regular")
    is_correction = (kind == "adjustment") & pl.col("adjustment_info_type").is_in(_CORRECTIONS)
    is_commitment = (kind == "regular") & pl.col("sku_description").str.starts_with("Commitment")
    rows = rows.with_columns(
        is_ai=is_ai,
        is_correction=is_correction.fill_null(value=False),
        kind=kind,
        category=pl.when(is_correction)
        .then(pl.lit(ChargeCategory.USAGE))
        .when(is_commitment)
        .then(pl.lit(ChargeCategory.PURCHASE))
        .otherwise(kind.replace_strict(_CATEGORIES, default=ChargeCategory.ADJUSTMENT)),
        ai_sku=pl.when(is_ai).then("sku_description"),
        line=pl.col("sku_description"),
    )
    schema = {"model_text": TEXT, "meter": TEXT, "service_tier": TEXT, "is_tokens": pl.Boolean()}
    return look_up(rows, ["ai_sku"], schema, _meaning)


def _meaning(description: str | None) -> tuple[object, ...]:
    if description is None:
        return None, None, None, False
    sku = read_sku(description)
    return sku.model_text, sku.meter, sku.service_tier, sku.is_tokens


def _with_quantities(rows: pl.DataFrame) -> pl.DataFrame:
    is_usage = pl.when(pl.col("category") == ChargeCategory.USAGE)
    rows = rows.with_columns(
        used=is_usage.then("usage_amount"),
        in_units=is_usage.then(pl.coalesce("usage_amount_in_pricing_units", "usage_amount")),
    )
    for column, name in (("used", "consumed"), ("in_units", "priced")):
        rows = look_up(rows, [column], {name: QUANTITY, f"{name}_state": TEXT}, quantity)
    return rows


def _scope(unit: DeliveryUnit, bill: Bill, *, is_table: bool) -> pl.Expr:
    """What a row's file replaces: a window, a day of a cost table, or nothing but its own twin."""
    account, window = pl.col("billing_account_id"), window_of(unit.files[0].name)
    if is_table:
        return pl.format("gcp-table:{}:{}", account, pl.col("start_at").dt.strftime("%Y-%m-%d"))
    if window:
        return pl.format("gcp:{}:{}", account, pl.lit(window))
    texts = sorted(map(repr, bill.rows.select(_WANTED).iter_rows()))
    content = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    return pl.lit(f"append:{content[:32]}")


def _given(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per credit that is money given, on the day and of the SKU it was given for."""
    nothing = {name: pl.lit(None, QUANTITY) for name in ("consumed", "priced")}
    return (
        rows.filter(pl.col("given").list.len() > 0)
        .explode("given")
        .unnest("given")
        .pipe(with_amounts, ["credit"], exponent=True, binary=["credit"])
        .with_columns(
            **nothing,
            category=pl.lit(ChargeCategory.CREDIT),
            line=pl.col("credit_name"),
            cost_amount=pl.col("credit_amount"),
            discount=pl.lit("0").cast(MONEY),
            cost_at_list_amount=pl.lit(None, MONEY),
        )
    )


_REPAIRS: Mapping[str, pl.Expr] = {
    "invoice_month_from_date": pl.col("is_table"),
    "amount_quantised": any_is([f"{name}_state" for name in _MONEY], "quantised"),
    "quantity_rounded": any_is(("priced_state", "consumed_state"), "quantity_rounded"),
    "tags_invalid": pl.col("tags_invalid"),
}
_OBSERVATIONS: Mapping[str, pl.Expr] = {
    "ai_rows": pl.col("is_ai"),
    "credit_rows": pl.col("given").list.len() > 0,
    "unclassified_meter": pl.col("meter") == "unclassified",
    "unknown_cost_type": ~pl.col("kind").is_in(list(_CATEGORIES)),
    "invoiced_in_another_month": pl.col("month_at").dt.month() != pl.col("start_at").dt.month(),
}

_AS_DELIVERED = "Extract the table again without changing its values."

_RULES = (
    missing("billing_account_id", "account_missing", "Set billing_account_id of this source."),
    currency_rule("currency", "Set billing_currency of this source."),
    missing("usage_start_time", "period_missing", _AS_DELIVERED),
    missing("invoice_month", "period_missing", _AS_DELIVERED),
    *instant_rules({**_TIMES, "invoice_month": "month_at"}, _AS_DELIVERED),
    missing("cost", "amount_missing", _AS_DELIVERED),
    *amount_rules(_MONEY, _AS_DELIVERED),
    RowRule("credits_form", "credits", pl.col("discount").is_null(), _AS_DELIVERED),
    quantity_rule("usage_amount", "consumed_state", _AS_DELIVERED),
    quantity_rule("usage_amount_in_pricing_units", "priced_state", _AS_DELIVERED),
)


def _window_rules(window: str | None) -> list[RowRule]:
    """A row outside the window its path names would stay there after it moved."""
    if window is None:
        return []
    name, _, value = window.partition("=")
    if name == "invoice_month":
        column, told = "invoice_month", pl.col("invoice_month")
    else:
        column = "usage_start_time" if name == "usage_date" else "export_time"
        told = pl.col(_TIMES[column]).dt.strftime("%Y-%m-%d")
    action = f"Extract exactly the rows of {window} into this folder."
    return [RowRule("outside_window", column, told.ne_missing(pl.lit(value)), action)]


def _charge(unit: DeliveryUnit, context: ReadContext) -> dict[str, pl.Expr]:
    """The charge contract, column by column."""
    unit_name = pl.coalesce("usage_pricing_unit", "usage_unit")
    return {
        "source": pl.lit(context.settings.source),
        "file_id": pl.col("file_id"),
        "source_row": pl.col("source_row"),
        "scope": pl.col("scope"),
        "delivery": pl.lit(unit.delivery),
        "charge_date": pl.col("start_at").dt.date(),
        "billing_period": pl.col("month_at").dt.date(),
        "charge_period_start": pl.col("start_at"),
        "charge_period_end": pl.col("end_at"),
        "issuer": pl.lit(context.settings.issuer or "google"),
        "service_provider_name": pl.lit("Google Cloud"),
        "host_provider_name": pl.lit("Google Cloud"),
        "billing_account_id": pl.col("billing_account_id"),
        "sub_account_id": pl.col("project_id"),
        "resource_id": pl.coalesce("resource_global_name", "resource_name"),
        "region_id": pl.coalesce("location_region", "location_location"),
        "charge_category": pl.col("category"),
        "charge_class": pl.when("is_correction").then(pl.lit("Correction")),
        "charge_frequency": pl.col("category").replace_strict(
            {"Usage": "Usage-Based", "Purchase": "Recurring"}, default=None
        ),
        "charge_description": pl.col("line"),
        "service_category": pl.when("is_ai").then(pl.lit(_AI)),
        "service_name": pl.col("service_description"),
        "sku_id": pl.col("sku_id"),
        "sku_meter": pl.col("sku_description"),
        "provider": pl.lit("google"),
        "model_text": pl.col("model_text"),
        "meter": pl.col("meter"),
        "service_tier": pl.col("service_tier"),
        "pricing_category": pl.when(pl.col("category") == ChargeCategory.USAGE).then(
            pl.lit("Standard")
        ),
        "pricing_quantity": pl.col("priced"),
        "pricing_unit": pl.when(pl.col("priced").is_not_null()).then(unit_name),
        "consumed_quantity": pl.col("consumed"),
        "consumed_unit": pl.when(pl.col("consumed").is_not_null()).then(
            pl.when("is_tokens").then(pl.lit("Tokens")).otherwise("usage_unit")
        ),
        "commitment_discount_id": pl.col("subscription_instance_id"),
        "billing_currency": pl.col("currency"),
        "billed_cost": pl.col("cost_amount") + pl.col("discount"),
        "list_cost": pl.col("cost_at_list_amount"),
        "tags": pl.col("tags_kept"),
        "repairs": flagged(_REPAIRS),
    }


SOURCE = Source(
    name="gcp_billing",
    summary="Google Cloud detailed billing export, with Gemini and Vertex AI by model.",
    facts=(Fact.CHARGES,),
    delivery=Delivery.APPEND,
    money_unit="billing currency",
    token_rules=(),
    proof="constructed files",
    suffixes=(*JSON_SUFFIXES, ".csv", ".csv.gz", ".parquet"),
    layout=gcp_layout,
    read=read_gcp,
)
