/*
description: Calls that tell what another call of their feed tells, as a framework's span does around the
  span of the provider's client, a second library beside the first, or a stream's span beside the record of
  its usage. Of one request the call that says most of its tokens counts, the inner one where they say as
  much. A call that caused another one has other usage, or was over before it, and is not here.
grain: one row per source and call_id
keys: [source, call_id]
columns:
  counted_call_id: "The call that counts; null where several do."
  is_unlike: "The two differ in what was used."
*/

-- only ids are looked at to find what may be one request: a call that another one names as its parent,
-- an answer that a trace has twice, a stream that has a record of its own
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
),

-- what came with two contents counts nothing, and what stands around it stays; of copies that
-- agree any is as good
newest as (
    select calls.*
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
    qualify
        row_number() over (
            partition by calls.source, calls.call_id
            order by
                calls.trace_id asc, calls.parent_call_id asc, calls.session_id asc,
                calls.task_id asc, calls.ended_at asc, calls.source_format asc
        ) = 1
),

used as (
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
            when coalesce(newest.status, '') not in ('cache_hit', 'error')
                then newest.provider_request_id
        end as answer_id,
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
        + case when newest.cache_write_5m_tokens is null then 0 else 1 end as details_told
    from newest
),

nested as (
    select
        outers.source,
        outers.call_id as outer_id,
        inners.call_id as inner_id,
        case
            when outers.is_known and inners.is_known then 'alike'
            when outers.is_known then 'inner_empty'
            else 'outer_empty'
        end as kind
    from used as inners
    inner join used as outers
        on
            inners.source = outers.source
            and inners.parent_call_id = outers.call_id
            and inners.charge_date = outers.charge_date
            and inners.trace_id is not distinct from outers.trace_id
    where
        inners.call_id <> outers.call_id
        and (
            (inners.is_known and outers.is_known and inners.answer_id = outers.answer_id)
            or (
                outers.has_end
                and inners.started_at between outers.started_at and outers.ended_at
                and case
                    when outers.is_known and inners.is_known
                        then
                            inners.input_total = outers.input_total
                            and inners.output_total = outers.output_total
                            and inners.other_total = outers.other_total
                    -- of a failed attempt inside nobody says what it used
                    else
                        (inners.is_success or not (outers.is_success or outers.is_known))
                        and coalesce(
                            contains(inners.model, outers.model)
                            or contains(outers.model, inners.model),
                            true
                        )
                end
            )
        )
),

counted_nested as (
    select
        *,
        count(*) over (partition by source, outer_id, kind) as alike_count
    from nested
),

-- one request each; an outer call around several stands for all of them and is none
twins as (
    select
        source,
        outer_id as call_id,
        inner_id as twin_id
    from counted_nested
    where alike_count = 1 or kind = 'inner_empty'
    union all
    select
        source,
        inner_id as call_id,
        outer_id as twin_id
    from counted_nested
    where alike_count = 1 or kind = 'inner_empty'
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
        call_id,
        row_number() over (
            partition by source, charge_date, trace_id, parent_call_id, model, source_format
            order by started_at asc, call_id asc
        ) as place
    from used
    where
        (source_format = 'logfire' and not is_known and answer_id is null and is_success)
        or (source_format = 'logfire_stream' and is_known)
),

all_twins as (
    select * from twins
    union all
    select
        spans.source,
        spans.call_id,
        records.call_id as twin_id
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
),

outers as (
    select distinct
        source,
        outer_id as call_id
    from nested
),

ranked as (
    select
        used.*,
        row_number() over (
            partition by used.source
            order by
                used.is_known desc, used.is_success desc, used.details_told desc,
                outers.call_id is not null asc, used.call_id asc
        ) as place
    from used
    left join outers
        on used.source = outers.source and used.call_id = outers.call_id
),

-- an answer that a trace has twice is one, where nothing speaks against it: small servers give the
-- same ids again
answered as (
    select
        *,
        min(place) over (
            partition by
                source,
                charge_date,
                trace_id,
                case when trace_id is not null then answer_id end,
                case when trace_id is null or answer_id is null then call_id end
        ) as best_place
    from ranked
),

-- a label is the place of the best call that is known to tell the same
told_once as (
    select
        answered.*,
        case
            when
                not answered.is_known
                or (
                    answered.started_at <= best.ended_at
                    and answered.ended_at >= best.started_at
                )
                or (
                    answered.input_total = best.input_total
                    and answered.output_total = best.output_total
                )
                then answered.best_place
            else answered.place
        end as label
    from answered
    inner join ranked as best
        on answered.source = best.source and answered.best_place = best.place
),

spread as (
    select
        calls.source,
        calls.call_id,
        calls.label as old_label,
        least(calls.label, min(others.label)) as label
    from told_once as calls
    left join all_twins as twins
        on calls.source = twins.source and calls.call_id = twins.call_id
    left join told_once as others
        on twins.source = others.source and twins.twin_id = others.call_id
    group by calls.source, calls.call_id, calls.label
),

spread_by_answer as (
    select
        source,
        call_id,
        min(label) over (partition by source, old_label) as label
    from spread
),

labelled as (
    select
        calls.source,
        calls.call_id,
        least(calls.label, min(others.label)) as label
    from spread_by_answer as calls
    left join all_twins as twins
        on calls.source = twins.source and calls.call_id = twins.call_id
    left join spread_by_answer as others
        on twins.source = others.source and twins.twin_id = others.call_id
    group by calls.source, calls.call_id, calls.label
),

around_several as (
    select distinct
        source,
        outer_id as call_id
    from counted_nested
    where kind <> 'inner_empty' and alike_count > 1
    union
    select
        outers.source,
        outers.call_id
    from used as inners
    inner join used as outers
        on
            inners.source = outers.source
            and inners.parent_call_id = outers.call_id
            and inners.charge_date = outers.charge_date
            and inners.trace_id is not distinct from outers.trace_id
    where
        inners.call_id <> outers.call_id
        and inners.is_known
        and inners.started_at between outers.started_at and outers.ended_at
    group by outers.source, outers.call_id, outers.input_total, outers.output_total
    having
        count(*) > 1
        and sum(inners.input_total) = outers.input_total
        and sum(inners.output_total) = outers.output_total
)

select
    calls.source,
    calls.call_id,
    case when counted.call_id <> calls.call_id then counted.call_id end as counted_call_id,
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
from ranked as calls
inner join labelled on calls.source = labelled.source and calls.call_id = labelled.call_id
inner join ranked as counted
    on labelled.source = counted.source and labelled.label = counted.place
left join around_several
    on calls.source = around_several.source and calls.call_id = around_several.call_id
where counted.call_id <> calls.call_id or around_several.call_id is not null
