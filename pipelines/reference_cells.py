"""One cell of a reference file: from text to the type of its column, or why not.

The messages never repeat what is in the cell.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from models.columns import Column
from models.currencies import CURRENCIES
from models.money import MONEY_CONTEXT, MoneyError, parse_money
from models.settings import ID_PATTERN
from models.vocabulary import RESERVED_OWNERS
from pipelines.problems import did_you_mean
from pipelines.pseudonyms import holds_email

Value = str | int | bool | Decimal | Fraction | date | datetime

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069\ufeff]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?",
    re.ASCII,
)
_INTEGER = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_GEOGRAPHY = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_FRACTION = re.compile(r"([0-9]{1,6}) ?/ ?([0-9]{1,6})", re.ASCII)
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_AMOUNT_FIX = "Write plain digits with a point, such as 1234.56: no separators, no exponent."
_DATE_FIX = "Write it like 2026-10-14."
_INSTANT_FIX = "Write a date like 2026-10-14, or an instant like 2026-10-14T12:00:00Z."


class CellError(ValueError):
    """A value that its column does not take."""

    def __init__(self, rule: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.fix = fix


def cell_parser(
    column: Column, vocabulary: tuple[str, ...], *, is_person: bool
) -> Callable[[str], Value | None]:
    """Make the function that types the cells of one column.

    Args:
        column: Its contract.
        vocabulary: The values it takes; empty for any.
        is_person: Whether it may hold the raw id of a person, which becomes a pseudonym.

    Returns:
        A function of the cell's text: the value, or None for a blank. It raises CellError.
    """
    typed = _typer(column.type)
    if column.name == "share":
        typed = _or_fraction(typed)
    rule = _COLUMN_RULES.get(column.name)

    def parse(raw: str) -> Value | None:
        text = _clean(raw)
        if not text:
            return None
        if not is_person and holds_email(text):
            text_of_error = "The value holds an e-mail address, which may be published."
            raise CellError("personal_data", text_of_error, "Use the name of a role or group.")
        value = typed(text)
        if vocabulary and value not in vocabulary:
            fix = did_you_mean(text, vocabulary) or f"Use one of: {', '.join(vocabulary)}."
            raise CellError("vocabulary", "The value is not in the closed list.", fix)
        if rule:
            rule(value)
        return value

    return parse


def _clean(raw: str) -> str:
    """Trim and compose a cell; refuse what cannot be seen."""
    text = raw.strip()
    if _CONTROL.search(text):
        said = "The value holds an invisible control character or a line break."
        raise CellError("control_character", said, "Type the value again, without copying it.")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _typer(duck_type: str) -> Callable[[str], Value]:
    """The function that reads a DuckDB type from text."""
    decimal = _DECIMAL.fullmatch(duck_type)
    if decimal:
        precision, scale = int(decimal[1]), int(decimal[2])
        return lambda text: _decimal(text, precision, scale)
    return _TYPERS[duck_type]


def _or_fraction(decimal: Callable[[str], Value]) -> Callable[[str], Value]:
    """Read a share: a decimal, or a fraction that no decimal is equal to, such as 1/3."""

    def read(text: str) -> Value:
        match = _FRACTION.fullmatch(text)
        if match and int(match[2]):
            return Fraction(int(match[1]), int(match[2]))
        return decimal(text)

    return read


def _text(text: str) -> str:
    if text in RESERVED_OWNERS:
        raise CellError("reserved", "This id is reserved for residual cost.", "Use another id.")
    return text


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise CellError("integer", "The value is not a whole number.", "Write it like 10.")
    return int(text)


def _boolean(text: str) -> bool:
    if text.casefold() not in ("true", "false"):
        raise CellError("boolean", "The value is neither true nor false.", "Write true or false.")
    return text.casefold() == "true"


def _date(text: str) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise CellError("date", "The value is not a date.", _DATE_FIX)


def _instant(text: str) -> datetime:
    if _DATE.fullmatch(text):
        day = _date(text)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    match = _INSTANT.fullmatch(text)
    if match and match["zone"] is None:
        fix = "Add Z for UTC, or an offset such as +02:00."
        raise CellError("zone", "The instant does not say its zone.", fix)
    try:
        if match:
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise CellError("instant", "The value is neither a date nor an instant.", _INSTANT_FIX)


def _decimal(text: str, precision: int, scale: int) -> Decimal:
    try:
        amount = parse_money(text, digits=precision)
    except MoneyError as error:
        raise CellError("amount", f"The value is refused: {error}.", _AMOUNT_FIX) from None
    whole_digits = precision - scale
    if amount.adjusted() >= whole_digits:
        said = f"The value has more than {whole_digits} digits before the point."
        raise CellError("amount", said, "Check the unit.")
    stored = amount.quantize(Decimal(1).scaleb(-scale), context=MONEY_CONTEXT)
    if stored != amount:
        said = f"The value has more than {scale} digits after the point."
        raise CellError("amount", said, "Write it with fewer digits.")
    return stored


_TYPERS: dict[str, Callable[[str], Value]] = {
    "VARCHAR": _text,
    "INTEGER": _integer,
    "BOOLEAN": _boolean,
    "DATE": _date,
    "TIMESTAMP WITH TIME ZONE": _instant,
}


def _currency(code: str) -> None:
    if code not in CURRENCIES:
        fix = "Use an ISO 4217 code in capitals, such as USD."
        raise CellError("currency", "There is no such currency.", fix)


def _lower_id(name: str) -> None:
    if not re.fullmatch(ID_PATTERN, name):
        fix = "Use lower-case letters, digits, '-' and '_', as in everycent.yaml."
        raise CellError("form", "The value does not have the form of an id.", fix)


def _first_of_month(day: date) -> None:
    if day.day != 1:
        fix = "Write the first day of the month, such as 2026-10-01."
        raise CellError("billing_period", "The value is not the first day of a month.", fix)


def _share(share: Decimal | Fraction) -> None:
    if not 0 < share <= 1:
        fix = "Write a fraction, such as 0.25 for a quarter or 1/3 for a third."
        raise CellError("share", "The share is not above 0 and at most 1.", fix)


def _above_zero(rate: Decimal) -> None:
    if rate <= 0:
        raise CellError("rate", "The rate is not above 0.", "Write units of to_currency for one.")


def _not_negative(amount: Decimal) -> None:
    if amount < 0:
        raise CellError("negative", "The amount is below 0.", "Write 0 or more.")


def _geography(name: str) -> None:
    if not _GEOGRAPHY.fullmatch(name):
        fix = "Use lower-case letters, digits and '-', as calls name it: us, eu."
        raise CellError("form", "The value does not have the form of a geography.", fix)


_COLUMN_RULES: dict[str, Callable[[Any], None]] = {
    "currency": _currency,
    "from_currency": _currency,
    "to_currency": _currency,
    "issuer": _lower_id,
    "provider": _lower_id,
    "billing_period": _first_of_month,
    "share": _share,
    "rate": _above_zero,
    "price_per_million": _not_negative,
    "min_input_tokens": _not_negative,
    "factor": _not_negative,
    "inference_geo": _geography,
}
