"""AWS Cost and Usage Report 2.0 (Data Exports): every line of the account, Bedrock understood.

One line becomes one charge, whatever it is for: only then does the sum equal the invoice. AI model,
meter and tokens are read for Bedrock lines alone. The principal of a call
(`line_item_iam_principal`) may name a person and is never read.

AWS types its cost columns as doubles. In Parquet their exact text is the shortest decimal that
reads back as the same double, which is the figure AWS prints elsewhere; digits beyond scale 18 are
noise, are rounded half to even, and counted.

Export:
    1. In Billing and Cost Management, Data Exports: create a standard export `CUR 2.0`, hourly or
       daily, with resource ids, Parquet or gzipped CSV, to a bucket. Overwriting or not are both
       fine.
    2. Activate the tags you want to own cost by as cost allocation tags.
    3. Keep the tree as AWS writes it, with `data/BILLING_PERIOD=2026-10/...` and
       `metadata/.../<export>-Manifest.json`: point `location` at the bucket's folder, or sync it.
       Only the files the newest manifest of a period names are read, and only if all are there.
    4. A single file without a manifest is taken as the whole period of its account.

Settings:
    - source: aws_bill
      kind: aws_cur
      location: inbox/aws               # or s3://bucket/prefix/export
      issuer: aws
      tag_keys: [team, app]             # cost allocation tags to keep, without `user_`

Reads:
    Required are `bill_billing_period_start_date`, `bill_payer_account_id`,
    `line_item_currency_code`, `line_item_line_item_type`, `line_item_unblended_cost`,
    `line_item_usage_start_date` and `line_item_usage_type`. Beside them the net and amortised cost
    columns, `bill_billing_entity`, `bill_invoice_id`, `bill_invoicing_entity`,
    `line_item_line_item_description`, `line_item_product_code`, `line_item_resource_id`,
    `line_item_usage_account_id`, `line_item_usage_amount`, `line_item_usage_end_date`,
    `pricing_rate_code`, `pricing_term`, `pricing_unit`, `product`, `product_region_code`,
    `product_sku`, `reservation_reservation_arn`, `savings_plan_savings_plan_arn`; of
    `resource_tags` and `tags` the keys in `tag_keys`.

Never read:
    `line_item_iam_principal`, account names, and any other column.

Traps:
    - Bedrock models of other makers are billed through AWS Marketplace: they are read too, by
      product name.
    - Billed cost is the net column where discounts are in columns, else the unblended one over all
      lines; one of the two per account and period, never both.
    - Provisioned throughput is billed by the hour: its tokens are in no line.
    - Each run restates its whole period, and refunds may change a closed one much later.
    - Keep either CUR 2.0 or the legacy report of an account, not both.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl

from models.facts import Fact
from models.vocabulary import ChargeCategory, Delivery
from pipelines.sources.aws_cur_costs import (
    CATEGORIES,
    COVERED,
    FREQUENCIES,
    LINE_TYPE,
    MEASURED,
    MONEY_COLUMNS,
    billed_cost,
    effective_cost,
    has_disagreeing_totals,
    is_net,
)
from pipelines.sources.base import DeliveryUnit, ReadContext, Reading, Source
from pipelines.sources.bedrock_usage_types import is_plausible, read_usage_type, token_factor
from pipelines.sources.bill_files import SUFFIXES, Bill, load
from pipelines.sources.bill_manifests import manifest_layout, period_in_path
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

REQUIRED = (
    "bill_billing_period_start_date",
    "bill_payer_account_id",
    "line_item_currency_code",
    "line_item_line_item_type",
    "line_item_unblended_cost",
    "line_item_usage_start_date",
    "line_item_usage_type",
)
WANTED = (
    *REQUIRED,
    *MONEY_COLUMNS[1:],
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

_INSTANTS = {
    "bill_billing_period_start_date": "period_at",
    "line_item_usage_start_date": "start_at",
    "line_item_usage_end_date": "end_at",
}
_EXACT_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z", re.ASCII)


def read_cur(unit: DeliveryUnit, context: ReadContext) -> Reading:
    """Read one run of a CUR 2.0 export: all lines of one billing period.

    Billed cost is `line_item_net_unblended_cost` where discounts are in columns, else
    `line_item_unblended_cost`, decided per account and period and never mixed: see `is_net`.
    Effective cost is AWS's amortised cost, in the same sense; null where its columns are missing.

    Args:
        unit: A manifest and its data files, or one data file without a manifest.
        context: `issuer` defaults to `aws`; `tag_keys` is the allow-list of tags.

    Raises:
        SourceError: The delivery is not whole, or not CUR 2.0.
    """
    return read_bill(load(unit, WANTED, REQUIRED, "CUR 2.0"), unit, context)


def read_bill(bill: Bill, unit: DeliveryUnit, context: ReadContext) -> Reading:
    """Charges of a loaded delivery whose rows have the columns `WANTED` of CUR 2.0."""
    good, rejected = split_rejected(_typed(bill, context), _RULES)
    costed = good.with_columns(is_net=is_net()).with_columns(billed=billed_cost())
    account, period = context.settings.billing_account_id, period_in_path(unit)
    return charge_reading(
        bill,
        costed.select(charge_columns(_charge(unit, context))),
        rejected,
        empty_scope=f"cur:{account}:{period}" if account and period else None,
        counters=count_flags(costed, {**_REPAIRS, **_OBSERVATIONS}),
    )


def _typed(bill: Bill, context: ReadContext) -> pl.DataFrame:
    return (
        bill.rows.with_columns(pl.col(pl.String).replace("", None))
        .pipe(_with_instants)
        .pipe(with_amounts, MONEY_COLUMNS, exponent=True, binary=MONEY_COLUMNS)
        .pipe(_with_meaning)
        .pipe(_with_tags, context.settings.tag_keys)
        .pipe(_with_quantities)
    )


def _instant(text: str | None) -> tuple[datetime | None]:
    """An instant in UTC; CUR writes `Z`, and a text without it is not guessed."""
    if text is None or not _EXACT_INSTANT.fullmatch(text):
        return (None,)
    try:
        return (datetime.fromisoformat(text).astimezone(UTC),)
    except ValueError:
        return (None,)


def _with_instants(rows: pl.DataFrame) -> pl.DataFrame:
    for column, name in _INSTANTS.items():
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
    measured = pl.when(LINE_TYPE.is_in(MEASURED))
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


_REPAIRS: Mapping[str, pl.Expr] = {
    "usage_start_missing": pl.col("line_item_usage_start_date").is_null(),
    "net_cost_missing": pl.col("is_net") & pl.col("line_item_net_unblended_cost_amount").is_null(),
    "amount_quantised": any_is([f"{name}_state" for name in MONEY_COLUMNS], "quantised"),
    "quantity_rounded": any_is(("priced_state", "consumed_state"), "quantity_rounded"),
    "tags_invalid": pl.col("tags_invalid"),
}

_OBSERVATIONS: Mapping[str, pl.Expr] = {
    "bedrock_rows": pl.col("is_bedrock"),
    "unclassified_meter": pl.col("meter") == "unclassified",
    "unknown_token_unit": pl.col("is_tokens")
    & pl.col("amount").is_not_null()
    & pl.col("factor").is_null(),
    "implausible_rate": pl.col("is_implausible"),
    "unknown_line_item_type": ~LINE_TYPE.is_in(list(CATEGORIES)),
    "net_total_disagrees": has_disagreeing_totals(),
}

_AS_DELIVERED = "Fetch the file again, untouched by other tools; if it stays so, ask AWS."

_RULES = (
    missing("bill_payer_account_id", "account_missing", _AS_DELIVERED),
    missing("bill_billing_period_start_date", "period_missing", _AS_DELIVERED),
    *instant_rules(_INSTANTS, _AS_DELIVERED),
    currency_rule("line_item_currency_code", _AS_DELIVERED),
    missing("line_item_line_item_type", "line_item_type_missing", _AS_DELIVERED),
    missing("line_item_unblended_cost", "amount_missing", _AS_DELIVERED),
    *amount_rules(MONEY_COLUMNS, _AS_DELIVERED),
    quantity_rule("line_item_usage_amount", "priced_state", _AS_DELIVERED),
)


def _charge(unit: DeliveryUnit, context: ReadContext) -> dict[str, pl.Expr]:
    """The charge contract, column by column."""
    account = pl.col("bill_payer_account_id")
    started = pl.coalesce("start_at", "period_at")
    is_usage = LINE_TYPE.is_in(MEASURED)
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
        "charge_category": LINE_TYPE.replace_strict(CATEGORIES, default=ChargeCategory.ADJUSTMENT),
        "charge_frequency": LINE_TYPE.replace_strict(FREQUENCIES, default=None),
        "charge_description": pl.coalesce("line_item_line_item_description", LINE_TYPE),
        "service_category": pl.when("is_bedrock").then(pl.lit("AI and Machine Learning")),
        "service_name": pl.coalesce("product_name", "line_item_product_code"),
        "sku_id": pl.col("product_sku"),
        "sku_price_id": pl.col("pricing_rate_code"),
        "sku_meter": pl.col("line_item_usage_type"),
        "provider": pl.lit("aws"),
        "model_text": pl.col("model_text"),
        "meter": pl.col("meter"),
        "service_tier": pl.col("service_tier"),
        "pricing_category": pl.when(LINE_TYPE.is_in(COVERED))
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
        "commitment_discount_status": pl.when(LINE_TYPE.is_in(COVERED)).then(pl.lit("Used")),
        "billing_currency": pl.col("line_item_currency_code"),
        "billed_cost": pl.col("billed"),
        "effective_cost": effective_cost(),
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
