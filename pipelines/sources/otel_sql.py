"""How one OTLP span becomes what `trace_sql` asks for, as SQL text.

Only our own constants are pasted into the text; what a workspace says is bound.
"""

from collections.abc import Iterable

from pipelines.sources.otel_attributes import (
    COMPACTION,
    COUNTS,
    EARLY_TOTALS,
    EXACT_INPUT,
    NEWEST,
    OPENINFERENCE_TOTALS,
    PARTS_OF_COUNTS,
    RAW_COUNTS,
    TAG_LIST,
    TAG_PREFIXES,
    TEXTS,
)
from pipelines.sources.otel_semantics import TABLE, Semantics
from pipelines.sources.provider_words import provider_sql
from pipelines.sources.readings import in_versions
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
        [resource_no, scope_no, span_no, 0] as part,
        cast(json_object('resource', resource, 'scope', scope, 'span', span) as varchar) as line
    from spans
)

select * from records
union all
-- what a span tells beside its totals is a call of its own
select
    number,
    part[1:3] || [1] as part,
    concat('{{"beside":"compaction",', substr(line, 2)) as line
from records
where contains(line, {literal(f'"{COMPACTION[0]}"')})
union all
select
    number,
    [0, 0, 0, 0] as part,
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
    "scope_version": "$.scope.version",
    "attributes_text": "$.span.attributes",
    "events_text": "$.span.events",
    "resource_text": "$.resource.attributes",
    "beside": "$.beside",
}
_PLACES = ", ".join(f"top[{i}] as {name}" for i, name in enumerate(_PATHS, 1))
_IS_SPAN = " or ".join(
    f"top[{i}] is not null"
    for i, path in enumerate(_PATHS.values(), 1)
    if path.startswith("$.span.")
)


def _attribute(name: str) -> str:
    return f"texts_of[list_position(keys, {name})]"


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
    if semantics.versions:
        conditions.append(in_versions("scope_version", semantics.versions))
    if semantics.record:
        conditions.append(f"record_type = {literal(semantics.record)}")
    if semantics.has_more_total:
        conditions.append("has_more_total")
    if semantics.span:
        conditions.append(f"starts_with(span_name, {literal(semantics.span)})")
    if semantics.model_text:
        conditions.append(f"contains(served, {literal(semantics.model_text)})")
    if semantics.providers:
        conditions.append(chosen("provider", semantics.providers))
    return " and ".join(conditions)


_ROW_OF_TABLE = (
    f"case {' '.join(f'when {_matches(row)} then {i}' for i, row in enumerate(TABLE, 1))} end"
)


def _by_table(field: str) -> str:
    return f"{texts(str(getattr(row, field)) for row in TABLE)}[row_of_table]"


_SLOW_VALUES = (
    "list_transform(json_extract(array_text, '$[*].value'),"
    " lambda v: json_extract_string(v, '$.*')[1])"
)
"""Of attributes some of which have an empty value."""
_EXCEPTION_TYPE = (
    "try(json_extract_string(json_extract(events_text, '$[*].attributes[*].value')["
    "list_position(json_extract_string(events_text, '$[*].attributes[*].key'), 'exception.type')"
    "], '$.*')[1])"
)

