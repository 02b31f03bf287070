"""How the two LiteLLM gateways write attempts down, as SQL over whole numbers and codes.

A record is described once, as a tree, and becomes one `concat(...)`. A `$` name is a pool: a list
of ready text, of which a code of the row picks one.
"""

from pipelines.truth.json_sql import Sql, Tree, concat, pool, raw_pool, text_of

CODES = (
    "drawn_on",
    "started_us",
    "workload",
    "deployment",
    "gateway",
    "task",
    "call_number",
    "number",
    "source",
    "status",
)
"""Columns of an attempt that its ids are made of."""

IDENTIFY = """
with seeded as (
    select
        *,
        concat($seed, '/', strftime(drawn_on, '%y%m%d')) as day_seed,
        $prefixes[deployment + 1] as prefix
    from attempts
),

named as (
    select
        *,
        uuid_text(md5(concat(day_seed, '/call/', call_number))) as litellm_call_id,
        concat(
            prefix, md5(concat(day_seed, '/response/', if(source >= 0, source, number)))
        ) as response_id,
        uuid_text(md5(concat(day_seed, '/task/', workload, '/', task))) as trace_id,
        concat('T', strftime(drawn_on, '%y%m%d'), '-', workload, '-', task) as task_id
    from seeded
),

logged as (
    select
        *,
        case status
            when 1 then litellm_call_id
            when 2 then concat(response_id, '_cache_hit', epoch_text(started_us))
            else response_id
        end as logged_id,
        if(status = 1, 'failure', 'success') as status_text
    from named
)

-- call_id as the litellm source names a payload (0) and a SpendLogs row (1)
select
    litellm_call_id,
    response_id,
    trace_id,
    task_id,
    logged_id,
    status_text,
    if(
        gateway = 0,
        md5(concat_ws(chr(31), litellm_call_id, logged_id, status_text, started_us)),
        logged_id
    ) as call_id
from logged
"""


_WRITTEN = "cache_write_5m + cache_write_1h"
_USAGE: Tree = {
    "completion_tokens": Sql("output"),
    "prompt_tokens": Sql("reported_input"),
    "total_tokens": Sql("reported_input + output"),
    "completion_tokens_details": {
        "reasoning_tokens": Sql("reasoning"),
        "text_tokens": Sql("output - reasoning"),
    },
    "prompt_tokens_details": {
        "cached_tokens": Sql("cache_read"),
        "cache_creation_tokens": Sql(_WRITTEN),
        "cache_creation_token_details": {
            "ephemeral_5m_input_tokens": Sql("cache_write_5m"),
            "ephemeral_1h_input_tokens": Sql("cache_write_1h"),
        },
    },
    "cache_read_input_tokens": Sql("cache_read"),
    "cache_creation_input_tokens": Sql(_WRITTEN),
    "server_tool_use": {"web_search_requests": Sql("web_search")},
}
_COUNTS = (
    "input_uncached",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "reasoning",
    "web_search",
)

# our own text only: values are bound as pools
_READY = f"""
with shown as (
    select
        * exclude ({", ".join(_COUNTS)}),
        {", ".join(f"if(status = 1, 0, {name}) as {name}" for name in _COUNTS)}
    from attempts
),

counted as (
    select
        *,
        input_uncached
        + if(is_exclusive, 0, cache_read + cache_write_5m + cache_write_1h) as reported_input
    from shown
),

ready as (
    select
        *,
        if(status = 1, 'null', {concat(_USAGE)}) as usage_json,
        started_us + duration_ms * 1000 as ended_us,
        started_us + first_token_ms * 1000 as first_us,
        dollars(logged_picos) as cost_text,
        if(is_customer, '', $users["user" + 1]) as user_text,
        case
            when is_planted then concat('jane.canary', "user", '@customer.example')
            when is_customer then concat('cust-', "user")
            else ''
        end as end_user_text
    from counted
)
"""  # noqa: S608

_CALLER: dict[str, Tree] = {
    "user_api_key_alias": raw_pool("aliases", "key"),
    "user_api_key_team_id": raw_pool("teams", "workload"),
    "user_api_key_team_alias": raw_pool("teams", "workload"),
    "user_api_key_org_id": pool("organisations", "gateway"),
    "user_api_key_project_id": None,
    "user_api_key_user_id": text_of("user_text"),
    "user_api_key_user_email": raw_pool("emails", '"user" % 200'),
    "spend_logs_metadata": {"task_id": text_of("task_id"), "feature": text_of("feature_text")},
    "usage_object": Sql("usage_json"),
    "applied_guardrails": [],
    "mcp_tool_call_metadata": None,
    "guardrail_information": None,
}
_ERROR = Sql(
    "if(status = 1, "
    + concat(
        {
            "error_code": "429",
            "error_class": "RateLimitError",
            "llm_provider": pool("providers"),
            "traceback": "",
            "error_message": "",
        }
    )
    + ", 'null')"
)
_MESSAGES = Sql("$messages[roll % len($messages) + 1]")
_CHOICES = Sql("$choices[roll % len($choices) + 1]")

