"""How the log of one gateway is written down, as a table, and the SQL it makes.

A format is a table of paths (its allow-list: what is not there is never read) and some expressions
over them. What they mean is decided in `call_facts`, alike for all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from models.vocabulary import TokenSemantics
from pipelines.sources.base import TokenRule
from pipelines.sources.call_facts import COUNTS, FACTS
from pipelines.sources.call_words import PROVIDERS
from pipelines.sources.sql_text import literal, renamed, texts

_TEXTS = (
    "native_id",
    "trace_id",
    "parent_call_id",
    "session_id",
    "provider_request_id",
    "path_text",  # of the request: tells the operation, is not kept
    "provider_text",  # who counted the tokens
    "reseller",  # who bills instead of the provider
    "requested_model",
    "served_model",
    "deployment_id",
    "region",
    "tier_text",
    "api_key_id",
    "user_id",
    "end_user_id",
    "team_id",
    "org_id",
    "project_id",
    "metadata",  # JSON object that tags and the task are taken from
    "tag_list",  # JSON array of tags
    "http_text",
    "error_text",
    "ended_text",  # whatever `ended` is made of, to see that it could be read
    "cost_text",
    "note",  # one more thing to count
    *COUNTS,
)
_TYPED = {
    "started": "cast(null as timestamptz)",
    "ended": "cast(null as timestamptz)",
    "first_token": "cast(null as timestamptz)",
    "passed": "cast(null as varchar)",  # why it is no call by its format's contract
    "own_operation": "cast(null as varchar)",
    "own_role": "cast(null as varchar)",
    "attempt_no": "cast(null as integer)",
    "is_streaming": "cast(null as boolean)",
    "is_hit": "false",  # answered by the gateway's own cache
    "is_cancelled": "false",
    "is_failed": "cast(null as boolean)",  # null: the HTTP status says it
    "cost_scale": "1",  # dollars in one unit of its money
    "cost_kind": "'gateway_estimate'",
    # of `provider` it is evidence, of `gateway` a check, of `none` it is neither
    "total_of": "'gateway'",
}


@dataclass(frozen=True)
class CallFormat:
    """How one gateway writes a call down.

    Attributes:
        source_format: What such rows are called in `source_format`.
        paths: JSON paths by name; of several for one name the first with a value counts. A name
            that is also a column of the shared SQL becomes that column.
        columns: SQL over the names of `paths`, and `line`, for the other columns.
        token_rules: What its totals mean; the rule of a provider before that of `*`.
        blanks: Texts that stand for nothing.
    """

    source_format: str
    paths: Mapping[str, str | Sequence[str]]
    token_rules: tuple[TokenRule, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    blanks: tuple[str, ...] = ("",)


def instant(column: str) -> str:
    """A text as an instant, exact to the microsecond, cut below; null if it is none.

    It is a date and time, in UTC where it names no zone, or an epoch in s, ms, us or ns.
    """
    number = f"try_cast({column} as decimal(28, 9))"
    return (
        f"case when contains({column}, ':') then try_cast({column} as timestamptz)"
        f" else try(make_timestamptz(cast(floor(case"
        f" when {number} < 1e11::decimal(28, 0) then {number} * 1000000"
        f" when {number} < 1e14::decimal(28, 0) then {number} * 1000"
        f" when {number} < 1e17::decimal(28, 0) then {number}"
        f" else {number} * 0.001 end) as bigint))) end"
    )


def later(start: str, milliseconds: str) -> str:
    """The instant some milliseconds after one; null if they are no number, or negative."""
    span = f"try_cast({milliseconds} as decimal(18, 3))"
    return (
        f"try(make_timestamptz(epoch_us({start})"
        f" + case when {span} >= 0 then cast({span} * 1000 as bigint) end))"
    )


def is_true(column: str) -> str:
    """Whether a text says yes; null where it is null."""
    return f"lower({column}) in ('true', '1')"


def unfolded(*keys: str) -> str:
    """SQL of a reader's `unfold`: records wrapped in an object, alone or as an array.

    Args:
        keys: Names that a wrapper may have, each at the top of a line.
    """
    inner = ", ".join(
        f"case json_type(line, '$.{key}')"
        f" when 'ARRAY' then nullif(cast(json_extract(line, '$.{key}[*]') as varchar[]), [])"
        f" when 'OBJECT' then [cast(json_extract(line, '$.{key}') as varchar)] end"
        for key in keys
    )
    return (
        "select number, unnest(generate_series(1, len(records))) as part,"  # noqa: S608 - our own names
        " unnest(records) as line from (select number,"
        f" coalesce(try(coalesce({inner})), [line]) as records from lines)"
    )


def from_csv(columns: Sequence[str], *, flat: str | None = None) -> str:
    """SQL of a reader's `to_lines` for CSV: the named columns, and those below a prefix.

    Columns with contents are never asked for, so they are never made into text.
    """
    below = f" or starts_with(c, {literal(flat)})" if flat else ""
    return (
        "select to_json(t) as line from (select columns("  # noqa: S608 - our own names
        f"lambda c: c in ({', '.join(map(literal, columns))}){below}) from read_csv($path,"
        " all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"',"
        " max_line_size = 16777216)) as t"
    )


def calls_sql(form: CallFormat) -> str:
    """The SQL of a stream reader for one format."""
    every = [path for paths in form.paths.values() for path in _several(paths)]
    position, names = 1, []
    for name, paths in form.paths.items():
        several = range(position, position + len(_several(paths)))
        position += len(several)
        values = ", ".join(f"top[{i}]" for i in several)
        names.append(f"coalesce({values}) as {name}")
    columns = {c: c if c in form.paths else "cast(null as varchar)" for c in _TEXTS}
    columns |= _TYPED | dict(form.columns)
    described = ",\n        ".join(f"{sql} as {name}" for name, sql in columns.items())
    blank = " or ".join(f"x = {literal(b)}" for b in form.blanks)
    own = ",\n        ".join(names)
    return f"""
with parsed as (
    select
        file_id,
        source_row,
        line,
        problem,
        list_transform(
            try(json_extract_string(line, {texts(every)})), lambda x: if({blank}, null, x)
        ) as top
    from lines
),

taken as (
    select
        file_id,
        source_row,
        line,
        problem,
        top is null as is_not_json,
        {own}
    from parsed
),

described as (
    select
        file_id,
        source_row,
        line,
        problem,
        is_not_json,
        {literal(form.source_format)} as source_format,
        {described}
    from taken
),

named as (
    select
        *,
        coalesce(
            {renamed(_compact("provider_text"), PROVIDERS)}, lower(provider_text)
        ) as counted_by
    from described
),

meant as (
    select
        *,
        {_by_provider(form.token_rules, "input_totals")} as input_totals,
        {_by_provider(form.token_rules, "output_totals")} as output_totals
    from named
),
{FACTS}"""  # noqa: S608 - our own constants only


def _several(paths: str | Sequence[str]) -> Sequence[str]:
    return (paths,) if isinstance(paths, str) else paths


def _compact(column: str) -> str:
    return f"regexp_replace(lower({column}), '[^a-z0-9]', '', 'g')"


def _by_provider(rules: tuple[TokenRule, ...], totals: str) -> str:
    by_name: dict[str, TokenSemantics] = {rule.provider: getattr(rule, totals) for rule in rules}
    other = by_name.pop("*")
    whens = " ".join(f"when {literal(p)} then {literal(t)}" for p, t in by_name.items())
    return f"case counted_by {whens} else {literal(other)} end" if whens else literal(other)
