/*
description: Calls that tell what another call of their feed tells, as a framework's span does around the
  span of the provider's client, a second library beside the first, a stream's span beside the record of
  its usage, or a gateway that serves one API by another and logs both. Of one request the call that says most of its tokens counts, the inner one where they say as
  much. A call that caused another one has other usage, or was over before it, and is not here.
grain: one row per source and call_id
keys: [source, call_id]
columns:
  counted_call_id: "The call that counts; null where several do."
  is_unlike: "The two differ in what was used."
*/

-- only ids are looked at to find what may be one request: a call that another one names as its parent,
-- an answer that a trace has twice, a stream that has a record of its own, one API served by another
with parents as (
    select distinct
        inners.source,
        inners.parent_call_id as call_id
    from lake_calls as inners
    semi join sources on inners.source = sources.source and sources.is_system_of_record
    semi join lake_calls as outers
        on inners.source = outers.source and inners.parent_call_id = outers.call_id
    where not inners.is_rollup and inners.parent_call_id <> inners.call_id
),

answers as (
    select
        calls.source,
        hash(calls.trace_id, calls.provider_request_id) as answer
    from lake_calls as calls
    semi join sources on calls.source = sources.source and sources.is_system_of_record
    where
        calls.trace_id is not null
        and calls.provider_request_id is not null
        and not calls.is_rollup
    group by all
    having count(*) > 1
),

-- LiteLLM serves Responses by chat where a provider has only that
bridges as (
    select
        calls.source,
        calls.charge_date,
        coalesce(calls.trace_id, calls.session_id) as work_id,
        calls.reported_input_tokens,
        calls.reported_output_tokens
    from lake_calls as calls
    semi join sources on calls.source = sources.source and sources.is_system_of_record
    where
        calls.source_format in ('litellm_spend_logs', 'litellm_standard_logging_payload')
        and starts_with(calls.provider_request_id, 'resp_')
        and calls.provider not in ('openai', 'azure')
        and calls.reported_input_tokens > 0
        and not calls.is_rollup
),

family as (
    select
        source,
        call_id
    from parents
    union
    select
        calls.source,
        calls.call_id
    from lake_calls as calls
    semi join parents
        on calls.source = parents.source and calls.parent_call_id = parents.call_id
    union
    select
        calls.source,
        calls.call_id
    from lake_calls as calls
    semi join answers
        on
            calls.source = answers.source
            and hash(calls.trace_id, calls.provider_request_id) = answers.answer
    where calls.trace_id is not null and calls.provider_request_id is not null
    union
    select
        calls.source,
        calls.call_id
    from lake_calls as calls
    semi join sources on calls.source = sources.source and sources.is_system_of_record
    where calls.source_format in ('logfire', 'logfire_stream')
    union
    select
        calls.source,
        calls.call_id
    from lake_calls as calls
    semi join bridges
        on
            calls.source = bridges.source
            and calls.charge_date = bridges.charge_date
            and calls.reported_input_tokens = bridges.reported_input_tokens
            and calls.reported_output_tokens = bridges.reported_output_tokens
            and coalesce(calls.trace_id, calls.session_id) = bridges.work_id
    where calls.source_format in ('litellm_spend_logs', 'litellm_standard_logging_payload')
),

-- what came with two contents counts nothing, and what stands around it stays
versions as (
    select
        calls.*,
        repeated.call_id is not null as is_repeated
    from lake_calls as calls
    semi join family on calls.source = family.source and calls.call_id = family.call_id
    left join stg_calls__repeated as repeated
        on calls.source = repeated.source and calls.call_id = repeated.call_id
    where
        not calls.is_rollup
        and calls.operation <> 'tool'
        and (
            repeated.call_id is null
            or (
                calls.updated_at is not distinct from repeated.updated_at
                and not repeated.is_conflict
            )
        )
),

-- of copies that agree any is as good
newest as (
    select * from versions
    where not is_repeated
    union all
    select * from versions
    where is_repeated
    qualify
        row_number() over (
            partition by source, call_id
            order by
                trace_id asc, parent_call_id asc, session_id asc, task_id asc, ended_at asc,
                source_format asc
        ) = 1
),

