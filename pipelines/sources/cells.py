"""Values of one record of a report: text, counts, quantities and money, or a named refusal.

Works on JSON values (numbers as `int` or `Decimal`) and on CSV cells (text) alike.
"""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from models.money import (
    MAX_INTEGER_DIGITS,
    MAX_QUANTITY_DIGITS,
    MONEY_CONTEXT,
    MoneyError,
    parse_money,
)

Values = Mapping[str, object]

MAX_COUNT = 2**63 - 1
_COUNT = re.compile(r"(-?[0-9]{1,20})(\.0*)?", re.ASCII)
_QUANTITY_STEP = Decimal(1).scaleb(-9)
_SHAPE_LENGTH = 64

NEXT_ACTIONS: Mapping[str, str] = {
    "amount_missing": "Download the report again; if the amount stays blank, ask the provider.",
    "amount_form": "Export amounts as plain decimals: at most 13 digits, one point, no separators.",
    "currency_form": "Export the three-letter currency, or set billing_currency of this source.",
    "count_form": "Export counts as whole numbers.",
    "count_negative": "Counts cannot be negative: download the report again.",
    "quantity_form": "Export quantities as plain decimals.",
    "text_form": "Expected text: download the report again, untouched by other tools.",
    "flag_form": "Expected true or false: download the report again.",
    "period_form": "Download the report again with daily (or finer) buckets in UTC.",
    "row_width": "The row has more or fewer cells than the header: download the file again.",
    "report_kind": "The record is not of its file's report: keep one report per file.",
    "token_identity": "Token details do not add up to their total: download the report again.",
    "no_quantities": "The record has none of the known counts: check for a newer report format.",
}


class RowError(Exception):
    """One record that cannot become a fact: which rule it broke, where, and the value's shape."""

    def __init__(self, rule: str, column: str | None = None, value: object = None) -> None:
        super().__init__(rule)
        self.rule = rule
        self.column = column
        self.shape = "" if value is None else redacted(str(value))


def redacted(text: str) -> str:
    """The shape of a text: letters as `a`, digits as `9`, at most 64 characters."""
    masked = (
        "a" if c.isalpha() else "9" if c.isdigit() else c if " " <= c <= "~" else "?"
        for c in text[:_SHAPE_LENGTH]
    )
    return "".join(masked)


def text(values: Values, column: str) -> str | None:
    """A text value; absent and blank are null."""
    value = values.get(column)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _is_encodable(value):
        raise RowError("text_form", column, value)
    return value


def _is_encodable(value: str) -> bool:
    """False for half a surrogate pair, which JSON can spell and UTF-8 cannot."""
    return value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value)


def flag(values: Values, column: str) -> bool | None:
    """A truth value, as JSON or as the words `True` and `False`; absent and blank are null."""
    value = values.get(column)
    if value is None or isinstance(value, bool):
        return value
    known = {"": None, "true": True, "false": False}
    word = str(value).lower()
    if word not in known:
        raise RowError("flag_form", column, value)
    return known[word]


def _number_text(values: Values, column: str, rule: str) -> str | None:
    value = values.get(column)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise RowError(rule, column, value)
    return str(value)


def count(values: Values, column: str) -> int | None:
    """A whole number from 0 to 2^63-1, also if printed as `31422.0`; absent and blank are null."""
    number = _number_text(values, column, "count_form")
    if number is None:
        return None
    match = _COUNT.fullmatch(number)
    if not match or int(match[1]) > MAX_COUNT:
        raise RowError("count_form", column, number)
    if int(match[1]) < 0:
        raise RowError("count_negative", column, number)
    return int(match[1])


def quantity(values: Values, column: str) -> Decimal | None:
    """A quantity of a bill line at scale 9, rounded half to even; absent and blank are null."""
    number = _number_text(values, column, "quantity_form")
    if number is None:
        return None
    try:
        amount = parse_money(number, exponent=True, binary=True, digits=MAX_QUANTITY_DIGITS)
    except MoneyError as error:
        raise RowError("quantity_form", column, number) from error
    with localcontext(MONEY_CONTEXT):
        return amount.quantize(_QUANTITY_STEP, rounding=ROUND_HALF_EVEN)


def plain_money(values: Values, column: str, *, minor_digits: int = 0) -> Decimal:
    """An amount that the source prints exactly, as decimal text.

    Args:
        values: The record.
        column: Its amount: text, not a JSON number.
        minor_digits: Fractional digits of the unit it is in: 2 for cents, 0 for dollars.

    Returns:
        The amount in units of the currency (dollars), with 18 fractional digits.

    Raises:
        RowError: Missing, not text, or not a plain decimal that fits.
    """
    amount = values.get(column)
    if amount is None or amount == "":
        raise RowError("amount_missing", column)
    if not isinstance(amount, str):
        raise RowError("amount_form", column, amount)
    try:
        whole = parse_money(amount, digits=MAX_INTEGER_DIGITS + minor_digits)
        shifted = whole.scaleb(-minor_digits, MONEY_CONTEXT)
        return parse_money(f"{shifted:f}")
    except MoneyError as error:
        raise RowError("amount_form", column, amount) from error


def binary_money(values: Values, column: str) -> tuple[Decimal, Decimal]:
    """An amount of a source that prints binary floats, as number or text.

    Returns:
        The amount with 18 fractional digits, and the residue that quantising took off.

    Raises:
        RowError: Missing, or not a decimal that fits.
    """
    number = _number_text(values, column, "amount_form")
    if number is None:
        raise RowError("amount_missing", column)
    try:
        amount = parse_money(number, exponent=True, binary=True)
    except MoneyError as error:
        raise RowError("amount_form", column, number) from error
    with localcontext(MONEY_CONTEXT):
        return amount, Decimal(number) - amount


def currency(values: Values, column: str, fallback: str | None) -> str:
    """An ISO 4217 code in upper case; the fallback where the source leaves it blank."""
    code = text(values, column) or fallback
    if code is None or not re.fullmatch(r"[A-Za-z]{3}", code, re.ASCII):
        raise RowError("currency_form", column, code)
    return code.upper()
