"""FOCUS 1.0 to 1.4 files of any issuer: lifted to the 1.4 shape, every repair counted.

One file, or one run of an export, holds whole billing periods: a later delivery replaces the
periods of the accounts it names. A FOCUS file that a gateway writes is an estimate and not a bill:
feed it here and it is taken as money, so do not.

Export:
    1. AWS: Data Exports, FOCUS 1.2 with AWS columns. Azure: Cost Management, a FOCUS export. Other
       issuers: their FOCUS download: CSV, Parquet or JSON lines.
    2. Keep exports with manifests as they are written, and sync the whole tree into `location`:
       only what the newest manifest of a period names is read, and only if all of it is there.
    3. A plain file must hold whole billing periods of its accounts. Name later ones so that they
       sort later: the last one counts.
    4. Google: extract the FOCUS table by month to Parquet or JSON lines, or save the answer of a
       query (`jobs.query`) if all rows of the month are in one page.
    5. One feed per issuer, or `issuer` unites what is named differently by one.

Settings:
    - source: cloud_bill
      kind: focus
      location: inbox/cloud
      issuer: aws                       # unites the legal names of one issuer
      billing_account_id: "111122223333"    # where the files do not name it
      billing_currency: USD
      tag_keys: [team, app]

Reads:
    Required are `BilledCost`, `BillingPeriodStart`, `ChargeCategory` and `ChargePeriodStart`.
    Beside them `EffectiveCost`, `ContractedCost`, `ListCost`, `BillingAccountId`,
    `BillingCurrency`, `SubAccountId`, `InvoiceId`, `InvoiceIssuerName`, `ServiceProviderName`,
    `HostProviderName`, `ServiceCategory`, `ServiceName`, `ChargePeriodEnd`, `ChargeClass`,
    `ChargeDescription`, `ChargeFrequency`, `SkuId`, `SkuPriceId`, `SkuMeter`, `SkuPriceDetails`,
    `PricingCategory`, `PricingQuantity`, `PricingUnit`, `ConsumedQuantity`, `ConsumedUnit`,
    `CommitmentDiscountId`, `CommitmentDiscountStatus`, `RegionId`, `ResourceId`, `CredentialId`
    and `x_UsageType`, with their older names; of `Tags`, `x_Labels`, `x_ProjectLabels` and `x_Tags`
    the keys in `tag_keys`.

Never read:
    Principals, account and resource names, and any other column.

Traps:
    - The issuer is the setting, else the slug of `InvoiceIssuerName`: three legal names of one
      cloud are three issuers unless `issuer` unites them.
    - Cost columns that are missing stay unknown; none is filled from another.
    - Dates with slashes are month first, as in the official examples.
    - Google's `BilledCost` holds its credits: `x_Credits` is not added. Its preview names no
      invoice issuer: set `issuer`.
    - For AWS and Azure their own kinds know more: `aws_cur` and `azure_cost`.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import polars as pl

from models.facts import Fact
from models.vocabulary import Delivery
from pipelines.sources.base import DeliveryUnit, ReadContext, Reading, Source
from pipelines.sources.bill_files import SUFFIXES, Bill, BillFile, load
from pipelines.sources.bill_manifests import manifest_layout, period_in_path
from pipelines.sources.bill_records import JSON_SUFFIXES
from pipelines.sources.bill_rows import (
    INSTANT,
    QUANTITY,
    TEXT,
    charge_columns,
    charge_reading,
    look_up,
    quantity,
    tags_json,
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
from pipelines.sources.focus_repairs import (
    provider_id,
    read_instant,
    read_sku,
    read_tags,
    read_unit,
    read_word,
    slug,
    unprefixed,
    version_of,
)

_REQUIRED = ("BilledCost", "BillingPeriodStart", "ChargeCategory", "ChargePeriodStart")
_MONEY = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
_INSTANTS = ("BillingPeriodStart", "ChargePeriodStart", "ChargePeriodEnd")
_QUANTITIES = ("PricingQuantity", "ConsumedQuantity")
# older names of a column, taken where the column itself is null
_LIFTED = {
    "ServiceProviderName": ("ProviderName",),
    "HostProviderName": ("ServiceProviderName", "ProviderName"),
    "InvoiceId": ("x_InvoiceId",),
    "SkuMeter": ("x_SkuMeterName",),
    "SkuPriceDetails": ("x_SkuDetails",),
    "CredentialId": ("x_CredentialId",),
}
_PLAIN = (
    "BillingAccountId",
    "BillingCurrency",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "CommitmentDiscountId",
    "CommitmentDiscountStatus",
    "ConsumedUnit",
    "InvoiceIssuerName",
    "PricingCategory",
    "PricingUnit",
    "RegionId",
    "ResourceId",
    "ServiceCategory",
    "ServiceName",
    "SkuId",
    "SkuPriceId",
    "SubAccountId",
    "x_UsageType",
)
# Google has labels and tags in columns of its own
_TAGS = ("Tags", "x_Labels", "x_ProjectLabels", "x_Tags")
_WANTED = tuple(
    dict.fromkeys(
        (
            *_REQUIRED,
            *_MONEY,
            *_INSTANTS,
            *_QUANTITIES,
            *_PLAIN,
            *_TAGS,
            *_LIFTED,
            *(older for names in _LIFTED.values() for older in names),
        )
    )
)
_AI = "AI and Machine Learning"


def read_focus(unit: DeliveryUnit, context: ReadContext) -> Reading:
    """Read one FOCUS delivery: whole billing periods of one or more accounts.

    Principals and credential details, which name people, are never read; the credential's id is.

    Args:
        unit: A manifest and its data files, or one data file without a manifest.
        context: `issuer`, `billing_account_id` and `billing_currency` fill what a file leaves
            blank; `issuer` also unites the legal names of one issuer; `tag_keys` is the allow-list.

    Raises:
        SourceError: The delivery is not whole, or not FOCUS.
    """
    bill = load(unit, _WANTED, _REQUIRED, "FOCUS")
    good, rejected = split_rejected(_typed(bill, context), _RULES)
    settings, period = context.settings, period_in_path(unit)
    named = (settings.issuer, settings.billing_account_id, period)
    return charge_reading(
        bill,
        good.select(charge_columns(_charge(unit, context))),
        rejected,
        empty_scope=":".join(("focus", *map(str, named))) if all(named) else None,
        counters={
            **_file_counters(bill.files),
            **_two_categories(good),
            **count_flags(good, {**_REPAIRS, **_OBSERVATIONS}),
        },
    )


def _typed(bill: Bill, context: ReadContext) -> pl.DataFrame:
    return (
        bill.rows.pipe(_with_nulls)
        .pipe(_lifted, context)
        .pipe(with_amounts, _MONEY, exponent=True, binary=bill.binary_columns)
        .pipe(_with_instants)
        .pipe(_with_words)
        .pipe(_with_units)
        .pipe(_with_tags, context.settings.tag_keys)
        .pipe(_with_meaning)
    )


def _file_counters(files: Sequence[BillFile]) -> dict[str, int]:
    counts = {
        "byte_order_mark": sum(f.has_byte_order_mark for f in files),
        "unprefixed_columns": sum(len(unprefixed(f.columns)) for f in files),
    }
    for bill in files:
        name = f"focus_{version_of(bill.columns)}"
        counts[name] = counts.get(name, 0) + 1
    return {name: count for name, count in counts.items() if count}


def _two_categories(rows: pl.DataFrame) -> dict[str, int]:
    """Services that appear under more than one category: legal, and a nuisance for grouping."""
    per_service = rows.group_by("ServiceName").agg(pl.col("ServiceCategory").n_unique())
    count = per_service.filter(
        pl.col("ServiceName").is_not_null() & (pl.col("ServiceCategory") > 1)
    ).height
    return {"services_in_two_categories": count} if count else {}


def _with_nulls(rows: pl.DataFrame) -> pl.DataFrame:
    """Turn the word `NULL` and quoted empty text into nulls, trim numbers, and say so."""
    numbers = pl.col(*_MONEY, *_QUANTITIES)
    flags = {
        "null_literal": any_is(_WANTED, "NULL"),
        "empty_text": any_is(_WANTED, ""),
        "number_spaces": pl.any_horizontal(numbers != numbers.str.strip_chars()),
    }
    trimmed = rows.with_columns(**flags).with_columns(numbers.str.strip_chars())
    return trimmed.with_columns(pl.col(_WANTED).replace(["NULL", ""], None))


def _lifted(rows: pl.DataFrame, context: ReadContext) -> pl.DataFrame:
    """Bring older columns into the 1.4 shape, and fill what settings know."""
    settings = context.settings
    rows = rows.with_columns(
        **{name: pl.coalesce(name, *older) for name, older in _LIFTED.items()},
        BillingAccountId=pl.coalesce("BillingAccountId", pl.lit(settings.billing_account_id)),
        BillingCurrency=pl.coalesce("BillingCurrency", pl.lit(settings.billing_currency)),
        issuer_missing=pl.col("InvoiceIssuerName").is_null(),
    )
    names = ["InvoiceIssuerName", "ServiceProviderName"]

    def read(issuer: str | None, provider: str | None) -> tuple[str | None, str | None]:
        return settings.issuer or slug(issuer or provider), provider_id(provider)

    return look_up(rows, names, {"issuer": TEXT, "provider": TEXT}, read)


def _with_instants(rows: pl.DataFrame) -> pl.DataFrame:
    for name in _INSTANTS:
        schema = {f"{name}_at": INSTANT, f"{name}_repair": TEXT}
        rows = look_up(rows, [name], schema, read_instant)
    return rows


def _with_words(rows: pl.DataFrame) -> pl.DataFrame:
    for column, words in (("ChargeCategory", "category"), ("ChargeFrequency", "frequency")):
        schema = {words: TEXT, f"{words}_repaired": pl.Boolean()}
        rows = look_up(rows, [column], schema, partial(read_word, words=words))
    return rows


def _with_units(rows: pl.DataFrame) -> pl.DataFrame:
    """Add units in FOCUS spelling, and quantities as priced and in single units."""
    for name in ("Pricing", "Consumed"):
        schema = {
            f"{name}_unit": TEXT,
            f"{name}_block": pl.Int64(),
            f"{name}_single": TEXT,
            f"{name}_unit_repaired": pl.Boolean(),
        }
        rows = look_up(rows, [f"{name}Unit"], schema, read_unit)
    is_derived = (
        (pl.col("category") == "Usage")
        & pl.col("ConsumedQuantity").is_null()
        & (pl.col("Pricing_single") == "Tokens")
    )
    derived = pl.when("consumed_from_pricing")
    rows = rows.with_columns(consumed_from_pricing=is_derived.fill_null(value=False)).with_columns(
        consumed_text=derived.then("PricingQuantity").otherwise("ConsumedQuantity"),
        consumed_block=derived.then("Pricing_block").otherwise("Consumed_block"),
        consumed_unit=derived.then("Pricing_single").otherwise("Consumed_single"),
    )
    priced = {"priced": QUANTITY, "priced_state": TEXT}
    consumed = {"consumed": QUANTITY, "consumed_state": TEXT}
    rows = look_up(rows, ["PricingQuantity"], priced, quantity)
    return look_up(rows, ["consumed_text", "consumed_block"], consumed, quantity)


def _with_tags(rows: pl.DataFrame, allowed: Sequence[str]) -> pl.DataFrame:
    schema = {"tags_kept": TEXT, "tags_invalid": pl.Boolean(), "tag_key_spaces": pl.Boolean()}
    return look_up(rows, _TAGS, schema, partial(_kept_tags, allowed))


def _kept_tags(allowed: Sequence[str], *texts: str | None) -> tuple[str | None, bool, bool]:
    """Allow-listed tags, whether a cell was no tags, and whether a key had outer spaces.

    A key is allowed as delivered, or without AWS's `user:`. Where a key is there with and without
    outer spaces, the one without wins; of several cells, the first.
    """
    cells = [read_tags(text) for text in reversed(texts)]
    kept: dict[str, object] = {}
    has_spaces = False
    for members in filter(None, cells):
        for key, value in sorted(members.items(), key=lambda m: m[0] == m[0].strip()):
            name = key if key in allowed else key.strip().removeprefix("user:")
            if name in allowed:
                kept[name] = value
                has_spaces |= key != key.strip()
    return tags_json(kept), None in cells, has_spaces


def _with_meaning(rows: pl.DataFrame) -> pl.DataFrame:
    """Add model, meter and tier of the charges of AI services."""
    is_ai = (pl.col("ServiceCategory") == _AI) | (pl.col("consumed_unit") == "Tokens")
    is_metered = ~pl.col("category").is_in(("Purchase", "Tax"))
    keys = ("SkuMeter", "SkuPriceDetails", "x_UsageType", "ServiceName")
    masked = [pl.when(is_ai & is_metered).then(pl.col(k)).alias(f"ai_{k}") for k in keys]
    schema = {"model_text": TEXT, "meter": TEXT, "service_tier": TEXT}
    return look_up(rows.with_columns(masked), [f"ai_{k}" for k in keys], schema, read_sku)


_REPAIRS: Mapping[str, pl.Expr] = {
    "null_literal": pl.col("null_literal"),
    "empty_text": pl.col("empty_text"),
    "number_spaces": pl.col("number_spaces"),
    "timestamp_form": any_is([f"{n}_repair" for n in _INSTANTS], "timestamp_form"),
    "us_date": any_is([f"{n}_repair" for n in _INSTANTS], "us_date"),
    "word_case": pl.col("category_repaired") | pl.col("frequency_repaired"),
    "unit_spelling": pl.col("Pricing_unit_repaired") | pl.col("Consumed_unit_repaired"),
    "contracted_cost_missing": pl.col("ContractedCost").is_null(),
    "issuer_missing": pl.col("issuer_missing"),
    "consumed_from_pricing": pl.col("consumed_from_pricing"),
    "amount_quantised": any_is([f"{n}_state" for n in _MONEY], "quantised"),
    "quantity_rounded": any_is(("priced_state", "consumed_state"), "quantity_rounded"),
    "tags_invalid": pl.col("tags_invalid"),
    "tag_key_spaces": pl.col("tag_key_spaces"),
}

_OBSERVATIONS: Mapping[str, pl.Expr] = {
    "negative_usage": (pl.col("category") == "Usage") & (pl.col("BilledCost_amount") < 0),
    "issuer_differs_from_provider": pl.col("InvoiceIssuerName") != pl.col("ServiceProviderName"),
    "unclassified_meter": pl.col("meter") == "unclassified",
}

_AS_SPECIFIED = "Export it as the FOCUS specification says, or ask the issuer."

_RULES = (
    missing("BillingAccountId", "account_missing", "Set billing_account_id of this source."),
    currency_rule("BillingCurrency", "Set billing_currency of this source, or export ISO codes."),
    RowRule(
        "issuer_missing",
        "InvoiceIssuerName",
        pl.col("issuer").is_null(),
        "Set issuer of this source.",
    ),
    RowRule(
        "charge_category_unknown",
        "ChargeCategory",
        pl.col("category").is_null(),
        "Expected Usage, Purchase, Tax, Credit or Adjustment: ask the issuer.",
    ),
    missing("BillingPeriodStart", "period_missing", _AS_SPECIFIED),
    missing("ChargePeriodStart", "period_missing", _AS_SPECIFIED),
    *instant_rules({name: f"{name}_at" for name in _INSTANTS}, _AS_SPECIFIED),
    missing("BilledCost", "amount_missing", _AS_SPECIFIED),
    *amount_rules(_MONEY, "Export plain decimals, at most 18 digits after the point."),
    quantity_rule("PricingQuantity", "priced_state", _AS_SPECIFIED),
    quantity_rule("ConsumedQuantity", "consumed_state", _AS_SPECIFIED),
)


def _charge(unit: DeliveryUnit, context: ReadContext) -> dict[str, pl.Expr]:
    """The charge contract, column by column."""
    period = pl.col("BillingPeriodStart_at").dt.month_start()
    month = period.dt.strftime("%Y-%m")
    return {
        "source": pl.lit(context.settings.source),
        "file_id": pl.col("file_id"),
        "source_row": pl.col("source_row"),
        "scope": pl.format("focus:{}:{}:{}", "issuer", "BillingAccountId", month),
        "delivery": pl.lit(unit.delivery),
        "charge_date": pl.col("ChargePeriodStart_at").dt.date(),
        "billing_period": period.dt.date(),
        "charge_period_start": pl.col("ChargePeriodStart_at"),
        "charge_period_end": pl.col("ChargePeriodEnd_at"),
        "issuer": pl.col("issuer"),
        "service_provider_name": pl.col("ServiceProviderName"),
        "host_provider_name": pl.col("HostProviderName"),
        "invoice_issuer_name": pl.col("InvoiceIssuerName"),
        "invoice_id": pl.col("InvoiceId"),
        "billing_account_id": pl.col("BillingAccountId"),
        "sub_account_id": pl.col("SubAccountId"),
        "api_key_id": pl.col("CredentialId"),
        "resource_id": pl.col("ResourceId"),
        "region_id": pl.col("RegionId"),
        "charge_category": pl.col("category"),
        "charge_class": pl.col("ChargeClass"),
        "charge_frequency": pl.coalesce("frequency", "ChargeFrequency"),
        "charge_description": pl.col("ChargeDescription"),
        "service_category": pl.col("ServiceCategory"),
        "service_name": pl.col("ServiceName"),
        "sku_id": pl.col("SkuId"),
        "sku_price_id": pl.col("SkuPriceId"),
        "sku_meter": pl.col("SkuMeter"),
        "provider": pl.col("provider"),
        "model_text": pl.col("model_text"),
        "meter": pl.col("meter"),
        "service_tier": pl.col("service_tier"),
        "pricing_category": pl.col("PricingCategory"),
        "pricing_quantity": pl.col("priced"),
        "pricing_unit": pl.col("Pricing_unit"),
        "consumed_quantity": pl.col("consumed"),
        "consumed_unit": pl.col("consumed_unit"),
        "commitment_discount_id": pl.col("CommitmentDiscountId"),
        "commitment_discount_status": pl.col("CommitmentDiscountStatus"),
        "billing_currency": pl.col("BillingCurrency"),
        "billed_cost": pl.col("BilledCost_amount"),
        "effective_cost": pl.col("EffectiveCost_amount"),
        "contracted_cost": pl.col("ContractedCost_amount"),
        "list_cost": pl.col("ListCost_amount"),
        "tags": pl.col("tags_kept"),
        "repairs": flagged(_REPAIRS),
    }


SOURCE = Source(
    name="focus",
    summary="FOCUS 1.0 to 1.4 files of any issuer: plain, AWS and Azure exports, BigQuery answers.",
    facts=(Fact.CHARGES,),
    delivery=Delivery.SNAPSHOT,
    money_unit="billing currency",
    token_rules=(),
    proof="real files, AI lines documented examples",
    suffixes=(*SUFFIXES, *JSON_SUFFIXES),
    layout=manifest_layout,
    read=read_focus,
)
