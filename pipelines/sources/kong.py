"""Kong Gateway log entries with AI statistics, as its file, HTTP and TCP log plugins write them.

Statistics are below `ai.proxy`, or in the older layout below the plugin's own name, which has
hyphens. Counts are the provider's own, and the cost comes from prices set in the plugin: it is 0
where none are set. Other requests of the gateway are no calls.

Export:
    1. On the AI Proxy plugin set `logging.log_statistics: true`, and leave `logging.log_payloads`
       off.
    2. Add a `file-log` (or `http-log`, `tcp-log`) plugin and rotate its file: one JSON entry per
       line.
    3. Put rotated files into `location`, gzipped if you like. Entries that come twice count once.

Settings:
    - source: kong
      kind: kong
      location: inbox/kong
      tag_keys: [app]                   # any top-level field, such as those of custom_fields_by_lua
      task_key: ticket

Reads:
    Request id, method and path (for the operation), times, consumer (names as pseudonyms), service,
    workspace, status, provider and its regional host, AI models, cache status, token counts and
    cost; the top-level fields in `tag_keys` and `task_key`.

Never read:
    Payloads, headers, `client_ip`, and any other field.

Traps:
    - Counts in the usage that nobody reads are counted by name, as `unread_usage`.
    - A cost of 0 may mean that no prices are set in the plugin; it never discounts the cache.
    - Embeddings for the semantic cache or for retrieval are counted in a note, not as calls.
    - A stream whose last event never came has no output, or no counts at all: what is missing is
      unknown and the call an estimate.
    - There is no response id of the provider: a trace of the same call cannot be joined.
    - Statistics of the other AI plugins and the older layout are read as documented: no recorded
      log of them was seen.
"""

from pipelines.sources.call_source import calls_source
from pipelines.sources.call_sql import (
    EXCLUSIVE,
    INCLUSIVE,
    CallFormat,
    Totals,
    host_geo,
    instant,
    later,
)

_PLUGINS = ("proxy", '"ai-proxy"', '"ai-proxy-advanced"')
_OTHER_PLUGINS = ('"ai-request-transformer"', '"ai-response-transformer"')
"""Plugins that ask an AI model for the gateway itself, beside the caller's own question."""


def _of_plugin(*below: str) -> list[str]:
    return [f"$.ai.{plugin}.{path}" for path in below for plugin in _PLUGINS]


_FORMAT = CallFormat(
    source_format="kong_ai_log",
    paths={
        "native_id": "$.request.id",
        "started_text": "$.started_at",
        "ended_text": [*_of_plugin("meta.llm_latency"), "$.latencies.request"],
        "first_token_delay": "@.time_to_first_token",
        "method_text": "$.request.method",
        "path_text": ["$.upstream_uri", "$.request.uri"],
        "provider_text": _of_plugin("meta.provider_name"),
        "requested_model": _of_plugin("meta.request_model"),
        "served_model": _of_plugin("meta.response_model"),
        "deployment_id": _of_plugin("meta.plugin_id"),
        "request_mode": _of_plugin("meta.request_mode"),
        "cache_status": [
            *_of_plugin("cache.cache_status"),
            '$.ai."ai-semantic-cache".cache_status',
        ],
        "api_key_id": "$.consumer.id",
        "user_id": ["$.consumer.custom_id", "$.consumer.username"],
        "org_id": "$.workspace",
        "project_id": "$.service.name",
        "host": "$.service.host",
        "http_text": "$.response.status",
        "reported_input": ["@.prompt_tokens", "@.input_tokens"],
        "reported_output": ["@.completion_tokens", "@.output_tokens"],
        "reported_total": "@.total_tokens",
        "cache_read": [
            "@.prompt_tokens_details.cached_tokens",
            "@.input_tokens_details.cached_tokens",
        ],
        "input_audio": "@.prompt_tokens_details.audio_tokens",
        "reasoning": [
            "@.completion_tokens_details.reasoning_tokens",
            "@.output_tokens_details.reasoning_tokens",
        ],
        "output_audio": "@.completion_tokens_details.audio_tokens",
        "cost_text": "@.cost",
        "embedded": _of_plugin('"rag-inject".embeddings_tokens', "cache.embeddings_tokens"),
        "asked_by_gateway": [f"$.ai.{name}.usage.total_tokens" for name in _OTHER_PLUGINS],
        "judged": [path + ".meta.provider_name" for path in _of_plugin('"ai-llm-as-judge"')],
    },
    columns={
        "started": instant("started_text"),
        "ended": later(instant("started_text"), "ended_text"),
        "first_token": later(instant("started_text"), "first_token_delay"),
        "passed": "if(coalesce(provider_text, requested_model, reported_input) is null,"
        " 'not_ai_work', null)",
        "geo_text": host_geo("host"),
        "metadata": "line",
        "is_hit": "coalesce(lower(cache_status) = 'hit', false)",
        "is_streaming": "request_mode = 'stream'",
        "own_operation": "if(request_mode = 'realtime', 'realtime', null)",
        "note": "case when asked_by_gateway is not null or judged is not null"
        " then 'more_calls_in_entry' when try_cast(embedded as bigint) > 0"
        " then 'embeddings_not_counted' end",
    },
    totals={
        "anthropic": Totals(EXCLUSIVE, INCLUSIVE, "The provider's own counts."),
        "aws": Totals(EXCLUSIVE, INCLUSIVE, "The provider's own counts."),
        "google": Totals(INCLUSIVE, EXCLUSIVE, "The provider's own counts, without thoughts."),
        "*": Totals(INCLUSIVE, INCLUSIVE, "The provider's own counts, as OpenAI has them."),
    },
    usage=tuple(_of_plugin("usage")),
    own_totals=("openai", "azure", "google"),
)

SOURCE = calls_source(
    _FORMAT,
    name="kong",
    summary="Kong Gateway log entries with AI statistics (JSON lines).",
    money_unit="dollars, an estimate",
    proof="documented examples, older layout constructed",
    suffixes=(".jsonl", ".ndjson", ".json", ".log", ".gz"),
    empty=("not_ai_work",),
)
