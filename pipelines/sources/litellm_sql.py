"""How one LiteLLM record becomes one call, as the SQL text of a stream reader.

Both shapes become the relation that all gateway logs share; what follows is decided in
`call_facts`. A line is parsed once and its metadata once, whether it is an object or a text. Only
our own constants are pasted into the text; what a workspace says is bound.
"""

import re
from collections.abc import Iterable

from pipelines.sources.call_facts import FACTS
from pipelines.sources.call_sql import described_columns
from pipelines.sources.litellm_fields import (
    ANSWER,
    BATCH_TYPES,
    BLANK,
    CALL_TYPES,
    EITHER,
    ERROR,
    LOOKS,
    METADATA,
    ORIGINS,
    PAYLOAD,
    RARE_USAGE,
    RECORD,
    ROW,
    ROW_METADATA,
    SETTLING,
    UNIT_OPERATIONS,
    UNITS,
    UNREAD,
    USAGE,
)
from pipelines.sources.provider_words import provider_sql
from pipelines.sources.sql_text import chosen, literal, looked_up, renamed, texts

OWN_TOTALS = ("openai", "azure", "google", "x-ai")
"""Providers whose own total LiteLLM passes on."""

_TYPES = list(dict.fromkeys(CALL_TYPES.values()))
_TYPE_NUMBERS = {
    name: f"{_TYPES.index(call_type) + 1:02}"
    for plain, call_type in CALL_TYPES.items()
    for name in (f"a{plain}", plain)
}


def _of_type(name: str) -> str:
    """What the type of a call says; null if nobody knows the type."""
    values = {f"{i:02}": str(getattr(t, name)) for i, t in enumerate(_TYPES, 1)}
    return renamed("type_number", values)


def _texts_at(column: str, paths: Iterable[str]) -> str:
    """What some paths of a JSON text hold; null if it is no JSON."""
    return f"try(json_extract_string({column}, {texts(paths)}))"


def _instant(column: str) -> str:
    """Epoch seconds, or a time without a zone that is UTC: exact to the microsecond."""
    return (
        f"case when contains({column}, ':') then try_cast({column} as timestamptz)"
        f" else try(make_timestamptz(try_cast({column} || 'e6' as bigint))) end"
    )


def _count(*columns: str) -> str:
    """The first of some counts of one thing that is not 0; 0 if a usage object tells none."""
    told = ", ".join(f"nullif({column}, '0')" for column in columns)
    return f"coalesce({told if columns[1:] else columns[0]}, none_told)"


_REST = [*METADATA.values(), *EITHER.values()]
_PAYLOAD_PATHS = [
    *RECORD.values(),
    *(path.replace("$", "$.metadata", 1) for path in METADATA.values()),
    *EITHER.values(),
    *PAYLOAD.values(),
]
_ROW_PATHS = [*RECORD.values(), *ROW.values()]
_REST_FROM, _REST_TO = len(RECORD) + 1, len(RECORD) + len(_REST)
_FIELDS = {
    name: f"nullif({where}[{i}], '')" if name in BLANK else f"{where}[{i}]"
    for where, first, names in (
        ("top", 1, RECORD),
        ("top", _REST_TO + 1, PAYLOAD),
        ("own", _REST_FROM, ROW),
        ("rest", 1, (*METADATA, *EITHER, *ROW_METADATA)),
        ("usage", 1, USAGE),
        ("rare_usage", 1, RARE_USAGE),
        ("units", 1, UNITS),
        ("answer", 1, ANSWER),
        ("error", 1, ERROR),
    )
    for i, name in enumerate(names, first)
}
_FIELD = re.compile(rf"'[^']*'|\b(?:{'|'.join(_FIELDS)})\b")


def _of_lists(sql: str) -> str:
    """SQL over fields as SQL over the lists they were read into.

    Fields are no columns: a hundred of them in every step take longer to plan than to run.
    """
    return _FIELD.sub(lambda match: _FIELDS.get(match[0], match[0]), sql)


_UNREAD = ", ".join(f"if({name} > '0', {literal(name)}, null)" for name in UNREAD)
_OTHER_LIFETIMES = "coalesce(nullif(written_30m, '0'), nullif(written_12h, '0')) is not null"

