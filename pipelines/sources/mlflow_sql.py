"""How one MLflow span becomes what `trace_sql` asks for, as SQL text, and where its fields are.

Only our own constants are pasted into the text; what a workspace says is bound.
"""

from models.vocabulary import TokenSemantics
from pipelines.sources.base import TokenRule
from pipelines.sources.otel_attributes import COUNTS, TEXTS
from pipelines.sources.provider_words import provider_sql
from pipelines.sources.sql_text import chosen, epoch_nanos, hex_id, literal, nested, texts
from pipelines.sources.trace_sql import calls_sql

FORMAT = "mlflow_traces"
KNOWN_INCLUSIVE = ("openai", "azure", "google")
INCLUSIVE_FLAVOURS = ("openai", "gemini", "bedrock", "langchain", "pydantic_ai")
"""Values of `mlflow.message.format` whose input holds the cache, whoever served the call."""

TOKEN_RULES = (
    *(
        TokenRule(
            FORMAT,
            provider,
            TokenSemantics.INCLUSIVE,
            TokenSemantics.INCLUSIVE,
            "Its flavour reports cache inside the input; cache beyond the input proves otherwise.",
        )
        for provider in KNOWN_INCLUSIVE
    ),
    TokenRule(
        FORMAT,
        "anthropic",
        TokenSemantics.UNKNOWN,
        TokenSemantics.INCLUSIVE,
        "Inside where writes are told by lifetime (as MLflow 3.17 does) or by OpenInference; beside"
        " in traces of Claude Code; else older flavours differ, and the API's own way is taken.",
    ),
    TokenRule(
        FORMAT,
        "*",
        TokenSemantics.UNKNOWN,
        TokenSemantics.UNKNOWN,
        "Inside where the flavour is of OpenAI, Gemini, Bedrock, LangChain or Pydantic AI. MLflow"
        " computes the total itself: but for Gemini's it is no evidence.",
    ),
)

UNFOLD = f"""
with traces as (
    select
        number,
        unnest(elements) as trace,
        unnest(range(len(elements))) as trace_no
    from (
        select
            number,
            if(
                json_type(line, '$.traces') is null, [line::json], {nested("line", "traces")}
            ) as elements
        from (select number, if(json_valid(line), line, 'null') as line from lines)
    )
),

spans as (
    select
        number,
        trace_no,
        info,
        unnest(elements) as span,
        unnest(range(len(elements))) as span_no
    from (
        select
            number,
            trace_no,
            json_object(
                'metadata', json_extract(trace, '$.info.trace_metadata'),
                'tags', json_extract(trace, '$.info.tags')
            ) as info,
            {nested("trace", "data.spans")} as elements
        from traces
    )
),

records as materialized (
    select
        number,
        [trace_no, span_no] as part,
        cast(json_object('info', info, 'span', span) as varchar) as line
    from spans
)

select * from records
union all
select
    number,
    [0, 0] as part,
    line
from lines
where number not in (select number from records)
"""  # noqa: S608 - our own constants only
"""One record per span, with what the trace says about all of them."""

_PATHS = {
    "trace_text": "$.span.trace_id",
    "span_text": "$.span.span_id",
    "parent_text": "$.span.parent_span_id",
    "start_text": "$.span.start_time_unix_nano",
    "end_text": "$.span.end_time_unix_nano",
    "status_code": "$.span.status.code",
    "person": '$.info.metadata."mlflow.trace.user"',
    "session": '$.info.metadata."mlflow.trace.session"',
    "info_metadata": "$.info.metadata",
    "info_tags": "$.info.tags",
    "has_spans": "$.data.spans",
    "claude_code": '$.info.metadata."mlflow.claude_code_version"',
}
_ATTRIBUTES = {
    "kind": "mlflow.spanType",
    "usage_text": "mlflow.chat.tokenUsage",
    "cost_text": "mlflow.llm.cost",
    "served": "mlflow.llm.model",
    "provider_name": "mlflow.llm.provider",
    "response_id": "gen_ai.response.id",
    "requested": "gen_ai.request.model",
    "flavour": "mlflow.message.format",
    "openinference_input": "llm.token_count.prompt",
    "parameters": "llm.invocation_parameters",
}
"""Attributes that are read. Their values are JSON texts."""

