"""Mapped charges, usage and outcomes: files read whole, each row a fact or set aside."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

import polars as pl

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from models.landing import Rejected
from models.mapping import FeedMapping
from pipelines.duck import connect
from pipelines.quoting import identifier
from pipelines.sources.base import DeliveryUnit, ReadContext, Reading, SourceError
from pipelines.sources.bill_files import Bill, load
from pipelines.sources.bill_records import flat_name
from pipelines.sources.bill_rows import charge_reading, look_up
from pipelines.sources.bill_rules import RowRule, count_flags, currency_rule, split_rejected
from pipelines.sources.mapped_cells import NEXT, UNMAPPED, VALUE, kept_tags, number, safe_text
from pipelines.sources.mapped_expressions import Kind, Path
from pipelines.sources.mapped_outcomes import read_outcomes
from pipelines.sources.mapped_targets import (
    REQUIRED,
    SHAPES,
    VOCABULARIES,
    Compiled,
    Shape,
    compiled,
)

MAX_REJECTED = 1_000
"""A file with more bad rows than this is not what the mapping describes, and is refused."""

_SCALES = {"DECIMAL(38,18)": 18, "DECIMAL(38,9)": 9, "BIGINT": 0, "INTEGER": 0}
_TEXT = pl.String()
_STATE = " state"


def read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    """Read one file as its mapping says.

    Raises:
        SourceError: The file is damaged, lacks a column of the mapping, or is something else.
    """
    mapping = context.settings.mapping
    if mapping is None:
        raise SourceError(f"{unit.delivery}: the feed has no mapping. Run `everycent check`.")
    table = _Table(mapping, compiled(mapping), context)
    names = {path: _column_name(path, mapping) for path in table.made.compiler.columns}
    wanted = sorted(set(names.values()))
    needed, naming = ([], flat_name) if mapping.format == "jsonl" else (wanted, str)
    bill = load(unit, wanted, needed, "feed of this mapping", naming, mapping.csv)
    rows = _selected(bill, table.made, names)
    if mapping.fact == Fact.OUTCOMES:
        reading = read_outcomes(bill, rows, table.made, context)
    else:
        reading = table.facts(bill, rows)
    if len(reading.rejected) > MAX_REJECTED:
        raise SourceError(
            f"{unit.delivery}: more than {MAX_REJECTED} of its rows are not as the mapping says. "
            "Check what it is, and move it out of this location."
        )
    return reading


def _column_name(path: Path, mapping: FeedMapping) -> str:
    """How the loader calls a column; members of records are named by their path, in lower case."""
    is_plain = len(path) == 1 and mapping.format != "jsonl"
    return path[0] if is_plain else flat_name("_".join(path))


def _selected(bill: Bill, made: Compiled, names: Mapping[Path, str]) -> pl.DataFrame:
    """Every row with what its expressions yield, still as text but for times."""
    cells = ", ".join(
        f"nullif({identifier(names[path])}, '') as {name}"
        for path, name in made.compiler.columns.items()
    )
    selected = [f"{e.text} as {identifier(name)}" for name, e in made.columns.items()]
    selected += [
        f"{e.sql} as {identifier(name + VALUE)}"
        for name, e in made.columns.items()
        if e.kind == Kind.INSTANT
    ]
    selected.append(f"{made.scope.sql if made.scope else 'cast(null as varchar)'} as scope")
    selected += [f"{sql} as {identifier(name + UNMAPPED)}" for name, sql in made.unmapped.items()]
    with connect() as con:
        con.register("rows", bill.rows.to_arrow(compat_level=pl.CompatLevel.oldest()))
        table = con.sql(
            f"with taken as (select file_id, file_name, source_row, {cells} from rows)"  # noqa: S608 - quoted names, bound texts
            f" select file_id, file_name, source_row, {', '.join(selected)} from taken",
            params=made.compiler.bound,
        ).to_arrow_table()
    return pl.DataFrame(table)


@dataclass(frozen=True)
class _Table:
    """The rows of one file on their way to a fact."""

    mapping: FeedMapping
    made: Compiled
    context: ReadContext

    @cached_property
    def _shapes(self) -> Mapping[str, Shape]:
        shapes = SHAPES[self.mapping.fact]
        return {name: shapes[name] for name in self.made.columns}

    def facts(self, bill: Bill, rows: pl.DataFrame) -> Reading:
        """Charges or usage."""
        fact = self.mapping.fact
        dtypes = pl.DataFrame(arrow_schema(FACTS[fact]).empty_table()).schema
        rows = self._filled(rows)
        for name, shape in self._shapes.items():
            if shape == "number":
                rows = self._with_number(rows, name, dtypes[name])
            elif shape in ("text", "tags"):
                rows = self._with_safe(rows, name, shape)
        rows = rows.with_columns(_day(rows, name) for name in self._of("day"))
        good, rejected = split_rejected(rows, list(self._rules(rows)))
        flags = {
            f"rounded_{name}": pl.col(name + _STATE) == "rounded" for name in self._of("number")
        }
        counters = count_flags(good, flags)
        good = good.with_columns(
            source=pl.lit(self.context.settings.source),
            delivery=pl.when(pl.col("scope").is_not_null()).then(pl.lit(bill.files[0].found.name)),
        )
        table = good.select(
            _best(good, name).cast(dtype).alias(name)
            for name, dtype in dtypes.items()
            if name not in ("charge_key", "usage_key")
        )
        if fact == Fact.CHARGES:
            return charge_reading(bill, table, rejected, empty_scope=None, counters=counters)
        return _usage_reading(bill, table, rejected, counters)

    def _of(self, *shapes: Shape) -> list[str]:
        return [name for name, shape in self._shapes.items() if shape in shapes]

    def _filled(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows with what the settings say where the mapping does not, or its cell is blank."""
        settings = self.context.settings
        for name in ("issuer", "billing_account_id", "billing_currency"):
            if value := getattr(settings, name):
                own = [pl.col(name)] if name in rows.columns else []
                rows = rows.with_columns(pl.coalesce([*own, pl.lit(value)]).alias(name))
        return rows

    def _with_number(self, rows: pl.DataFrame, name: str, dtype: pl.DataType) -> pl.DataFrame:
        scale = dtype.scale if isinstance(dtype, pl.Decimal) else 0
        expression = self.made.columns[name]

        def value(text: str | None) -> tuple[Decimal | None, str | None]:
            return number(text, expression, scale, self.mapping)

        added = {name + VALUE: pl.Decimal(38, scale), name + _STATE: _TEXT}
        return look_up(rows, [name], added, value)

    def _with_safe(self, rows: pl.DataFrame, name: str, shape: Shape) -> pl.DataFrame:
        """Rows in which a text tells nobody's name, and tags are those that may be kept."""
        clean = kept_tags(self.context) if shape == "tags" else safe_text(self.context)
        is_person = self.made.columns[name].is_person
        pseudonym = self.context.pseudonym

        def value(text: str | None) -> tuple[str | None]:
            return (pseudonym(text) if is_person and text else clean(text),)

        raw = rows.rename({name: f"{name} raw"})
        return look_up(raw, [f"{name} raw"], {name: _TEXT}, value).drop(f"{name} raw")

    def _rules(self, rows: pl.DataFrame) -> Iterator[RowRule]:
        for name in self.made.unmapped:
            unmapped = pl.col(name + UNMAPPED)
            yield RowRule("unmapped_value", name, unmapped, NEXT["unmapped_value"])
        for name in self._of("instant", "day", "number"):
            rule = {"instant": "time_form", "day": "day_form"}.get(
                self._shapes[name], "number_form"
            )
            is_lost = pl.col(name).is_not_null() & pl.col(name + VALUE).is_null()
            yield RowRule(rule, name, is_lost, NEXT[rule])
        needed = [n for n in REQUIRED[self.mapping.fact] if n in rows.columns]
        for name in needed + (["scope"] if self.mapping.scope else []):
            yield RowRule("missing", name, pl.col(name).is_null(), NEXT["missing"])
        for name, words in VOCABULARIES.items():
            if name in self._shapes:
                is_strange = ~pl.col(name).is_in(sorted(words))
                yield RowRule("not_in_vocabulary", name, is_strange, NEXT["not_in_vocabulary"])
        if "billing_currency" in rows.columns:
            yield currency_rule("billing_currency", "Map the currency to its ISO 4217 code")