_COLUMNS = {
    # an SLP is one attempt; what a job used is told by each look at it, and is one call
    "native_id": """case
            when is_row or record_id is null then record_id
            when is_settled then md5(concat_ws(chr(31), 'settled', response_id, plain_id))
            else md5(concat_ws(
                chr(31), coalesce(litellm_call_id, ''), record_id, coalesce(outcome, ''),
                epoch_us(record_started)
            ))
        end""",
    "trace_id": "coalesce(trace, if(is_row, session, null))",
    "parent_call_id": "litellm_call_id",
    "session_id": "session",
    "provider_request_id": "coalesce(response_id, if(is_failure, null, plain_id))",
    "requested_model": "coalesce(original_model_group, model_group)",
    "served_model": """case
            when starts_with(model_name, provider_name || '/')
                then nullif(substr(model_name, length(provider_name) + 2), '')
            else coalesce(model_name, if(len(batch_models) = 1, batch_models[1], null))
        end""",
    "deployment_id": "model_id",
    "region": """coalesce(
            vertex_location,
            case
                when contains(api_base, '.amazonaws.com')
                    then nullif(
                        regexp_extract(api_base, '[.]([a-z]{2}(-[a-z]+)+-[0-9])[.]amazonaws', 1),
                        ''
                    )
            end
        )""",
    "tier_text": """case
            when is_batch then 'batch'
            -- how fast it was stands beside the tier, and has a price
            when speed = 'fast' then speed
            else coalesce(usage_tier, priced_tier)
        end""",
    "geo_text": """coalesce(
            usage_geo,
            data_residency,
            case
                when counted_by = 'azure' and contains(model_name, '/')
                    then nullif(regexp_extract(model_name, '^(azure/)?(us|eu)/', 2), '')
                when contains(api_base, '.api.openai.com')
                    then nullif(regexp_extract(api_base, '//(us|eu)[.]api', 1), '')
            end
        )""",
    "api_key_id": "key_text",
    "user_id": "coalesce(key_user, user_name)",
    "end_user_id": "coalesce(end_user, key_end_user, parameter_user)",
    "team_id": "coalesce(key_team, row_team)",
    "org_id": "coalesce(key_org, organization)",
    "project_id": "key_project",
    "tag_list": "request_tags",
    "http_text": """case
            when try_cast(error_code as integer) is null then split_part(normalized_error, '_', 1)
            else error_code
        end""",
    "error_text": "error_class",
    "ended_text": "end_time",
    "cost_text": "cost_told",
    "saved_text": "saved_cache_cost",
    "note": """case
            when is_unknown_type then 'unknown_call_type'
            when type_kind = 'free' and has_use then 'use_of_management'
            when len(batch_models) > 1 then 'several_batch_models'
            when second_iteration is not null then 'several_iterations'
        end""",
    "reported_input": "coalesce(prompt_tokens, usage_input)",
    "reported_output": "coalesce(completion_tokens, usage_output)",
    "reported_total": "total_tokens",
    "cache_read": _count("cached_a", "cached_b"),
    "cache_write": f"""coalesce(
            nullif(written_a, '0'), nullif(written_b, '0'), nullif(written_c, '0'),
            if(coalesce(written_5m, raw_written_5m, written_1h, raw_written_1h) is null,
                {_count("written_a", "written_b", "written_c")}, null)
        )""",
    # other lifetimes have no column: then none is told
    "cache_write_5m": f"if({_OTHER_LIFETIMES}, null, coalesce(written_5m, raw_written_5m))",
    "cache_write_1h": f"if({_OTHER_LIFETIMES}, null, coalesce(written_1h, raw_written_1h))",
    # LiteLLM folds reasoning into the output, but for what only a total of xAI tells
    "reasoning": "if(counted_by = 'x-ai', thought_out, " + _count("thought_out") + ")",
    "input_text": "text_in",
    "input_audio": _count("audio_in"),
    "input_image": _count("image_in"),
    "cached_audio": "cached_audio_in",
    "cached_image": "cached_image_in",
    "output_audio": _count("audio_out"),
    # an image that was made, of which nobody says what its tokens are, is image
    "output_image": f"""if(
            call_operation = 'image' and coalesce(text_out, image_out, thought_out) is null,
            reported_output,
            {_count("image_out")}
        )""",
    "web_searches": "coalesce(nullif(searches_a, '0'), searches_b, searches_a)",
    "search_units": "if(call_operation = 'rerank', units_searched, null)",
    "audio_seconds": """cast(cast(ceil(
            try_cast(coalesce(seconds, audio_length) as decimal(18, 3))
        ) as bigint) as varchar)""",
    "input_characters": "characters",
    "generated_images": "images",
    "started": "coalesce(job_end, record_started)",
    "ended": "coalesce(job_end, record_ended)",
    # a row has the end in its place where nothing was streamed
    "first_token": f"""case
            when stream = 'true' or (is_row and completion_start_time <> end_time)
                then {_instant("completion_start_time")}
        end""",
    # of the looks at a job the last one counts
    "updated": f"if(is_row, {_instant('update_time')}, if(is_settled, record_started, null))",
    "passed": """case
            when record_ended is null and end_time <> '' then 'bad_time'
            when is_unknown_type and is_look_name and has_use then 'unknown_call_type'
        end""",
    "own_operation": "if(is_batch, 'batch', call_operation)",
    "own_role": """case
            when is_silent_experiment in ('true', 'True') then 'shadow'
            when origin_role is not null then origin_role
            when key_text = 'litellm-internal-health-check' then 'management'
            when is_settled then 'primary'
            when has_attempt_suffix or billed_retry_attempt in ('true', 'True')
                then if(attempt = 1, coalesce(type_role, 'unknown'), 'retry')
            when type_role <> 'primary' then type_role
            when
                try_cast(coalesce(attempted_fallbacks, header_fallbacks) as integer) > 0
                or original_model_group <> model_group
                then 'fallback'
            -- a payload is an attempt, a row the request
            when not is_row and attempt > 1 then 'retry'
            else coalesce(type_role, 'unknown')
        end""",
    "attempt_no": "attempt",
    "is_streaming": "if(is_row, null, coalesce(stream = 'true', false))",
    "is_hit": "coalesce(cache_hit in ('true', 'True'), false) or has_hit_suffix",
    "is_cancelled": "coalesce(error_class in ('CancelledError', 'ClientDisconnected'), false)",
    "is_failed": "is_failure",
    # the provider counts nothing of an answer that breaks off: the proxy does
    "is_incomplete": """has_unread_tools
        or (is_failure and coalesce(completion_tokens <> '0', false))""",
    "is_looking": "coalesce(type_kind = 'look', false) and not is_settled",
    "is_unmetered": "coalesce(type_kind = 'free', false) or is_look_name",
    # the proxy's money comes from the counts it normalised: only raw ones leave a choice
    "is_cost_telling": "cached_a is null and cached_b <> '0'",
    "is_disputed": """coalesce(prompt_tokens <> usage_input, false)
        or coalesce(completion_tokens <> usage_output, false)""",
    "cost_kind": """if(
            coalesce(try_cast(margin as decimal(18, 12)), 0) <> 0
            or coalesce(try_cast(discount as decimal(18, 12)), 0) <> 0,
            'marked_up',
            'gateway_estimate'
        )""",
}

