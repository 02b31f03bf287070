/*
description: Which ownership rule holds for a subject, and from when until when inside the day. A
  key that moves at noon gives two segments; a subject without any rule gives none.
grain: one row per subject, charge_date and segment_from
keys: [subject, charge_date, segment_from]
*/

with rules as (
    select distinct
        rule_id,
        rank,
        match_on,
        match_source,
        match_key,
        match_value,
        valid_from,
        valid_to
    from ref_ownership_rules
),

-- the order in which rules of equal rank are read, as MatchOn lists it
match_order as (
    select * from match_on_order
),

candidates as (
    select
        attributes.subject,
        attributes.charge_date,
        rules.rule_id,
        rules.rank,
        match_order.place as match_place,
        greatest(
            coalesce(rules.valid_from, attributes.charge_date), attributes.charge_date
        ) as candidate_from,
        least(
            coalesce(rules.valid_to, attributes.charge_date + interval 1 day),
            attributes.charge_date + interval 1 day
        ) as candidate_to
    from int_owner_attributes as attributes
    inner join rules
        on
            attributes.match_on = rules.match_on
            and attributes.match_value = rules.match_value
            and (rules.match_key is null or attributes.match_key = rules.match_key)
            and (rules.match_source is null or attributes.source = rules.match_source)
    inner join match_order on rules.match_on = match_order.match_on
    where
        (rules.valid_from is null or rules.valid_from < attributes.charge_date + interval 1 day)
        and (rules.valid_to is null or rules.valid_to > attributes.charge_date)
),

-- a register entry that changes inside the day ends a segment as well
register_changes as (
    select
        rules.rule_id,
        applications.valid_from as changed_at
    from ref_ownership_rules as rules
    inner join ref_applications as applications
        on rules.application_id = applications.application_id
    where applications.valid_from is not null
    union
    select
        rules.rule_id,
        applications.valid_to as changed_at
    from ref_ownership_rules as rules
    inner join ref_applications as applications
        on rules.application_id = applications.application_id
    where applications.valid_to is not null
),

breaks as (
    select
        subject,
        charge_date,
        candidate_from as break_at
    from candidates
    union
    select
        subject,
        charge_date,
        candidate_to as break_at
    from candidates
    union
    select
        candidates.subject,
        candidates.charge_date,
        register_changes.changed_at as break_at
    from candidates
    inner join register_changes on candidates.rule_id = register_changes.rule_id
    where
        register_changes.changed_at > candidates.candidate_from
        and register_changes.changed_at < candidates.candidate_to
),

segments as (
    select
        subject,
        charge_date,
        break_at as segment_from,
        lead(break_at) over (
            partition by subject, charge_date
            order by break_at asc
        ) as segment_to
    from breaks
),

ranked as (
    select
        segments.subject,
        segments.charge_date,
        segments.segment_from,
        segments.segment_to,
        candidates.rule_id,
        candidates.rank,
        row_number() over (
            partition by segments.subject, segments.charge_date, segments.segment_from
            order by candidates.rank asc, candidates.match_place asc, candidates.rule_id asc
        ) as place
    from segments
    inner join candidates
        on
            segments.subject = candidates.subject
            and segments.charge_date = candidates.charge_date
            and segments.segment_from >= candidates.candidate_from
            and segments.segment_to <= candidates.candidate_to
    where segments.segment_to is not null
)

select
    subject,
    charge_date,
    segment_from,
    segment_to,
    rule_id,
    rank,
    rule_id || '@' || strftime(segment_from, '%Y-%m-%dT%H:%M:%S.%f') as owner_id
from ranked
where place = 1
