"""How one OTLP span becomes what `trace_sql` asks for, as SQL text.

Only our own constants are pasted into the text; what a workspace says is bound.
"""

from collections.abc import Iterable

from pipelines.sources.otel_attributes import COUNTS, NEWEST, TAG_LIST, TAG_PREFIXES, TEXTS
from pipelines.sources.otel_semantics import TABLE, Semantics
from pipelines.sources.provider_words import provider_sql
from pipelines.sources.sql_text import chosen, epoch_nanos, hex_id, literal, nested, texts
from pipelines.sources.trace_kinds import KINDS
from pipelines.sources.trace_sql import calls_sql

UNFOLD = f"""
-- one level at a time, so that nothing large is copied for each of its elements
with resources as (
    select
        number,
        unnest(elements) as element,
        unnest(range(len(elements))) as resource_no
    from (
        select
            number,
            {nested("line", "resourceSpans")} as elements
        from (select number, if(json_valid(line), line, 'null') as line from lines)
    )
),

scopes as (
    select
        number,
        resource_no,
        resource,
        unnest(elements) as element,
        unnest(range(len(elements))) as scope_no
    from (
        select
            number,
            resource_no,
            json_extract(element, '$.resource') as resource,
            list_concat(
                {nested("element", "scopeSpans")},
                {nested("element", "instrumentationLibrarySpans")}
            ) as elements
        from resources
    )
),

spans as (
    select
        number,
        resource_no,
        scope_no,
        resource,
        scope,
        unnest(elements) as span,
        unnest(range(len(elements))) as span_no
    from (
        select
            number,
            resource_no,
            scope_no,
            resource,
            coalesce(
                json_extract(element, '$.scope'), json_extract(element, '$.instrumentationLibrary')
            ) as scope,
            {nested("element", "spans")} as elements
        from scopes
    )
),

records as materialized (
    select
        number,
        [resource_no, scope_no, span_no] as part,
        cast(json_object('resource', resource, 'scope', scope, 'span', span) as varchar) as line
    from spans
)

select * from records
union all
select
    number,
    [0, 0, 0] as part,
    if(
        json_type(if(json_valid(line), line, 'null'), '$.attributes') is null,
        line,
        concat('{{"span":', line, '}}')
    ) as line
from lines
where number not in (select number from records)
"""  # noqa: S608 - our own constants only
"""One record per span, with its resource and scope; a bare span is a record too."""

_PATHS = {
    "trace_text": "$.span.traceId",
    "span_text": "$.span.spanId",
    "parent_text": "$.span.parentSpanId",
    "span_name": "$.span.name",
    "span_kind": "$.span.kind",
    "start_text": "$.span.startTimeUnixNano",
    "end_text": "$.span.endTimeUnixNano",
    "status_code": "$.span.status.code",
    "scope_name": "$.scope.name",
}


def _attribute(name: str) -> str:
    return f"json_extract_string(values_of[list_position(keys, {name})], '$.*')[1]"


def _first(names: Iterable[str]) -> str:
    found = [_attribute(literal(name)) for name in names]
    return f"coalesce({', '.join(found)}, null)" if found else "cast(null as varchar)"


def _tag(pointer: str) -> str:
    """Where a key of the workspace may be: the span, its metadata, its resource."""
    key = f"replace(replace(substr({pointer}, 2), '~1', '/'), '~0', '~')"
    places = [_attribute(f"{literal(prefix)} || {key}") for prefix in TAG_PREFIXES]
    return (
        f"coalesce({', '.join(places)}, try(json_extract_string(metadata, {pointer})),"
        f" json_extract_string(resource_values[list_position(resource_keys, {key})], '$.*')[1])"
    )


def _matches(semantics: Semantics) -> str:
    conditions = ["true"]
    if semantics.generation:
        conditions.append(f"generation = {literal(semantics.generation)}")
    if semantics.scopes:
        conditions.append(chosen("scope_name", semantics.scopes))
    if semantics.span:
        conditions.append(f"starts_with(span_name, {literal(semantics.span)})")
    if semantics.model_text:
        conditions.append(f"contains(served, {literal(semantics.model_text)})")
    if semantics.providers:
        conditions.append(chosen("provider", semantics.providers))
    return " and ".join(conditions)


def _by_table(field: str) -> str:
    rows = " ".join(
        f"when {_matches(row)} then {literal(str(getattr(row, field)))}" for row in TABLE
    )
    return f"case {rows} end"


_SIGNS = (
    "operation_name",
    "openinference_kind",
    "request_type",
    "traceloop_kind",
    "guardrail_name",
    "requested",
)
_AI_KEYS = texts(name for field in (*_SIGNS, "input", "output") for name in (TEXTS | COUNTS)[field])
_KINDS = _SIGNS[:4]
_WRAPPERS = [name for name, kind in KINDS.items() if not kind.is_leaf]
_INSTRUMENTED = (
    "nullif(regexp_extract(scope_name, 'instrumentation[.-](openai|anthropic|bedrock|vertexai"
    "|google_genai|mistralai|groq|cohere)(-v2|_v2)?$', 1), '')"
)
"""The provider whose client the scope instruments: for spans that do not name one."""
_IS_ANY_WRAPPER = " or ".join(
    f"coalesce({chosen(f'lower({k})', _WRAPPERS)}, false)" for k in _KINDS
)
_COUNT_LIST = ", ".join(_first(names) for names in COUNTS.values())
_TEXT_COLUMNS = ", ".join(f"{_first(names)} as {column}" for column, names in TEXTS.items())
_HAS_NEWEST = f"list_has_any(keys, {texts(NEWEST)})"

