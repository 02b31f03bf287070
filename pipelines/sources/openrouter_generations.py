"""OpenRouter generation records: what OpenRouter says about one generation, as JSON.

Native counts are the provider's own and billed; the normalised ones are not read. OpenRouter bills
a call, unless it ran on the customer's own key: then the provider does, and what it is expected to
bill is the upstream cost. The two amounts are never added.

Export:
    1. Keep the generation id of every answer, and soon after call `GET /api/v1/generation?id=...`.
    2. Save the answers unchanged (`{"data": {...}}`), one file each or one per line.
    3. Put each file into `location` under a name of its own. Records that come twice count once.
    4. The bill by day is `openrouter_activity`: read it too.

Settings:
    - source: openrouter_calls
      kind: openrouter_generations
      location: inbox/openrouter_calls

Reads:
    Ids, times, provider, AI model, tier, application and workspace, external user (as a pseudonym),
    own key, finish, attempts, cache, native token counts and both costs.

Never read:
    Anything else; a record holds no prompt and no answer.

Traps:
    - Cache writes are not told, and that native counts include cached and reasoning tokens is
      unverified.
    - On an own key the provider bills: its bill needs a feed of its own.
"""

from pipelines.sources.call_source import calls_source
from pipelines.sources.call_sql import (
    INCLUSIVE,
    CallFormat,
    Totals,
    instant,
    is_true,
    later,
)
from pipelines.sources.sql_text import renamed

_KINDS = {
    "tts": "audio_out",
    "stt": "audio_in",
    "embeddings": "embedding",
    "rerank": "rerank",
    "image": "image",
}
"""Operations by the type of the API, where it is not text."""

_IS_OWN_KEY = f"coalesce({is_true('is_byok')}, false)"

_FORMAT = CallFormat(
    source_format="openrouter_generation",
    paths={
        "native_id": "$.id",
        "trace_id": "$.request_id",
        "session_id": "$.session_id",
        "provider_request_id": "$.upstream_id",
        "started_text": "$.created_at",
        "ended_text": "$.generation_time",
        "api_type": "$.api_type",
        "provider_text": "$.provider_name",
        "deployment_id": "$.provider_name",
        "named": "$.model",
        "tier_text": "$.service_tier",
        "end_user_id": "$.external_user",
        "team_id": "$.app_id",
        "project_id": "$.workspace_id",
        "streamed": "$.streamed",
        "cancelled": "$.cancelled",
        "finish_reason": "$.finish_reason",
        "cached_from": "$.response_cache_source_id",
        "is_byok": "$.is_byok",
        "reported_input": "$.native_tokens_prompt",
        "reported_output": "$.native_tokens_completion",
        "cache_read": "$.native_tokens_cached",
        "reasoning": "$.native_tokens_reasoning",
        "output_image": "$.native_tokens_completion_images",
        "own_cost": ["$.total_cost", "$.usage"],
        "upstream_cost": "$.upstream_inference_cost",
    },
    columns={
        "started": instant("started_text"),
        "ended": later(instant("started_text"), "ended_text"),
        "reseller": f"if({_IS_OWN_KEY}, null, 'openrouter')",
        "requested_model": "named",
        "served_model": f"if({_IS_OWN_KEY}, regexp_replace(named, '^[^/]+/', ''), named)",
        "own_operation": renamed("lower(api_type)", _KINDS),
        "attempt_no": "nullif(try(json_array_length(line, '$.provider_responses')), 0)",
        "is_streaming": is_true("streamed"),
        "is_hit": "cached_from is not null",
        "is_cancelled": f"coalesce({is_true('cancelled')}, false)",
        "is_failed": "finish_reason = 'error'",
        "cost_text": f"if({_IS_OWN_KEY}, upstream_cost, own_cost)",
        "cost_kind": f"if({_IS_OWN_KEY}, 'gateway_estimate', 'provider_billed')",
    },
    totals={
        "*": Totals(INCLUSIVE, INCLUSIVE, "Unverified. Cache writes are not told."),
    },
    wrapped_in="data",
)

SOURCE = calls_source(
    _FORMAT,
    name="openrouter_generations",
    summary="OpenRouter generation records (JSON).",
    money_unit="dollars",
    proof="documented examples",
    suffixes=(".jsonl", ".ndjson", ".json", ".gz"),
)
