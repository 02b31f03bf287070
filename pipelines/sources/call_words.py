"""Words of gateways as ours: operations by request path, roles."""

OPERATION_PATHS = {
    "embed": "embedding",
    "rerank": "rerank",
    "moderation": "moderation",
    "/images?/": "image",
    "/audio/(transcription|translation)": "audio_in",
    "/audio/speech": "audio_out",
    "/realtime": "realtime",
    "/batches": "batch",
    "chat.?completions|/responses|/messages|/converse|generatecontent|/invoke|/v1/chat": "chat",
    "/completions": "completion",
}
"""Operations by a pattern in the path of the request, in lower case; the first counts."""

LOOK_UPS = (
    "(?i)/(responses/resp_|chat/completions/chatcmpl-|batches/[^/?])|count_?tokens|/input_tokens"
)
"""Paths of requests about a use that is counted elsewhere, or about one that is none."""

DETAILS = (
    "prompt_tokens_details",
    "completion_tokens_details",
    "input_tokens_details",
    "output_tokens_details",
    "cache_creation",
    "server_tool_use",
)
"""Objects in a usage that hold counts."""

PARTS_OF_COUNTS = frozenset(
    {
        "prompt_tokens",
        "completion_tokens",
        "input_tokens",
        "output_tokens",
        "total_tokens",
        "text_tokens",
        "accepted_prediction_tokens",
        "rejected_prediction_tokens",
        "prompt_cache_miss_tokens",
        "time_per_token",
        "time_to_first_token",
        "llm_accuracy",
    }
)
"""Counts in a usage that are inside those read, or count no use."""

ROLES = {
    "embedding": "embedding",
    "rerank": "rerank",
    "moderation": "guardrail",
    "batch": "management",
    "other": "unknown",
}
"""What a call was for, by its operation; else it is a primary call."""