_DETAILS = ("cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "reasoning")
_ALIASES = {
    **{name: COUNTS[name] for name in (*_DETAILS, "input_audio", "output_audio")},
    "tier": (*TEXTS["tier"], *TEXTS["asked_tier"]),
}
"""What the attributes of spans that came over OpenTelemetry tell besides MLflow's own usage."""
_MARKS = (".usage.", "llm.token_count.", "service_tier")
"""Some part of each of these names: spans that MLflow traced itself have none."""

_USAGE = (
    "$.input_tokens",
    "$.output_tokens",
    "$.total_tokens",
    "$.cache_read_input_tokens",
    "$.cache_creation_input_tokens",
    "$.cache_creation_input_tokens_above_1hr",
)
_NAMES = [name for names in _ALIASES.values() for name in names]
_TOP = [*_PATHS.values(), *(f'$.span.attributes."{name}"' for name in _ATTRIBUTES.values())]
_COLUMNS = ", ".join(f"top[{i}] as {name}" for i, name in enumerate(_PATHS, 1))
_VALUES = ", ".join(f"top[{i}] as {name}" for i, name in enumerate(_ATTRIBUTES, 1 + len(_PATHS)))


def _plain(column: str) -> str:
    """The text inside a JSON text."""
    return f"if(json_valid({column}), json_extract_string({column}, '$'), {column})"


def _told(name: str) -> str:
    """The first attribute that tells something."""
    places = (f"told[{_NAMES.index(alias) + 1}]" for alias in _ALIASES[name])
    return _plain(f"coalesce({', '.join(places)})")


_LIFETIMES = "cast(try(usage[5]::bigint - usage[6]::bigint) as varchar), usage[6]"
"""The one-hour part is inside the writes."""
_COUNTS = f"""if(
        told is null,
        usage[:5] || [{_LIFETIMES}, null, null, null, null, null, null],
        [
            usage[1],
            usage[2],
            usage[3],
            coalesce(usage[4], {_told("cache_read")}),
            coalesce(usage[5], {_told("cache_write")}),
            coalesce(
                cast(try(usage[5]::bigint - usage[6]::bigint) as varchar),
                {_told("cache_write_5m")}
            ),
            coalesce(usage[6], {_told("cache_write_1h")}),
            {_told("reasoning")},
            {_told("input_audio")},
            null,
            {_told("output_audio")},
            null,
            null
        ]
    )"""


def _object(column: str) -> str:
    return f"if(json_valid({column}), {column}, '{{}}')"


def _tag(pointer: str) -> str:
    places = (_object("info_tags"), _object("info_metadata"))
    return f"coalesce({', '.join(f'json_extract_string({p}, {pointer})' for p in places)})"


_TAKEN = f"""
select
    file_id,
    source_row,
    line,
    problem,
    case
        when top is null then 'not_json'
        when trace_text is null and has_spans is null then 'not_a_trace'
        when usage_text <> '' and not json_valid(usage_text) then 'bad_count'
        when cost_text <> '' and not json_valid(cost_text) then 'bad_amount'
    end as broken,
    if(trace_text is null, 'no_spans', null) as passed,
    {hex_id("trace_text", 32)} as trace_id,
    trace_id || ':' || {hex_id("span_text", 16)} as own_id,
    trace_id || ':' || {hex_id("parent_text", 16)} as parent_id,
    {_tag("cast($task_path as varchar)")} as task_id,
    session as session_id,
    '{FORMAT}' as source_format,
    case
        when {chosen("provider", KNOWN_INCLUSIVE)} then 'inclusive'
        when {chosen("flavour_text", INCLUSIVE_FLAVOURS)} then 'inclusive'
        when provider = 'anthropic' and (
            usage[6] is not null
            or (openinference_input is not null and usage[4] is null and usage[5] is null)
        ) then 'inclusive'
        when claude_code is not null then 'exclusive'
        else 'unknown'
    end as input_totals,
    if(
        {chosen("provider", (*KNOWN_INCLUSIVE, "anthropic"))}
        or {chosen("flavour_text", INCLUSIVE_FLAVOURS)},
        'inclusive',
        'unknown'
    ) as output_totals,
    coalesce(provider = 'google', false) as has_own_total,
    coalesce(lower({_plain("kind")}), 'unknown') as kind_text,
    false as is_wrapper,
    false as is_client_call,
    {epoch_nanos("start_text")} as started,
    {epoch_nanos("end_text")} as ended,
    cast(null as timestamptz) as first_token,
    coalesce(end_text not in ('', '0') and ended is null, false) as has_bad_time,
    cast(null as timestamptz) as updated,
    provider,
    {_plain("requested")} as requested_model,
    {_plain("served")} as served_model,
    cast(null as varchar) as region,
    coalesce(if(told is null, null, {_told("tier")}), asked[1]) as tier_text,
    asked[2] as geo_text,
    {_plain("response_id")} as response_id,
    cast(null as varchar) as api_key_id,
    person as user_id,
    cast(null as varchar) as end_user_id,
    cast(null as varchar) as team_id,
    cast(null as varchar) as org_id,
    cast(null as varchar) as project_id,
    to_json(list_prepend(
        '[]',
        list_transform(cast($tag_paths as varchar[]), lambda path: {_tag("path")})
    )) as tags,
    cast(null as varchar) as purpose_text,
    if(status_code in ('STATUS_CODE_ERROR', 'ERROR', '2'), 'error', 'success') as status,
    cast(null as varchar) as error_text,
    cast(null as varchar) as http_text,
    cast(null as boolean) as is_streaming,
    {_COUNTS} as count_texts,
    json_extract_string({_object("cost_text")}, '$.total_cost') as cost_text,
    cast(null as varchar) as saved_cost_text,
    false as has_own_cost,
    list_filter(
        json_keys({_object("usage_text")}),
        lambda key: not {chosen("key", [path[2:] for path in _USAGE])}
    ) as unread,
    cast(null as varchar[]) as own_notes
from (
    select
        *,
        -- a flavour of Bedrock names the maker of the AI model, and that of OpenAI nobody
        {
    provider_sql(
        "if(flavour_text = 'bedrock', flavour_text, "
        "coalesce(nullif(provider_text, ''), flavour_text))"
    )
} as provider
    from (
        select
            file_id,
            source_row,
            line,
            problem,
            top,
            {_COLUMNS},
            {_VALUES},
            {_plain("provider_name")} as provider_text,
            lower({_plain("flavour")}) as flavour_text,
            if(
                {" or ".join(f"contains(line, {literal(mark)})" for mark in _MARKS)},
                try(json_extract_string(
                    line, {texts(f'$.span.attributes."{name}"' for name in _NAMES)}
                )),
                null
            ) as told,
            if(
                contains(parameters, 'service_tier') or contains(parameters, 'inference_geo'),
                try(json_extract_string(
                    {_plain("parameters")}, ['$.service_tier', '$.inference_geo']
                )),
                null
            ) as asked,
            json_extract_string({_object("usage_text")}, {texts(_USAGE)}) as usage
        from (
            select
                *,
                try(json_extract_string(line, {texts(_TOP)})) as top
            from lines
        )
    )
)
"""  # noqa: S608 - our own constants only

SQL = calls_sql(_TAKEN)
