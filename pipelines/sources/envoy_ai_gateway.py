"""Envoy AI Gateway access logs: JSON lines with the names of its reference template.

Operators choose the names, so the usual other spellings are read too, and any top-level name may
be kept as a tag. What was not set is `-` or null. A cost expression is a number without a unit,
made for rate limits: it is not read. Other requests of the gateway are no calls.

Export:
    1. Give the gateway a JSON access log with the keys of the project's example, and add the counts
       of cached input and cache creation to it, or all input is priced as uncached.
    2. Add headers that say who asks, such as your application: any top-level name can be a tag.
    3. Put rotated files into `location`, gzipped if you like. Entries that come twice count once.

Settings:
    - source: envoy
      kind: envoy_ai_gateway
      location: inbox/envoy
      tag_keys: [app]                   # any top-level name of the log
      task_key: ticket

Reads:
    Request id, times, method and path (for the operation), session, backend, AI models, response
    id, status and token counts; the top-level names in `tag_keys` and `task_key`.

Never read:
    Addresses, user agents, bodies, cost expressions, and any other name.

Traps:
    - The provider's name is the name of a backend: it counts as a provider only where it is one.
      Map the others in `routes.csv`.
    - An operator names the keys of the log: those of the reference template are read, and no
      recorded log was seen.
    - A streamed call may be logged with an input of 0: it is unknown, and the call an estimate.
    - Attempts upstream that failed and were retried are not in the log.
"""

from pipelines.sources.call_source import calls_source
from pipelines.sources.call_sql import (
    INCLUSIVE,
    CallFormat,
    Totals,
    instant,
    later,
)
from pipelines.sources.provider_words import if_provider_sql


def _count(kind: str, *other: str) -> list[str]:
    names = (f"gen_ai.usage.{kind}_tokens", f"llm_{kind}_token", *other)
    return [f'$."{name}"' for name in names]


_FORMAT = CallFormat(
    source_format="envoy_ai_gateway_access_log",
    paths={
        "native_id": ['$."x-request-id"', "$.x_request_id", "$.request_id"],
        "started_text": "$.start_time",
        "ended_text": "$.duration",
        "session_id": '$."session.id"',
        "method_text": ["$.method", '$.":method"'],
        "path_text": ['$."x-envoy-origin-path"', "$.x_envoy_origin_path", "$.path"],
        "deployment_id": '$."gen_ai.provider.name"',
        "requested_model": '$."gen_ai.request.model"',
        "served_model": '$."gen_ai.response.model"',
        "provider_request_id": '$."gen_ai.response.id"',
        "http_text": "$.response_code",
        "reported_input": _count("input"),
        "reported_output": _count("output"),
        "reported_total": _count("total"),
        "cache_read": _count(
            "cached_input", "gen_ai.usage.cache_read.input_tokens", "CachedInputToken"
        ),
        "cache_write": _count(
            "cache_creation_input",
            "gen_ai.usage.cache_creation.input_tokens",
            "CacheCreationInputToken",
        ),
        "reasoning": _count("reasoning"),
    },
    columns={
        "started": instant("started_text"),
        "ended": later(instant("started_text"), "ended_text"),
        "trace_id": "session_id",
        "passed": "if(coalesce(requested_model, served_model, reported_input) is null,"
        " 'not_ai_work', null)",
        # a backend has the name its operator gave it
        "provider_text": if_provider_sql("deployment_id"),
        "metadata": "line",
        "is_cancelled": "coalesce(http_text = '0', false)",
    },
    totals={
        "*": Totals(
            INCLUSIVE, INCLUSIVE, "Normalised by the gateway; unverified for reasoning of Gemini."
        ),
    },
    blanks=("", "-"),
)

SOURCE = calls_source(
    _FORMAT,
    name="envoy_ai_gateway",
    summary="Envoy AI Gateway access logs (JSON lines).",
    money_unit="none",
    proof="constructed files",
    suffixes=(".jsonl", ".ndjson", ".json", ".log", ".gz"),
    empty=("not_ai_work",),
)
