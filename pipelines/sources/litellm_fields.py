"""The fields taken from a LiteLLM record: an allow-list. What is not here is never read.

Paths are JSON paths. A record is a StandardLoggingPayload (SLP) or a row of the SpendLogs table;
both are told apart by the field that identifies them, `id` or `request_id`.
"""

RECORD = {
    "slp_id": "$.id",
    "request_id": "$.request_id",
    "litellm_call_id": "$.litellm_call_id",
    "response_id": "$.response.id",
    "trace_id": "$.trace_id",
    "session_id": "$.session_id",
    "call_type": "$.call_type",
    "stream": "$.stream",
    "status": "$.status",
    "cache_hit": "$.cache_hit",
    "response_cost": "$.response_cost",
    "saved_cache_cost": "$.saved_cache_cost",
    "custom_llm_provider": "$.custom_llm_provider",
    "prompt_tokens": "$.prompt_tokens",
    "completion_tokens": "$.completion_tokens",
    "total_tokens": "$.total_tokens",
    "start_time": "$.startTime",
    "end_time": "$.endTime",
    "completion_start_time": "$.completionStartTime",
    "model_name": "$.model",
    "model_id": "$.model_id",
    "model_group": "$.model_group",
    "api_base": "$.api_base",
    "request_tags": "$.request_tags",
    "end_user": "$.end_user",
}
"""Top-level fields of either shape."""

ROW = {
    "spend": "$.spend",
    "user_name": "$.user",
    "api_key": "$.api_key",
    "team_id": "$.team_id",
    "organization_id": "$.organization_id",
    "update_time": "$.updated_at",
}
"""Top-level fields that only a SpendLogs row has."""

SPEND_LOGS_COLUMNS = frozenset(
    {path.removeprefix("$.") for path in (*RECORD.values(), *ROW.values())} | {"metadata"}
)
"""Columns read of a dump of the SpendLogs table."""

METADATA = {
    "user_api_key_hash": "user_api_key_hash",
    "user_api_key_team_id": "user_api_key_team_id",
    "user_api_key_org_id": "user_api_key_org_id",
    "user_api_key_project_id": "user_api_key_project_id",
    "user_api_key_user_id": "user_api_key_user_id",
    "user_api_key_end_user_id": "user_api_key_end_user_id",
    "spend_logs_metadata": "spend_logs_metadata",
    "usage_object": "usage_object",
    "additional_usage_values": "additional_usage_values",
    "attempted_retries": "attempted_retries",
    "attempted_fallbacks": "attempted_fallbacks",
    "original_model_group": "original_model_group",
    "billed_retry_attempt": "billed_retry_attempt",
    "internal_call_origin": "internal_call_origin",
    "is_silent_experiment": "is_silent_experiment",
}
"""Fields of `metadata`, which is an object or the text of one."""

EITHER = {
    "error_class": "error_information.error_class",
    "error_code": "error_information.error_code",
    "margin_total_amount": "cost_breakdown.margin_total_amount",
    "discount_amount": "cost_breakdown.discount_amount",
    "breakdown_service_tier": "cost_breakdown.service_tier",
    "vertex_location": "cost_breakdown.vertex_location",
}
"""Fields that an SLP has at its top level and a SpendLogs row inside `metadata`."""

USAGE = {
    "usage_input": "$.prompt_tokens",
    "usage_output": "$.completion_tokens",
    "cached_a": "$.prompt_tokens_details.cached_tokens",
    "cached_b": "$.cache_read_input_tokens",
    "written_a": "$.prompt_tokens_details.cache_creation_tokens",
    "written_b": "$.cache_creation_input_tokens",
    "written_c": "$.prompt_tokens_details.cache_write_tokens",
    "written_5m": (
        "$.prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens"
    ),
    "written_1h": (
        "$.prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens"
    ),
    "raw_written_5m": "$.cache_creation.ephemeral_5m_input_tokens",
    "raw_written_1h": "$.cache_creation.ephemeral_1h_input_tokens",
    "input_audio": "$.prompt_tokens_details.audio_tokens",
    "input_image": "$.prompt_tokens_details.image_tokens",
    "reasoning": "$.completion_tokens_details.reasoning_tokens",
    "output_audio": "$.completion_tokens_details.audio_tokens",
    "output_image": "$.completion_tokens_details.image_tokens",
    "web_searches": "$.server_tool_use.web_search_requests",
}
"""Counts inside the usage object, which is an object or the text of one."""

USAGE_TIER = "$.service_tier"

CALL_TYPES = {
    "completion": ("chat", "primary"),
    "responses": ("chat", "primary"),
    "anthropic_messages": ("chat", "primary"),
    "generate_content": ("chat", "primary"),
    "generate_content_stream": ("chat", "primary"),
    "pass_through_endpoint": ("chat", "primary"),
    "text_completion": ("completion", "primary"),
    "embedding": ("embedding", "embedding"),
    "rerank": ("rerank", "rerank"),
    "moderation": ("moderation", "guardrail"),
    "transcription": ("audio_in", "primary"),
    "speech": ("audio_out", "primary"),
    "image_generation": ("image", "primary"),
    "image_edit": ("image", "primary"),
    "image_variation": ("image", "primary"),
    "_arealtime": ("realtime", "primary"),
    "realtime": ("realtime", "primary"),
    "create_batch": ("batch", "management"),
    "retrieve_batch": ("batch", "management"),
    "list_batches": ("batch", "management"),
    "cancel_batch": ("batch", "management"),
    "call_mcp_tool": ("tool", "tool"),
    "list_mcp_tools": ("tool", "management"),
    "search": ("tool", "tool"),
    "vector_store_search": ("tool", "tool"),
    "vector_store_create": ("other", "management"),
    "create_file": ("other", "management"),
    "file_retrieve": ("other", "management"),
    "file_content": ("other", "management"),
    "file_delete": ("other", "management"),
    "file_list": ("other", "management"),
    "create_assistants": ("other", "management"),
    "get_assistants": ("other", "management"),
    "delete_assistant": ("other", "management"),
    "create_thread": ("other", "management"),
    "get_thread": ("other", "management"),
}
"""Operation and role by call type; the asynchronous forms have an `a` before them."""

ORIGINS = {
    "llm_as_a_judge_guardrail": "judge",
    "shadow_eval_judge": "judge",
    "shadow_eval_router": "shadow",
    "autorouter_classifier": "router",
    "autorouter_compaction": "router",
    "background_response_status_poll": "management",
}
"""Role of calls that the gateway made itself."""

TIERS = {
    "default": "standard",
    "auto": "standard",
    "standard": "standard",
    "on_demand": "standard",
    "batch": "batch",
    "flex": "flex",
    "priority": "priority",
    "fast": "fast",
}
"""Service tiers as ours; another is unknown."""
