"""AWS Cost and Usage Report 2.0 (Data Exports): every line of the account, Bedrock understood.

One line becomes one charge, whatever it is for: only then does the sum equal the invoice. AI model,
meter and tokens are read for Bedrock lines alone. The principal of a call
(`line_item_iam_principal`) may name a person and is never read.

AWS types its cost columns as doubles. In Parquet their exact text is the shortest decimal that
reads back as the same double, which is the figure AWS prints elsewhere; digits beyond scale 18 are
noise, are rounded half to even, and counted.
"""

import re
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl

from models.facts import Fact
from models.vocabulary import ChargeCategory, Delivery
from pipelines.sources.base import DeliveryUnit, ReadContext, Reading, Source, SourceError
from pipelines.sources.bedrock_usage_types import is_plausible, read_usage_type, token_factor
from pipelines.sources.bill_files import SUFFIXES, BillFile, load, manifest_layout, period_in_path
from pipelines.sources.bill_rows import (
    CURRENCY,
    INSTANT,
    MONEY,
    QUANTITY,
    TEXT,
    RowRule,
    charge_columns,
    charge_reading,
    count_flags,
    flagged,
    json_object,
    look_up,
    quantity,
    split_rejected,
    tags_json,
    with_amounts,
)

_REQUIRED = (
    "bill_billing_period_start_date",
    "bill_payer_account_id",
    "line_item_currency_code",
    "line_item_line_item_type",
    "line_item_unblended_cost",
    "line_item_usage_start_date",
    "line_item_usage_type",
)
_MONEY = (
    "line_item_unblended_cost",
    "line_item_net_unblended_cost",
    "pricing_public_on_demand_cost",
    "savings_plan_savings_plan_effective_cost",
    "savings_plan_net_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
    "reservation_effective_cost",
    "reservation_net_effective_cost",
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_net_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_recurring_fee",
    "reservation_net_unused_recurring_fee",
)
_WANTED = (
    *_REQUIRED,
    *_MONEY[1:],
    "bill_billing_entity",
    "bill_invoice_id",
    "bill_invoicing_entity",
    "line_item_line_item_description",
    "line_item_product_code",
    "line_item_resource_id",
    "line_item_usage_account_id",
    "line_item_usage_amount",
    "line_item_usage_end_date",
    "pricing_rate_code",
    "pricing_term",
    "pricing_unit",
    "product",
    "product_region_code",
    "product_sku",
    "reservation_reservation_arn",
    "resource_tags",
    "savings_plan_savings_plan_arn",
    "tags",
)

_BEDROCK_CODES = (
    "AmazonBedrock",
    "AmazonBedrockService",
    "AmazonBedrockFoundationModels",
    "AmazonBedrockAgentCore",
)

# AWS's own FOCUS export calls refunds and unknown types an adjustment, and a discount a credit.
# A negation takes back what a savings plan covers: same category, so that the usage nets to zero.
_CATEGORIES = {
    "Usage": ChargeCategory.USAGE,
    "DiscountedUsage": ChargeCategory.USAGE,
    "SavingsPlanCoveredUsage": ChargeCategory.USAGE,
    "SavingsPlanNegation": ChargeCategory.USAGE,
    "SavingsPlanRecurringFee": ChargeCategory.PURCHASE,
    "SavingsPlanUpfrontFee": ChargeCategory.PURCHASE,
    "RIFee": ChargeCategory.PURCHASE,
    "Fee": ChargeCategory.PURCHASE,
    "Tax": ChargeCategory.TAX,
    "Credit": ChargeCategory.CREDIT,
    "Refund": ChargeCategory.ADJUSTMENT,
    "EdpDiscount": ChargeCategory.CREDIT,
    "PrivateRateDiscount": ChargeCategory.CREDIT,
    "BundledDiscount": ChargeCategory.CREDIT,
    "RiVolumeDiscount": ChargeCategory.CREDIT,
    "SppDiscount": ChargeCategory.CREDIT,
    "Discount": ChargeCategory.CREDIT,
}
_FREQUENCIES = {
    "Usage": "Usage-Based",
    "DiscountedUsage": "Usage-Based",
    "SavingsPlanCoveredUsage": "Usage-Based",
    "SavingsPlanNegation": "Usage-Based",
    "SavingsPlanRecurringFee": "Recurring",
    "RIFee": "Recurring",
    "SavingsPlanUpfrontFee": "One-Time",
    "Fee": "One-Time",
}
_MEASURED = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
_COVERED = ("DiscountedUsage", "SavingsPlanCoveredUsage")

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z", re.ASCII)
_TYPE = pl.col("line_item_line_item_type")


