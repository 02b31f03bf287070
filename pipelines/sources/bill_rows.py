"""Rows of a bill: text to exact values, and the natural key of a charge.

A distinct text is read once, in Python, whatever the number of rows that hold it; everything else
is done column by column. Knows the charge contract, and no bill's own columns.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import polars as pl
import pyarrow as pa

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from models.landing import Rejected
from models.money import MAX_QUANTITY_DIGITS, MONEY_CONTEXT, MoneyError, parse_money
from pipelines.duck import connect
from pipelines.sources.base import Reading
from pipelines.sources.bill_files import Bill

MONEY = pl.Decimal(38, 18)
QUANTITY = pl.Decimal(38, 9)
TEXT = pl.String()
INSTANT = pl.Datetime("us", "UTC")

Schema = Mapping[str, pl.DataType]

_QUANTITY_STEP = Decimal(1).scaleb(-9)
# JSON can spell half a surrogate pair, and UTF-8 cannot
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")

# What a line is, as delivered. Not in it: amounts and quantities, which a restated bill changes;
# the invoice, which comes later; tags, which the workspace chooses; and what our rules derive.
_KEYED = """
with identified as (
    select
        *,
        md5(cast(to_json([
            cast(billing_period as varchar),
            cast(charge_period_start as varchar),
            cast(charge_period_end as varchar),
            issuer,
            service_provider_name,
            invoice_issuer_name,
            billing_account_id,
            sub_account_id,
            api_key_id,
            resource_id,
            region_id,
            charge_category,
            charge_class,
            charge_frequency,
            charge_description,
            service_name,
            sku_id,
            sku_price_id,
            sku_meter,
            pricing_category,
            pricing_unit,
            commitment_discount_id,
            commitment_discount_status,
            billing_currency
        ]) as varchar)) as content_hash
    from mapped
)

