"""Azure cost exports: actual, amortized and FOCUS, of every agreement, Azure OpenAI understood.

An export restates its whole month with every run, and the run submitted last counts. The same
month as actual *and* amortized cost is the same money twice and refused. One line becomes one
charge, whatever it is for: only then does the sum equal the invoice. Names and addresses of people
(`AccountOwnerId`, `AdditionalInfo`) are never read.

Export:
    1. In Cost Management, Exports: create one daily export of month-to-date costs, at the billing
       scope, as CSV (plain or gzipped) or Parquet. Choose *one* of actual cost, amortized cost and
       FOCUS; actual cost is what invoices are made of.
    2. Keep the tree as Azure writes it, `<export>/<yyyyMMdd-yyyyMMdd>/[<run>/]part_0_0001.csv` with
       `manifest.json`: sync the container's folder into `location`. Parts whose row counts differ
       from the manifest's are refused until they are whole.
    3. A file without a manifest must hold its whole month; name later ones so that they sort
       later, and keep `actual`, `amortized` or `focus` in the name.

Settings:
    - source: azure_bill
      kind: azure_cost
      location: inbox/azure
      issuer: azure
      billing_account_id: "7600042"     # for older files, which do not name it
      billing_currency: USD
      tag_keys: [team, app]

Reads:
    By any of the names agreements have for them: account, subscription, date and period, cost and
    list cost, currency, quantity and unit, meter id, name, category and sub-category, product,
    part number, resource, location, consumed service, service family, charge type, frequency,
    pricing model, publisher type, reservation or benefit, invoice; of `Tags` the keys in
    `tag_keys`. FOCUS files are read as `focus` reads them.

Never read:
    `AccountOwnerId`, `AdditionalInfo`, account and subscription names, and any other column.

Traps:
    - The deployment is not in the cost file: the account is. Which deployment asked is only in a
      gateway's log.
    - Meter names are display texts: what no rule knows is `unclassified`, money intact. Bare
      versions such as `4.6` belong into `model_aliases.csv`.
    - A meter of a data zone (`DZ`, `DZone`) and its region tell the geography (`us`, `eu`), one of
      `glbl` is `global`; a regional one tells none.
    - Quantities are in blocks of `UnitOfMeasure`: 29.872 with `1K` are 29,872 tokens.
    - Provisioned throughput is billed by the hour: its tokens are in no line.
    - Dates with slashes are month first, in every language.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath

import polars as pl

from models.facts import Fact
from models.vocabulary import ChargeCategory, Delivery
from pipelines.sources.azure_columns import (
    CATEGORIES,
    COLUMNS,
    FREQUENCIES,
    PRICING_CATEGORIES,
    WANTED,
    column_name,
    read_unit,
    unified,
)
from pipelines.sources.azure_meters import geography, read_meter
from pipelines.sources.base import (
    DeliveryUnit,
    FoundFile,
    ReadContext,
    Reading,
    Source,
    SourceError,
)
from pipelines.sources.bill_files import SUFFIXES, Bill, load
from pipelines.sources.bill_manifests import (
    is_manifest,
    manifest_layout,
    period_in_path,
    read_manifest,
)
from pipelines.sources.bill_rows import (
    INSTANT,
    QUANTITY,
    TEXT,
    charge_columns,
    charge_reading,
    json_object,
    look_up,
    quantity,
    tags_json,
    with_amounts,
)
from pipelines.sources.bill_rules import (
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
from pipelines.sources.focus import read_focus
from pipelines.sources.focus_repairs import read_instant

_AI = "AI and Machine Learning"
_FOCUS, _ACTUAL, _AMORTIZED = "FocusCost", "ActualCost", "AmortizedCost"
_MONEY = ("cost", "list_cost")
_DATES = {"date": "date_at", "period": "period_at"}


def azure_layout(files: Sequence[FoundFile]) -> Iterable[DeliveryUnit]:
    """Deliveries of exports; those of one month in two kinds are one delivery, to be refused."""
    months: defaultdict[str, list[DeliveryUnit]] = defaultdict(list)
    for unit in manifest_layout(files):
        months[_told(unit)[1]].append(unit)
    for units in months.values():
        if len({kind for kind in map(_kind, units) if kind}) > 1:
            files_of_all = {file.name: file for unit in units for file in unit.files}
            yield DeliveryUnit(max(u.delivery for u in units), tuple(files_of_all.values()))
        else:
            yield from units


def _kind(unit: DeliveryUnit) -> str:
    return _told(unit)[0]


def _told(unit: DeliveryUnit) -> tuple[str, str]:
    """What a delivery says it is and its month, by manifest, else by name; empty if it does not."""
    first, period = unit.files[0], period_in_path(unit) or ""
    if is_manifest(first):
        try:
            manifest = read_manifest(first)
        except SourceError:
            # reading the delivery reports the reason
            return "", period
        return manifest.kind, manifest.period or period
    name = PurePosixPath(first.name).name.lower()
    words = {"amortized": _AMORTIZED, "actual": _ACTUAL, "focus": _FOCUS}
    return next((kind for word, kind in words.items() if word in name), ""), period


def read_azure(unit: DeliveryUnit, context: ReadContext) -> Reading:
    """Read one run of an export: whole billing months of one billing account.

    Billed cost is `Cost` in the billing currency, before tax. Of an amortized export that is the
    amortized cost, told again as effective cost; of an actual export the effective cost of lines
    under a commitment is unknown.

    Args:
        unit: A manifest and its data files, or one data file without a manifest.
        context: `issuer` defaults to `azure`; `billing_account_id` and `billing_currency` fill
            what older files do not say; `tag_keys` is the allow-list of tags.

    Raises:
        SourceError: The delivery is not whole, no cost export, or of two kinds.
    """
    kind = _only_kind(unit)
    if kind == _FOCUS:
        settings = context.settings
        issuer = {"issuer": settings.issuer or "azure"}
        return read_focus(unit, ReadContext(settings.model_copy(update=issuer), context.pseudonym))
    bill = load(unit, WANTED, (), "Azure cost", column_name)
    _check_columns(bill)
    good, rejected = split_rejected(_typed(bill, context), _RULES)
    is_amortized = kind == _AMORTIZED or _holds_unused(good)
    if is_amortized and kind == _ACTUAL:
        raise SourceError(
            f"{unit.files[0].name}: says actual cost and holds unused commitments, which only "
            "amortized cost has. Export it again as one of the two."
        )
    account, period = context.settings.billing_account_id, period_in_path(unit)
    return charge_reading(
        bill,
        good.select(charge_columns(_charge(unit, context, is_amortized=is_amortized))),
        rejected,
        empty_scope=f"azure:{account}:{period}" if account and period else None,
        counters={
            **count_flags(good, {**_REPAIRS, **_OBSERVATIONS}),
            **({"amortized_cost": good.height} if is_amortized else {}),
        },
    )


def _only_kind(unit: DeliveryUnit) -> str:
    parts = (DeliveryUnit(f.name, (f,)) for f in unit.files)
    kinds = sorted({kind for kind in map(_kind, parts) if kind})
    if len(kinds) > 1:
        raise SourceError(
            f"{unit.delivery}: the same month as {' and as '.join(kinds)}: the same money twice. "
            "Keep one kind in this location and move the other out."
        )
    return kinds[0] if kinds else ""


def _check_columns(bill: Bill) -> None:
    for file in bill.files:
        for name in ("date", "cost"):
            if not set(COLUMNS[name]) & set(file.columns):
                raise SourceError(
                    f"{file.found.name}: no Azure cost file, it has no column for the {name} "
                    f"({', '.join(COLUMNS[name])}). Export actual or amortized cost, and keep "
                    "other files out of this location."
                )


def _holds_unused(rows: pl.DataFrame) -> bool:
    return rows.select(_is_unused().any()).item() is True


def _is_unused() -> pl.Expr:
    return pl.col("type_word").str.starts_with("unused")


def _typed(bill: Bill, context: ReadContext) -> pl.DataFrame:
    settings = context.settings
    return (
        unified(bill.rows)
        .with_columns(
            account=pl.coalesce("account", pl.lit(settings.billing_account_id)),
            currency=pl.coalesce("currency", pl.lit(settings.billing_currency)).str.to_uppercase(),
            # usage files of older agreements hold nothing else
            type_word=pl.col("charge_type").fill_null("Usage").str.to_lowercase(),
            pricing_word=pl.col("pricing_model").str.to_lowercase(),
            # Azure's ids differ in case from line to line
            **{n: pl.col(n).str.to_lowercase() for n in ("benefit", "resource", "subscription")},
        )
        .pipe(_with_dates)
        .pipe(with_amounts, _MONEY, exponent=True, binary=_MONEY)
        .pipe(_with_meaning)
        .pipe(_with_quantities)
        .pipe(_with_tags, settings.tag_keys)
    )


def _with_dates(rows: pl.DataFrame) -> pl.DataFrame:
    """Add dates: month first where they have slashes, as Azure writes them in every language."""

    def read(text: str | None) -> tuple[datetime | None]:
        return (read_instant(text)[0],)

    for column, name in _DATES.items():
        rows = look_up(rows, [column], {name: INSTANT}, read)
    return rows.with_columns(
        charged=pl.col("date_at").dt.truncate("1d"),
        month=pl.coalesce("period_at", "date_at").dt.month_start().dt.truncate("1d"),
    )


def _with_meaning(rows: pl.DataFrame) -> pl.DataFrame:
    """Add whether a line is of an AI service, and what its meter says."""
    is_ai = (
        pl.col("family").str.to_lowercase().str.starts_with("ai ").fill_null(value=False)
        | (pl.col("consumed_service").str.to_lowercase() == "microsoft.cognitiveservices")
        | pl.col("category").is_in(("Cognitive Services", "Foundry Models"))
        | pl.col("meter_name").str.ends_with(" Tokens")
    ).fill_null(value=False)
    is_capacity = pl.any_horizontal(
        pl.col("benefit_name", "product").str.contains("Provisioned Throughput")
    ).fill_null(value=False)
    rows = rows.with_columns(is_ai=is_ai | is_capacity)
    keys = {
        "ai_meter": pl.when(is_capacity).then(pl.lit("Provisioned")).when(is_ai).then("meter_name"),
        "ai_group": pl.when(is_ai).then("sub_category"),
        "ai_region": pl.when(is_ai).then("location"),
    }
    schema = {
        "model_text": TEXT,
        "meter": TEXT,
        "service_tier": TEXT,
        "inference_geo": TEXT,
        "is_tokens": pl.Boolean(),
    }
    return look_up(rows.with_columns(**keys), list(keys), schema, _meaning)


def _meaning(
    meter_name: str | None, sub_category: str | None, region: str | None
) -> tuple[object, ...]:
    if meter_name is None:
        return None, None, None, None, False
    known = read_meter(meter_name, sub_category)
    geo = geography(known.reach, region)
    return known.model_text, known.meter, known.service_tier, geo, known.is_tokens


def _with_quantities(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the quantity in blocks and in single units; the latter only where the block is known."""
    unit = {"block": pl.Int64(), "single": TEXT}
    priced = {"priced": QUANTITY, "priced_state": TEXT}
    consumed = {"consumed": QUANTITY, "consumed_state": TEXT}

    def times(text: str | None, block: int | None) -> tuple[object, ...]:
        return (None, None) if block is None else quantity(text, block)

    rows = look_up(rows, ["unit"], unit, read_unit)
    rows = look_up(rows, ["quantity"], priced, quantity)
    return look_up(rows, ["quantity", "block"], consumed, times)


