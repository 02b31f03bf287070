"""Values of a mapped row: numbers in their unit, and texts that tell nobody's name."""

from collections.abc import Callable
from decimal import Decimal, localcontext

from models.mapping import FeedMapping
from models.money import (
    MAX_INTEGER_DIGITS,
    MAX_QUANTITY_DIGITS,
    MONEY_CONTEXT,
    MoneyError,
    parse_money,
)
from pipelines.sources.base import ReadContext
from pipelines.sources.bill_rows import json_object, tags_json
from pipelines.sources.mapped_expressions import Expression

UNMAPPED = " unmapped"
"""Of a column: whether a `map` has no entry for its value."""
VALUE = " value"
"""Of a column that is a number or time: what its text, under the plain name, means."""

NEXT = {
    "missing": "Fill in the column, or map it with coalesce(a, b)",
    "time_form": "Map the column with the time function that fits how it is written",
    "day_form": "Write days as 2026-10-31, months as 2026-10, or use a time function",
    "number_form": "Write plain decimals, or say numbers: float, or the csv's decimal separator",
    "not_in_vocabulary": "Map the value to one that the column may have",
    "unmapped_value": "Add the value to the map(...), or give the map an otherwise",
}
"""What to do next about each rule."""

_DIGITS = 38
_MOST = {18: MAX_INTEGER_DIGITS, 9: MAX_QUANTITY_DIGITS, 0: MAX_QUANTITY_DIGITS}
"""Digits before the point, by the scale of a column."""
_MONEY_SCALE = 18
_QUANTITY_SCALE = 9


def number(
    text: str | None, expression: Expression, scale: int, mapping: FeedMapping
) -> tuple[Decimal | None, str | None]:
    """Read a number exactly, in the unit of its column.

    Args:
        text: As it is in the file.
        expression: Its factor.
        scale: Fractional digits of the column: 18 of money, 9 of quantities, 0 of counts.
        mapping: How numbers are written.

    Returns:
        The number, and null, `rounded` or `number_form`.
    """
    if text is None:
        return None, None
    is_float = mapping.numbers == "float"
    if mapping.format == "csv" and mapping.csv.decimal == ",":
        text = "." if "." in text else text.replace(",", ".")
    try:
        # quantities are not money: what is below their scale is rounded, and counted
        read = parse_money(
            text,
            exponent=is_float,
            binary=is_float or scale < _MONEY_SCALE,
            digits=_DIGITS - _MONEY_SCALE,
        )
        with localcontext(MONEY_CONTEXT):
            exact = (Decimal(text) if is_float else read) * expression.factor
            found = exact.quantize(Decimal(1).scaleb(-scale))
    except (MoneyError, ArithmeticError):
        return None, "number_form"
    is_count = scale == 0
    if found.adjusted() >= _MOST[scale] or (is_count and not 0 <= found < 2**63):
        return None, "number_form"
    if found == exact:
        return found, None
    return (found, "rounded") if is_float or scale == _QUANTITY_SCALE else (None, "number_form")


def safe_text(context: ReadContext) -> Callable[[str | None], str | None]:
    """From a text to one without an address: a pseudonym in its place."""
    return lambda text: context.pseudonym(text) if text and "@" in text else text


def kept_tags(context: ReadContext) -> Callable[[str | None], str | None]:
    """From a JSON object of tags to those that the workspace keeps."""
    keys = context.settings.tag_keys
    safe = safe_text(context)

    def kept(text: str | None) -> str | None:
        tags = json_object(text) or {}
        return tags_json({k: safe(str(v)) for k, v in tags.items() if k in keys and v is not None})

    return kept
