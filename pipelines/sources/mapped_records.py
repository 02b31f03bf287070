"""Mapped charges, usage and outcomes: files read whole, each row a fact or set aside."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from functools import cached_property

import polars as pl
import pyarrow as pa

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from models.landing import Rejected
from models.mapping import FeedMapping
from models.money import MONEY_CONTEXT, MoneyError, parse_money
from pipelines.duck import connect
from pipelines.quoting import identifier
from pipelines.sources.base import DeliveryUnit, ReadContext, Reading, SourceError
from pipelines.sources.bill_files import Bill, load
from pipelines.sources.bill_records import flat_name
from pipelines.sources.bill_rows import charge_reading, json_object, look_up, tags_json
from pipelines.sources.bill_rules import RowRule, count_flags, currency_rule, split_rejected
from pipelines.sources.cells import RowError
from pipelines.sources.mapped_expressions import Expression, Kind, Path
from pipelines.sources.mapped_targets import (
    REQUIRED,
    SHAPES,
    VOCABULARIES,
    Compiled,
    Shape,
    compiled,
)
from pipelines.sources.outcome_records import ACTIONS, outcome

MAX_REJECTED = 1_000
"""A file with more bad rows than this is not what the mapping describes, and is refused."""

_SCALES = {"DECIMAL(38,18)": 18, "DECIMAL(38,9)": 9, "BIGINT": 0, "INTEGER": 0}
_TEXT = pl.String()
_STATE = " state"
_VALUE = " value"
"""Of a number or time, beside its text under the plain name."""

_NEXT = {
    "missing": "Fill in the column, or map it with coalesce(a, b)",
    "time_form": "Map the column with the time function that fits how it is written",
    "day_form": "Write days as 2026-10-31, months as 2026-10, or use a time function",
    "number_form": "Write plain decimals, or say numbers: float, or the csv's decimal separator",
    "not_in_vocabulary": "Map the value to one that the column may have",
    "unmapped_value": "Add the value to the map(...), or give the map an otherwise",
}


def read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    """Read one file as its mapping says.

    Raises:
        SourceError: The file is damaged, lacks a column of the mapping, or is something else.
    """
    mapping = context.settings.mapping
    if mapping is None:
        raise SourceError(f"{unit.delivery}: the feed has no mapping. Run `everycent check`.")
    table = _Table(mapping, compiled(mapping), context)
    names = {path: _column_name(path) for path in table.made.compiler.columns}
    wanted = sorted(set(names.values()))
    needed = [] if mapping.format == "jsonl" else wanted
    bill = load(unit, wanted, needed, "feed of this mapping", dialect=mapping.csv)
    rows = _selected(bill, table.made, names)
    reading = table.outcomes(bill, rows) if mapping.fact == Fact.OUTCOMES else None
    reading = reading or table.facts(bill, rows)
    if len(reading.rejected) > MAX_REJECTED:
        raise SourceError(
            f"{unit.delivery}: more than {MAX_REJECTED} of its rows are not as the mapping says. "
            "Check what it is, and move it out of this location."
        )
    return reading


def _column_name(path: Path) -> str:
    """How the loader calls a column; members of nested records are named by their path."""
    return path[0] if len(path) == 1 else flat_name("_".join(path))


def _selected(bill: Bill, made: Compiled, names: Mapping[Path, str]) -> pl.DataFrame:
    """Every row with what its expressions yield, still as text but for times."""
    # JSON members are loaded under lower-case names
    found = {
        name: name if name in bill.rows.columns else flat_name(name) for name in names.values()
    }
    cells = ", ".join(
        f"nullif({identifier(found[names[path]])}, '') as {name}"
        for path, name in made.compiler.columns.items()
    )
    selected = [f"{e.text} as {identifier(name)}" for name, e in made.columns.items()]
    selected += [
        f"{e.sql} as {identifier(name + _VALUE)}"
        for name, e in made.columns.items()
        if e.kind == Kind.INSTANT
    ]
    selected.append(f"{made.scope.sql if made.scope else 'cast(null as varchar)'} as scope")
    selected.append(f"{' or '.join(made.compiler.unmapped) or 'false'} as is_unmapped")
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

    def outcomes(self, bill: Bill, rows: pl.DataFrame) -> Reading:
        """Outcomes, each by the rules of every outcome."""
        found: list[dict[str, object]] = []
        rejected = []
        for row in rows.iter_rows(named=True):
            lineage = {"file_id": row["file_id"], "source_row": row["source_row"]}
            try:
                values = dict(self._outcome_values(row))
                values.setdefault(
                    "event_id", f"mapped {values['outcome_id']} {values.get('revision') or 0}"
                )
                kept = outcome(values, self.context.pseudonym)
            except RowError as error:
                rejected.append(
                    Rejected(
                        **lineage,
                        file_name=row["file_name"],
                        rule=error.rule,
                        column=error.column,
                        next_action={**ACTIONS, **_NEXT}[error.rule],
                        shape=error.shape,
                    )
                )
                continue
            found.append({"source": self.context.settings.source, **lineage, **kept})
        table = pa.Table.from_pylist(found, schema=arrow_schema(FACTS[Fact.OUTCOMES]))
        rows_read = {file.found.name: file.row_count for file in bill.files}
        return Reading({Fact.OUTCOMES: table}, rows_read, rejected=rejected)

    def _outcome_values(self, row: Mapping[str, object]) -> Iterator[tuple[str, object]]:
        if row["is_unmapped"]:
            raise RowError("unmapped_value")
        for name, shape in self._shapes.items():
            value = row[name]
            if shape == "instant":
                instant = row[name + _VALUE]
                if value is not None and not isinstance(instant, datetime):
                    raise RowError("time_form", name, value)
                yield name, instant.isoformat() if isinstance(instant, datetime) else None
            elif shape == "number" and value is not None:
                # a count keeps its own rule, and money its 18 digits
                number, _ = self._number(str(value), self.made.columns[name], 18)
                if number is None:
                    raise RowError("number_form", name, value)
                yield name, f"{number.normalize():f}"
            elif self.made.columns[name].is_person and value is not None:
                yield name, str(value) if shape == "person" else self.context.pseudonym(str(value))
            else:
                yield name, value

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
            return self._number(text, expression, scale)

        added = {name + _VALUE: pl.Decimal(38, scale), name + _STATE: _TEXT}
        return look_up(rows, [name], added, value)

    def _number(
        self, text: str | None, expression: Expression, scale: int
    ) -> tuple[Decimal | None, str | None]:
        """A number in the unit of its column, and null, `rounded` or `number_form`."""
        if text is None:
            return None, None
        is_float = self.mapping.numbers == "float"
        if self.mapping.format == "csv" and self.mapping.csv.decimal == ",":
            text = "." if "." in text else text.replace(",", ".")
        try:
            # quantities are not money: what is below their scale is rounded, and counted
            read = parse_money(text, exponent=is_float, binary=is_float or scale < 18)
            with localcontext(MONEY_CONTEXT):
                exact = (Decimal(text) if is_float else read) * expression.factor
                number = exact.quantize(Decimal(1).scaleb(-scale))
        except (MoneyError, ArithmeticError):
            return None, "number_form"
        if number == exact:
            return number, None
        return (number, "rounded") if is_float or scale == 9 else (None, "number_form")

    def _with_safe(self, rows: pl.DataFrame, name: str, shape: Shape) -> pl.DataFrame:
        """Rows in which a text tells nobody's name, and tags are those that may be kept."""
        clean = _kept_tags(self.context) if shape == "tags" else _safe(self.context)
        is_person = self.made.columns[name].is_person
        pseudonym = self.context.pseudonym

        def value(text: str | None) -> tuple[str | None]:
            return (pseudonym(text) if is_person and text else clean(text),)

        raw = rows.rename({name: f"{name} raw"})
        return look_up(raw, [f"{name} raw"], {name: _TEXT}, value).drop(f"{name} raw")

    def _rules(self, rows: pl.DataFrame) -> Iterator[RowRule]:
        unmapped = pl.col("is_unmapped")
        yield RowRule("unmapped_value", "is_unmapped", unmapped, _NEXT["unmapped_value"])
        for name in self._of("instant", "day", "number"):
            rule = {"instant": "time_form", "day": "day_form"}.get(
                self._shapes[name], "number_form"
            )
            is_lost = pl.col(name).is_not_null() & pl.col(name + _VALUE).is_null()
            yield RowRule(rule, name, is_lost, _NEXT[rule])
        needed = [n for n in REQUIRED[self.mapping.fact] if n in rows.columns]
        for name in needed + (["scope"] if self.mapping.scope else []):
            yield RowRule("missing", name, pl.col(name).is_null(), _NEXT["missing"])
        for name, words in VOCABULARIES.items():
            if name in self._shapes:
                is_strange = ~pl.col(name).is_in(sorted(words))
                yield RowRule("not_in_vocabulary", name, is_strange, _NEXT["not_in_vocabulary"])
        if "billing_currency" in rows.columns:
            yield currency_rule("billing_currency", "Map the currency to its ISO 4217 code")