_PAYLOAD: Tree = {
    "id": text_of("logged_id"),
    "trace_id": text_of("trace_id"),
    "session_id": "",
    "litellm_call_id": text_of("litellm_call_id"),
    "call_type": pool("call_types"),
    "stream": Sql("if(status = 0 and output > 0, 'true', 'null')"),
    "status": text_of("status_text"),
    "custom_llm_provider": pool("providers"),
    "cache_hit": Sql("case status when 2 then 'true' when 0 then 'false' else 'null' end"),
    "saved_cache_cost": Sql("if(status = 2, dollars(value_picos), '0.0')"),
    "startTime": Sql("epoch_text(started_us)"),
    "endTime": Sql("epoch_text(ended_us)"),
    "completionStartTime": Sql("epoch_text(first_us)"),
    "response_time": Sql("epoch_text(first_token_ms * 1000)"),
    "model": pool("models"),
    "metadata": {
        "user_api_key_hash": pool("keys", "key"),
        **_CALLER,
        "user_api_key_end_user_id": text_of("end_user_text"),
        "user_api_key_spend": Sql("concat(roll % 900, '.25')"),
        "requester_ip_address": text_of("concat('10.0.7.', roll % 250)"),
        "requester_metadata": {},
    },
    "cache_key": None,
    "response_cost": Sql("cost_text"),
    "total_tokens": Sql("reported_input + output"),
    "prompt_tokens": Sql("reported_input"),
    "completion_tokens": Sql("output"),
    "request_tags": Sql("tags_json"),
    "end_user": text_of("end_user_text"),
    "api_base": pool("api_bases"),
    "model_group": pool("groups"),
    "model_id": pool("deployment_ids"),
    "messages": _MESSAGES,
    "response": Sql(
        "if(status = 1, 'null', "
        + concat(
            {
                "id": text_of("response_id"),
                "object": "chat.completion",
                "model": pool("groups"),
                "choices": _CHOICES,
            }
        )
        + ")"
    ),
    "model_parameters": {"temperature": "0.2", "stream": True},
    "hidden_params": {
        "model_id": pool("deployment_ids"),
        "response_cost": Sql("cost_text"),
        "litellm_model_name": pool("models"),
    },
    "model_map_information": raw_pool("maps", "deployment"),
    "error_str": Sql("if(status = 1, $errors[roll % len($errors) + 1], 'null')"),
    "error_information": _ERROR,
}

PAYLOAD = f"{_READY} select concat({concat(_PAYLOAD)}, chr(10)) as line from ready"  # noqa: S608

_ROW_METADATA: Tree = {
    "status": text_of("status_text"),
    "user_api_key": pool("keys", "key"),
    **_CALLER,
    "attempted_retries": 0,
    "max_retries": 2,
    "attempted_fallbacks": Sql("if(deployment = asked, 0, 1)"),
    "original_model_group": pool("groups", "asked"),
    "cost_breakdown": {"total_cost": Sql("cost_text")},
    "error_information": _ERROR,
    "model_map_information": raw_pool("maps", "deployment"),
}
# column of a SpendLogs dump, and the expression that gives its cell
_ROW = {
    "request_id": "logged_id",
    "call_type": "$call_types[deployment + 1]",
    "api_key": "$keys[key + 1]",
    "spend": "cost_text",
    "total_tokens": "reported_input + output",
    "prompt_tokens": "reported_input",
    "completion_tokens": "output",
    "startTime": "stamp(started_us)",
    "endTime": "stamp(ended_us)",
    "request_duration_ms": "duration_ms",
    "completionStartTime": "stamp(first_us)",
    "model": "$models[deployment + 1]",
    "model_id": "$deployment_ids[deployment + 1]",
    "model_group": "$groups[deployment + 1]",
    "custom_llm_provider": "$providers[deployment + 1]",
    "api_base": "$api_bases[deployment + 1]",
    "user": "user_text",
    "metadata": f"concat('\"', quoted({concat(_ROW_METADATA)}), '\"')",
    "cache_hit": "case status when 2 then 'True' when 0 then 'False' else 'None' end",
    "cache_key": "'Cache OFF'",
    "request_tags": "concat('\"', quoted(tags_json), '\"')",
    "team_id": "$team_cells[workload + 1]",
    "organization_id": "$organisations[gateway + 1]",
    "end_user": "end_user_text",
    "requester_ip_address": "''",
    "messages": f"concat('\"', quoted({_MESSAGES.text}), '\"')",
    "response": f"concat('\"', if(status = 1, '{{}}', quoted({_CHOICES.text})), '\"')",
    "session_id": "trace_id",
    "status": "status_text",
    "mcp_namespaced_tool_name": "''",
    "billing_agent_id": "''",
    "agent_id": "''",
    "proxy_server_request": "'{}'",
    "litellm_call_id": "litellm_call_id",
    "created_at": "stamp(ended_us + 60000000)",
    "updated_at": "stamp(ended_us + 60000000)",
}
SPEND_LOG_HEADER = ",".join(_ROW) + "\n"
SPEND_LOG = f"""{_READY}
select concat({", ',', ".join(_ROW.values())}, chr(10)) as line from ready
"""  # noqa: S608
