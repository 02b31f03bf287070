"""From what a gateway says about one call to the call: the SQL that gateway logs all share.

What must be decided alike is decided here, once: token buckets, proofs of what totals mean, unknown
against zero, refusals, costs.
"""

from pipelines.sources.call_words import LOOK_UPS, OPERATION_PATHS, ROLES
from pipelines.sources.litellm_fields import TIERS
from pipelines.sources.readings import cost_test_sql, readings_sql
from pipelines.sources.sql_text import chosen, literal, renamed

MAX_COUNT = 1_000_000_000
"""More tokens than this in one call is a broken record."""

RULES = {
    "not_json": "Check whether the file was cut; deliver it again",
    "not_an_object": "Point the location at logs of this kind only",
    "missing_identity": "Deliver records with the id the gateway gave them",
    "bad_time": "Deliver the time of the call as the gateway wrote it, in UTC or with its zone",
    "bad_count": "Look at the token counts of the record in the gateway",
    "impossible_count": "Look at the token counts of the record in the gateway",
    "bad_amount": "Look at the cost of the record in the gateway",
    "negative_bucket": "Report the record's shape: its token details exceed its totals",
    "unread_ai_work": "Report the record's shape, without contents: it counts tokens or cost, and"
    " is no call as this format writes calls",
}
"""What to do next about the rules decided here."""

NOT_CALLS = ("not_ai_work", "not_an_invocation", "other_log")
"""Why a record is no call, unless it has marks of AI work."""

_AI_MARKS = (
    '"[a-z_.]*(tokens|token_count|tokencount|llm_[a-z_]*token|cost)"'
    '\\s*:\\s*"?[0-9.]*[1-9][0-9.e-]*"?\\s*[],}]'
)
"""A count of tokens or a cost that is not 0, in the text of a record in lower case."""

_NEED_INPUT = ("chat", "completion", "embedding", "realtime")
_NEED_OUTPUT = ("chat", "completion", "realtime", "image", "audio_in", "audio_out")
"""Operations that always have some: none means that nobody counted it."""

_NEED_NOTHING = ("moderation", "batch", "tool")
"""Operations that may well use nothing. Others that count nothing use what nobody reads."""

COUNTS = (
    "reported_input",
    "reported_output",
    "reported_total",
    "cache_read",
    "cache_write",
    "cache_write_5m",
    "cache_write_1h",
    "reasoning",
    "input_text",
    "input_audio",
    "input_image",
    "cached_audio",
    "cached_image",
    "output_audio",
    "output_image",
    "web_searches",
    "search_units",
    "audio_seconds",
    "input_characters",
    "generated_images",
)
"""Columns that hold counts, as text."""


def _bucket(value: str, reported: str) -> str:
    """Null is unknown; what a refused call used is known to be nothing."""
    return f"case when is_refused_unused then 0 when not is_unknown and {reported} then {value} end"


_COUNTED = ",\n        ".join(
    f"if(list_max(counts) <= {MAX_COUNT}, counts[{i}], null) as {name}"
    for i, name in enumerate(COUNTS, 1)
)
_BY_PATH = " ".join(
    f"when regexp_matches(lower(path_text), {literal(pattern)}) then {literal(operation)}"
    for pattern, operation in OPERATION_PATHS.items()
)
_THOUGHT = "if(hidden_output > 0, hidden_output, reasoning)"
"""Reasoning that only the total proves is output as reasoning that is told is."""

_MODEL = "coalesce(served_model, requested_model)"
_PRICED_AS = f"if(reseller is null, {_MODEL}, regexp_replace({_MODEL}, '^[^/]+/', ''))"
"""The AI model as its maker names it: who sells it on puts the maker's name before it."""

GEO = (
    "case when regexp_full_match(lower(geo_text), '[a-z][a-z0-9-]{0,31}') then lower(geo_text) end"
)
"""A word for a geography; `not_available` and nothing are nothing."""

_HAS_INPUT = "reported_input is not null and not is_input_lost"
_HAS_AUDIO = (
    "input_audio is not null and not is_input_lost and not (is_media_open and audio_left > 0)"
)
_HAS_IMAGE = _HAS_AUDIO.replace("audio", "image")
_HAS_OUTPUT = "reported_output is not null and not is_output_lost"
_HAS_WRITES = (
    "coalesce(cache_write, cache_write_5m, cache_write_1h) is not null and not is_input_lost"
)


def of_lifetime(written: str) -> str:
    """Cache writes of one lifetime: none of them is untold if those told are all there are."""
    told = f"if(is_split_wrong, null, {written})"
    return f"if(untold = 0, coalesce({written}, 0), {told})"


