"""Rules over rows of a bill: what is rejected and why, what was repaired and how often."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from models.landing import Rejected
from pipelines.sources.cells import redacted


@dataclass(frozen=True)
class RowRule:
    """What makes a row unusable, and what a person can do about it."""

    name: str
    column: str
    broken: pl.Expr
    next_action: str


def flagged(flags: Mapping[str, pl.Expr]) -> pl.Expr:
    """The names of the flags that hold, comma-separated; null if none."""
    names = [pl.when(is_set).then(pl.lit(name)) for name, is_set in flags.items()]
    joined = pl.concat_str(names, separator=",", ignore_nulls=True)
    return pl.when(joined != "").then(joined)


def count_flags(rows: pl.DataFrame, flags: Mapping[str, pl.Expr]) -> dict[str, int]:
    """How many rows each flag holds for; flags that never do are left out."""
    counts = rows.select(**{name: is_set.sum() for name, is_set in flags.items()}).row(
        0, named=True
    )
    return {name: int(count) for name, count in counts.items() if count}


def any_is(columns: Sequence[str], value: str) -> pl.Expr:
    """Whether any of some text columns holds a value."""
    return pl.any_horizontal([pl.col(name) == value for name in columns])


def quantity_rule(column: str, state: str, next_action: str) -> RowRule:
    """A quantity that `quantity` could not read."""
    return RowRule("quantity_form", column, pl.col(state) == "quantity_form", next_action)


def missing(column: str, rule: str, next_action: str) -> RowRule:
    """A cell that must not be blank."""
    return RowRule(rule, column, pl.col(column).is_null(), next_action)


def amount_rules(columns: Sequence[str], next_action: str) -> list[RowRule]:
    """Amounts that `with_amounts` could not read."""
    return [
        RowRule("amount_form", name, pl.col(f"{name}_state") == "amount_form", next_action)
        for name in columns
    ]


def instant_rules(columns: Mapping[str, str], next_action: str) -> list[RowRule]:
    """Instants, by name of their text, that are there and could not be read."""
    return [
        RowRule(
            "instant_form", name, pl.col(name).is_not_null() & pl.col(at).is_null(), next_action
        )
        for name, at in columns.items()
    ]


def currency_rule(column: str, next_action: str) -> RowRule:
    """A currency that is blank or no ISO 4217 code."""
    is_code = pl.col(column).str.contains(r"^[A-Z]{3}$").fill_null(value=False)
    return RowRule("currency_form", column, ~is_code, next_action)


def split_rejected(
    rows: pl.DataFrame, rules: Sequence[RowRule]
) -> tuple[pl.DataFrame, tuple[Rejected, ...]]:
    """Take out the rows that break a rule; the first broken rule of a row is its reason."""
    first = pl.coalesce(
        [pl.when(rule.broken).then(pl.lit(i)) for i, rule in enumerate(rules)] + [pl.lit(None)]
    )
    judged = rows.with_columns(broken_rule=first)
    broken = judged.filter(pl.col("broken_rule").is_not_null()).iter_rows(named=True)
    rejected = tuple(_rejected(row, rules[row["broken_rule"]]) for row in broken)
    return judged.filter(pl.col("broken_rule").is_null()).drop("broken_rule"), rejected


def _rejected(row: Mapping[str, object], rule: RowRule) -> Rejected:
    return Rejected.model_validate(
        {
            "file_id": row["file_id"],
            "file_name": row["file_name"],
            "source_row": row["source_row"],
            "rule": rule.name,
            "column": rule.column,
            "next_action": rule.next_action,
            "shape": redacted(str(row[rule.column] or "")),
        }
    )
