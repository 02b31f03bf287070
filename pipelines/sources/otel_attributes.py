"""Attributes of AI spans: an allow-list, by what they mean. What is not here is never read.

Of several names for one thing the newest is taken; aliases are never added up.
"""

COUNTS = {
    "input": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.usage.prompt_tokens",
        "llm.token_count.prompt",
    ),
    "output": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.usage.completion_tokens",
        "llm.token_count.completion",
    ),
    "total": ("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total"),
    "cache_read": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
    ),
    "cache_write": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
    ),
    "cache_write_5m": (),
    "cache_write_1h": (),
    "reasoning": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
    ),
    "input_audio": (
        "gen_ai.usage.audio.input_tokens",
        "llm.token_count.prompt_details.audio",
    ),
    "input_image": ("gen_ai.usage.image.input_tokens",),
    "output_audio": (
        "gen_ai.usage.audio.output_tokens",
        "llm.token_count.completion_details.audio",
    ),
    "output_image": ("gen_ai.usage.image.output_tokens",),
    "web_searches": (),
}
"""Counts, in the order of `trace_sql.COUNTS`."""

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
    "provider_name": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
    "requested": ("gen_ai.request.model", "llm.request.model_name"),
    "served": (
        "gen_ai.response.model",
        "llm.model_name",
        "embedding.model_name",
        "reranker.model_name",
    ),
    "response_id": ("gen_ai.response.id",),
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
    "cost": ("gen_ai.usage.cost", "llm.cost.total", "litellm.cost.total"),
    "tier": (
        "openai.response.service_tier",
        "gen_ai.openai.response.service_tier",
        "openai.request.service_tier",
        "gen_ai.openai.request.service_tier",
    ),
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