_SIGNS = (
    "operation_name",
    "openinference_kind",
    "request_type",
    "traceloop_kind",
    "operation_id",
    "guardrail_name",
    "requested",
)
_AI_KEYS = texts(name for field in (*_SIGNS, "input", "output") for name in (TEXTS | COUNTS)[field])
_AI_MARKS = (
    '"(gen_ai|llm|ai|mlflow|langfuse)[.][A-Za-z0-9_.]*([tT]oken|usage|cost|model)[A-Za-z0-9_.]*"'
)
"""Names that AI spans have, whichever library writes them."""
_LOG_MARKS = (
    '"key"\\s*:\\s*"([a-z_]+[.])?(input|output)_token(s|_count)"'
    '|"key"\\s*:\\s*"([a-z_]+[.])?cost_usd"'
)
"""Names of usage that coding agents write as logs, not as spans. Those of the GenAI conventions
repeat what spans say."""
_KINDS = _SIGNS[:4]
_AI_SDK_KIND = (
    "case when lower(operation_id) = 'ai.toolcall' then 'ai.toolcall' when operation_id is not null"
    " then 'ai' || regexp_extract(lower(operation_id), '[.]do[a-z]+$') end"
)
_FREE_NAMES = (
    "contains(lower(span_name), 'count_tokens') or contains(lower(span_name), 'counttokens')"
)
"""Requests that count tokens before anything is asked; nobody is billed for them."""
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
_READ = chosen(
    "key",
    (
        *(name for names in COUNTS.values() for name in names),
        *(name for names in TEXTS.values() for name in names),
        *COMPACTION,
        *PARTS_OF_COUNTS,
        EXACT_INPUT,
    ),
)
_UNREAD = (
    "list_filter(list_filter(keys, lambda key:"
    " contains(key, '.usage.') or contains(key, '.token_count.')),"
    f" lambda key: not {_READ})"
)
"""Names of usage that nobody reads."""
_TEXT_COLUMNS = ", ".join(f"{_first(names)} as {column}" for column, names in TEXTS.items())
_HAS_NEWEST = f"list_has_any(keys, {texts(NEWEST)})"

_RAW_TEXTS = ("$.service_tier", "$.inference_geo", "$.speed")
"""What the provider's usage and the request's parameters may say besides counts."""
_RAW_PATHS = [*_RAW_TEXTS, *(path for paths in RAW_COUNTS.values() for path in paths)]
_WITH_RAW = ", ".join(
    f"coalesce(own_counts[{i}]"
    + "".join(f", raw[{_RAW_PATHS.index(path) + 1}]" for path in RAW_COUNTS.get(name, ()))
    + ")"
    for i, name in enumerate(COUNTS, 1)
)
_COMPACTION = ", ".join(
    [_attribute(literal(name)) for name in COMPACTION]
    + ["cast(null as varchar)"] * (len(COUNTS) - len(COMPACTION))
)
_IS_TOLD_IN_PARAMETERS = " or ".join(
    f"contains(parameters, {literal(path[2:])})" for path in _RAW_TEXTS
)

