"""The fields taken from a Langfuse observation: an allow-list, and where each shape has them.

Blob exports are flat and in snake_case; the API and the UI write camelCase, there wrapped as
`observation` beside its `trace`. Of several places the first that is filled counts.
"""

from pipelines.sources.otel_attributes import TEXTS

FIELDS = {
    "native_id": ("$.id", "$.observation.id"),
    "kind": ("$.type", "$.observation.type"),
    "project": ("$.project_id", "$.observation.projectId"),
    "trace": ("$.trace_id", "$.observation.traceId"),
    "parent": ("$.parent_observation_id", "$.observation.parentObservationId"),
    "start_text": ("$.start_time", "$.observation.startTime"),
    "end_text": ("$.end_time", "$.observation.endTime"),
    "first_text": ("$.completion_start_time", "$.observation.completionStartTime"),
    "updated_text": ("$.updated_at", "$.observation.updatedAt"),
    "level": ("$.level", "$.observation.level"),
    "served": ("$.provided_model_name", "$.observation.model"),
    "usage_text": ("$.usage_details", "$.observation.usageDetails"),
    "provided_text": ("$.provided_usage_details", "$.observation.providedUsageDetails"),
    "cost": ("$.total_cost", "$.observation.totalCost"),
    "cost_total": ("$.cost_details.total", "$.observation.costDetails.total"),
    "provided_cost": (
        "$.provided_cost_details.total",
        "$.observation.providedCostDetails.total",
    ),
    "metadata_text": ("$.metadata", "$.observation.metadata"),
    "trace_metadata": ("$.trace_metadata", "$.trace.metadata"),
    "person": ("$.user_id", "$.trace.userId"),
    "session": ("$.session_id", "$.trace.sessionId"),
    "tag_text": ("$.tags", "$.trace.tags"),
    "environment": ("$.environment", "$.observation.environment"),
    "release": ("$.release", "$.trace.release"),
    "trace_name": ("$.trace_name", "$.trace.name"),
}

COLUMNS = frozenset(path.split(".")[1] for paths in FIELDS.values() for path in paths)
"""Columns read of an export as a table."""

LABELS = ("environment", "release", "trace_name")
"""Fields that may be kept as tags, besides metadata."""

METADATA = {
    "provider_text": (
        '$.attributes."gen_ai.provider.name"',
        '$.attributes."gen_ai.system"',
        '$.attributes."llm.provider"',
        '$.attributes."llm.system"',
        "$.ls_provider",
    ),
    "response_id": ('$.attributes."gen_ai.response.id"',),
    "requested": ('$.attributes."gen_ai.request.model"', "$.ls_model_name"),
    "told_tier": tuple(
        f'$.attributes."{name}"' for names in ("tier", "asked_tier") for name in TEXTS[names]
    ),
}
"""Fields of `metadata`, which holds the span's attributes where the data came over OpenTelemetry.

Nothing else of it is read, but for the keys that the workspace names.
"""

TIERS = ("flex", "priority")
"""Tiers whose names LangChain puts into the keys of a call's usage, and leaves the plain ones 0."""

USAGE = {
    "reported_input": (*(f"input_{tier}" for tier in TIERS), "input"),
    "reported_output": (*(f"output_{tier}" for tier in TIERS), "output"),
    "reported_total": ("total",),
    "cache_read": (
        *(f"input_{tier}_cache_read" for tier in TIERS),
        "input_cached_tokens",
        "input_cache_read",
        "input_cache_read_tokens",
        "cache_read_input_tokens",
        "prompt_details.cache_read",
        "cache_read.input_tokens",
        "cache_read_tokens",
    ),
    "cache_write": (
        *(f"input_{tier}_cache_creation" for tier in TIERS),
        "input_cache_creation",
        "input_cache_write",
        "input_cache_creation_tokens",
        "cache_creation_input_tokens",
        "prompt_details.cache_write",
        "cache_write.input_tokens",
        "cache_creation.input_tokens",
        "cache_write_tokens",
    ),
    "cache_write_5m": (
        "input_cache_creation_5m",
        "cache_creation_ephemeral_5m_input_tokens",
        "ephemeral_5m_input_tokens",
    ),
    "cache_write_1h": (
        "input_cache_creation_1h",
        "cache_creation_ephemeral_1h_input_tokens",
        "ephemeral_1h_input_tokens",
    ),
    "reasoning": (
        *(f"output_{tier}_reasoning" for tier in TIERS),
        "output_reasoning_tokens",
        "output_reasoning",
        "completion_details.reasoning",
        "reasoning_tokens",
        "reasoning.output_tokens",
        "thoughts_tokens",
    ),
    "input_audio": ("input_audio_tokens", "input_audio", "prompt_details.audio"),
    "input_image": ("input_image_tokens", "input_image", "prompt_details.image"),
    "output_audio": ("output_audio_tokens", "output_audio", "completion_details.audio"),
    "output_image": ("output_image_tokens", "output_image", "completion_details.image"),
    "web_searches": ("web_search_requests", "web_searches"),
}
"""Keys of `usage_details` by what they count, in the order of `trace_sql.COUNTS`."""