def _day(rows: pl.DataFrame, name: str) -> pl.Expr:
    """A day of an instant or of text; of a billing period its first day."""
    column = pl.col(name if name + VALUE not in rows.columns else name + VALUE)
    if name + VALUE not in rows.columns:
        is_month = name == "billing_period"
        months = pl.when(column.str.len_bytes() == len("2026-10")).then(column + "-01")
        padded = months.otherwise(column) if is_month else column
        is_day = padded.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
        column = pl.when(is_day).then(padded).str.to_date("%Y-%m-%d", strict=False)
    else:
        column = column.dt.date()
    is_period = name == "billing_period"
    return (column.dt.truncate("1mo") if is_period else column).alias(name + VALUE)


def _best(rows: pl.DataFrame, name: str) -> pl.Expr:
    """The value of a column, else its text, else nothing."""
    found = [n for n in (name + VALUE, name) if n in rows.columns]
    return pl.col(found[0]) if found else pl.lit(None)


def _usage_reading(
    bill: Bill, usage: pl.DataFrame, rejected: tuple[Rejected, ...], counters: Mapping[str, int]
) -> Reading:
    schema = arrow_schema(FACTS[Fact.USAGE])
    named = [pl.col(n).cast(_TEXT).fill_null("") for n in usage.columns if n in _USAGE_DIMENSIONS]
    bucket = pl.concat_str(named, separator="|")
    keyed = usage.with_columns(usage_key=bucket + "#" + bucket.cum_count().over(bucket).cast(_TEXT))
    return Reading(
        facts={Fact.USAGE: keyed.select(schema.names).to_arrow().cast(schema)},
        rows_read={file.found.name: file.row_count for file in bill.files},
        scopes={Fact.USAGE: usage["scope"].drop_nulls().unique().sort().to_list()},
        rejected=rejected,
        counters=counters,
    )


_USAGE_DIMENSIONS = (
    "charge_date",
    "issuer",
    "billing_account_id",
    "sub_account_id",
    "api_key_id",
    "provider",
    "model_text",
    "meter",
    "service_tier",
    "inference_geo",
)
