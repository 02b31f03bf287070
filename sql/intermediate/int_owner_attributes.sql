/*
description: What ownership rules can look at, per subject. A subject is a call profile, a user, or
  the provider-side scope of a charge; all three meet the same rules.
grain: one row per subject, charge_date, source, match_on, match_key and match_value
keys: [subject, charge_date, source, match_on, match_key, match_value]
*/

with profiles as (
    select
        'profile:' || cast(profile_key as varchar) as subject,
        *
    from int_profiles
),

profile_tags as (
    select
        subject,
        charge_date,
        source,
        tags,
        unnest(json_keys(tags)) as tag_key
    from profiles
    where tags is not null
),

-- the keys of a usage report split what a bill without keys says
scope_levels as (
    select
        charge_date,
        source,
        issuer,
        billing_account_id,
        sub_account_id,
        resource_id,
        api_key_id,
        tags
    from stg_charges
    union
    select
        charge_date,
        source,
        issuer,
        billing_account_id,
        sub_account_id,
        cast(null as varchar) as resource_id,
        api_key_id,
        cast(null as varchar) as tags
    from stg_usage
    where api_key_id is not null
),

charge_scopes as (
    select
        concat_ws(
            '|', 'charge:' || issuer, billing_account_id, coalesce(sub_account_id, ''),
            coalesce(resource_id, ''), coalesce(api_key_id, ''), coalesce(tags, '')
        ) as subject,
        *
    from scope_levels
),

charge_tags as (
    select
        subject,
        charge_date,
        source,
        tags,
        unnest(json_keys(tags)) as tag_key
    from charge_scopes
    where tags is not null
),

scopes as (
    select
        subject,
        charge_date,
        source,
        issuer,
        billing_account_id,
        sub_account_id,
        api_key_id
    from profiles
    union all
    select
        subject,
        charge_date,
        source,
        issuer,
        billing_account_id,
        sub_account_id,
        api_key_id
    from charge_scopes
),

users as (
    select distinct
        charge_date,
        source,
        coalesce(end_user_id, user_id) as user_id
    from stg_calls
    where coalesce(end_user_id, user_id) is not null
),

attributes as (
    select
        subject,
        charge_date,
        source,
        'call_tag' as match_on,
        tag_key as match_key,
        json_extract_string(tags, '$."' || tag_key || '"') as match_value
    from profile_tags
    union all
    select
        subject,
        charge_date,
        source,
        'resource_tag' as match_on,
        tag_key as match_key,
        json_extract_string(tags, '$."' || tag_key || '"') as match_value
    from charge_tags
    union all
    select
        subject,
        charge_date,
        source,
        'api_key' as match_on,
        issuer as match_key,
        api_key_id as match_value
    from scopes
    union all
    select
        subject,
        charge_date,
        source,
        'gateway_team' as match_on,
        cast(null as varchar) as match_key,
        team_id as match_value
    from profiles
    union all
    select
        subject,
        charge_date,
        source,
        'sub_account' as match_on,
        issuer as match_key,
        sub_account_id as match_value
    from scopes
    union all
    select
        subject,
        charge_date,
        source,
        'billing_account' as match_on,
        issuer as match_key,
        billing_account_id as match_value
    from scopes
    union all
    select
        subject,
        charge_date,
        source,
        'resource' as match_on,
        issuer as match_key,
        resource_id as match_value
    from charge_scopes
    union all
    select
        -- a rule may hold for one feed only, and so does what a person is there
        'user:' || source || '|' || user_id as subject,
        charge_date,
        source,
        'user' as match_on,
        cast(null as varchar) as match_key,
        user_id as match_value
    from users
)

select
    subject,
    charge_date,
    source,
    match_on,
    match_key,
    match_value
from attributes
where match_value is not null