def _with_tags(rows: pl.DataFrame, allowed: Sequence[str]) -> pl.DataFrame:
    def read(text: str | None) -> tuple[str | None, bool]:
        # some files leave the braces of the JSON object out
        members = json_object(text if text is None or text.startswith("{") else f"{{{text}}}")
        return tags_json({k: (members or {}).get(k) for k in allowed}), members is None

    return look_up(rows, ["tags"], {"tags_kept": TEXT, "tags_invalid": pl.Boolean()}, read)


_REPAIRS: Mapping[str, pl.Expr] = {
    "period_from_date": pl.col("period").is_null(),
    "charge_type_missing": pl.col("charge_type").is_null(),
    "amount_quantised": any_is([f"{name}_state" for name in _MONEY], "quantised"),
    "quantity_rounded": any_is(("priced_state", "consumed_state"), "quantity_rounded"),
    "tags_invalid": pl.col("tags_invalid"),
}
_OBSERVATIONS: Mapping[str, pl.Expr] = {
    "ai_rows": pl.col("is_ai"),
    "unclassified_meter": pl.col("meter") == "unclassified",
    "unknown_token_unit": pl.col("is_tokens")
    & pl.col("priced").is_not_null()
    & pl.col("block").is_null(),
    "unknown_charge_type": ~pl.col("type_word").is_in(list(CATEGORIES)),
}