_TAKEN = f"""
select
    file_id,
    source_row,
    line,
    problem,
    case
        when not is_json then 'not_json'
        when not is_span and not is_export then 'not_otlp'
        when is_ai_work and len(keys) <> len(values_of) then 'bad_attributes'
    end as broken,
    case
        when not is_span then 'no_spans'
        when not is_ai_work then 'not_ai_work'
    end as passed,
    {hex_id("trace_text", 32)} as trace_id,
    trace_id || ':' || {hex_id("span_text", 16)} as own_id,
    trace_id || ':' || {hex_id("parent_text", 16)} as parent_id,
    {_tag("cast($task_path as varchar)")} as task_id,
    session as session_id,
    {_by_table("source_format")} as source_format,
    {_by_table("input")} as input_totals,
    {_by_table("output")} as output_totals,
    {_by_table("has_own_total")} = 'True' as has_own_total,
    kind_text,
    {_IS_ANY_WRAPPER} as is_wrapper,
    span_kind in ('3', 'SPAN_KIND_CLIENT') as is_client_call,
    {epoch_nanos("start_text")} as started,
    {epoch_nanos("end_text")} as ended,
    try(
        started
        + to_microseconds(cast(try_cast(first_chunk as decimal(18, 6)) * 1000000 as bigint))
    ) as first_token,
    coalesce(end_text not in ('', '0') and ended is null, false) as has_bad_time,
    cast(null as timestamptz) as updated,
    provider,
    requested as requested_model,
    served as served_model,
    regexp_extract(address, '\\.([a-z]{{2}}(-[a-z]+)+-[0-9])\\.amazonaws', 1) as region,
    tier as tier_text,
    response_id,
    api_key as api_key_id,
    person as user_id,
    customer as end_user_id,
    team as team_id,
    cast(null as varchar) as org_id,
    cast(null as varchar) as project_id,
    to_json(list_prepend(
        cast(
            to_json(json_extract_string(tag_list, '$.arrayValue.values[*].stringValue')) as varchar
        ),
        list_transform(cast($tag_paths as varchar[]), lambda path: {_tag("path")})
    )) as tags,
    purpose as purpose_text,
    case
        when lower(cache_hit) = 'true' then 'cache_hit'
        when status_code in ('2', 'STATUS_CODE_ERROR') or error_type is not null then 'error'
        else 'success'
    end as status,
    coalesce(error_type, exception_type) as error_text,
    coalesce(http_status, error_type) as http_text,
    try_cast(streaming as boolean) as is_streaming,
    count_texts,
    cost as cost_text,
    saved_cost as saved_cost_text,
    cast(null as varchar[]) as own_notes
from (
    select
        *,
        lower(coalesce({", ".join(_KINDS)}, if(guardrail_name is not null, 'guardrail', null)))
            as kind_text,
        {provider_sql(f"coalesce(provider_name, {_INSTRUMENTED})")} as provider,
        case
            when {_HAS_NEWEST} then 'otel_genai_1.40'
            when list_has_any(
                keys, {texts([COUNTS["input"][0], COUNTS["output"][0]])}
            ) then 'otel_genai_1.27'
            when openinference_kind is not null
                or list_has_any(keys, {texts([COUNTS["input"][-1], COUNTS["output"][-1]])})
                then 'openinference'
            when list_has_any(
                keys, {texts([*COUNTS["input"][1:-1], *COUNTS["output"][1:-1], "gen_ai.system"])}
            ) then 'otel_genai_early'
            else 'otel_genai_1.27'
        end as generation
    from (
        select
            *,
            list_has_any(keys, {_AI_KEYS}) as is_ai_work,
            [{_COUNT_LIST}] as count_texts,
            {_TEXT_COLUMNS},
            values_of[list_position(keys, {literal(TAG_LIST)})] as tag_list,
            json_extract_string(
                event_values[list_position(event_keys, 'exception.type')], '$.*'
            )[1] as exception_type
        from (
            select
                file_id,
                source_row,
                line,
                problem,
                top is not null as is_json,
                coalesce(json_type(json_line, '$.span') = 'OBJECT', false) as is_span,
                coalesce(
                    json_type(json_line, '$.resourceSpans'),
                    json_type(json_line, '$.resourceMetrics'),
                    json_type(json_line, '$.resourceLogs'),
                    ''
                ) = 'ARRAY' as is_export,
                {", ".join(f"top[{i}] as {name}" for i, name in enumerate(_PATHS, 1))},
                json_extract_string(json_line, '$.span.attributes[*].key') as keys,
                json_extract(json_line, '$.span.attributes[*].value') as values_of,
                json_extract_string(json_line, '$.resource.attributes[*].key') as resource_keys,
                json_extract(json_line, '$.resource.attributes[*].value') as resource_values,
                json_extract_string(json_line, '$.span.events[*].attributes[*].key') as event_keys,
                json_extract(json_line, '$.span.events[*].attributes[*].value') as event_values
            from (
                select
                    *,
                    if(top is null, 'null', line) as json_line
                from (
                    select
                        *,
                        try(json_extract_string(line, {texts(_PATHS.values())})) as top
                    from lines
                )
            )
        )
    )
)
"""  # noqa: S608 - our own constants only

SQL = calls_sql(_TAKEN)
