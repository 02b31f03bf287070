"""Vercel AI Gateway generation information, as its API or its client library gives it.

Vercel bills a call, unless it ran on the customer's own key: then the provider does, and what it is
expected to bill is the upstream cost. The two amounts are never added.

Export:
    1. Keep the generation id of every answer (`providerMetadata.gateway.generationId`), and soon
       after ask for its information, by API or client library.
    2. Save the answers unchanged, one file each or one per line; both spellings are read.
    3. Put each file into `location` under a name of its own. Records that come twice count once.
    4. The bill by day is `vercel_ai_gateway_report`: read it too.

Settings:
    - source: vercel_calls
      kind: vercel_generations
      location: inbox/vercel_calls

Reads:
    Id, times, provider, AI model, own key, finish, token counts, web searches and both costs.

Never read:
    Anything else; a record holds no prompt and no answer.

Traps:
    - Nobody is named here: without another log of the same calls they have no owner.
    - Whether the input holds the cache differs by provider: the call's own cost proves it where
      it is the list price of one reading, and else `unknown_semantics` counts the call.
    - The spelling on the wire is unverified.
"""

from pipelines.sources.call_source import calls_source
from pipelines.sources.call_sql import (
    UNKNOWN,
    CallFormat,
    Totals,
    instant,
    is_true,
    later,
)

_IS_OWN_KEY = f"coalesce({is_true('is_own_key')}, false)"

_FORMAT = CallFormat(
    source_format="vercel_generation",
    paths={
        "native_id": "$.id",
        "started_text": ["$.createdAt", "$.created_at"],
        "ended_text": ["$.generationTime", "$.generation_time"],
        "first_token_delay": "$.latency",
        "provider_text": ["$.providerName", "$.provider_name"],
        "deployment_id": ["$.providerName", "$.provider_name"],
        "named": "$.model",
        "streamed": "$.streamed",
        "finish_reason": ["$.finishReason", "$.finish_reason"],
        "is_own_key": ["$.isByok", "$.is_byok"],
        "reported_input": ["$.promptTokens", "$.native_tokens_prompt"],
        "reported_output": ["$.completionTokens", "$.native_tokens_completion"],
        "cache_read": ["$.cachedTokens", "$.native_tokens_cached"],
        "cache_write": ["$.cacheCreationTokens", "$.native_tokens_cache_creation"],
        "reasoning": ["$.reasoningTokens", "$.native_tokens_reasoning"],
        "web_searches": ["$.billableWebSearchCalls", "$.billable_web_search_calls"],
        "own_cost": ["$.totalCost", "$.total_cost", "$.usage"],
        "upstream_cost": ["$.upstreamInferenceCost", "$.upstream_inference_cost"],
    },
    columns={
        "started": instant("started_text"),
        "ended": later(instant("started_text"), "ended_text"),
        "first_token": later(instant("started_text"), "first_token_delay"),
        "reseller": f"if({_IS_OWN_KEY}, null, 'vercel')",
        "requested_model": "named",
        "served_model": f"if({_IS_OWN_KEY}, regexp_replace(named, '^[^/]+/', ''), named)",
        "is_streaming": is_true("streamed"),
        "is_failed": "finish_reason = 'error'",
        "cost_text": f"if({_IS_OWN_KEY}, upstream_cost, own_cost)",
        "cost_kind": f"if({_IS_OWN_KEY}, 'gateway_estimate', 'provider_billed')",
    },
    totals={
        "*": Totals(
            UNKNOWN,
            UNKNOWN,
            "Differs by provider, unverified for all: the call's own cost proves it at list price;"
            " else read as the provider's own API counts, unless a count disproves it.",
        ),
    },
    wrapped_in="data",
)

SOURCE = calls_source(
    _FORMAT,
    name="vercel_generations",
    summary="Vercel AI Gateway generation information (JSON).",
    money_unit="dollars",
    proof="constructed files",
    suffixes=(".jsonl", ".ndjson", ".json", ".gz"),
)