def _day(rows: pl.DataFrame, name: str) -> pl.Expr:
    """A day of an instant or of text; of a billing period its first day."""
    column = pl.col(name if name + _VALUE not in rows.columns else name + _VALUE)
    if name + _VALUE not in rows.columns:
        is_month = name == "billing_period"
        months = pl.when(column.str.len_bytes() == len("2026-10")).then(column + "-01")
        padded = months.otherwise(column) if is_month else column
        is_day = padded.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
        column = pl.when(is_day).then(padded).str.to_date("%Y-%m-%d", strict=False)
    else:
        column = column.dt.date()
    is_period = name == "billing_period"
    return (column.dt.truncate("1mo") if is_period else column).alias(name + _VALUE)


def _best(rows: pl.DataFrame, name: str) -> pl.Expr:
    """The value of a column, else its text, else nothing."""
    found = [n for n in (name + _VALUE, name) if n in rows.columns]
    return pl.col(found[0]) if found else pl.lit(None)


def _safe(context: ReadContext) -> Callable[[str | None], str | None]:
    return lambda text: context.pseudonym(text) if text and "@" in text else text


def _kept_tags(context: ReadContext) -> Callable[[str | None], str | None]:
    keys = context.settings.tag_keys
    safe = _safe(context)

    def kept(text: str | None) -> str | None:
        tags = json_object(text) or {}
        return tags_json({k: safe(str(v)) for k, v in tags.items() if k in keys and v is not None})

    return kept


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
)
