"""From what a tracer says about one span to one call: the SQL that all trace sources share.

A source names what it took from its records in the columns of `TAKEN`; everything that must be
decided alike (token buckets, roll-ups, refusals) is decided here, once; what totals mean is in
`readings`. Which of two spans around one another counts is decided later, in `stg_calls__nested`,
where all files of a trace are known.
"""

from pipelines.sources.call_facts import GEO, MAX_COUNT, of_lifetime
from pipelines.sources.readings import cost_test_sql, readings_sql
from pipelines.sources.sql_text import chosen, renamed
from pipelines.sources.trace_kinds import KINDS, PURPOSES, TIERS

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
    "requested_model, served_model, region, tier_text, geo_text, response_id",
    "api_key_id, user_id, end_user_id, team_id, org_id, project_id, tags, purpose_text",
    "status, error_text, http_text, is_streaming",
    "count_texts",  # see COUNTS
    "cost_text, saved_cost_text",
    "has_own_cost",  # the cost is not what the tracer made of the counts
    "unread",  # names of counts above 0 that the source does not read, a list; null for nothing
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
    "unread_ai_work": "Report the record's shape, without contents: it names AI models, tokens or"
    " cost, and is no call as its format writes calls",
}
"""What to do next about the rules decided here."""

NEED_INPUT = ("chat", "completion", "embedding")
NEED_OUTPUT = ("chat", "completion")
"""Operations that always have some: none means that nobody counted it."""

_UNREAD = (
    "list_transform(list_filter(unread, lambda n: regexp_full_match(n, '[A-Za-z0-9_.]{1,80}')),"
    " lambda n: 'unread_usage:' || n)"
)
"""Names only: what an emitter calls its counts, and no text of anybody's."""
_COST_TEST = cost_test_sql("cost", "coalesce(served_model, requested_model)")
_HAS_WRITES = "coalesce(cache_write, cache_write_5m, cache_write_1h) is not null"

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


def _input(value: str, is_told: str) -> str:
    """Null is unknown."""
    return f"case when not is_unknown and not is_input_lost and ({is_told}) then {value} end"


def _output(value: str, is_told: str) -> str:
    return f"case when not is_unknown and not is_output_lost and ({is_told}) then {value} end"


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
        coalesce(input_audio, 0) + coalesce(input_image, 0) as input_media,
        coalesce(output_audio, 0) + coalesce(output_image, 0) as output_media,
        coalesce(reasoning, 0) as thought,
        reasoning is not null as is_thought_told,
        cached + written + input_media as details_in,
        thought + output_media as details_out,
        0 as tool_use,
        true as has_sound_total,
        provider as counted_by,
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

{readings_sql("summed")},

bucketed as (
    select
        *,
        if(is_tool, 0, input + hidden_input - (details_in - beside_input)) as uncached,
        if(is_tool, 0, output - (details_out - beside_output)) as visible,
        written - coalesce(cache_write_5m, 0) - coalesce(cache_write_1h, 0) as unsplit,
        unsplit < 0 or (unsplit > 0 and cache_write_5m + cache_write_1h is not null)
            as is_split_wrong,
        if(is_split_wrong, written, unsplit) as untold,
        is_contradicted or is_split_wrong or is_total_wrong as is_conflict,
        error_text in ('CancelledError', 'asyncio.CancelledError', 'cancelled') as is_cancelled,
        -- nothing counted is nothing known, but for tools, which use no tokens of their own
        not is_leaf or (is_zero and not is_tool and status <> 'cache_hit') as is_unknown,
        is_unknown or is_tool as has_no_details,
        -- a stream may have told its output and no input, or the other way round
        not has_no_details and {chosen("operation_of_kind", NEED_INPUT)} and status = 'success'
        and input + details_in + hidden_input = 0 as is_input_lost,
        not has_no_details and {chosen("operation_of_kind", NEED_OUTPUT)} and status = 'success'
        and output + details_out + hidden_output = 0
        and (reported_output is null or coalesce(is_streaming, true)) as is_output_lost
    from read
),

ruled as (
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
        ) as rule
    from bucketed
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
    {GEO} as inference_geo,
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
    {_input("uncached", "reported_input is not null or is_tool")} as input_uncached_tokens,
    {_input("cache_read", "not is_tool")} as cache_read_tokens,
    {_input(of_lifetime("cache_write_5m"), _HAS_WRITES)} as cache_write_5m_tokens,
    {_input(of_lifetime("cache_write_1h"), _HAS_WRITES)} as cache_write_1h_tokens,
    {_input("untold", _HAS_WRITES)} as cache_write_tokens,
    {_input("input_audio", "not is_tool")} as input_audio_tokens,
    {_input("input_image", "not is_tool")} as input_image_tokens,
    {_output("visible", "reported_output is not null or is_tool")} as output_text_tokens,
    {_output("if(hidden_output > 0, hidden_output, reasoning)", "not is_tool")}
        as output_reasoning_tokens,
    {_output("output_audio", "not is_tool")} as output_audio_tokens,
    {_output("output_image", "not is_tool")} as output_image_tokens,
    web_searches as web_search_requests,
    reported_input as reported_input_tokens,
    reported_output as reported_output_tokens,
    reported_total as reported_total_tokens,
    case
        when is_unknown then 'unknown'
        when is_input_lost or is_output_lost or (status = 'error' and is_cancelled) then 'estimated'
        else 'provider'
    end as token_source,
    case
        when is_ambiguous then 'unknown'
        when input_evidence = 'mixed' then 'mixed'
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
    not is_leaf as is_rollup,
    updated as updated_at,
    rule,
    if(is_ambiguous and is_leaf and has_own_cost, {_COST_TEST}, null) as cost_test,
    if(rule is null, null, left(line, 64)) as rejected_text,
    list_concat(own_notes, if(is_leaf, {_UNREAD}, null), [
        if(is_ambiguous and is_leaf, 'unknown_semantics', null),
        if(input_evidence <> input_totals, 'input_' || input_evidence, null),
        if(output_evidence <> output_totals, 'output_' || output_evidence, null),
        if(hidden_input > 0, 'hidden_input_tokens', null),
        if(hidden_output > 0, 'hidden_output_tokens', null),
        if(is_input_lost or is_output_lost, 'partial_usage', null),
        if(is_split_wrong, 'cache_split_mismatch', null),
        if(is_conflict, 'token_conflict', null),
        if(cost < 0, 'negative_cost', null),
        if(untold > 0 and is_leaf, 'cache_lifetime_unknown', null),
        if(not is_known_kind, 'unknown_operation', null)
    ]) as notes
from ruled
"""  # noqa: S608 - our own constants only