FACTS = f"""
typed as (
    select
        * exclude ({", ".join(COUNTS)}),
        [{", ".join(COUNTS)}] as count_texts,
        try_cast([{", ".join(COUNTS)}] as bigint[]) as counts,
        cast(try_cast(cost_text as decimal(18, 12)) * cost_scale as decimal(18, 12)) as cost,
        try_cast(http_text as integer) as http_code
    from meant
),

counted as (
    select
        * exclude (counts, count_texts),
        array_to_string(count_texts, ',') as count_text,
        list_count(count_texts) <> list_count(counts) as is_count_lost,
        list_max(counts) as greatest_count,
        coalesce(list_max(counts[1:2] || counts[4:]), 0) = 0 as is_zero,
        {_COUNTED}
    from typed
),

summed as (
    select
        *,
        coalesce(reported_input, 0) as input,
        coalesce(reported_output, 0) as output,
        coalesce(cache_read, 0) as cached,
        coalesce(cache_write, coalesce(cache_write_5m, 0) + coalesce(cache_write_1h, 0)) as written,
        -- what came from cache is counted as what it is, too, unless all of it adds up beside it
        coalesce(cached_audio, cached_image) is not null
        and coalesce(
            input_text + coalesce(input_audio, 0) + coalesce(input_image, 0) + cached + written
            <> input,
            true
        ) as is_cache_split,
        coalesce(input_audio, 0) - if(is_cache_split, coalesce(cached_audio, 0), 0) as audio_left,
        coalesce(input_image, 0) - if(is_cache_split, coalesce(cached_image, 0), 0) as image_left,
        audio_left + image_left as input_media,
        coalesce(output_audio, 0) + coalesce(output_image, 0) as output_media,
        coalesce(search_units, 0) + coalesce(audio_seconds, 0) + coalesce(input_characters, 0)
        + coalesce(generated_images, 0) as other_units,
        coalesce(reasoning, 0) as thought,
        reasoning is not null as is_thought_told,
        cached + written as details_in,
        thought as details_out,
        0 as tool_use,
        coalesce(
            own_operation,
            case {_BY_PATH} when reported_output > 0 or is_streaming then 'chat' end,
            'other'
        ) as operation,
        case
            when is_hit then 'cache_hit'
            when is_cancelled or http_code = 499 then 'cancelled'
            when coalesce(is_failed, http_code >= 400, false) then 'error'
            else 'success'
        end as status
    from counted
),

{readings_sql("summed")},

bucketed as (
    select
        *,
        input + hidden_input - (details_in - beside_input) as not_cached,
        -- of which kind the cached input is is not told, and it cannot all be text
        cached > 0 and not is_cache_split
        and not_cached >= 0 and not_cached < input_media and input_media <= input as is_media_open,
        not_cached - if(is_media_open, 0, input_media) as uncached,
        output - output_media - (details_out - beside_output) as visible,
        written - coalesce(cache_write_5m, 0) - coalesce(cache_write_1h, 0) as unsplit,
        unsplit < 0 or (unsplit > 0 and cache_write_5m + cache_write_1h is not null)
            as is_split_wrong,
        if(is_split_wrong, written, unsplit) as untold,
        is_contradicted or is_split_wrong or is_total_wrong or is_media_open or is_disputed
            as is_conflict,
        -- what the provider turned away it did not charge; a time-out it may have
        status = 'error'
        and coalesce(http_code between 400 and 499 and http_code not in (408, 424), false)
            as is_refused,
        is_zero and is_refused as is_refused_unused,
        -- nothing counted is nothing known, where a call uses tokens
        is_zero and not is_refused and status <> 'cache_hit'
        and (
            status <> 'success'
            or not (is_unmetered or {chosen("operation", _NEED_NOTHING)})
            or coalesce(cost > 0 and operation <> 'moderation', false)
        ) as is_unknown,
        not is_zero and status in ('success', 'cancelled') as has_run,
        has_run and {chosen("operation", _NEED_INPUT)}
        and input + details_in + input_media + hidden_input + other_units = 0 as is_input_lost,
        has_run and {chosen("operation", _NEED_OUTPUT)}
        and output + details_out + output_media + hidden_output + other_units = 0
        and (reported_output is null or coalesce(is_streaming, true)) as is_output_lost,
        is_input_lost or is_output_lost as is_partial,
        is_looking or coalesce(
            operation <> 'realtime'
            and (
                upper(method_text) in ('GET', 'HEAD', 'DELETE')
                or regexp_matches(path_text, {literal(LOOK_UPS)})
            ),
            false
        ) as is_look_up
    from read
),

ruled as (
    select
        *,
        coalesce(
            problem,
            case
                when is_not_json then 'not_json'
                when native_id is null and not starts_with(ltrim(line), '{{')
                    then 'not_an_object'
                when
                    {chosen("passed", NOT_CALLS)}
                    and regexp_matches(lower(line), {literal(_AI_MARKS)}) then 'unread_ai_work'
                when passed is not null then passed
                when native_id is null then 'missing_identity'
                when
                    started is null
                    or started not between '2010-01-01T00:00:00Z' and '2100-01-01T00:00:00Z'
                    then 'bad_time'
                when not regexp_full_match(count_text, '([0-9]+(\\.0+)?,?)*') then 'bad_count'
                when is_count_lost or greatest_count > {MAX_COUNT} then 'impossible_count'
                when cost is null and cost_text is not null then 'bad_amount'
                when least(uncached, audio_left, image_left, visible) < 0 then 'negative_bucket'
            end
        ) as rule
    from bucketed
)

select
    file_id,
    source_row,
    native_id as call_id,
    source_format,
    cast(started as date) as charge_date,
    started as started_at,
    ended as ended_at,
    if(coalesce(is_streaming, true), first_token, null) as first_token_at,
    task_id,
    trace_id,
    parent_call_id,
    session_id,
    cast(null as integer) as step_index,
    provider_request_id,
    operation,
    case
        when is_look_up then 'management'
        else coalesce(own_role, {renamed("operation", ROLES)}, 'primary')
    end as role,
    coalesce(reseller, counted_by) as provider,
    requested_model,
    served_model,
    deployment_id,
    region,
    {renamed("lower(tier_text)", TIERS)} as service_tier,
    {GEO} as inference_geo,
    if(starts_with(api_key_id, 'sk-'), sha256(api_key_id), api_key_id) as api_key_id,
    user_id,
    end_user_id,
    team_id,
    org_id,
    project_id,
    if(
        tag_list is null and coalesce(list_count(tag_values), 0) = 0,
        null,
        to_json(list_prepend(tag_list, tag_values))
    ) as tags,
    status,
    if(regexp_full_match(error_text, '[A-Za-z0-9_.]{{1,80}}'), error_text, null) as error_class,
    if(http_code between 100 and 599, http_code, null) as http_status,
    attempt_no,
    is_streaming,
    {_bucket("uncached", _HAS_INPUT)} as input_uncached_tokens,
    {_bucket("cached", "cache_read is not null and not is_input_lost")} as cache_read_tokens,
    {_bucket(of_lifetime("cache_write_5m"), _HAS_WRITES)} as cache_write_5m_tokens,
    {_bucket(of_lifetime("cache_write_1h"), _HAS_WRITES)} as cache_write_1h_tokens,
    {_bucket("untold", _HAS_WRITES)} as cache_write_tokens,
    {_bucket("audio_left", _HAS_AUDIO)} as input_audio_tokens,
    {_bucket("image_left", _HAS_IMAGE)} as input_image_tokens,
    {_bucket("visible", _HAS_OUTPUT)} as output_text_tokens,
    {_bucket(_THOUGHT, "not is_output_lost")} as output_reasoning_tokens,
    {_bucket("output_audio", "not is_output_lost")} as output_audio_tokens,
    {_bucket("output_image", "not is_output_lost")} as output_image_tokens,
    web_searches as web_search_requests,
    search_units,
    audio_seconds,
    input_characters,
    generated_images,
    reported_input as reported_input_tokens,
    reported_output as reported_output_tokens,
    reported_total as reported_total_tokens,
    case
        when is_unknown then 'unknown'
        -- a gateway counts the prompt of a call that never ran
        when status = 'error' and not is_zero and (is_refused or output = 0) then 'estimated'
        -- of a call that was left, or of which a part was not counted, the rest is a lower bound,
        -- unless who counted it bills by it
        when is_incomplete or is_partial then 'estimated'
        when status = 'cancelled' and cost_kind <> 'provider_billed' then 'estimated'
        else 'provider'
    end as token_source,
    case
        when is_input_open or is_output_open or is_media_open then 'unknown'
        when input_evidence = 'mixed' then 'mixed'
        when is_input_exclusive then 'exclusive'
        when is_output_exclusive then 'mixed'
        else 'inclusive'
    end as token_semantics,
    is_conflict as is_token_conflict,
    if(is_hit, 0, if(cost < 0, null, cost)) as logged_cost_usd,
    case
        when is_hit then 'cache_hit'
        when cost is null or cost < 0 then null
        when cost = 0 and not is_zero and status <> 'error' then 'zero_unpriced'
        else cost_kind
    end as logged_cost_kind,
    if(is_hit, try_cast(saved_text as decimal(18, 12)), null) as saved_cost_usd,
    is_look_up as is_rollup,
    updated as updated_at,
    rule,
    {cost_test_sql("if(is_cost_telling, cost, null)", _PRICED_AS)} as cost_test,
    unread_cost,
    if(rule is null, null, left(line, 64)) as rejected_text,
    [
        if(is_ambiguous, 'unknown_semantics', null),
        if(input_evidence <> input_totals, 'input_' || input_evidence, null),
        if(output_evidence <> output_totals, 'output_' || output_evidence, null),
        if(hidden_input > 0, 'hidden_input_tokens', null),
        if(hidden_output > 0, 'hidden_output_tokens', null),
        if(is_media_open, 'cached_media_unknown', null),
        if(is_split_wrong, 'cache_split_mismatch', null),
        if(is_conflict, 'token_conflict', null),
        if(is_partial, 'partial_usage', null),
        if(is_look_up, 'use_looked_up', null),
        if(cost < 0, 'negative_cost', null),
        if(untold > 0, 'cache_lifetime_unknown', null),
        if(ended is null and ended_text is not null, 'unreadable_end', null),
        'unread_usage:' || unread,
        note
    ] as notes
from ruled
"""  # noqa: S608 - our own constants only
"""What follows the relation `meant`: the columns of `call_sql`, and what the totals mean."""
