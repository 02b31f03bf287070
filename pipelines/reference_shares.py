"""Shares written as fractions, such as a third, as decimals that still add up to exactly 1."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from pipelines.reference_files import Rows

_PICOS = 10**12
"""Parts of 1 that a share is stored in."""


def write_out_shares(rows: Rows) -> None:
    """Replace the fractions among a table's shares. Its rules add up to 1: that is checked before.

    Rows of a rule without a fraction stay as they are written.
    """
    if "share" not in rows.values:
        return
    shares = rows.values["share"]
    rules: defaultdict[object, list[int]] = defaultdict(list)
    for row, rule_id in enumerate(rows.values["rule_id"]):
        rules[rule_id].append(row)
    target = rows.table.parts[0]
    for members in rules.values():
        if not any(isinstance(shares[row], Fraction) for row in members):
            continue
        wanted = {(rows.values[target][row] or "", row): Fraction(shares[row]) for row in members}
        for (_, row), share in _decimals(wanted).items():
            shares[row] = share


def _decimals(shares: Mapping[tuple[str, int], Fraction]) -> dict[tuple[str, int], Decimal]:
    """Shares of 12 digits by largest remainder; ties go to the smaller key."""
    floors = {key: int(share * _PICOS) for key, share in shares.items()}
    ranked = sorted(shares, key=lambda key: (floors[key] - shares[key] * _PICOS, key))
    extra = set(ranked[: _PICOS - sum(floors.values())])
    return {key: Decimal(floor + (key in extra)).scaleb(-12) for key, floor in floors.items()}
