"""The fields taken from a LiteLLM record: an allow-list. What is not here is never read.

Paths are JSON paths. A record is a StandardLoggingPayload (SLP) or a row of the SpendLogs table;
both are told apart by the field that identifies them, `id` or `request_id`.
"""

from enum import StrEnum
from typing import NamedTuple

RECORD = {
    "request_id": "$.request_id",
    "litellm_call_id": "$.litellm_call_id",
    "session": "$.session_id",
    "call_type": "$.call_type",
    "outcome": "$.status",
    "cache_hit": "$.cache_hit",
    "provider_name": "$.custom_llm_provider",
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
"""Fields of either shape; an SLP has no `request_id`."""

PAYLOAD = {
    "slp_id": "$.id",
    "response_id": "$.response.id",
    "trace": "$.trace_id",
    "stream": "$.stream",
    "response_cost": "$.response_cost",
    "saved_cache_cost": "$.saved_cache_cost",
    "parameter_user": "$.model_parameters.user",
    "header_retries": '$.hidden_params.additional_headers."x-litellm-attempted-retries"',
    "header_fallbacks": '$.hidden_params.additional_headers."x-litellm-attempted-fallbacks"',
}
"""Fields that only an SLP has."""

ROW = {
    "proxy_metadata": "$.metadata",
    "spend": "$.spend",
    "user_name": "$.user",
    "row_key": "$.api_key",
    "row_team": "$.team_id",
    "organization": "$.organization_id",
    "update_time": "$.updated_at",
}
"""Fields that only a SpendLogs row has; its metadata is an object or the text of one."""

SPEND_LOGS_COLUMNS = frozenset(
    path.removeprefix("$.") for path in (*RECORD.values(), *ROW.values())
)
"""Columns read of a dump of the SpendLogs table."""

ANSWER = {
    "job_ended": "$.response.completed_at",
    "is_background": "$.response.background",
    "units_searched": "$.response.meta.billed_units.search_units",
}
"""Fields of the answer in an SLP; only those of jobs and of reranks are looked at."""

BLANK = frozenset(
    [
        "request_id",
        "slp_id",
        "response_id",
        "litellm_call_id",
        "session",
        "trace",
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "model_name",
        "model_id",
        "model_group",
        "end_user",
        "response_cost",
        "spend",
        "user_name",
        "row_key",
        "row_team",
        "organization",
        "key_hash",
        "key_team",
        "key_org",
        "key_project",
        "key_user",
        "key_end_user",
        "vertex_location",
        "data_residency",
        "original_model_group",
        "spend_metadata",
        "parameter_user",
    ]
)
"""Fields that are there without a value, as an empty text."""

METADATA = {
    "key_hash": "$.user_api_key_hash",
    "key_team": "$.user_api_key_team_id",
    "key_org": "$.user_api_key_org_id",
    "key_project": "$.user_api_key_project_id",
    "key_user": "$.user_api_key_user_id",
    "key_end_user": "$.user_api_key_end_user_id",
    "spend_metadata": "$.spend_logs_metadata",
    # where an API has a `metadata` of its own, what callers send there is kept apart
    "requester_metadata": "$.requester_metadata.spend_logs_metadata",
    "usage_object": "$.usage_object",
    "internal_call_origin": "$.internal_call_origin",
    "is_silent_experiment": "$.is_silent_experiment",
}
"""Fields of the proxy's metadata, in either shape."""

EITHER = {
    "error_code": "$.error_information.error_code",
    "margin": "$.cost_breakdown.margin_total_amount",
    "discount": "$.cost_breakdown.discount_amount",
    "tool_cost": "$.cost_breakdown.tool_usage_cost",
    "priced_tier": "$.cost_breakdown.service_tier",
    "data_residency": "$.cost_breakdown.data_residency",
    "vertex_location": "$.cost_breakdown.vertex_location",
}
"""Fields that an SLP has at its top level and a SpendLogs row inside its metadata."""

ERROR = {
    "error_class": "$.error_information.error_class",
    "normalized_error": "$.error_information.normalized_error",
}
"""Fields in the same places that are only looked at where something failed."""

ROW_METADATA = {
    "additional_usage": "$.additional_usage_values",
    "attempted_retries": "$.attempted_retries",
    "attempted_fallbacks": "$.attempted_fallbacks",
    "original_model_group": "$.original_model_group",
    "billed_retry_attempt": "$.billed_retry_attempt",
}
"""Fields of the metadata of a SpendLogs row only."""

USAGE = {
    "usage_input": "$.prompt_tokens",
    "usage_output": "$.completion_tokens",
    "cached_a": "$.prompt_tokens_details.cached_tokens",
    "cached_b": "$.cache_read_input_tokens",
    "written_a": "$.prompt_tokens_details.cache_creation_tokens",
    "written_b": "$.cache_creation_input_tokens",
    "written_c": "$.prompt_tokens_details.cache_write_tokens",
    "text_in": "$.prompt_tokens_details.text_tokens",
    "audio_in": "$.prompt_tokens_details.audio_tokens",
    "image_in": "$.prompt_tokens_details.image_tokens",
    "thought_out": "$.completion_tokens_details.reasoning_tokens",
    "text_out": "$.completion_tokens_details.text_tokens",
    "audio_out": "$.completion_tokens_details.audio_tokens",
    "image_out": "$.completion_tokens_details.image_tokens",
    "searches_a": "$.server_tool_use.web_search_requests",
    "searches_b": "$.prompt_tokens_details.web_search_requests",
    "usage_tier": "$.service_tier",
    "speed": "$.speed",
    "usage_geo": "$.inference_geo",
}
"""Fields of the usage object, which is an object or the text of one."""

_WRITTEN = "$.prompt_tokens_details.cache_creation_token_details"
RARE_USAGE = {
    "written_5m": f"{_WRITTEN}.ephemeral_5m_input_tokens",
    "written_30m": f"{_WRITTEN}.ephemeral_30m_input_tokens",
    "written_1h": f"{_WRITTEN}.ephemeral_1h_input_tokens",
    "written_12h": f"{_WRITTEN}.ephemeral_12h_input_tokens",
    "raw_written_5m": "$.cache_creation.ephemeral_5m_input_tokens",
    "raw_written_1h": "$.cache_creation.ephemeral_1h_input_tokens",
    "cached_audio_in": "$.prompt_tokens_details.cached_tokens_details.audio_tokens",
    "cached_image_in": "$.prompt_tokens_details.cached_tokens_details.image_tokens",
    "second_iteration": "$.iterations[1].type",
    "google_maps_grounding_requests": ("$.prompt_tokens_details.google_maps_grounding_requests"),
}
"""Fields that few usage objects have; they are looked at where something says that one has them."""

UNREAD = ("google_maps_grounding_requests",)
"""Counts with a price of their own that no column of a call holds."""

UNITS = {
    "seconds": "$.seconds",
    "audio_length": "$.prompt_tokens_details.audio_length_seconds",
    "characters": "$.prompt_tokens_details.character_count",
    "images": "$.output_image_count",
}
"""What a usage object without tokens counts instead."""

UNIT_OPERATIONS = ("audio_in", "audio_out", "image", "other")


class CallKind(StrEnum):
    """Whose the usage of a record is."""

    USE = "use"
    """Its own."""
    LOOK = "look"
    """Another call's, told again to who asks for it: it counts there."""
    FREE = "free"
    """None: something is managed, and nothing is used that a provider counts."""


class CallType(NamedTuple):
    """What a type of call asks for, for what, and whose the usage is that its records tell."""

    operation: str
    role: str
    kind: CallKind = CallKind.USE


def _types(call: CallType, names: str) -> dict[str, CallType]:
    return dict.fromkeys(names.split(), call)


CALL_TYPES = {
    **_types(
        CallType("chat", "primary"),
        "completion responses anthropic_messages generate_content generate_content_stream "
        "pass_through_endpoint llm_passthrough_route compact_responses send_message "
        "send_message_streaming create_interaction run_thread run_thread_stream "
        "_aresponses_websocket responses_websocket",
    ),
    **_types(CallType("embedding", "embedding"), "embedding"),
    **_types(CallType("completion", "primary"), "text_completion"),
    **_types(CallType("rerank", "rerank"), "rerank"),
    **_types(CallType("moderation", "guardrail"), "moderation"),
    **_types(CallType("audio_in", "primary"), "transcription"),
    **_types(CallType("audio_out", "primary"), "speech"),
    **_types(CallType("image", "primary"), "image_generation image_edit image_variation"),
    **_types(CallType("realtime", "primary"), "_arealtime realtime"),
    **_types(
        CallType("other", "primary"),
        "ocr create_video video_generation video_remix video_edit video_extension",
    ),
    **_types(
        CallType("tool", "tool"),
        "call_mcp_tool search vector_store_search query run_code code_interpreter_tool",
    ),
    **_types(CallType("batch", "management", CallKind.FREE), "create_batch list_batches"),
    **_types(CallType("batch", "management", CallKind.LOOK), "retrieve_batch cancel_batch"),
    **_types(
        CallType("other", "management", CallKind.LOOK),
        "get_responses cancel_responses delete_responses list_input_items get_messages get_thread "
        "video_status video_retrieve video_retrieve_job video_content video_list video_delete",
    ),
    **_types(CallType("tool", "management", CallKind.FREE), "list_mcp_tools"),
    **_types(
        CallType("other", "management", CallKind.FREE),
        "vector_store_create vector_store_retrieve vector_store_list vector_store_update "
        "vector_store_delete vector_store_file_create vector_store_file_retrieve "
        "vector_store_file_list vector_store_file_content vector_store_file_update "
        "vector_store_file_delete create_file file_retrieve file_content file_delete file_list "
        "create_assistants get_assistants delete_assistant create_thread add_message _add_message "
        "create_fine_tuning_job cancel_fine_tuning_job list_fine_tuning_jobs "
        "retrieve_fine_tuning_job create_container list_containers retrieve_container "
        "delete_container list_container_files upload_container_file create_sandbox "
        "delete_sandbox create_skill create_realtime_client_secret realtime_calls "
        "create_realtime_transcription_session create_realtime_translation_client_secret "
        "realtime_translation_calls video_create_character video_get_character",
    ),
}
"""Each type of call; most common first. The asynchronous forms have an `a` before them."""

BATCH_TYPES = ("aretrieve_batch", "retrieve_batch")
SETTLING = (*BATCH_TYPES, "avideo_status", "video_status")
"""Looks at jobs whose use nothing else tells: once a job has ended, each look tells it."""

LOOKS = "(^a?|_)(get|list|retrieve|delete|cancel|status|poll|content|download)(_|s_|$)"
"""Names of types nobody knows that only look, as far as one can tell."""

ORIGINS = {
    "llm_as_a_judge_guardrail": "judge",
    "shadow_eval_judge": "judge",
    "shadow_eval_router": "shadow",
    "autorouter_classifier": "router",
    "autorouter_compaction": "router",
    "background_response_status_poll": "management",
    "background_response_cost_poll": "primary",
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
