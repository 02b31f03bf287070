"""Attributes of AI spans: an allow-list, by what they mean. What is not here is never read.

Of several names for one thing the newest is taken; aliases are never added up.
"""

COUNTS = {
    "input": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.usage.prompt_tokens",
        "llm.token_count.prompt",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "ai.usage.tokens",
    ),
    "output": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.usage.completion_tokens",
        "llm.token_count.completion",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
    ),
    "total": (
        "gen_ai.usage.total_tokens",
        "llm.usage.total_tokens",
        "llm.token_count.total",
        "ai.usage.totalTokens",
    ),
    "cache_read": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
        "gen_ai.usage.details.cache_read_tokens",
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens",
    ),
    "cache_write": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
        "gen_ai.usage.details.cache_write_tokens",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
    ),
    "cache_write_5m": (
        "anthropic.usage.cache_creation.ephemeral_5m_input_tokens",
        "gen_ai.usage.details.ephemeral_5m_input_tokens",
    ),
    "cache_write_1h": (
        "anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
        "gen_ai.usage.details.ephemeral_1h_input_tokens",
    ),
    "reasoning": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
        "gen_ai.usage.details.reasoning_tokens",
        "gen_ai.usage.details.thoughts_tokens",
        "ai.usage.outputTokenDetails.reasoningTokens",
        "ai.usage.reasoningTokens",
    ),
    "input_audio": (
        "gen_ai.usage.audio.input_tokens",
        "llm.token_count.prompt_details.audio",
        "gen_ai.usage.details.input_audio_tokens",
    ),
    "input_image": ("gen_ai.usage.image.input_tokens",),
    "output_audio": (
        "gen_ai.usage.audio.output_tokens",
        "llm.token_count.completion_details.audio",
        "gen_ai.usage.details.output_audio_tokens",
    ),
    "output_image": ("gen_ai.usage.image.output_tokens",),
    "web_searches": ("gen_ai.usage.details.web_search_requests",),
}
"""Counts, in the order of `trace_sql.COUNTS`."""

RAW_COUNTS = {
    "cache_read": (
        "$.cache_read_input_tokens",
        "$.prompt_tokens_details.cached_tokens",
        "$.input_tokens_details.cached_tokens",
    ),
    "cache_write": ("$.cache_creation_input_tokens",),
    "cache_write_5m": ("$.cache_creation.ephemeral_5m_input_tokens",),
    "cache_write_1h": ("$.cache_creation.ephemeral_1h_input_tokens",),
    "reasoning": (
        "$.completion_tokens_details.reasoning_tokens",
        "$.output_tokens_details.reasoning_tokens",
        "$.output_tokens_details.thinking_tokens",
    ),
    "input_audio": ("$.prompt_tokens_details.audio_tokens",),
    "output_audio": ("$.completion_tokens_details.audio_tokens",),
    "web_searches": ("$.server_tool_use.web_search_requests",),
}
"""Where the provider's own usage (`raw_usage`) has details that no attribute tells."""

PARTS_OF_COUNTS = (
    "ai.usage.outputTokenDetails.textTokens",
    "gen_ai.usage.details.accepted_prediction_tokens",
    "gen_ai.usage.details.audio_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens",
    "gen_ai.usage.details.cache_read_input_tokens",
    "gen_ai.usage.details.cached_content_tokens",
    "gen_ai.usage.details.cached_tokens",
    "gen_ai.usage.details.rejected_prediction_tokens",
    "gen_ai.usage.details.text_cache_tokens",
    "gen_ai.usage.details.text_candidates_tokens",
    "gen_ai.usage.details.text_prompt_tokens",
    "gen_ai.usage.details.text_tool_use_prompt_tokens",
    "gen_ai.usage.details.tool_use_prompt_tokens",
    "llm.token_count.prompt_details.cache_input",
)
"""Counts that are inside those read, or say one of them again."""

COMPACTION = (
    "anthropic.usage.compaction.input_tokens",
    "anthropic.usage.compaction.output_tokens",
)
"""What a request used to shorten its own conversation: beside its totals, a call of its own."""

EARLY_TOTALS = (
    "gen_ai.usage.prompt_tokens",
    "llm.usage.prompt_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.usage.completion_tokens",
)
OPENINFERENCE_TOTALS = ("llm.token_count.prompt", "llm.token_count.completion")
"""Names that tell a generation of spans."""

EXACT_INPUT = "ai.usage.inputTokenDetails.noCacheTokens"
"""The Vercel AI SDK tells input without cache beside the total since it puts cache inside."""

NEWEST = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.reasoning.output_tokens",
)
"""Names that came with conventions 1.40, which say that totals include their details."""

TEXTS = {
    "operation_name": ("gen_ai.operation.name",),
    "openinference_kind": ("openinference.span.kind",),
    "request_type": ("llm.request.type",),
    "traceloop_kind": ("traceloop.span.kind",),
    "guardrail_name": ("litellm.guardrail.name",),
    "operation_id": ("ai.operationId",),
    "provider_name": (
        "gen_ai.provider.name",
        "gen_ai.system",
        "llm.provider",
        "llm.system",
        "ai.model.provider",
    ),
    "requested": ("gen_ai.request.model", "llm.request.model_name", "ai.model.id"),
    "served": (
        "gen_ai.response.model",
        "llm.model_name",
        "embedding.model_name",
        "reranker.model_name",
        "ai.response.model",
    ),
    "response_id": ("gen_ai.response.id", "ai.response.id"),
    "session": (
        "gen_ai.conversation.id",
        "session.id",
        "traceloop.association.properties.session_id",
    ),
    "person": (
        "enduser.id",
        "user.id",
        "gen_ai.user",
        "llm.user",
        "traceloop.association.properties.user_id",
    ),
    "customer": ("litellm.end_user.id",),
    "team": ("litellm.team.id",),
    "api_key": ("litellm.api_key.hash",),
    "gateway_call": ("litellm.call_id",),
    "purpose": ("litellm.request.purpose",),
    "cache_hit": ("litellm.cache_hit",),
    "saved_cost": ("litellm.saved_cache_cost",),
    "cost": ("gen_ai.usage.cost", "llm.cost.total", "litellm.cost.total", "operation.cost"),
    "tier": (
        "openai.response.service_tier",
        "gen_ai.openai.response.service_tier",
        "anthropic.response.service_tier",
    ),
    "asked_tier": (
        "openai.request.service_tier",
        "gen_ai.openai.request.service_tier",
        "anthropic.request.service_tier",
    ),
    "parameters": ("llm.invocation_parameters",),
    "raw_usage": ("gen_ai.usage.raw",),
    "record_type": ("logfire.span_type",),
    "streaming": ("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming"),
    "first_chunk": ("gen_ai.response.time_to_first_chunk",),
    "error_type": ("error.type",),
    "http_status": ("http.response.status_code",),
    "address": ("server.address",),
    "metadata": ("metadata",),
}
"""Everything else that is kept of a span, by what it is."""

TAG_LIST = "tag.tags"
TAG_PREFIXES = ("", "traceloop.association.properties.", "litellm.metadata.")
"""Where a tag of the workspace may be, before the span's metadata and its resource."""
