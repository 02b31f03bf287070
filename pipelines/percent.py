"""A share as people read it, the same on the terminal and on a page."""

from decimal import Decimal, localcontext

from models.money import MONEY_CONTEXT


def percent(part: Decimal | int, whole: Decimal | int) -> str:
    """A share with one decimal. It never says 100.0 % unless it is all; `-` of nothing."""
    if not whole:
        return "-"
    with localcontext(MONEY_CONTEXT):
        share = (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal("0.1"))
    if share == 100 and part != whole:
        return "> 99.9 %" if part < whole else "> 100.0 %"
    return f"{share} %"
