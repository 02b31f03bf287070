"""How one MLflow span becomes what `trace_sql` asks for, as SQL text, and where its fields are.

Only our own constants are pasted into the text; what a workspace says is bound.
"""

from models.vocabulary import TokenSemantics
from pipelines.sources.base import TokenRule
from pipelines.sources.provider_words import provider_sql
from pipelines.sources.sql_text import chosen, epoch_nanos, hex_id, nested, texts
from pipelines.sources.trace_sql import calls_sql

FORMAT = "mlflow_traces"
KNOWN_INCLUSIVE = ("openai", "azure", "google", "anthropic")
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
        "*",
        TokenSemantics.UNKNOWN,
        TokenSemantics.UNKNOWN,
        "Depends on the flavour. MLflow computes the total itself: it is no evidence.",
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
}
_ATTRIBUTES = {
    "kind": "mlflow.spanType",
    "usage_text": "mlflow.chat.tokenUsage",
    "cost_text": "mlflow.llm.cost",
    "served": "mlflow.llm.model",
    "provider_name": "mlflow.llm.provider",
    "response_id": "gen_ai.response.id",
    "requested": "gen_ai.request.model",
}
"""Attributes that are read. Their values are JSON texts."""

_USAGE = (
    "$.input_tokens",
    "$.output_tokens",
    "$.total_tokens",
    "$.cache_read_input_tokens",
    "$.cache_creation_input_tokens",
    "$.cache_creation_input_tokens_above_1hr",
)
_TOP = [*_PATHS.values(), *(f'$.span.attributes."{name}"' for name in _ATTRIBUTES.values())]
_COLUMNS = ", ".join(f"top[{i}] as {name}" for i, name in enumerate(_PATHS, 1))
_VALUES = ", ".join(f"top[{i}] as {name}" for i, name in enumerate(_ATTRIBUTES, 1 + len(_PATHS)))


def _plain(column: str) -> str:
    """The text inside a JSON text."""
    return f"if(json_valid({column}), json_extract_string({column}, '$'), {column})"


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
    if({chosen("provider", KNOWN_INCLUSIVE)}, 'inclusive', 'unknown') as input_totals,
    if({chosen("provider", KNOWN_INCLUSIVE)}, 'inclusive', 'unknown') as output_totals,
    false as has_own_total,
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
    cast(null as varchar) as tier_text,
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
    -- the one-hour part is inside the writes
    [
        usage[1], usage[2], usage[3], usage[4], usage[5],
        cast(try(usage[5]::bigint - usage[6]::bigint) as varchar), usage[6],
        null, null, null, null, null, null
    ] as count_texts,
    json_extract_string({_object("cost_text")}, '$.total_cost') as cost_text,
    cast(null as varchar) as saved_cost_text,
    cast(null as varchar[]) as own_notes
from (
    select
        *,
        {provider_sql("provider_text")} as provider
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