select content_hash || '-' || row_number() over (
    partition by content_hash
    order by
        billed_cost,
        effective_cost,
        contracted_cost,
        list_cost,
        pricing_quantity,
        consumed_quantity,
        invoice_id,
        tags,
        repairs
) as charge_key
from identified
order by position
"""


def look_up(
    rows: pl.DataFrame,
    keys: Sequence[str],
    schema: Schema,
    read: Callable[..., tuple[object, ...]],
) -> pl.DataFrame:
    """Add columns that depend on few distinct texts: `read` is called once per combination.

    Args:
        rows: Any rows.
        keys: Columns whose values are handed to `read`, in this order.
        schema: The added columns.
        read: From one combination to one value per added column.
    """
    distinct = rows.select(keys).unique(maintain_order=True)
    values = [read(*combination) for combination in distinct.iter_rows()]
    added = pl.DataFrame(values, schema=schema, orient="row")
    table = distinct.hstack(added)
    return rows.join(table, on=list(keys), how="left", nulls_equal=True, maintain_order="left")


def with_amounts(
    rows: pl.DataFrame, columns: Sequence[str], *, exponent: bool, binary: Iterable[str]
) -> pl.DataFrame:
    """Add `<column>_amount` (exact, scale 18) and `<column>_state` to rows.

    The state is null, `quantised` (a binary float with more digits than the scale), or
    `amount_form` for text that is no amount of that form.

    Args:
        rows: Amounts as text, null where there is none.
        columns: Which of them.
        exponent: Whether the format allows `1.5e-06`.
        binary: Columns whose source holds binary floats, so that digits beyond the scale are noise.
    """
    noisy = frozenset(binary)
    for column in columns:
        is_binary = column in noisy

        def read(
            text: str | None, is_binary: bool = is_binary
        ) -> tuple[Decimal | None, str | None]:
            return _amount(text, exponent=exponent or is_binary, binary=is_binary)

        schema: Schema = {f"{column}_amount": MONEY, f"{column}_state": TEXT}
        rows = look_up(rows, [column], schema, read)
    return rows


def quantity(text: str | None, factor: int = 1) -> tuple[Decimal | None, str | None]:
    """A quantity times a whole factor, at scale 9, and its state.

    Returns:
        The quantity, and null, `quantity_rounded` or `quantity_form`. Quantities are not money:
        digits beyond the scale are rounded half to even, and counted.
    """
    if text is None:
        return None, None
    try:
        exact = parse_money(text, exponent=True, binary=True, digits=MAX_QUANTITY_DIGITS)
    except MoneyError:
        return None, "quantity_form"
    with localcontext(MONEY_CONTEXT):
        product = exact * factor
        if product.adjusted() >= MAX_QUANTITY_DIGITS:
            return None, "quantity_form"
        rounded = product.quantize(_QUANTITY_STEP, rounding=ROUND_HALF_EVEN)
    return rounded, None if rounded == product else "quantity_rounded"


def json_object(text: str | None) -> dict[str, object] | None:
    """A JSON object; an empty one for null, None for anything else or a repeated key."""

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise ValueError("repeated key")
        return members

    if text is None:
        return {}
    try:
        value = json.loads(text, parse_float=Decimal, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def tags_json(tags: Mapping[str, object]) -> str | None:
    """Tags as the contract wants them: sorted keys, text values, null when there are none."""
    texts = {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in tags.items()
        if value is not None and not isinstance(value, dict | list)
    }
    if not texts:
        return None
    told = json.dumps(texts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return _HALF_A_PAIR.sub("\N{REPLACEMENT CHARACTER}", told)


def charge_reading(
    bill: Bill,
    charges: pl.DataFrame,
    rejected: Sequence[Rejected],
    *,
    empty_scope: str | None,
    counters: Mapping[str, int],
) -> Reading:
    """Close a delivery: give every charge its key and count what was read.

    Args:
        bill: What was loaded.
        charges: Every column of the charge contract but `charge_key`.
        rejected: The other rows.
        empty_scope: What the delivery covers if it holds no charge; None if nothing tells it.
        counters: Repairs and observations, by name.
    """
    schema = arrow_schema(FACTS[Fact.CHARGES])
    keyed = charges.with_columns(_charge_keys(charges)).select(schema.names)
    scopes = charges["scope"].drop_nulls().unique().sort().to_list()
    return Reading(
        facts={Fact.CHARGES: keyed.to_arrow().cast(schema)},
        rows_read={f.found.name: f.row_count for f in bill.files},
        scopes={Fact.CHARGES: scopes or ([empty_scope] if empty_scope else [])},
        rejected=rejected,
        counters={
            **counters,
            **({} if bill.has_manifest else {"no_manifest": 1}),
            **({"duplicate_files": bill.copies} if bill.copies else {}),
        },
    )


def _charge_keys(charges: pl.DataFrame) -> pl.Series:
    """The natural key of each charge, in row order."""
    positioned = charges.with_row_index("position").drop("source", "file_id", "source_row")
    con = connect()
    with con:
        con.register("mapped", positioned.to_arrow(compat_level=pl.CompatLevel.oldest()))
        keys: pa.Table = con.sql(_KEYED).to_arrow_table()
    return pl.Series("charge_key", keys["charge_key"], dtype=pl.String)


def charge_columns(given: Mapping[str, pl.Expr]) -> list[pl.Expr]:
    """One expression per column of the charge contract but `charge_key`: null where not given.

    Raises:
        KeyError: A given column is not in the contract.
    """
    columns = {c.name: c for c in FACTS[Fact.CHARGES] if c.name != "charge_key"}
    unknown = set(given) - set(columns)
    if unknown:
        raise KeyError(*sorted(unknown))
    return [
        given.get(name, pl.lit(None)).cast(_polars_type(column.arrow_type)).alias(name)
        for name, column in columns.items()
    ]


def _polars_type(arrow_type: pa.DataType) -> pl.DataType:
    return pl.Series(pa.array([], arrow_type)).dtype


def _amount(text: str | None, *, exponent: bool, binary: bool) -> tuple[Decimal | None, str | None]:
    if text is None:
        return None, None
    try:
        amount = parse_money(text, exponent=exponent, binary=binary)
    except MoneyError:
        return None, "amount_form"
    is_exact = not binary or amount == Decimal(text)
    return amount, None if is_exact else "quantised"
