"""From what a tracer says about one span to one call: the SQL that all trace sources share.

A source names what it took from its records in the columns of `TAKEN`; everything that must be
decided alike (token semantics, roll-ups, refusals) is decided here, once.
"""

from pipelines.sources.otel_semantics import NATIVE_EXCLUSIVE_INPUT, NATIVE_EXCLUSIVE_OUTPUT
from pipelines.sources.sql_text import chosen, renamed
from pipelines.sources.trace_kinds import KINDS, PURPOSES, TIERS

MAX_COUNT = 1_000_000_000
"""More tokens than this in one call is a broken record."""

COUNTS = (
    "reported_input",
    "reported_output",
    "reported_total",
    "cache_read",
    "cache_write",
    "cache_write_5m",
    "cache_write_1h",
    "reasoning",
    "input_audio",
    "input_image",
    "output_audio",
    "output_image",
    "web_searches",
)
"""What the elements of `count_texts` are, in order."""

TAKEN = (
    "file_id, source_row, line, problem",
    "broken",  # the rule a record breaks by its shape; null for a good one
    "passed",  # why it is no call by its format's contract; null for a call
    "own_id, parent_id, trace_id, task_id, session_id",
    "source_format, input_totals, output_totals",  # TokenSemantics by the format's table
    "has_own_total",  # the total is the provider's, so that it is evidence
    "kind_text",  # in lower case, see KINDS
    "is_wrapper",  # it says so besides its kind
    "is_client_call",  # a kind that is not known counts only where this holds
    "started, ended, first_token, has_bad_time",
    "updated",  # when the tracer last changed its record; null where it does not say
    "provider",  # ours: see `provider_sql`
    "requested_model, served_model, region, tier_text, response_id",
    "api_key_id, user_id, end_user_id, team_id, org_id, project_id, tags, purpose_text",
    "status, error_text, http_text, is_streaming",
    "count_texts",  # see COUNTS
    "cost_text, saved_cost_text",
    "own_notes",  # what else to count, a list; null for nothing
)
"""Columns a source yields. Texts are null or as the tracer wrote them."""

RULES = {
    "not_json": "Check whether the file was cut; deliver it again",
    "missing_identity": "Deliver spans with their trace id and span id",
    "bad_time": "Deliver the start and end times the tracer recorded",
    "bad_count": "Look at the token counts of the span in the tracer",
    "impossible_count": "Look at the token counts of the span in the tracer",
    "bad_amount": "Look at the cost of the span in the tracer",
    "negative_bucket": "Report the record's shape: its token details exceed its totals",
}
"""What to do next about the rules decided here."""

_COUNTS = ", ".join(f"counts[{i}] as {name}" for i, name in enumerate(COUNTS, 1))
_OPERATIONS = {name: kind.operation for name, kind in KINDS.items()}
_ROLES = {name: kind.role for name, kind in KINDS.items()}
_TOOLS = [name for name, kind in KINDS.items() if kind.operation == "tool"]
_LEAVES = [name for name, kind in KINDS.items() if kind.is_leaf]


def calls_sql(taken: str) -> str:
    """The SQL of a stream reader.

    Args:
        taken: A `select` that yields the columns of `TAKEN`, from `lines`.
    """
    return f"with taken as ({taken}),{_SHARED}"


