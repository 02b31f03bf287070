"""How one Langfuse observation becomes what `trace_sql` asks for, as SQL text.

Only our own constants are pasted into the text; what a workspace says is bound.
"""

from collections.abc import Mapping, Sequence

from pipelines.sources.langfuse_fields import FIELDS, LABELS, METADATA, TIERS, USAGE
from pipelines.sources.provider_words import provider_sql
from pipelines.sources.sql_text import chosen, literal, nested, texts
from pipelines.sources.trace_sql import calls_sql

_SHAPES = ("observations", "data")

UNFOLD = f"""
with records as materialized (
    select
        number,
        trace,
        unnest(elements) as element,
        unnest(range(len(elements))) as part
    from (
        select
            number,
            json_extract(line, '$.trace') as trace,
            list_concat({", ".join(nested("line", key) for key in _SHAPES)}) as elements
        from (select number, if(json_valid(line), line, 'null') as line from lines)
    )
)

select
    number,
    part,
    cast(json_object('trace', trace, 'observation', element) as varchar) as line
from records
union all
select
    number,
    0 as part,
    line
from lines
where number not in (select number from records)
"""  # noqa: S608 - our own constants only
"""One record per observation of a trace or a page; a flat row is a record as it is."""

_PATHS = [path for paths in FIELDS.values() for path in paths]
_METADATA_PATHS = [path for paths in METADATA.values() for path in paths]
_KEYS = [key for keys in USAGE.values() for key in keys]


def _picked(
    source: str, places: Mapping[str, tuple[str, ...]], every: Sequence[str]
) -> dict[str, str]:
    """For each field the first filled of its places in a list of extracted texts."""
    return {
        name: f"coalesce({', '.join(f'{source}[{every.index(p) + 1}]' for p in paths)}, null)"
        for name, paths in places.items()
    }


_COLUMNS = ", ".join(f"{sql} as {name}" for name, sql in _picked("top", FIELDS, _PATHS).items())
_NESTED = ", ".join(
    f"{sql} as {name}" for name, sql in _picked("inner_texts", METADATA, _METADATA_PATHS).items()
)
_COUNTS = ", ".join(_picked("count_list", USAGE, _KEYS).values())
_NAMES = list(USAGE)
_TIER = " ".join(
    f"when coalesce(count_list[{_KEYS.index(f'input_{tier}') + 1}],"
    f" count_list[{_KEYS.index(f'output_{tier}') + 1}]) is not null then {literal(tier)}"
    for tier in TIERS
)


def _count(name: str) -> str:
    return f"coalesce(try_cast(count_texts[{_NAMES.index(name) + 1}] as bigint), 0)"


_PARTS = ("reported_input", "reported_output", "cache_read", "cache_write")
_SPLIT = f"({_count('cache_write_5m')} + {_count('cache_write_1h')})"
_TOTAL = f"""case
        when coalesce(count_texts[6], count_texts[7]) is null then count_texts
        when
            {_count("cache_write")} > 0
            and {_SPLIT} > 0
            and {_count("reported_total")} = {" + ".join(map(_count, _PARTS))} + {_SPLIT}
            then count_texts[:2]
                || [cast({_count("reported_total")} - {_SPLIT} as varchar)]
                || count_texts[4:]
        else count_texts
    end"""
"""A total that the server made of all keys holds the writes twice, where lifetimes stand beside."""
_USAGE_PATHS = texts(f'$."{key}"' for key in _KEYS)
_LABELS = " ".join(f"when {literal('/' + name)} then {name}" for name in LABELS)


def _tag(pointer: str) -> str:
    return (
        f"coalesce(json_extract_string(metadata, {pointer}),"
        f" json_extract_string(metadata, '/attributes' || {pointer}),"
        f" json_extract_string(outer_metadata, {pointer}), case {pointer} {_LABELS} end)"
    )


def _object(column: str) -> str:
    """An object, or the text of one, or an empty one."""
    return f"if(json_valid({column}) and json_type({column}) = 'OBJECT', {column}, '{{}}')"