_TAKEN = f"""
select
    file_id,
    source_row,
    line,
    problem,
    case
        when not is_json then 'not_json'
        when not is_span and not is_export or is_plain_object then 'not_otlp'
        when is_ai_work and len(keys) <> value_count then 'bad_attributes'
        when not is_ai_work and has_ai_marks then 'unread_ai_work'
        when is_export and regexp_matches(line, {literal(_LOG_MARKS)}) then 'unread_ai_work'
    end as broken,
    case
        when not is_span then 'no_spans'
        when not is_ai_work then 'not_ai_work'
        when is_free then 'free_request'
    end as passed,
    {hex_id("trace_text", 32)} as trace_id,
    trace_id || ':' || {hex_id("span_text", 16)} || if(beside is null, '', ':' || beside) as own_id,
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
    if(
        'fast' in (lower(raw[3]), lower(asked[3])),
        'fast',
        coalesce(tier, raw[1], asked_tier, asked[1])
    ) as tier_text,
    coalesce(raw[2], asked[2]) as geo_text,
    if(beside is null, response_id, null) as response_id,
    api_key as api_key_id,
    person as user_id,
    customer as end_user_id,
    team as team_id,
    cast(null as varchar) as org_id,
    cast(null as varchar) as project_id,
    to_json(list_prepend(
        cast(
            to_json(try(json_extract_string(tag_list, '$.values[*].stringValue'))) as varchar
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
    if(beside is null, cost, null) as cost_text,
    saved_cost as saved_cost_text,
    true as has_own_cost,
    if(
        len(unread_keys) = 0,
        null,
        list_filter(
            unread_keys,
            lambda key: regexp_full_match(
                texts_of[list_position(keys, key)], '[1-9][0-9]{{0,15}}'
            )
        )
    ) as unread,
    [if(beside is null, null, 'usage_beside_totals')] as own_notes
from (
    select
        *,
        {_ROW_OF_TABLE} as row_of_table
    from (
        select
            *,
            case
                when beside is not null then [{_COMPACTION}]
                when raw is null then own_counts
                else [{_WITH_RAW}]
            end as count_texts,
            lower(coalesce(
                {", ".join(_KINDS)},
                {_AI_SDK_KIND},
                if(guardrail_name is not null, 'guardrail', null)
            )) as kind_text,
            coalesce(
                try_cast(own_counts[3] as bigint)
                > try_cast(own_counts[1] as bigint) + try_cast(own_counts[2] as bigint),
                false
            ) as has_more_total,
            coalesce(
                starts_with(scope_name, 'com.anthropic.sdk.') and operation_name is null, false
            )
            or (own_counts[2] is null and coalesce({_FREE_NAMES}, false)) as is_free,
            {provider_sql(f"coalesce(provider_name, {_INSTRUMENTED})")} as provider,
            case
                when {_HAS_NEWEST} then 'otel_genai_1.40'
                when list_contains(keys, {literal(EXACT_INPUT)}) then 'ai_sdk_6'
                when operation_id is not null then 'ai_sdk'
                when list_has_any(
                    keys, {texts([COUNTS["input"][0], COUNTS["output"][0]])}
                ) then 'otel_genai_1.27'
                when openinference_kind is not null
                    or list_has_any(keys, {texts(OPENINFERENCE_TOTALS)})
                    then 'openinference'
                when list_has_any(
                    keys, {texts([*EARLY_TOTALS, "gen_ai.system"])}
                ) then 'otel_genai_early'
                else 'otel_genai_1.27'
            end as generation
        from (
            select
                *,
                if(
                    raw_usage is null,
                    null,
                    try(json_extract_string(raw_usage, {texts(_RAW_PATHS)}))
                ) as raw,
                if(
                    {_IS_TOLD_IN_PARAMETERS},
                    try(json_extract_string(parameters, {texts(_RAW_TEXTS)})),
                    null
                ) as asked
            from (
                select
                    *,
                    coalesce(list_has_any(keys, {_AI_KEYS}), false) as is_ai_work,
                    coalesce(
                        contains(attributes_text, '_ai.')
                        or contains(attributes_text, '"llm.')
                        or contains(attributes_text, '"ai.')
                        or contains(attributes_text, '"mlflow.')
                        or contains(attributes_text, '"langfuse.'),
                        false
                    ) and regexp_matches(attributes_text, {literal(_AI_MARKS)}) as has_ai_marks,
                    [{_COUNT_LIST}] as own_counts,
                    {_UNREAD} as unread_keys,
                    {_TEXT_COLUMNS},
                    {_attribute(literal(TAG_LIST))} as tag_list
                from (
                    select
                        * exclude (values_of),
                        if(len(values_of) = len(keys), values_of, {_SLOW_VALUES}) as texts_of,
                        if(
                            len(values_of) = len(keys),
                            len(keys),
                            len(json_extract(array_text, '$[*].value'))
                        ) as value_count,
                        if(
                            contains(events_text, '"exception.type"'),
                            {_EXCEPTION_TYPE},
                            null
                        ) as exception_type
                    from (
                        select
                            *,
                            starts_with(attributes_text, '{{') as is_plain_object,
                            if(starts_with(attributes_text, '['), attributes_text, '[]')
                                as array_text,
                            try(json_extract_string(array_text, '$[*].key')) as keys,
                            try(json_extract_string(array_text, '$[*].value.*')) as values_of,
                            try(json_extract_string(resource_text, '$[*].key')) as resource_keys,
                            try(json_extract(resource_text, '$[*].value')) as resource_values
                        from (
                            select
                                file_id,
                                source_row,
                                line,
                                problem,
                                top is not null as is_json,
                                coalesce({_IS_SPAN}, false) as is_span,
                                if(
                                    is_span or top is null,
                                    false,
                                    coalesce(
                                        json_type(line, '$.resourceSpans'),
                                        json_type(line, '$.resourceMetrics'),
                                        json_type(line, '$.resourceLogs'),
                                        ''
                                    ) = 'ARRAY'
                                ) as is_export,
                                {_PLACES}
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
        )
    )
)
"""  # noqa: S608 - our own constants only

SQL = calls_sql(_TAKEN)