_SHARED = f"""
typed as (
    select
        *,
        array_to_string(count_texts, ',') as count_text,
        list_transform(
            try_cast(count_texts as bigint[]), lambda n: if(n between 0 and {MAX_COUNT}, n, null)
        ) as counts,
        try_cast(cost_text as decimal(18, 12)) as cost
    from taken
),

named as (
    select
        * exclude (counts),
        len(list_filter(count_texts, lambda t: t is not null)) <> list_count(counts)
            as is_count_lost,
        list_max(counts) as greatest_count,
        {_COUNTS}
    from typed
),

summed as (
    select
        *,
        coalesce(reported_input, 0) as input,
        coalesce(reported_output, 0) as output,
        coalesce(cache_read, 0) as cached,
        coalesce(cache_write, coalesce(cache_write_5m, 0) + coalesce(cache_write_1h, 0)) as written,
        coalesce(cache_write_5m, cache_write_1h) is not null as has_split,
        coalesce(input_audio, 0) + coalesce(input_image, 0) as input_media,
        coalesce(output_audio, 0) + coalesce(output_image, 0) as output_media,
        coalesce(reasoning, 0) as thought,
        coalesce(greatest_count, 0) = 0 as is_zero,
        coalesce({renamed("kind_text", _OPERATIONS)}, 'other') as operation_of_kind,
        coalesce({chosen("kind_text", _TOOLS)}, false) as is_tool,
        coalesce({renamed("kind_text", _ROLES)}, 'unknown') as role_of_kind,
        coalesce({chosen("kind_text", KINDS)}, true) as is_known_kind,
        not is_wrapper and case
            when kind_text is null then true
            when {chosen("kind_text", KINDS)} then {chosen("kind_text", _LEAVES)}
            else is_client_call
        end as is_leaf
    from named
),

-- the provider's own total, where there is one, equals one of four sums
tested as (
    select
        *,
        cached + written + input_media as details_in,
        thought + output_media as details_out,
        cached + written > input as proves_exclusive_input,
        thought > output as proves_exclusive_output,
        reported_total - input - output as rest
    from summed
),

fitted as (
    select
        *,
        has_own_total and rest in (0, details_out) as fits_inclusive_input,
        has_own_total and rest in (details_in, details_in + details_out) as fits_exclusive_input,
        has_own_total and rest in (0, details_in) as fits_inclusive_output,
        has_own_total and rest in (details_out, details_in + details_out) as fits_exclusive_output
    from tested
),

judged as (
    select
        *,
        case
            when proves_exclusive_input then 'exclusive'
            when fits_inclusive_input and not fits_exclusive_input then 'inclusive'
            when fits_exclusive_input and not fits_inclusive_input then 'exclusive'
        end as input_evidence,
        case
            when proves_exclusive_output then 'exclusive'
            when fits_inclusive_output and not fits_exclusive_output then 'inclusive'
            when fits_exclusive_output and not fits_inclusive_output then 'exclusive'
        end as output_evidence
    from fitted
),

decided as (
    select
        *,
        coalesce(input_evidence, if(
            input_totals = 'unknown',
            if({chosen("provider", NATIVE_EXCLUSIVE_INPUT)}, 'exclusive', 'inclusive'),
            input_totals
        )) = 'exclusive' as is_input_exclusive,
        coalesce(output_evidence, if(
            output_totals = 'unknown',
            if({chosen("provider", NATIVE_EXCLUSIVE_OUTPUT)}, 'exclusive', 'inclusive'),
            output_totals
        )) = 'exclusive' as is_output_exclusive,
        (input_totals = 'unknown' and input_evidence is null and details_in > 0)
        or (output_totals = 'unknown' and output_evidence is null and details_out > 0) as is_guess,
        has_split
        and coalesce(cache_write_5m, 0) + coalesce(cache_write_1h, 0) <> written as is_split_wrong
    from judged
),

bucketed as (
    select
        *,
        if(is_tool, 0, input - if(is_input_exclusive, 0, details_in)) as uncached,
        if(is_tool, 0, output - if(is_output_exclusive, 0, details_out)) as visible,
        coalesce(input_evidence <> input_totals and input_totals <> 'unknown', false)
        or coalesce(output_evidence <> output_totals and output_totals <> 'unknown', false)
        or is_split_wrong
        or coalesce(
            reported_total > 0
            and rest not in (
                0, if(is_input_exclusive, details_in, 0) + if(is_output_exclusive, details_out, 0)
            ),
            false
        ) as is_conflict
    from decided
),

ruled as materialized (
    select
        *,
        coalesce(
            problem,
            broken,
            passed,
            case
                when own_id is null then 'missing_identity'
                when
                    has_bad_time
                    or started is null
                    or started not between '2010-01-01T00:00:00Z' and '2100-01-01T00:00:00Z'
                    then 'bad_time'
                when not regexp_full_match(count_text, '[0-9,]*') then 'bad_count'
                when is_count_lost then 'impossible_count'
                when cost is null and cost_text <> '' then 'bad_amount'
                when is_leaf and (uncached < 0 or visible < 0) then 'negative_bucket'
            end
        ) as rule,
        error_text in ('CancelledError', 'asyncio.CancelledError', 'cancelled') as is_cancelled,
        -- nothing counted is nothing known, but for tools, which use no tokens of their own
        not is_leaf or (is_zero and not is_tool and status <> 'cache_hit') as is_unknown
    from bucketed
),

-- a framework's span around a client's span of the same work: only the inner one is a leaf
outer_spans as (
    select distinct parent_id as outer_id
    from ruled
    where parent_id is not null and is_leaf and not is_zero and not is_tool
),

nested as (
    select
        ruled.*,
        not is_leaf or (outer_id is not null and not is_tool) as is_rollup,
        is_unknown or is_tool as has_no_details
    from ruled
    left join outer_spans on ruled.own_id = outer_spans.outer_id
)

select
    file_id,
    source_row,
    own_id as call_id,
    source_format,
    cast(started as date) as charge_date,
    started as started_at,
    ended as ended_at,
    first_token as first_token_at,
    nullif(task_id, '') as task_id,
    trace_id,
    parent_id as parent_call_id,
    nullif(session_id, '') as session_id,
    cast(null as integer) as step_index,
    nullif(response_id, '') as provider_request_id,
    operation_of_kind as operation,
    coalesce({renamed("purpose_text", PURPOSES)}, role_of_kind) as role,
    provider,
    nullif(requested_model, '') as requested_model,
    nullif(served_model, '') as served_model,
    cast(null as varchar) as deployment_id,
    nullif(region, '') as region,
    {renamed("lower(tier_text)", TIERS)} as service_tier,
    cast(null as varchar) as inference_geo,
    if(starts_with(api_key_id, 'sk-'), sha256(api_key_id), nullif(api_key_id, '')) as api_key_id,
    nullif(user_id, '') as user_id,
    nullif(end_user_id, '') as end_user_id,
    nullif(team_id, '') as team_id,
    nullif(org_id, '') as org_id,
    nullif(project_id, '') as project_id,
    tags,
    if(status = 'error' and is_cancelled, 'cancelled', status) as status,
    if(regexp_full_match(error_text, '[A-Za-z0-9_.]{{1,80}}'), error_text, null) as error_class,
    if(try_cast(http_text as integer) between 100 and 599, try_cast(http_text as integer), null)
        as http_status,
    cast(null as integer) as attempt_no,
    is_streaming,
    if(is_unknown or (reported_input is null and not is_tool), null, uncached)
        as input_uncached_tokens,
    if(has_no_details, null, cache_read) as cache_read_tokens,
    if(
        has_no_details or (cache_write is null and not has_split),
        null,
        if(has_split and not is_split_wrong, coalesce(cache_write_5m, 0), written)
    ) as cache_write_5m_tokens,
    if(
        has_no_details or (cache_write is null and not has_split),
        null,
        if(has_split and not is_split_wrong, coalesce(cache_write_1h, 0), 0)
    ) as cache_write_1h_tokens,
    cast(null as bigint) as cache_write_tokens,
    if(has_no_details, null, input_audio) as input_audio_tokens,
    if(has_no_details, null, input_image) as input_image_tokens,
    if(is_unknown or (reported_output is null and not is_tool), null, visible)
        as output_text_tokens,
    if(has_no_details, null, reasoning) as output_reasoning_tokens,
    if(has_no_details, null, output_audio) as output_audio_tokens,
    if(has_no_details, null, output_image) as output_image_tokens,
    web_searches as web_search_requests,
    reported_input as reported_input_tokens,
    reported_output as reported_output_tokens,
    reported_total as reported_total_tokens,
    if(is_unknown, 'unknown', 'provider') as token_source,
    case
        when is_guess then 'unknown'
        when is_input_exclusive then 'exclusive'
        when is_output_exclusive then 'mixed'
        else 'inclusive'
    end as token_semantics,
    is_conflict as is_token_conflict,
    if(status = 'cache_hit', 0, if(cost < 0, null, cost)) as logged_cost_usd,
    case
        when status = 'cache_hit' then 'cache_hit'
        when cost is null or cost < 0 then null
        when cost = 0 and not is_zero then 'zero_unpriced'
        else 'gateway_estimate'
    end as logged_cost_kind,
    if(status = 'cache_hit', try_cast(saved_cost_text as decimal(18, 12)), null) as saved_cost_usd,
    is_rollup,
    updated as updated_at,
    rule,
    if(rule is null, null, left(line, 64)) as rejected_text,
    list_concat(own_notes, [
        if(is_guess and not is_rollup, 'unknown_semantics', null),
        if(input_evidence = 'exclusive' and input_totals <> 'exclusive', 'input_exclusive', null),
        if(
            output_evidence = 'exclusive' and output_totals <> 'exclusive', 'output_exclusive', null
        ),
        if(is_split_wrong, 'cache_split_mismatch', null),
        if(is_conflict, 'token_conflict', null),
        if(cost < 0, 'negative_cost', null),
        if(written > 0 and not has_split, 'cache_lifetime_unknown', null),
        if(is_leaf and is_rollup, 'nested_inference', null),
        if(not is_known_kind, 'unknown_operation', null)
    ]) as notes
from nested
"""  # noqa: S608 - our own constants only
