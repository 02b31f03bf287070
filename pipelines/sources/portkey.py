"""Portkey log exports: JSON lines, or CSV with flattened names.

Columns are chosen when the export is made, so every one may be missing. Its cost is in US cents.
A retried call is one row; each target of a fallback is a row of its own, with the same trace, and
no single row says whether it came first. Of requests and answers only the usage, the id and the
name of the AI model are read, and only where they are objects.

Export:
    1. Create a log export of the day (by UI or API; 50,000 rows at most each, so split busy days)
       with `id`, `trace_id`, `created_at`, `ai_org`, `ai_model`, the three `units`, `cost`,
       `cost_currency`, `response_time`, `response_status_code` and `metadata`.
    2. `response` is worth asking for only for the counts of cached and reasoning tokens inside it.
    3. Put each file into `location` under a name of its own. Rows that come twice count once.

Settings:
    - source: portkey
      kind: portkey
      location: inbox/portkey
      tag_keys: [app]                   # keys of metadata
      task_key: ticket

Reads:
    Ids, times, provider, AI models, status, cache status, retries, mode, configuration's name, cost
    and token counts; of `metadata` `_user` (as a pseudonym) and the keys in `tag_keys` and
    `task_key`.

Never read:
    Prompts and answers: of `request` the name of the AI model alone, of `response` its id, tier and
    usage.

Traps:
    - A cost of 0 may mean that Portkey knows no price.
    - Counts in the answer's usage that nobody reads are counted by name, as `unread_usage`.
    - Without `response` all input is priced as uncached.
    - Failed attempts before an automatic retry are not in the export.
"""

from pipelines.sources.call_source import calls_source
from pipelines.sources.call_sql import (
    EXCLUSIVE,
    INCLUSIVE,
    CallFormat,
    Totals,
    instant,
    is_true,
    later,
)


def _answer(below: str) -> list[str]:
    """Where something of the answer may be: in it, in its body, in a flattened name."""
    roots = ("$.response", "$.response.body", '$."response.body"')
    return [f"{root}.{below}" for root in roots]


_METADATA = """coalesce(
    whole_metadata,
    case when contains(line, '"metadata.') then to_json(map_from_entries(list_transform(
        list_filter(try(json_keys(line)), lambda k: starts_with(k, 'metadata.')),
        lambda k: struct_pack(
            k := substr(k, 10),
            v := json_extract_string(line, '/' || replace(replace(k, '~', '~0'), '/', '~1'))
        )
    ))) end
)"""
"""The object, or what older exports have as one column per key."""

_FORMAT = CallFormat(
    source_format="portkey_log_export",
    paths={
        "native_id": "$.id",
        "trace_id": "$.trace_id",
        "started_text": "$.created_at",
        "ended_text": "$.response_time",
        "provider_text": "$.ai_org",
        "served_model": "$.ai_model",
        "requested_model": ["$.request.model", "$.request.body.model", '$."request.body".model'],
        "provider_request_id": _answer("id"),
        "path_text": "$.request_url",
        "http_text": "$.response_status_code",
        "is_success": "$.is_success",
        "cache_status": "$.cache_status",
        "stream_mode": "$.stream_mode",
        "retries": "$.retry_success_count",
        "mode": "$.mode",
        "setting": "$.config",
        "cost": "$.cost",
        "currency": "$.cost_currency",
        "whole_metadata": "$.metadata",
        "reported_input": ["@.prompt_tokens", "@.input_tokens", "$.req_units"],
        "reported_output": ["@.completion_tokens", "@.output_tokens", "$.res_units"],
        "reported_total": ["@.total_tokens", "$.total_units"],
        "cache_read": [
            "@.prompt_tokens_details.cached_tokens",
            "@.input_tokens_details.cached_tokens",
            "@.cache_read_input_tokens",
            "@.prompt_cache_hit_tokens",
        ],
        "cache_write": [
            "@.cache_creation_input_tokens",
            "@.prompt_tokens_details.cache_creation_tokens",
            "@.prompt_tokens_details.cache_write_tokens",
            "@.input_tokens_details.cache_write_tokens",
        ],
        "cache_write_5m": "@.cache_creation.ephemeral_5m_input_tokens",
        "cache_write_1h": "@.cache_creation.ephemeral_1h_input_tokens",
        "reasoning": [
            "@.completion_tokens_details.reasoning_tokens",
            "@.output_tokens_details.reasoning_tokens",
        ],
        "input_audio": "@.prompt_tokens_details.audio_tokens",
        "output_audio": "@.completion_tokens_details.audio_tokens",
        "web_searches": "@.server_tool_use.web_search_requests",
        "tier_text": [*_answer("service_tier"), "@.service_tier"],
        "geo_text": "@.inference_geo",
    },
    columns={
        "started": instant("started_text"),
        "ended": later(instant("started_text"), "ended_text"),
        "metadata": _METADATA,
        "user_id": f"try(json_extract_string({_METADATA}, '$._user'))",
        "is_hit": "coalesce(upper(cache_status) in ('HIT', 'SEMANTIC HIT'), false)",
        "is_failed": f"if(not {is_true('is_success')}, true, null)",
        "is_streaming": is_true("stream_mode"),
        "attempt_no": "if(retries[1] = '-', null, try_cast(retries as smallint) + 1)",
        "own_role": "if(upper(mode) = 'FALLBACK', 'unknown', null)",
        # an inline configuration is an object and may hold keys
        "deployment_id": "if(regexp_full_match(setting, '[A-Za-z0-9_.-]+'), setting, null)",
        "cost_text": "if(coalesce(upper(currency), 'USD') = 'USD', cost, null)",
        "cost_scale": "0.01",
        "note": "if(upper(currency) <> 'USD', 'cost_not_in_dollars', null)",
    },
    totals={
        "anthropic": Totals(
            EXCLUSIVE,
            INCLUSIVE,
            "Its total includes the cache that its prompt does not, or proves that it does.",
        ),
        "aws": Totals(INCLUSIVE, INCLUSIVE, "Normalised by the gateway."),
        "google": Totals(INCLUSIVE, EXCLUSIVE, "Reasoning comes beside the completion."),
        "*": Totals(
            INCLUSIVE,
            INCLUSIVE,
            "As OpenAI counts; that the unit columns agree with the usage is unverified.",
        ),
    },
    usage=tuple(_answer("usage")),
    own_totals=("openai", "azure", "google", "anthropic"),
)

SOURCE = calls_source(
    _FORMAT,
    name="portkey",
    summary="Portkey log exports: JSON lines or CSV.",
    money_unit="cents, an estimate",
    proof="constructed files",
    has_tables=True,
    below="metadata.",
)