_READ = f"""
-- each shape is read by its own paths: most rows begin with their id, others show it when they are
-- read as a payload
with shaped as (
    select
        file_id,
        source_row,
        line,
        problem,
        case
            when starts_with(line, '{{"request_id"')
                then {_texts_at("line", _ROW_PATHS)}
        end as hinted
    from lines
),

parsed as (
    select
        *,
        case when hinted[1] is null then {_texts_at("line", _PAYLOAD_PATHS)} end as slp
    from shaped
),

recognized as (
    select
        file_id,
        source_row,
        line,
        problem,
        hinted is null and slp is null as is_not_json,
        coalesce(hinted[1], slp[1]) is not null as is_row,
        case
            when not is_row then null
            when slp is null then hinted
            else {_texts_at("line", _ROW_PATHS)}
        end as own,
        slp
    from parsed
),

unfolded as (
    select
        * exclude (slp),
        if(is_row, own, slp) as top,
        case
            when is_row then {_texts_at(f"own[{_REST_FROM}]", [*_REST, *ROW_METADATA.values()])}
            else slp[{_REST_FROM}:{_REST_TO}]
        end as rest
    from recognized
),

used as (
    select
        *,
        coalesce(usage_object, additional_usage) as usage_text,
        {_texts_at("usage_text", USAGE.values())} as usage
    from unfolded
),

taken as (
    select
        *,
        case
            when
                coalesce(
                    nullif(written_a, '0'), nullif(written_b, '0'), nullif(written_c, '0'),
                    nullif(audio_in, '0'), nullif(image_in, '0')
                ) is not null
                or contains(usage_text, 'iterations')
                or contains(usage_text, 'google_maps')
                then {_texts_at("usage_text", RARE_USAGE.values())}
        end as rare_usage,
        if(usage_text is null, null, '0') as none_told,
        coalesce(request_id, slp_id) as record_id,
        coalesce(response_cost, spend) as cost_told,
        {looked_up("call_type", _TYPE_NUMBERS)} as type_number,
        coalesce(outcome = 'failure', false) as is_failure
    from used
),

known as (
    select
        *,
        case
            when is_failure or error_code <> ''
                then json_extract_string(
                    if(is_row, proxy_metadata, line), {texts(ERROR.values())}
                )
        end as error,
        coalesce(row_key, key_hash) as key_text,
        {_instant("start_time")} as record_started,
        {_instant("end_time")} as record_ended,
        contains(record_id, '_cache_hit') as has_hit_suffix,
        contains(record_id, '-attempt-') as has_attempt_suffix,
        ends_with(record_id, '_cost') as has_cost_suffix,
        coalesce(prompt_tokens <> '0', false)
        or coalesce(completion_tokens <> '0', false)
        or coalesce(try_cast(cost_told as decimal(18, 12)) > 0, false) as has_use,
        coalesce(type_number is null and call_type <> '', false) as is_unknown_type,
        {_of_type("role")} as type_role,
        {_of_type("kind")} as type_kind,
        coalesce({_of_type("operation")}, 'other') as call_operation,
        {renamed("internal_call_origin", ORIGINS)} as origin_role,
        {provider_sql("provider_name")} as counted_by,
        -- what searches and other tools of the provider cost is told, and not how many there were
        coalesce(try_cast(tool_cost as decimal(18, 12)) > 0, false)
        and coalesce(nullif(searches_a, '0'), nullif(searches_b, '0')) is null as has_unread_tools
    from taken
),

looked_into as (
    select
        *,
        is_unknown_type and regexp_matches(call_type, {literal(LOOKS)}) as is_look_name,
        if(
            has_hit_suffix or has_attempt_suffix or has_cost_suffix,
            regexp_replace(record_id, '(_cache_hit[0-9.]*|-attempt-[0-9]+|_[a-z]+_cost)$', ''),
            record_id
        ) as plain_id,
        coalesce(
            if(
                has_attempt_suffix,
                try_cast(regexp_extract(record_id, '-attempt-([0-9]+)$', 1) as integer),
                null
            ),
            try_cast(coalesce(attempted_retries, header_retries) as integer) + 1
        ) as attempt,
        case
            when not is_row and (type_kind = 'look' or call_operation = 'rerank')
                then json_extract_string(line, {texts(ANSWER.values())})
        end as answer,
        case
            when
                coalesce(prompt_tokens, '0') = '0'
                and {chosen("call_operation", UNIT_OPERATIONS)}
                then try(json_extract_string(usage_text, {texts(UNITS.values())}))
        end as units,
        try(json_extract_string(
            coalesce(spend_metadata, requester_metadata),
            list_prepend(
                coalesce(cast($task_path as varchar), '/'), cast($tag_paths as varchar[])
            )
        )) as sent
    from known
),

judged as (
    select
        *,
        has_cost_suffix or coalesce(
            type_kind = 'look' and has_use and not is_failure
            and (
                {chosen("call_type", SETTLING)}
                or is_background = 'true'
                or internal_call_origin = 'background_response_cost_poll'
            ),
            false
        ) as is_settled
    from looked_into
),

jobs as (
    select
        *,
        ends_with(record_id, '_batch_cost')
        or coalesce(is_settled and {chosen("call_type", BATCH_TYPES)}, false) as is_batch,
        case when is_settled and not is_row then {_instant("job_ended")} end as job_end,
        case
            when is_settled then try(json_keys(usage_text, '$.batch_usage_by_model'))
        end as batch_models
    from judged
),

meant as (
    select
        file_id,
        source_row,
        line,
        problem,
        is_not_json,
        if(is_row, 'litellm_spend_logs', 'litellm_standard_logging_payload') as source_format,
        counted_by,
        sent[1] as task_id,
        sent[2:] as tag_values,
        case
            when has_unread_tools or rare_usage is not null
                then nullif(
                    concat_ws(',', if(has_unread_tools, 'tool_usage_cost', null), {_UNREAD}), ''
                )
        end as unread,
        if(has_unread_tools, try_cast(tool_cost as decimal(18, 12)), null) as unread_cost,
        'inclusive' as input_totals,
        'inclusive' as output_totals,
        true as has_sound_total,
        coalesce({chosen("counted_by", OWN_TOTALS)}, false) as has_own_total,
        {described_columns(_COLUMNS)}
    from jobs
),
"""  # noqa: S608 - our own constants only

SQL = _of_lists(_READ) + FACTS
