"""The fields taken from a Langfuse observation: an allow-list, and where each shape has them.

Blob exports are flat and in snake_case; the API and the UI write camelCase, there wrapped as
`observation` beside its `trace`. Of several places the first that is filled counts.
"""

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
    "cost": ("$.total_cost", "$.observation.totalCost"),
    "cost_total": ("$.cost_details.total", "$.observation.costDetails.total"),
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
}
"""Fields of `metadata`, which holds the span's attributes where the data came over OpenTelemetry.

Nothing else of it is read, but for the keys that the workspace names.
"""

USAGE = {
    "reported_input": ("input",),
    "reported_output": ("output",),
    "reported_total": ("total",),
    "cache_read": (
        "input_cached_tokens",
        "input_cache_read",
        "input_cache_read_tokens",
        "cache_read_input_tokens",
        "prompt_details.cache_read",
    ),
    "cache_write": (
        "input_cache_creation",
        "input_cache_write",
        "input_cache_creation_tokens",
        "cache_creation_input_tokens",
        "prompt_details.cache_write",
    ),
    "cache_write_5m": ("input_cache_creation_5m",),
    "cache_write_1h": ("input_cache_creation_1h",),
    "reasoning": (
        "output_reasoning_tokens",
        "output_reasoning",
        "completion_details.reasoning",
        "reasoning_tokens",
    ),
    "input_audio": ("input_audio_tokens", "input_audio", "prompt_details.audio"),
    "input_image": ("input_image_tokens", "input_image", "prompt_details.image"),
    "output_audio": ("output_audio_tokens", "output_audio", "completion_details.audio"),
    "output_image": ("output_image_tokens", "output_image", "completion_details.image"),
    "web_searches": ("web_search_requests", "web_searches"),
}
"""Keys of `usage_details` by what they count, in the order of `trace_sql.COUNTS`."""
