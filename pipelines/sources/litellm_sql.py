"""How one LiteLLM record becomes one call, as the SQL text of a stream reader.

Only our own constants are pasted into the text; what a workspace says is bound.
"""

from collections.abc import Iterable, Mapping

from pipelines.sources.litellm_fields import (
    CALL_TYPES,
    EITHER,
    METADATA,
    ORIGINS,
    RECORD,
    ROW,
    TIERS,
    USAGE,
    USAGE_TIER,
)
from pipelines.sources.provider_words import provider_sql

MAX_COUNT = 1_000_000_000
"""More tokens than this in one call is a broken record."""


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _list(texts: Iterable[str]) -> str:
    return "[" + ", ".join(map(_literal, texts)) + "]"


def _renamed(column: str, names: Mapping[str, str]) -> str:
    """A `case`, because DuckDB would build a join on the side of the lines: on one thread."""
    whens = " ".join(f"when {_literal(k)} then {_literal(v)}" for k, v in names.items())
    return f"case {column} {whens} end"


def _instant(column: str) -> str:
    """Epoch seconds, or a time without a zone that is UTC: exact to the microsecond."""
    return (
        f"coalesce(try(make_timestamptz(try_cast({column} || 'e6' as bigint))),"
        f" try_cast({column} as timestamptz))"
    )


_NESTED = [*METADATA, *EITHER]
_TOP_PATHS = _list(
    [
        *RECORD.values(),
        *(f"$.metadata.{path}" for path in METADATA.values()),
        *(f"$.{path}" for path in EITHER.values()),
    ]
)
_NESTED_PATHS = _list(f"$.{path}" for path in [*METADATA.values(), *EITHER.values()])
_USAGE_PATHS = _list([*USAGE.values(), USAGE_TIER])
_TOP = ", ".join(f"top[{i}] as {name}" for i, name in enumerate(RECORD, 1))
_BOTH = ", ".join(
    f"coalesce(top[{i + len(RECORD)}], nested[{i}]) as {name}" for i, name in enumerate(_NESTED, 1)
)
_COUNTS = ", ".join(f"counts[{i}] as {name}" for i, name in enumerate(USAGE, 1))
_EVERY_CALL_TYPE = {
    name: kind for call_type, kind in CALL_TYPES.items() for name in (f"a{call_type}", call_type)
}
_OPERATIONS = {name: operation for name, (operation, _) in _EVERY_CALL_TYPE.items()}
_ROLES = {name: role for name, (_, role) in _EVERY_CALL_TYPE.items()}
_ROW_PATHS = _list(["$.metadata", *ROW.values()])
_OWN = ", ".join(f"own[{i}] as {name}" for i, name in enumerate(ROW, 2))
_REQUEST_ID = list(RECORD).index("request_id") + 1