-- by number from here on: names are long and compared often
used as materialized (
    select
        newest.source,
        newest.call_id,
        newest.charge_date,
        newest.trace_id,
        newest.parent_call_id,
        newest.source_format,
        newest.started_at,
        coalesce(newest.ended_at, newest.started_at) as ended_at,
        newest.ended_at is not null as has_end,
        newest.status = 'success' as is_success,
        -- what a cache answered repeats the original's id, and what failed has no answer
        case
            when
                newest.trace_id is not null
                and coalesce(newest.status, '') not in ('cache_hit', 'error')
                then newest.provider_request_id
        end as answer_id,
        case
            when newest.source_format in ('litellm_spend_logs', 'litellm_standard_logging_payload')
                then starts_with(newest.provider_request_id, 'resp_')
        end as is_bridge,
        coalesce(newest.trace_id, newest.session_id) as work_id,
        lower(coalesce(newest.requested_model, newest.served_model)) as model,
        newest.provider_request_id,
        newest.service_tier,
        newest.inference_geo,
        newest.task_id,
        newest.session_id,
        coalesce(newest.input_uncached_tokens, 0)
        + coalesce(newest.cache_read_tokens, 0)
        + coalesce(newest.cache_write_5m_tokens, 0)
        + coalesce(newest.cache_write_1h_tokens, 0)
        + coalesce(newest.cache_write_tokens, 0)
        + coalesce(newest.input_audio_tokens, 0)
        + coalesce(newest.input_image_tokens, 0) as input_total,
        coalesce(newest.output_text_tokens, 0)
        + coalesce(newest.output_reasoning_tokens, 0)
        + coalesce(newest.output_audio_tokens, 0)
        + coalesce(newest.output_image_tokens, 0) as output_total,
        coalesce(newest.search_units, 0)
        + coalesce(newest.audio_seconds, 0)
        + coalesce(newest.input_characters, 0)
        + coalesce(newest.generated_images, 0) as other_total,
        input_total + output_total + other_total > 0 as is_known,
        case when newest.cache_read_tokens is null then 0 else 1 end
        + case when newest.output_reasoning_tokens is null then 0 else 1 end
        + case when newest.cache_write_5m_tokens is null then 0 else 1 end as details_told,
        row_number() over (order by newest.source asc, newest.call_id asc) as call_no
    from newest
),

-- an answer's id holds beyond its time; else the inner call began while the outer one ran
inside as materialized (
    select
        outers.call_no as outer_no,
        inners.call_no as inner_no,
        outers.is_known as is_outer_known,
        inners.is_known as is_inner_known,
        outers.input_total as outer_input,
        outers.output_total as outer_output,
        inners.input_total as inner_input,
        inners.output_total as inner_output,
        coalesce(inners.provider_request_id = outers.provider_request_id, false)
        or (
            inners.input_total = outers.input_total
            and inners.output_total = outers.output_total
            and inners.other_total = outers.other_total
        ) as is_alike,
        -- of a failed attempt inside nobody says what it used
        (inners.is_success or not (outers.is_success or outers.is_known))
        and coalesce(
            contains(inners.model, outers.model) or contains(outers.model, inners.model), true
        ) as is_of_it
    from used as inners
    inner join used as outers
        on
            inners.source = outers.source
            and inners.parent_call_id = outers.call_id
            and inners.charge_date = outers.charge_date
            and inners.trace_id is not distinct from outers.trace_id
    where
        inners.call_no <> outers.call_no
        and (
            (
                inners.is_known
                and outers.is_known
                and inners.provider_request_id = outers.provider_request_id
            )
            or (
                outers.has_end
                and inners.started_at between outers.started_at and outers.ended_at
            )
        )
),

nested as (
    select
        outer_no,
        inner_no,
        is_outer_known and not is_inner_known as is_inner_empty,
        count(*) over (partition by outer_no, is_outer_known, is_inner_known) as alike_count
    from inside
    where case when is_outer_known and is_inner_known then is_alike else is_of_it end
),

-- Logfire writes what a streamed call used as a record of its own, after the call's span
streams as (
    select
        source,
        charge_date,
        trace_id,
        parent_call_id,
        model,
        source_format,
        call_no,
        row_number() over (
            partition by source, charge_date, trace_id, parent_call_id, model, source_format
            order by started_at asc, call_id asc
        ) as place
    from used
    where
        (source_format = 'logfire' and not is_known and answer_id is null and is_success)
        or (source_format = 'logfire_stream' and is_known)
),

-- the call of the API that was asked, and the one inside it of the API that answered
bridged as (
    select
        source,
        charge_date,
        work_id,
        model,
        input_total,
        output_total,
        is_bridge,
        call_no,
        started_at,
        ended_at,
        row_number() over (
            partition by source, charge_date, work_id, model, input_total, output_total, is_bridge
            order by started_at asc, call_id asc
        ) as place
    from used
    where is_bridge is not null and is_known and is_success
),

