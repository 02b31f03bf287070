"""Mapped calls: a log as a stream, from a mapping to the shared SQL of gateway logs."""

from decimal import Decimal

from models.mapping import FeedMapping
from models.vocabulary import TokenSemantics
from pipelines.sources.base import StreamReader, Tables
from pipelines.sources.call_facts import RULES
from pipelines.sources.call_sql import CallFormat, Totals, calls_sql, is_true
from pipelines.sources.mapped_expressions import Expression, Path
from pipelines.sources.mapped_targets import TOKEN_COLUMNS, VOCABULARIES, Compiled, compiled
from pipelines.sources.sql_text import chosen

_RENAMED = {
    "call_id": "native_id",
    "started_at": "started",
    "ended_at": "ended",
    "first_token_at": "first_token",
    "updated_at": "updated",
    "provider": "provider_text",
    "service_tier": "tier_text",
    "inference_geo": "geo_text",
    "error_class": "error_text",
    "http_status": "http_text",
    "logged_cost_usd": "cost_text",
    "operation": "own_operation",
    "role": "own_role",
    "tags": "metadata",
    **TOKEN_COLUMNS,
}
_WORDS = ("operation", "role", "status", "service_tier")
_NUMBERS = (*TOKEN_COLUMNS, "logged_cost_usd")


def stream_reader(mapping: FeedMapping) -> StreamReader:
    """How landing streams the files of a feed of calls."""
    made = compiled(mapping)
    form = CallFormat(
        source_format="mapped",
        paths={name: _pointer(path) for path, name in made.compiler.columns.items()},
        columns=_columns(mapping, made),
        totals={"*": _totals(mapping)},
    )
    return StreamReader(
        sql=calls_sql(form),
        rules={
            **RULES,
            "unmapped_value": "Add the value to the map(...), or give the map an otherwise",
            "not_in_vocabulary": "Map the value to one that the column may have",
        },
        tables=_tables(mapping, list(made.compiler.columns)),
        bound=made.compiler.bound,
    )


def _columns(mapping: FeedMapping, made: Compiled) -> dict[str, str]:
    own = {name: e for name, e in made.columns.items() if name != "status"}
    columns = {_RENAMED.get(name, name): _value(mapping, name, e) for name, e in own.items()}
    columns["passed"] = _passed(made)
    if "ended_at" in made.columns:
        columns["ended_text"] = made.columns["ended_at"].text
    if "status" in made.columns:
        status = made.columns["status"].sql
        columns["is_hit"] = f"coalesce({status} = 'cache_hit', false)"
        columns["is_cancelled"] = f"coalesce({status} = 'cancelled', false)"
        columns["is_failed"] = f"{status} = 'error'"
    return columns


def _value(mapping: FeedMapping, name: str, expression: Expression) -> str:
    if name in _NUMBERS:
        number = _number(expression, mapping)
        return _started(number) if name == "audio_seconds" else number
    if name == "attempt_no":
        return f"try_cast({expression.sql} as integer)"
    if name == "is_streaming":
        return is_true(expression.sql)
    return expression.sql


def _number(expression: Expression, mapping: FeedMapping) -> str:
    """A number in the unit of its column, as text; what cannot be one stays unreadable."""
    sql = expression.sql
    if mapping.format == "csv" and mapping.csv.decimal == ",":
        sql = f"if(contains({sql}, '.'), {sql} || '?', replace({sql}, ',', '.'))"
    if expression.factor == Decimal(1):
        return sql
    exact = f"try_cast({sql} as decimal(26, 13)) * {expression.factor:f}"
    return f"coalesce(cast(try(cast({exact} as decimal(38, 13))) as varchar), {sql} || '?')"


def _started(number: str) -> str:
    """A number as text, a part of one as a whole one more: seconds are billed when they start."""
    whole = f"cast(ceil(try_cast({number} as decimal(26, 9))) as decimal(26, 0))"
    return f"coalesce(cast({whole} as varchar), {number} || '?')"


def _passed(made: Compiled) -> str:
    """Why a row is set aside before its numbers are looked at."""
    strange = [
        f"not {chosen(made.columns[name].sql, sorted(VOCABULARIES[name]))}"
        for name in _WORDS
        if name in made.columns
    ]
    rules = {"unmapped_value": list(made.unmapped.values()), "not_in_vocabulary": strange}
    whens = " ".join(
        f"when {' or '.join(conditions)} then '{rule}'"
        for rule, conditions in rules.items()
        if conditions
    )
    return f"case {whens} end" if whens else "cast(null as varchar)"


def _totals(mapping: FeedMapping) -> Totals:
    """What was declared; without details there is nothing to be inside or beside."""
    inclusive = TokenSemantics.INCLUSIVE
    return Totals(
        TokenSemantics(mapping.tokens.cache or inclusive),
        TokenSemantics(mapping.tokens.reasoning or inclusive),
        "As the mapping declares.",
    )


def _pointer(path: Path) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


def _tables(mapping: FeedMapping, paths: list[Path]) -> Tables | None:
    """Only the columns that the mapping names become text, and a file must have them all."""
    if mapping.format == "jsonl":
        return None
    names = {path[0].casefold(): path[0] for path in paths}
    return Tables(
        name_of=lambda column: names.get(column.casefold()),
        required=frozenset(names.values()),
        suffixes=(f".{mapping.format}",),
        delimiter=mapping.csv.delimiter,
        quote=mapping.csv.quote,
    )