def read_cur(unit: DeliveryUnit, context: ReadContext) -> Reading:
    """Read one run of a CUR 2.0 export: all lines of one billing period.

    Billed cost is `line_item_net_unblended_cost` where discounts are in columns, else
    `line_item_unblended_cost`, decided per account and period and never mixed: see `_is_net`.
    Effective cost is AWS's amortised cost, in the same sense; null where its columns are missing.

    Args:
        unit: A manifest and its data files, or one data file without a manifest.
        context: `issuer` defaults to `aws`; `tag_keys` is the allow-list of tags.

    Raises:
        SourceError: The delivery is not whole, or not CUR 2.0.
    """
    with tempfile.TemporaryDirectory() as temp_dir:
        files = load(unit, _WANTED, Path(temp_dir))
    for bill in files:
        _check_header(bill)
    raw = pl.concat([f.rows for f in files]).with_columns(pl.col(pl.String).replace("", None))
    parsed = raw.pipe(_with_instants).pipe(with_amounts, _MONEY, exponent=True, binary=_MONEY)
    typed = parsed.pipe(_with_meaning).pipe(_with_tags, context.settings.tag_keys)
    good, rejected = split_rejected(typed.pipe(_with_quantities), _RULES)
    costed = good.with_columns(is_net=_is_net()).with_columns(billed=_billed_cost())
    charges = costed.select(charge_columns(_charge(unit, context)))
    counters = count_flags(costed, {**_REPAIRS, **_OBSERVATIONS})
    if len(unit.files) == 1 and unit.files[0] is files[0].found:
        counters["no_manifest"] = 1
    return charge_reading(
        files, charges, rejected, empty_scopes=_empty_scopes(unit, context), counters=counters
    )


def _check_header(bill: BillFile) -> None:
    missing = sorted(set(_REQUIRED) - set(bill.columns))
    if missing:
        raise SourceError(
            f"{bill.found.name}: no CUR 2.0 file, it has no column {missing[0]}. "
            "Export CUR 2.0 with Data Exports, with this column in its query."
        )


def _empty_scopes(unit: DeliveryUnit, context: ReadContext) -> Sequence[str]:
    """The scope of a delivery without rows, where settings and path tell it."""
    account, period = context.settings.billing_account_id, period_in_path(unit)
    return [f"cur:{account}:{period}"] if account and period else []


def _instant(text: str | None) -> tuple[datetime | None]:
    """An instant in UTC; CUR writes `Z`, and a text without it is not guessed."""
    if text is None or not _INSTANT.fullmatch(text):
        return (None,)
    try:
        return (datetime.fromisoformat(text).astimezone(UTC),)
    except ValueError:
        return (None,)