-- one request each; an outer call around several stands for all of them and is none
pairs as (
    select
        outer_no as call_no,
        inner_no as twin_no
    from nested
    where alike_count = 1 or is_inner_empty
    union all
    select
        spans.call_no,
        records.call_no as twin_no
    from streams as spans
    inner join streams as records
        on
            spans.source = records.source
            and spans.charge_date = records.charge_date
            and spans.trace_id is not distinct from records.trace_id
            and spans.parent_call_id is not distinct from records.parent_call_id
            and spans.model is not distinct from records.model
            and spans.place = records.place
    where spans.source_format = 'logfire' and records.source_format = 'logfire_stream'
    union all
    select
        asked.call_no,
        answering.call_no as twin_no
    from bridged as asked
    inner join bridged as answering
        on
            asked.source = answering.source
            and asked.charge_date = answering.charge_date
            and asked.work_id = answering.work_id
            and asked.model = answering.model
            and asked.input_total = answering.input_total
            and asked.output_total = answering.output_total
            and asked.place = answering.place
    where
        asked.is_bridge
        and not answering.is_bridge
        and answering.started_at between asked.started_at and asked.ended_at
),

twins as (
    select * from pairs
    union all
    select
        twin_no as call_no,
        call_no as twin_no
    from pairs
),

around_several as (
    select distinct outer_no as call_no
    from nested
    where alike_count > 1 and not is_inner_empty
    union
    select outer_no as call_no
    from inside
    where is_inner_known
    group by outer_no, outer_input, outer_output
    having
        count(*) > 1
        and sum(inner_input) = outer_input
        and sum(inner_output) = outer_output
),

outers as (
    select distinct outer_no as call_no
    from nested
),

ranked as materialized (
    select
        used.call_no,
        used.source,
        used.charge_date,
        used.trace_id,
        used.answer_id,
        used.started_at,
        used.ended_at,
        used.is_known,
        used.input_total,
        used.output_total,
        row_number() over (
            order by
                used.is_known desc, used.is_success desc, used.details_told desc,
                outers.call_no is not null asc, used.call_no asc
        ) as place
    from used
    left join outers
        on used.call_no = outers.call_no
),

answers_told as (
    select
        source,
        charge_date,
        trace_id,
        answer_id,
        min(place) as best_place
    from ranked
    where answer_id is not null
    group by source, charge_date, trace_id, answer_id
    having count(*) > 1
),

-- a label is the place of the best call that is known to tell the same: an answer that a trace has
-- twice is one, where nothing speaks against it, because small servers give the same ids again
told_once as (
    select
        calls.call_no,
        calls.place,
        case
            when
                not calls.is_known
                or (calls.started_at <= best.ended_at and calls.ended_at >= best.started_at)
                or (
                    calls.input_total = best.input_total
                    and calls.output_total = best.output_total
                )
                then best.place
            else calls.place
        end as label
    from ranked as calls
    left join answers_told
        on
            calls.source = answers_told.source
            and calls.charge_date = answers_told.charge_date
            and calls.trace_id = answers_told.trace_id
            and calls.answer_id = answers_told.answer_id
    left join ranked as best
        on coalesce(answers_told.best_place, calls.place) = best.place
),

told_by_twins as (
    select
        twins.call_no,
        min(others.label) as label
    from twins
    inner join told_once as others
        on twins.twin_no = others.call_no
    group by twins.call_no
),

spread as (
    select
        calls.call_no,
        calls.place,
        calls.label as old_label,
        least(calls.label, told.label) as label
    from told_once as calls
    left join told_by_twins as told
        on calls.call_no = told.call_no
),

spread_by_answer as (
    select
        call_no,
        place,
        min(label) over (partition by old_label) as label
    from spread
),

spread_by_twins as (
    select
        twins.call_no,
        min(others.label) as label
    from twins
    inner join spread_by_answer as others
        on twins.twin_no = others.call_no
    group by twins.call_no
),

labelled as (
    select
        calls.call_no,
        calls.place,
        least(calls.label, told.label) as label
    from spread_by_answer as calls
    left join spread_by_twins as told
        on calls.call_no = told.call_no
),

uncounted as (
    select
        labelled.call_no,
        case when labelled.label <> labelled.place then counted.call_no end as counted_no
    from labelled
    left join ranked as counted
        on labelled.label = counted.place
    left join around_several
        on labelled.call_no = around_several.call_no
    where labelled.label <> labelled.place or around_several.call_no is not null
)

select
    calls.source,
    calls.call_id,
    counted.call_id as counted_call_id,
    coalesce(
        calls.is_known and counted.is_known
        and (
            calls.input_total <> counted.input_total
            or calls.output_total <> counted.output_total
        ),
        false
    ) as is_unlike,
    calls.provider_request_id,
    calls.service_tier,
    calls.inference_geo,
    calls.task_id,
    calls.session_id
from uncounted
inner join used as calls
    on uncounted.call_no = calls.call_no
left join used as counted
    on uncounted.counted_no = counted.call_no