SQL = f"""
-- a record is parsed once; only a SpendLogs row, whose metadata may be text, is looked at again
with parsed as (
    select
        file_id,
        source_row,
        line,
        problem,
        try(json_extract_string(line, {_TOP_PATHS})) as top
    from lines
),

looked_at_again as (
    select
        *,
        case
            when top[{_REQUEST_ID}] is not null then json_extract_string(line, {_ROW_PATHS})
        end as own
    from parsed
),

unfolded as (
    select
        *,
        try(json_extract_string(own[1], {_NESTED_PATHS})) as nested
    from looked_at_again
),

taken as (
    select
        file_id,
        source_row,
        line,
        problem,
        top is null as is_not_json,
        {_TOP},
        {_OWN},
        {_BOTH}
    from unfolded
),

measured as (
    select
        *,
        coalesce(nullif(request_id, ''), nullif(slp_id, '')) as native_id,
        request_id is not null as is_row,
        try(json_extract_string(
            coalesce(usage_object, additional_usage_values), {_USAGE_PATHS}
        )) as usage
    from taken
),

typed as (
    select
        * exclude (usage),
        usage is not null as has_usage,
        usage[{len(USAGE) + 1}] as usage_tier,
        concat_ws(
            ',', prompt_tokens, completion_tokens, total_tokens,
            array_to_string(usage[1:{len(USAGE)}], ',')
        ) as count_text,
        coalesce(list_count(usage[1:{len(USAGE)}]), 0)
        + (prompt_tokens is not null)::integer
        + (completion_tokens is not null)::integer
        + (total_tokens is not null)::integer as count_count,
        try_cast(usage[1:{len(USAGE)}] as bigint[]) as counts,
        try_cast(prompt_tokens as bigint) as reported_input,
        try_cast(completion_tokens as bigint) as reported_output,
        try_cast(total_tokens as bigint) as reported_total,
        coalesce(response_cost, spend) as cost_text,
        try_cast(coalesce(response_cost, spend) as decimal(18, 12)) as cost,
        {_instant("start_time")} as started,
        {_instant("end_time")} as ended,
        {_instant("completion_start_time")} as first_token,
        {_instant("update_time")} as updated,
        try_cast(error_code as integer) as http_code,
        contains(native_id, '_cache_hit') as has_hit_suffix,
        contains(native_id, '-attempt-') as has_attempt_suffix,
        ends_with(native_id, '_cost') as has_cost_suffix
    from measured
),

named as (
    select
        * exclude (counts),
        list_max(counts) as greatest_count,
        -- digits alone, and still no number: it does not fit 64 bits
        count_count <> coalesce(list_count(counts), 0)
        + (reported_input is not null)::integer
        + (reported_output is not null)::integer
        + (reported_total is not null)::integer as is_count_lost,
        {_COUNTS}
    from typed
),

summed as (
    select
        *,
        coalesce(reported_input, usage_input) as input,
        coalesce(reported_output, usage_output) as output,
        coalesce(greatest(cached_a, cached_b), 0) as cached,
        coalesce(written_5m, raw_written_5m) as split_5m,
        coalesce(written_1h, raw_written_1h) as split_1h,
        coalesce(
            greatest(written_a, written_b, written_c),
            coalesce(written_5m, raw_written_5m, 0) + coalesce(written_1h, raw_written_1h, 0)
        ) as written,
        coalesce(input_audio, 0) as audio_in,
        coalesce(input_image, 0) as image_in,
        coalesce(output_audio, 0) as audio_out,
        coalesce(output_image, 0) as image_out,
        coalesce(reasoning, 0) as thought
    from named
),

judged as (
    select
        *,
        coalesce({_renamed("call_type", _OPERATIONS)}, 'other') as call_operation,
        {_renamed("call_type", _ROLES)} as call_role,
        {_renamed("internal_call_origin", ORIGINS)} as origin_role,
        coalesce(cache_hit in ('true', 'True'), false) or has_hit_suffix as is_hit,
        coalesce(status = 'failure', false) as is_failure,
        cached + written > coalesce(input, 0) as is_input_exclusive,
        thought > coalesce(output, 0) as is_output_exclusive,
        coalesce(split_5m, split_1h) is not null
        and coalesce(split_5m, 0) + coalesce(split_1h, 0) <> written as is_split_wrong,
        greatest(input, output, cached, written, thought, audio_in, image_in, 0) = 0 as is_zero
    from summed
),

bucketed as (
    select
        *,
        -- nothing counted is nothing used only where the provider refused the call outright
        is_zero and not is_hit and case
            when is_failure
                then coalesce(http_code not between 400 and 499 or http_code in (408, 499), true)
            else call_operation in ('chat', 'completion', 'embedding')
        end as is_unknown,
        coalesce(input, 0) - audio_in - image_in
        - if(is_input_exclusive, 0, cached + written) as uncached,
        coalesce(output, 0) - audio_out - image_out
        - if(is_output_exclusive, 0, thought) as visible,
        is_input_exclusive
        or is_output_exclusive
        or is_split_wrong
        or coalesce(usage_input <> reported_input, false)
        or coalesce(usage_output <> reported_output, false)
        or coalesce(
            reported_total > 0
            and reported_total <> coalesce(input, 0) + coalesce(output, 0)
            + if(is_input_exclusive, cached + written, 0)
            + if(is_output_exclusive, thought, 0),
            false
        ) as is_conflict
    from judged
),

ruled as (
    select
        *,
        coalesce(
            problem,
            case
                when is_not_json then 'not_json'
                when native_id is null
                    then if(starts_with(ltrim(line), '{{'), 'missing_identity', 'not_an_object')
                when
                    started is null
                    or started not between '2020-01-01T00:00:00Z' and '2100-01-01T00:00:00Z'
                    or (ended is null and end_time <> '')
                    then 'bad_time'
                when not regexp_full_match(count_text, '[0-9,]*') then 'bad_count'
                when
                    is_count_lost
                    or greatest(reported_input, reported_output, reported_total, greatest_count)
                    > {MAX_COUNT}
                    then 'impossible_count'
                when cost is null and cost_text <> '' then 'bad_amount'
                when uncached < 0 or visible < 0 then 'negative_bucket'
            end
        ) as rule
    from bucketed
)

select
    file_id,
    source_row,
    if(is_row, native_id, md5(concat_ws(
        chr(31), coalesce(litellm_call_id, ''), native_id, coalesce(status, ''), epoch_us(started)
    ))) as call_id,
    if(is_row, 'litellm_spend_logs', 'litellm_standard_logging_payload') as source_format,
    cast(started as date) as charge_date,
    started as started_at,
    ended as ended_at,
    if(stream = 'true' or (is_row and first_token <> ended), first_token, null) as first_token_at,
    try(json_extract_string(spend_logs_metadata, cast($task_path as varchar))) as task_id,
    coalesce(nullif(trace_id, ''), if(is_row, nullif(session_id, ''), null)) as trace_id,
    nullif(litellm_call_id, '') as parent_call_id,
    nullif(session_id, '') as session_id,
    cast(null as integer) as step_index,
    coalesce(
        nullif(response_id, ''),
        case
            when is_failure then null
            when has_hit_suffix or has_attempt_suffix or has_cost_suffix
                then regexp_replace(
                    native_id, '(_cache_hit[0-9.]*|-attempt-[0-9]+|_(batch|background)_cost)$', ''
                )
            else native_id
        end
    ) as provider_request_id,
    if(has_cost_suffix and ends_with(native_id, '_batch_cost'), 'batch', call_operation)
        as operation,
    case
        when is_silent_experiment in ('true', 'True') then 'shadow'
        when origin_role is not null then origin_role
        when coalesce(user_api_key_hash, api_key) = 'litellm-internal-health-check'
            then 'management'
        when has_attempt_suffix or billed_retry_attempt in ('true', 'True') then 'retry'
        when has_cost_suffix then 'primary'
        when call_role <> 'primary' then call_role
        when try_cast(attempted_fallbacks as integer) > 0 or original_model_group <> model_group
            then 'fallback'
        else coalesce(call_role, 'unknown')
    end as role,
    {provider_sql("custom_llm_provider")} as provider,
    coalesce(nullif(original_model_group, ''), nullif(model_group, '')) as requested_model,
    nullif(
        if(
            starts_with(model_name, custom_llm_provider || '/'),
            substr(model_name, length(custom_llm_provider) + 2),
            model_name
        ),
        ''
    ) as served_model,
    nullif(model_id, '') as deployment_id,
    coalesce(
        nullif(vertex_location, ''),
        case
            when contains(api_base, '.amazonaws.com')
                then nullif(
                    regexp_extract(api_base, '\\.([a-z]{{2}}(-[a-z]+)+-[0-9])\\.amazonaws', 1), ''
                )
        end
    ) as region,
    coalesce(
        {_renamed("tier_text", TIERS)},
        if(has_cost_suffix and ends_with(native_id, '_batch_cost'), 'batch', null)
    ) as service_tier,
    cast(null as varchar) as inference_geo,
    -- the proxy stores the SHA-256 of a key; a key in clear becomes the same
    if(
        starts_with(key_text, 'sk-'), sha256(key_text), key_text
    ) as api_key_id,
    coalesce(nullif(user_api_key_user_id, ''), nullif(user_name, '')) as user_id,
    coalesce(nullif(end_user, ''), nullif(user_api_key_end_user_id, '')) as end_user_id,
    coalesce(nullif(user_api_key_team_id, ''), nullif(team_id, '')) as team_id,
    coalesce(nullif(user_api_key_org_id, ''), nullif(organization_id, '')) as org_id,
    nullif(user_api_key_project_id, '') as project_id,
    to_json(list_prepend(
        request_tags, try(json_extract_string(spend_logs_metadata, cast($tag_paths as varchar[])))
    )) as tags,
    case
        when is_hit then 'cache_hit'
        when not is_failure then 'success'
        when http_code = 499 or error_class = 'CancelledError' then 'cancelled'
        else 'error'
    end as status,
    if(regexp_full_match(error_class, '[A-Za-z0-9_.]{{1,80}}'), error_class, null) as error_class,
    if(http_code between 100 and 599, http_code, null) as http_status,
    coalesce(
        if(
            has_attempt_suffix,
            try_cast(regexp_extract(native_id, '-attempt-([0-9]+)$', 1) as integer),
            null
        ),
        try_cast(attempted_retries as integer) + 1
    ) as attempt_no,
    if(is_row, null, coalesce(stream = 'true', false)) as is_streaming,
    if(is_unknown, null, uncached) as input_uncached_tokens,
    if(is_unknown or not has_usage, null, cached) as cache_read_tokens,
    if(
        is_unknown or not has_usage,
        null,
        if(is_split_wrong or split_5m is null and split_1h is null,
            written, coalesce(split_5m, 0))
    ) as cache_write_5m_tokens,
    if(
        is_unknown or not has_usage, null, if(is_split_wrong, 0, coalesce(split_1h, 0))
    ) as cache_write_1h_tokens,
    cast(null as bigint) as cache_write_tokens,
    if(is_unknown or not has_usage, null, audio_in) as input_audio_tokens,
    if(is_unknown or not has_usage, null, image_in) as input_image_tokens,
    if(is_unknown, null, visible) as output_text_tokens,
    if(is_unknown or not has_usage, null, thought) as output_reasoning_tokens,
    if(is_unknown or not has_usage, null, audio_out) as output_audio_tokens,
    if(is_unknown or not has_usage, null, image_out) as output_image_tokens,
    web_searches as web_search_requests,
    reported_input as reported_input_tokens,
    reported_output as reported_output_tokens,
    reported_total as reported_total_tokens,
    case
        when is_unknown then 'unknown'
        when is_failure and not is_zero and coalesce(cost, 0) = 0 then 'estimated'
        else 'provider'
    end as token_source,
    case
        when is_input_exclusive and is_output_exclusive then 'exclusive'
        when is_input_exclusive then 'exclusive'
        when is_output_exclusive then 'mixed'
        else 'inclusive'
    end as token_semantics,
    is_conflict as is_token_conflict,
    if(is_hit, 0, if(cost < 0, null, cost)) as logged_cost_usd,
    case
        when is_hit then 'cache_hit'
        when cost is null or cost < 0 then null
        when cost = 0 and not is_failure and not is_zero then 'zero_unpriced'
        when
            coalesce(try_cast(margin_total_amount as decimal(18, 12)), 0) <> 0
            or coalesce(try_cast(discount_amount as decimal(18, 12)), 0) <> 0
            then 'marked_up'
        else 'gateway_estimate'
    end as logged_cost_kind,
    if(is_hit, try_cast(saved_cache_cost as decimal(18, 12)), null) as saved_cost_usd,
    false as is_rollup,
    updated as updated_at,
    rule,
    if(rule is null, null, left(line, 64)) as rejected_text,
    case
        when is_conflict or cost < 0 or (call_type <> '' and call_role is null)
            then [
                if(is_input_exclusive, 'input_exclusive', null),
                if(is_output_exclusive, 'output_exclusive', null),
                if(is_split_wrong, 'cache_split_mismatch', null),
                if(is_conflict, 'token_conflict', null),
                if(cost < 0, 'negative_cost', null),
                if(call_type <> '' and call_role is null, 'unknown_call_type', null)
            ]
    end as notes
from (
    select
        *,
        coalesce(nullif(api_key, ''), nullif(user_api_key_hash, '')) as key_text,
        lower(coalesce(usage_tier, breakdown_service_tier)) as tier_text
    from ruled
)
"""  # noqa: S608 - our own constants only