_AS_DELIVERED = "Export it again, untouched by other tools; if it stays so, ask Microsoft."

_RULES = (
    missing("account", "account_missing", "Set billing_account_id of this source."),
    currency_rule("currency", "Set billing_currency of this source."),
    missing("date", "period_missing", _AS_DELIVERED),
    *instant_rules(_DATES, "Expected a date as MM/DD/YYYY or YYYY-MM-DD: export it again."),
    missing("cost", "amount_missing", _AS_DELIVERED),
    *amount_rules(_MONEY, "Export plain decimals with a point, without separators."),
    quantity_rule("quantity", "priced_state", _AS_DELIVERED),
)


def _charge(unit: DeliveryUnit, context: ReadContext, *, is_amortized: bool) -> dict[str, pl.Expr]:
    """The charge contract, column by column."""
    is_committed = pl.col("pricing_word").is_in(("reservation", "savingsplan"))
    is_committed = (is_committed | _is_unused()).fill_null(value=False)
    effective = pl.col("cost_amount")
    return {
        "source": pl.lit(context.settings.source),
        "file_id": pl.col("file_id"),
        "source_row": pl.col("source_row"),
        "scope": pl.format("azure:{}:{}", "account", pl.col("month").dt.strftime("%Y-%m")),
        "delivery": pl.lit(unit.delivery),
        "charge_date": pl.col("charged").dt.date(),
        "billing_period": pl.col("month").dt.date(),
        "charge_period_start": pl.col("charged"),
        "charge_period_end": pl.col("charged") + timedelta(days=1),
        "issuer": pl.lit(context.settings.issuer or "azure"),
        "service_provider_name": pl.lit("Microsoft"),
        "host_provider_name": pl.lit("Microsoft"),
        "invoice_id": pl.col("invoice"),
        "billing_account_id": pl.col("account"),
        "sub_account_id": pl.col("subscription"),
        "resource_id": pl.col("resource"),
        "region_id": pl.col("location").str.to_lowercase(),
        "charge_category": pl.col("type_word").replace_strict(
            CATEGORIES, default=ChargeCategory.ADJUSTMENT
        ),
        "charge_frequency": pl.col("frequency")
        .str.to_lowercase()
        .replace_strict(FREQUENCIES, default=None),
        "charge_description": pl.coalesce("product", "meter_name", "category"),
        "service_category": pl.when("is_ai").then(pl.lit(_AI)),
        "service_name": pl.col("category"),
        "sku_id": pl.col("meter_id"),
        "sku_price_id": pl.col("part_number"),
        "sku_meter": pl.col("meter_name"),
        "provider": pl.lit("azure"),
        "model_text": pl.col("model_text"),
        "meter": pl.col("meter"),
        "service_tier": pl.col("service_tier"),
        "inference_geo": pl.col("inference_geo"),
        "pricing_category": pl.col("pricing_word").replace_strict(PRICING_CATEGORIES, default=None),
        "pricing_quantity": pl.col("priced"),
        "pricing_unit": pl.col("unit"),
        "consumed_quantity": pl.col("consumed"),
        "consumed_unit": pl.when(pl.col("consumed").is_not_null()).then(
            pl.when("is_tokens").then(pl.lit("Tokens")).otherwise("single")
        ),
        "commitment_discount_id": pl.col("benefit"),
        "commitment_discount_status": pl.when(_is_unused())
        .then(pl.lit("Unused"))
        .when(is_committed & (pl.col("type_word") == "usage"))
        .then(pl.lit("Used")),
        "billing_currency": pl.col("currency"),
        "billed_cost": pl.col("cost_amount"),
        "effective_cost": effective if is_amortized else pl.when(~is_committed).then(effective),
        "list_cost": pl.col("list_cost_amount"),
        "tags": pl.col("tags_kept"),
        "repairs": flagged(_REPAIRS),
    }


SOURCE = Source(
    name="azure_cost",
    summary="Azure cost exports, actual or amortized or FOCUS, with Azure OpenAI by model.",
    facts=(Fact.CHARGES,),
    delivery=Delivery.SNAPSHOT,
    money_unit="billing currency",
    token_rules=(),
    proof="real files, AI lines constructed",
    suffixes=SUFFIXES,
    layout=azure_layout,
    read=read_azure,
)