_TAKEN = f"""
select
    file_id,
    source_row,
    line,
    problem,
    case
        when top is null then 'not_json'
        when kind is null then 'not_an_observation'
        when is_usage_lost then 'bad_count'
    end as broken,
    cast(null as varchar) as passed,
    trace as trace_id,
    concat(project, ':') || nullif(native_id, '') as own_id,
    concat(project, ':') || nullif(parent, '') as parent_id,
    {_tag("cast($task_path as varchar)")} as task_id,
    session as session_id,
    case
        when is_wrapped then 'langfuse_api'
        when is_enriched then 'langfuse_observations_v2'
        else 'langfuse_observations'
    end as source_format,
    'unknown' as input_totals,
    'unknown' as output_totals,
    count_texts[3] is not null as has_own_total,
    lower(kind) as kind_text,
    false as is_wrapper,
    false as is_client_call,
    try_cast(start_text as timestamptz) as started,
    try_cast(end_text as timestamptz) as ended,
    try_cast(first_text as timestamptz) as first_token,
    coalesce(end_text <> '' and ended is null, false) as has_bad_time,
    try_cast(updated_text as timestamptz) as updated,
    {provider_sql("provider_text")} as provider,
    requested as requested_model,
    served as served_model,
    cast(null as varchar) as region,
    coalesce(case {_TIER} end, told_tier) as tier_text,
    cast(null as varchar) as geo_text,
    response_id,
    cast(null as varchar) as api_key_id,
    person as user_id,
    cast(null as varchar) as end_user_id,
    cast(null as varchar) as team_id,
    cast(null as varchar) as org_id,
    project as project_id,
    to_json(list_prepend(
        tag_text,
        list_transform(cast($tag_paths as varchar[]), lambda path: {_tag("path")})
    )) as tags,
    cast(null as varchar) as purpose_text,
    if(level = 'ERROR', 'error', 'success') as status,
    cast(null as varchar) as error_text,
    cast(null as varchar) as http_text,
    first_text <> '' as is_streaming,
    {_TOTAL} as count_texts,
    if(
        try_cast(coalesce(own_cost, '0') as decimal(18, 12)) = 0,
        coalesce(nullif(provided_cost, ''), own_cost),
        own_cost
    ) as cost_text,
    cast(null as varchar) as saved_cost_text,
    false as has_own_cost,
    if(
        has_other_keys,
        list_filter(
            json_keys(usage),
            lambda key: not {chosen("key", _KEYS)}
            and regexp_full_match(json_extract_string(usage, '/' || key), '[1-9][0-9]{{0,15}}')
        ),
        null
    ) as unread,
    [if(has_other_keys, 'unknown_usage_key', null)] as own_notes
from (
    select
        *,
        coalesce(nullif(cost, ''), cost_total) as own_cost,
        [{_COUNTS}] as count_texts,
        {_NESTED}
    from (
        select
            *,
            json_extract_string(usage, {_USAGE_PATHS}) as count_list,
            not list_has_all({texts(_KEYS)}, json_keys(usage)) as has_other_keys,
            coalesce(usage_text not in ('', '{{}}') and usage_text <> usage, false)
                as is_usage_lost,
            json_extract_string(metadata, {texts(_METADATA_PATHS)}) as inner_texts
        from (
            select
                *,
                if(
                    coalesce(usage_text, '') in ('', '{{}}') and provided_text <> '',
                    {_object("provided_text")},
                    {_object("usage_text")}
                ) as usage,
                {_object("metadata_text")} as metadata,
                {_object("trace_metadata")} as outer_metadata
            from (
                select
                    file_id,
                    source_row,
                    line,
                    problem,
                    top,
                    top[{_PATHS.index("$.observation.id") + 1}] is not null as is_wrapped,
                    json_exists(if(top is null, 'null', line), '$.trace_name') as is_enriched,
                    {_COLUMNS}
                from (
                    select
                        *,
                        try(json_extract_string(line, {texts(_PATHS)})) as top
                    from lines
                )
            )
        )
    )
)
"""  # noqa: S608 - our own constants only

SQL = calls_sql(_TAKEN)
