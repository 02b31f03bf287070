"""How the log of one gateway is written down, as a table, and the SQL it makes.

A format is a table of paths (its allow-list: what is not there is never read) and some expressions
over them. What they mean is decided in `call_facts`, alike for all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from models.vocabulary import TokenSemantics
from pipelines.sources.base import TokenRule
from pipelines.sources.call_facts import COUNTS, FACTS
from pipelines.sources.call_words import DETAILS, PARTS_OF_COUNTS
from pipelines.sources.provider_words import provider_sql
from pipelines.sources.sql_text import chosen, literal, renamed, texts

_TEXTS = (
    "native_id",
    "trace_id",
    "parent_call_id",
    "session_id",
    "provider_request_id",
    "method_text",  # of the request: what only looks is no use
    "path_text",  # of the request: tells the operation, is not kept
    "provider_text",  # who counted the tokens
    "reseller",  # who bills instead of the provider
    "requested_model",
    "served_model",
    "deployment_id",
    "region",
    "tier_text",
    "geo_text",  # where the provider promised to stay
    "api_key_id",
    "user_id",
    "end_user_id",
    "team_id",
    "org_id",
    "project_id",
    "metadata",  # JSON object that tags and the task are taken from
    "tag_list",  # JSON list of `key:value` tags
    "http_text",
    "error_text",
    "ended_text",  # whatever `ended` is made of, to see that it could be read
    "cost_text",
    "saved_text",  # what its answer from the gateway's cache would have cost
    "note",  # one more thing to count
    "usage_text",  # the whole usage, as JSON
    *COUNTS,
)
_TYPED = {
    "started": "cast(null as timestamptz)",
    "ended": "cast(null as timestamptz)",
    "first_token": "cast(null as timestamptz)",
    "updated": "cast(null as timestamptz)",  # when the record was last changed
    "passed": "cast(null as varchar)",  # why it is no call by its format's contract
    "own_operation": "cast(null as varchar)",
    "own_role": "cast(null as varchar)",
    "attempt_no": "cast(null as integer)",
    "is_streaming": "cast(null as boolean)",
    "is_hit": "false",  # answered by the gateway's own cache
    "is_cancelled": "false",
    "is_failed": "cast(null as boolean)",  # null: the HTTP status says it
    "is_incomplete": "false",  # its counts are those of an answer that had not ended
    "is_looking": "false",  # it tells what another call used
    "is_unmetered": "false",  # where it counts nothing, it uses nothing
    "is_cost_telling": "true",  # its cost was counted by what the provider counted
    "is_disputed": "false",  # the record contradicts itself
    "cost_scale": "1",  # dollars in one unit of its money
    "cost_kind": "'gateway_estimate'",
}

INCLUSIVE = TokenSemantics.INCLUSIVE
EXCLUSIVE = TokenSemantics.EXCLUSIVE
UNKNOWN = TokenSemantics.UNKNOWN


class Totals(NamedTuple):
    """Whether input and output totals include their details, and what is known about it."""

    input: TokenSemantics
    output: TokenSemantics
    note: str


@dataclass(frozen=True)
class CallFormat:
    """How one gateway writes a call down.

    Attributes:
        source_format: What such rows are called in `source_format`.
        paths: JSON paths by name; of several for one name the first with a value counts. A name
            that is also a column of the shared SQL becomes that column.
        columns: SQL over the names of `paths`, and `line`, for the other columns.
        totals: What its totals mean by provider; `*` is any other.
        wrapped_in: Name at the top of a line below which it may hold its records.
        own_totals: Providers whose total is their own or holds all there is, so that it is
            evidence.
        has_sound_total: Whether a total of its own at least adds up.
        blanks: Texts that stand for nothing.
        usage: Paths of the whole usage, of which the first with a value counts. Paths that begin
            with `@.` are below it, and a count in it that none of them reads is noted by its name.
    """

    source_format: str
    paths: Mapping[str, str | Sequence[str]]
    totals: Mapping[str, Totals]
    columns: Mapping[str, str] = field(default_factory=dict)
    wrapped_in: str | None = None
    own_totals: tuple[str, ...] = ()
    has_sound_total: bool = True
    blanks: tuple[str, ...] = ("",)
    usage: tuple[str, ...] = ()

    def token_rules(self) -> tuple[TokenRule, ...]:
        """What its totals mean, as it is published."""
        return tuple(TokenRule(self.source_format, p, *t) for p, t in self.totals.items())


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


def host_geo(column: str) -> str:
    """The geography of a regional host of OpenAI, in an address; null for any other."""
    pattern = literal("^(?:https?://)?([a-z]{2})[.]api[.]openai[.]com(?:[:/?]|$)")
    return f"nullif(regexp_extract({column}, {pattern}, 1), '')"


def unfolded(key: str) -> str:
    """SQL of a reader's `unfold` for records wrapped in an object, alone or as an array."""
    return f"""
select
    number,
    unnest(generate_series(1, len(records))) as part,
    unnest(records) as line
from (
    select
        number,
        case left(wrapped, 1)
            when '[' then coalesce(
                nullif(try(cast(json_extract(line, '$.{key}[*]') as varchar[])), []), [line]
            )
            when '{{' then [wrapped]
            else [line]
        end as records
    from (
        select
            number,
            line,
            try(cast(json_extract(line, '$.{key}') as varchar)) as wrapped
        from lines
    )
)
"""  # noqa: S608 - our own names


