/*
description: The few-valued attributes of calls, once per day, with the provider account they are
  billed to. Everything that is looked up by attribute is looked up here and not per call.
grain: one row per profile_key and charge_date
keys: [profile_key, charge_date]
*/

with calls as (
    select * from stg_calls
),

profiles as (
    select
        profile_key,
        charge_date,
        min(source) as source,
        min(provider) as provider,
        min(coalesce(served_model, requested_model)) as model_text,
        min(deployment_id) as deployment_id,
        min(coalesce(service_tier, 'standard')) as service_tier,
        min(service_tier) as known_service_tier,
        min(inference_geo) as inference_geo,
        min(api_key_id) as api_key_id,
        min(team_id) as team_id,
        min(project_id) as project_id,
        min(tags) as tags
    from calls
    group by profile_key, charge_date
),

-- every spelling of a provider as one id, and every name of an AI model as one
named as (
    select
        profiles.profile_key,
        profiles.charge_date,
        profiles.source,
        profiles.model_text,
        profiles.deployment_id,
        profiles.service_tier,
        profiles.known_service_tier,
        profiles.inference_geo,
        profiles.api_key_id,
        profiles.team_id,
        profiles.project_id,
        profiles.tags,
        case
            when model_map.resolved_by is null then profiles.provider
            else model_map.price_provider
        end as provider,
        coalesce(model_map.model_id, lower(profiles.model_text)) as model_id
    from profiles
    left join model_map
        on
            profiles.provider is not distinct from model_map.provider
            and profiles.model_text is not distinct from model_map.model_text
),

routed as (
    select
        profiles.profile_key,
        profiles.charge_date,
        routes.issuer,
        routes.billing_account_id,
        routes.sub_account_id,
        row_number() over (
            partition by profiles.profile_key, profiles.charge_date
            order by routes.rank asc, routes.route_id asc
        ) as place
    from named as profiles
    inner join ref_routes as routes
        on
            (routes.source is null or profiles.source = routes.source)
            and (routes.provider is null or profiles.provider = routes.provider)
            and (routes.deployment_id is null or profiles.deployment_id = routes.deployment_id)
            and (routes.project_id is null or profiles.project_id = routes.project_id)
            and (
                routes.tag_key is null
                or (
                    json_exists(profiles.tags, '$."' || routes.tag_key || '"')
                    and (
                        routes.tag_value is null
                        or json_extract_string(profiles.tags, '$."' || routes.tag_key || '"')
                        = routes.tag_value
                    )
                )
            )
            and (routes.valid_from is null or profiles.charge_date >= routes.valid_from)
            and (routes.valid_to is null or profiles.charge_date < routes.valid_to)
)

select
    profiles.*,
    routed.issuer,
    routed.billing_account_id,
    routed.sub_account_id
from named as profiles
left join routed
    on
        profiles.profile_key = routed.profile_key
        and profiles.charge_date = routed.charge_date
        and routed.place = 1