def _with_instants(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `period_at`, `start_at` and `end_at`."""
    for column, name in (
        ("bill_billing_period_start_date", "period_at"),
        ("line_item_usage_start_date", "start_at"),
        ("line_item_usage_end_date", "end_at"),
    ):
        rows = look_up(rows, [column], {name: INSTANT}, _instant)
    return rows


def _with_meaning(rows: pl.DataFrame) -> pl.DataFrame:
    """Add product name, whether the line is Bedrock's, and what its usage type says."""
    rows = look_up(rows, ["product"], {"product_name": TEXT}, _product_name)
    is_aws = pl.col("bill_billing_entity") == "AWS"
    is_market = pl.col("bill_billing_entity") == "AWS Marketplace"
    is_bedrock = (is_aws & pl.col("line_item_product_code").is_in(_BEDROCK_CODES)) | (
        is_market & pl.col("product_name").str.contains("Bedrock", literal=True)
    )
    rows = rows.with_columns(is_bedrock=is_bedrock.fill_null(value=False))
    names = (
        "line_item_usage_type",
        "product_name",
        "pricing_unit",
        "line_item_line_item_description",
    )
    keys = [
        pl.when("is_bedrock").then(pl.col(name)).alias(f"bedrock_{i}")
        for i, name in enumerate(names)
    ]
    schema = {
        "model_text": TEXT,
        "meter": TEXT,
        "service_tier": TEXT,
        "is_tokens": pl.Boolean(),
        "factor": pl.Int64(),
    }
    keyed = rows.with_columns(keys)
    return look_up(keyed, [f"bedrock_{i}" for i in range(len(names))], schema, _bedrock_meaning)


def _product_name(product: str | None) -> tuple[str | None]:
    members = json_object(product) or {}
    name = members.get("product_name")
    return (name if isinstance(name, str) else None,)


def _bedrock_meaning(
    usage_type: str | None,
    product_name: str | None,
    pricing_unit: str | None,
    description: str | None,
) -> tuple[object, ...]:
    if usage_type is None:
        return None, None, None, False, 1
    usage = read_usage_type(usage_type, product_name)
    factor = token_factor(pricing_unit, description) if usage.is_tokens else 1
    return usage.model_text, usage.meter, usage.service_tier, usage.is_tokens, factor


def _with_tags(rows: pl.DataFrame, allowed: Sequence[str]) -> pl.DataFrame:
    def read(resource_tags: str | None, tags: str | None) -> tuple[str | None, bool]:
        return _kept_tags(resource_tags, tags, allowed)

    schema = {"tags_kept": TEXT, "tags_invalid": pl.Boolean()}
    return look_up(rows, ["resource_tags", "tags"], schema, read)


def _kept_tags(
    resource_tags: str | None, tags: str | None, allowed: Sequence[str]
) -> tuple[str | None, bool]:
    """Allow-listed tags, and whether a cell was no JSON object.

    A key is allowed as delivered or without its prefix (`user_`, `user:`, `iamPrincipal/`); where
    both columns have it, the resource's own tag wins.
    """
    columns = [json_object(tags), json_object(resource_tags)]
    kept: dict[str, object] = {}
    for members in columns:
        for key, value in (members or {}).items():
            bare = re.sub(r"^(user[_:]|\w+/)", "", key)
            name = key if key in allowed else bare
            if name in allowed:
                kept[name] = value
    return tags_json(kept), None in columns


def _with_quantities(rows: pl.DataFrame) -> pl.DataFrame:
    """Add priced and consumed quantity, and whether the rate they make is believable."""
    measured = pl.when(_TYPE.is_in(_MEASURED))
    rows = rows.with_columns(amount=measured.then("line_item_usage_amount"))
    priced = {"priced": QUANTITY, "priced_state": TEXT}
    consumed = {"consumed": QUANTITY, "consumed_state": TEXT}
    rows = look_up(rows, ["amount"], priced, quantity)
    rows = look_up(rows, ["amount", "factor"], consumed, _times)
    priced_tokens = pl.when(pl.col("is_tokens") & pl.col("consumed").is_not_null())
    rows = rows.with_columns(
        token_cost=priced_tokens.then("line_item_unblended_cost_amount"),
        token_quantity=priced_tokens.then("consumed"),
    )
    keys = ["token_cost", "token_quantity"]
    return look_up(rows, keys, {"is_implausible": pl.Boolean()}, _is_implausible)


def _times(amount: str | None, factor: int | None) -> tuple[object, ...]:
    """A quantity in single units; unknown where the unit is."""
    return (None, None) if factor is None else quantity(amount, factor)


def _is_implausible(cost: Decimal | None, tokens: Decimal | None) -> tuple[bool]:
    return (cost is not None and tokens is not None and not is_plausible(cost, tokens),)


_BILL = ("bill_payer_account_id", "period_at")


def _has_discount_lines() -> pl.Expr:
    return _TYPE.str.ends_with("Discount").any().over(_BILL)


def _is_net() -> pl.Expr:
    """Whether the discounts of a bill are in columns, so that the net column is the money.

    With discount *lines* the unblended column already adds up to the invoice: taking the net column
    too would subtract every discount twice.
    """
    has_net = pl.col("line_item_net_unblended_cost_amount").is_not_null().any().over(_BILL)
    return has_net & ~_has_discount_lines()


def _billed_cost() -> pl.Expr:
    return pl.when("is_net").then(_net_or_gross()).otherwise("line_item_unblended_cost_amount")


def _net_or_gross() -> pl.Expr:
    return pl.coalesce("line_item_net_unblended_cost_amount", "line_item_unblended_cost_amount")


def _effective_cost() -> pl.Expr:
    """AWS's amortised cost: covered usage at its commitment's price, fees at what stayed unused."""
    zero = pl.lit("0").cast(MONEY)
    net_unused_plan = (
        pl.when("is_net")
        .then(None)
        .otherwise(
            pl.col("savings_plan_total_commitment_to_date_amount")
            - pl.col("savings_plan_used_commitment_amount")
        )
    )
    covers_reservation = (_TYPE == "Fee") & pl.col("reservation_reservation_arn").is_not_null()
    return (
        pl.when(_TYPE == "SavingsPlanCoveredUsage")
        .then(_net("savings_plan_{}savings_plan_effective_cost"))
        .when(_TYPE == "DiscountedUsage")
        .then(_net("reservation_{}effective_cost"))
        .when(_TYPE == "SavingsPlanRecurringFee")
        .then(net_unused_plan)
        .when(_TYPE == "RIFee")
        .then(
            _net("reservation_{}unused_amortized_upfront_fee_for_billing_period")
            + _net("reservation_{}unused_recurring_fee")
        )
        .when(_TYPE.is_in(("SavingsPlanNegation", "SavingsPlanUpfrontFee")) | covers_reservation)
        .then(zero)
        .otherwise("billed")
    )


def _net(pattern: str) -> pl.Expr:
    """The net or the gross column of an amortised figure, in the sense of the billed cost."""
    net, gross = (pl.col(f"{pattern.format(word)}_amount") for word in ("net_", ""))
    return pl.when("is_net").then(net).otherwise(gross)


_REPAIRS: Mapping[str, pl.Expr] = {
    "usage_start_missing": pl.col("line_item_usage_start_date").is_null(),
    "net_cost_missing": pl.col("is_net") & pl.col("line_item_net_unblended_cost_amount").is_null(),
    "amount_quantised": pl.any_horizontal(
        [pl.col(f"{name}_state") == "quantised" for name in _MONEY]
    ),
    "quantity_rounded": pl.any_horizontal(
        [pl.col(name) == "quantity_rounded" for name in ("priced_state", "consumed_state")]
    ),
    "tags_invalid": pl.col("tags_invalid"),
}

_OBSERVATIONS: Mapping[str, pl.Expr] = {
    "bedrock_rows": pl.col("is_bedrock"),
    "unclassified_meter": pl.col("meter") == "unclassified",
    "unknown_token_unit": pl.col("is_tokens")
    & pl.col("amount").is_not_null()
    & pl.col("factor").is_null(),
    "implausible_rate": pl.col("is_implausible"),
    "unknown_line_item_type": ~_TYPE.is_in(list(_CATEGORIES)),
    "net_total_disagrees": _has_discount_lines()
    & (
        _net_or_gross().sum().over(_BILL)
        != pl.col("line_item_unblended_cost_amount").sum().over(_BILL)
    ),
}

_RULES = (
    RowRule(
        "account_missing",
        "bill_payer_account_id",
        pl.col("bill_payer_account_id").is_null(),
        "Add bill_payer_account_id to the export's query.",
    ),
    RowRule(
        "period_form",
        "bill_billing_period_start_date",
        pl.col("period_at").is_null(),
        "Export instants as delivered: 2026-08-01T00:00:00Z.",
    ),
    RowRule(
        "instant_form",
        "line_item_usage_start_date",
        pl.col("line_item_usage_start_date").is_not_null() & pl.col("start_at").is_null(),
        "Export instants as delivered: 2026-08-01T00:00:00Z.",
    ),
    RowRule(
        "instant_form",
        "line_item_usage_end_date",
        pl.col("line_item_usage_end_date").is_not_null() & pl.col("end_at").is_null(),
        "Export instants as delivered: 2026-08-01T00:00:00Z.",
    ),
    RowRule(
        "currency_form",
        "line_item_currency_code",
        ~pl.col("line_item_currency_code").str.contains(CURRENCY).fill_null(value=False),
        "Add line_item_currency_code to the export's query.",
    ),
    RowRule(
        "line_item_type_missing",
        "line_item_line_item_type",
        _TYPE.is_null(),
        "Fetch the file again; if the type stays blank, ask AWS.",
    ),
    RowRule(
        "amount_missing",
        "line_item_unblended_cost",
        pl.col("line_item_unblended_cost").is_null(),
        "Fetch the file again; if the amount stays blank, ask AWS.",
    ),
    *(
        RowRule(
            "amount_form",
            name,
            pl.col(f"{name}_state") == "amount_form",
            "Export amounts as delivered: digits, one point, no separators.",
        )
        for name in _MONEY
    ),
    RowRule(
        "quantity_form",
        "line_item_usage_amount",
        pl.col("priced_state") == "quantity_form",
        "Export quantities as delivered: digits, one point, no separators.",
    ),
)


def _charge(unit: DeliveryUnit, context: ReadContext) -> dict[str, pl.Expr]:
    """The charge contract, column by column."""
    account = pl.col("bill_payer_account_id")
    started = pl.coalesce("start_at", "period_at")
    is_usage = _TYPE.is_in(_MEASURED)
    return {
        "source": pl.lit(context.settings.source),
        "file_id": pl.col("file_id"),
        "source_row": pl.col("source_row"),
        "scope": pl.format("cur:{}:{}", account, pl.col("period_at").dt.strftime("%Y-%m")),
        "delivery": pl.lit(unit.delivery),
        "charge_date": started.dt.date(),
        "billing_period": pl.col("period_at").dt.date(),
        "charge_period_start": started,
        "charge_period_end": pl.col("end_at"),
        "issuer": pl.lit(context.settings.issuer or "aws"),
        "service_provider_name": pl.lit("AWS"),
        "host_provider_name": pl.lit("AWS"),
        "invoice_issuer_name": pl.col("bill_invoicing_entity"),
        "invoice_id": pl.col("bill_invoice_id"),
        "billing_account_id": account,
        "sub_account_id": pl.col("line_item_usage_account_id"),
        "resource_id": pl.col("line_item_resource_id"),
        "region_id": pl.col("product_region_code"),
        "charge_category": _TYPE.replace_strict(_CATEGORIES, default=ChargeCategory.ADJUSTMENT),
        "charge_frequency": _TYPE.replace_strict(_FREQUENCIES, default=None),
        "charge_description": pl.coalesce("line_item_line_item_description", _TYPE),
        "service_category": pl.when("is_bedrock").then(pl.lit("AI and Machine Learning")),
        "service_name": pl.coalesce("product_name", "line_item_product_code"),
        "sku_id": pl.col("product_sku"),
        "sku_price_id": pl.col("pricing_rate_code"),
        "sku_meter": pl.col("line_item_usage_type"),
        "provider": pl.lit("aws"),
        "model_text": pl.col("model_text"),
        "meter": pl.col("meter"),
        "service_tier": pl.col("service_tier"),
        "pricing_category": pl.when(_TYPE.is_in(_COVERED))
        .then(pl.lit("Committed"))
        .when(is_usage)
        .then(pl.lit("Standard")),
        "pricing_quantity": pl.col("priced"),
        "pricing_unit": pl.col("pricing_unit"),
        "consumed_quantity": pl.col("consumed"),
        "consumed_unit": pl.when(pl.col("consumed").is_not_null()).then(
            pl.when("is_tokens").then(pl.lit("Tokens")).otherwise("pricing_unit")
        ),
        "commitment_discount_id": pl.coalesce(
            "savings_plan_savings_plan_arn", "reservation_reservation_arn"
        ),
        "commitment_discount_status": pl.when(_TYPE.is_in(_COVERED)).then(pl.lit("Used")),
        "billing_currency": pl.col("line_item_currency_code"),
        "billed_cost": pl.col("billed"),
        "effective_cost": _effective_cost(),
        "list_cost": pl.col("pricing_public_on_demand_cost_amount"),
        "tags": pl.col("tags_kept"),
        "repairs": flagged(_REPAIRS),
    }


SOURCE = Source(
    name="aws_cur",
    summary="AWS Cost and Usage Report 2.0: every line of an account, with Bedrock by model.",
    facts=(Fact.CHARGES,),
    delivery=Delivery.SNAPSHOT,
    money_unit="billing currency",
    token_rules=(),
    proof="constructed files",
    suffixes=SUFFIXES,
    layout=manifest_layout,
    read=read_cur,
)
