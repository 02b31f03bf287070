"""Money: how it is read, how it is split into cents, and the digits of each currency.

The only place where text becomes money, and the only place where money is rounded.
"""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import TypeVar

SCALE = 18
"""Fractional digits of a charge."""

SHARE_SCALE = 12
"""Fractional digits of a call's share: picos."""

MAX_INTEGER_DIGITS = 13
"""Digits of one amount before the point. No bill line needs more in any currency, and what is made
of amounts, their products with quantities above all, must fit 38 digits in all."""

MAX_QUANTITY_DIGITS = 20
"""Digits of one quantity before the point."""

MONEY_CONTEXT = Context(prec=76, rounding=ROUND_HALF_EVEN)

_PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?|[+-]?\.[0-9]+", re.ASCII)
_EXPONENT = re.compile(r"([+-]?[0-9]+(\.[0-9]*)?|[+-]?\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)

# ISO 4217 currencies whose minor unit is not two digits.
_MINOR_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


class MoneyError(ValueError):
    """An amount that is not exactly money. The message never repeats the text."""


def parse_money(
    text: str, *, exponent: bool = False, binary: bool = False, digits: int = MAX_INTEGER_DIGITS
) -> Decimal:
    """Read an amount exactly, at scale 18.

    Args:
        text: ASCII digits with an optional sign and one decimal point. No separators.
        exponent: Whether the source's contract allows `1.5e-06`.
        binary: Whether the source prints binary floats, so digits beyond scale 18 are rounded
            half to even instead of refused. The caller books the residue.
        digits: Digits that it may have before the point.

    Returns:
        The amount with 18 fractional digits.

    Raises:
        MoneyError: Not an amount of that form, too many digits, or too large.
    """
    pattern = _EXPONENT if exponent else _PLAIN
    if not pattern.fullmatch(text):
        raise MoneyError("not a plain decimal amount")
    with localcontext(MONEY_CONTEXT):
        amount = Decimal(text)
        if amount.adjusted() >= digits:
            raise MoneyError(f"more than {digits} digits before the point")
        quantised = amount.quantize(Decimal(1).scaleb(-SCALE))
    if quantised != amount and not binary:
        raise MoneyError(f"more than {SCALE} fractional digits")
    return quantised


def minor_digits(currency: str) -> int:
    """Fractional digits of a currency's minor unit (ISO 4217): 2 for USD, 0 for JPY, 3 for KWD."""
    return _MINOR_DIGITS.get(currency, 2)


K = TypeVar("K", str, tuple[str, ...])


def allocate(total: int, weights: Mapping[K, Decimal]) -> dict[K, int]:
    """Share out whole minor units in proportion to weights, by largest remainder.

    Args:
        total: Minor units (cents) to hand out; negative for a credit.
        weights: One weight per stable key, of any sign, adding up to something other than zero
            unless `total` is zero. Signed weights keep refunds as refunds.

    Returns:
        Whole minor units per key, adding up to `total` exactly. Ties go to the smaller key.

    Raises:
        MoneyError: There is money to hand out and the weights add up to zero.
    """
    with localcontext(MONEY_CONTEXT):
        scale = max((-int(w.as_tuple().exponent) for w in weights.values()), default=0)
        whole = {key: int(w.scaleb(max(scale, 0))) for key, w in weights.items()}
    weight_sum = sum(whole.values())
    if weight_sum == 0:
        if total:
            raise MoneyError("there is money to share out, and the weights add up to zero")
        return dict.fromkeys(weights, 0)
    shares = {key: divmod(total * w, weight_sum) for key, w in whole.items()}
    left = total - sum(floor for floor, _ in shares.values())
    # with a negative weight sum Python's remainders are negative or zero: compare their size
    ranked = sorted(shares, key=lambda key: (-abs(shares[key][1]), key))
    extra = set(ranked[:left])
    return {key: floor + (key in extra) for key, (floor, _) in shares.items()}