def calls_sql(form: CallFormat) -> str:
    """The SQL of a stream reader for one format."""
    paths = [path for paths in form.paths.values() for path in several(paths)]
    top = [*(path for path in paths if not _is_inner(path)), *form.usage]
    inner = [path for path in paths if _is_inner(path)]
    places = {path: f"top[{i}]" for i, path in enumerate(top, 1)}
    places |= {path: f"inside[{i}]" for i, path in enumerate(inner, 1)}
    names = [
        f"coalesce({', '.join(places[path] for path in several(paths))}) as {name}"
        for name, paths in form.paths.items()
    ]
    columns = {c: c for c in _TEXTS if c in form.paths}
    columns |= {"usage_text": "usage_text"} | dict(form.columns)
    if form.wrapped_in:
        nothing = f"try(json_array_length(line, '$.{form.wrapped_in}')) = 0 and native_id is null"
        passed = columns.get("passed", _TYPED["passed"])
        columns["passed"] = f"if({nothing}, 'no_records', {passed})"
    described = described_columns(columns)
    not_blank = f"lambda x: if({chosen('x', form.blanks)}, null, x)"
    own = ",\n        ".join(names)
    return f"""
with parsed as (
    select
        file_id,
        source_row,
        line,
        problem,
        list_transform(try(json_extract_string(line, {texts(top)})), {not_blank}) as top
    from lines
),

opened as (
    select
        *,
        {_usage(form, places, inner, not_blank)}
    from parsed
),

taken as (
    select
        file_id,
        source_row,
        line,
        problem,
        top is null as is_not_json,
        usage_text,
        {own}
    from opened
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
        try(json_extract_string(metadata, cast($task_path as varchar))) as task_id,
        list_transform(
            try(json_extract_string(metadata, cast($tag_paths as varchar[]))), {not_blank}
        ) as tag_values,
        {provider_sql("provider_text")} as counted_by
    from described
),

meant as (
    select
        *,
        {_unread(form) if form.usage else "cast(null as varchar)"} as unread,
        cast(null as decimal(18, 12)) as unread_cost,
        {_by_provider({p: t.input for p, t in form.totals.items()})} as input_totals,
        {_by_provider({p: t.output for p, t in form.totals.items()})} as output_totals,
        {str(form.has_sound_total).lower()} as has_sound_total,
        {chosen("counted_by", form.own_totals) if form.own_totals else "false"} as has_own_total
    from named
),
{FACTS}"""  # noqa: S608 - our own constants only


def described_columns(columns: Mapping[str, str]) -> str:
    """Every column that a format may describe, by its SQL; what it does not say is not known."""
    every = dict.fromkeys(_TEXTS, "cast(null as varchar)") | _TYPED | dict(columns)
    return ",\n        ".join(f"{sql} as {name}" for name, sql in every.items())


def _is_inner(path: str) -> bool:
    return path.startswith("@.")


def _usage(
    form: CallFormat, places: Mapping[str, str], inner: Sequence[str], not_blank: str
) -> str:
    """The usage as a text, and what is looked for inside it: parsed once, wherever it lies."""
    if not form.usage:
        return "cast(null as varchar) as usage_text, cast(null as varchar[]) as inside"
    paths = texts("$" + path[1:] for path in inner)
    return (
        f"coalesce({', '.join(places[path] for path in form.usage)}) as usage_text,"
        f" list_transform(try(json_extract_string(usage_text, {paths})), {not_blank}) as inside"
    )


def _unread(form: CallFormat) -> str:
    """Names of counts in the usage that nobody reads and are no part of those read, as a text."""
    read = {
        path.rpartition(".")[2] for name in COUNTS for path in several(form.paths.get(name, ()))
    }
    known = sorted(read | PARTS_OF_COUNTS)
    found = "regexp_extract_all(usage_text, '\"([a-z0-9_]{1,40})\"\\s*:\\s*[1-9][0-9]*\\s*[,}]', 1)"
    # each pass beside the answer has counts of its own, by the names of those read
    passes = "if(try(json_array_length(usage_text, '$.iterations')) > 1, ['iterations'], [])"
    counts = f"list_distinct(list_filter({found}, lambda n: not {chosen('n', known)}))"
    # most usages have no other name than those known, which is quicker to see
    keys = f"flatten(json_keys(usage_text, {texts(['$', *(f'$.{d}' for d in DETAILS)])}))"
    expected = texts([*known, *DETAILS, "cost"])
    return (
        f"case when not list_has_all({expected}, {keys}) then"
        f" nullif(array_to_string(list_concat({passes}, {counts}), ','), '') end"
    )


def several(paths: str | Sequence[str]) -> Sequence[str]:
    """The paths of one name."""
    return (paths,) if isinstance(paths, str) else paths


def _by_provider(totals: Mapping[str, TokenSemantics]) -> str:
    known = {provider: str(meaning) for provider, meaning in totals.items() if provider != "*"}
    other = literal(totals["*"])
    return f"coalesce({renamed('counted_by', known)}, {other})" if known else other
