"""Helicone request exports: CSV, JSON or JSON lines of its request rows.

A row with the id of another request in `cache_reference_id` was answered by Helicone's own cache.
The gateway's total is not used: for some routes it adds cached input twice. A status of zero or
below is a call whose end Helicone never saw.

Export:
    1. Export the requests of the day, by the dashboard's export or the API's request query, without
       bodies; not from ClickHouse itself, where cost is scaled and 0 stands for null.
    2. Put each file into `location` under a name of its own. Rows that come twice count once.
    3. Let callers send `Helicone-Property-...` headers with your application and task: name the
       properties in `tag_keys` and `task_key`.

Settings:
    - source: helicone
      kind: helicone
      location: inbox/helicone
      tag_keys: [app]                   # custom properties
      task_key: ticket

Reads:
    Ids, times, provider and its regional host, AI models, key id, user (as a pseudonym), session,
    status, cache reference, token counts and cost; of the properties the keys in `tag_keys` and
    `task_key`.

Never read:
    Bodies of requests and answers, but for the answer's `id`; scores, feedback, and any other
    field.

Traps:
    - For Anthropic some cache writes are lost: those without a split by lifetime in the answer.
    - How long cache writes last is read where a row tells it, which is unverified; else it is
      unknown.
    - For Google, reasoning is not recorded at all: it is unknown.
    - A status of 0 or below is read as cancelled: what it means is unverified.
    - There is no tree: session and path are all that tells which calls belong together.
"""

from pipelines.sources.call_source import calls_source
from pipelines.sources.call_sql import (
    EXCLUSIVE,
    INCLUSIVE,
    UNKNOWN,
    CallFormat,
    Totals,
    host_geo,
    instant,
    later,
)

_SESSION = """try(json_extract_string(metadata, '$."Helicone-Session-Id"'))"""
_NO_REFERENCE = "00000000-0000-0000-0000-000000000000"

_FORMAT = CallFormat(
    source_format="helicone_request",
    paths={
        "native_id": "$.request_id",
        "started_text": "$.request_created_at",
        "response_time": "$.response_created_at",
        "delay": "$.delay_ms",
        "first_token_delay": "$.time_to_first_token",
        "provider_request_id": ["$.response_body.id", "$.response_id"],
        "path_text": ["$.request_path", "$.target_url"],
        "address": "$.target_url",
        "provider_text": "$.provider",
        "requested_model": "$.request_model",
        "served_model": ["$.response_model", "$.model"],
        "api_key_id": "$.proxy_key_id",
        "user_id": "$.request_user_id",
        "metadata": ["$.request_properties", "$.properties"],
        "http_text": "$.response_status",
        "reference": "$.cache_reference_id",
        "reported_input": "$.prompt_tokens",
        "reported_output": "$.completion_tokens",
        "reported_total": "$.total_tokens",
        "cache_read": "$.prompt_cache_read_tokens",
        "cache_write": "$.prompt_cache_write_tokens",
        "cache_write_5m": ["$.prompt_cache_creation_5m", "$.prompt_cache_write_5m"],
        "cache_write_1h": ["$.prompt_cache_creation_1h", "$.prompt_cache_write_1h"],
        "input_audio": "$.prompt_audio_tokens",
        "output_audio": "$.completion_audio_tokens",
        "cost_text": ["$.costUSD", "$.cost"],
    },
    columns={
        "geo_text": host_geo("address"),
        "session_id": _SESSION,
        "trace_id": _SESSION,
        "started": instant("started_text"),
        "ended": f"coalesce({instant('response_time')}, {later(instant('started_text'), 'delay')})",
        "ended_text": "coalesce(response_time, delay)",
        "first_token": later(instant("started_text"), "first_token_delay"),
        "is_hit": f"coalesce(reference <> '{_NO_REFERENCE}', false)",
        "is_cancelled": "coalesce(try_cast(http_text as integer) <= 0, false)",
    },
    totals={
        "anthropic": Totals(
            EXCLUSIVE,
            INCLUSIVE,
            "Some cache writes are lost: those without a split by lifetime in the answer.",
        ),
        "google": Totals(
            INCLUSIVE,
            EXCLUSIVE,
            "Reasoning is not recorded at all: it is unknown. The input is unverified.",
        ),
        "*": Totals(
            UNKNOWN,
            UNKNOWN,
            "Unverified: read as the provider's own API counts, unless a count disproves it.",
        ),
    },
    wrapped_in="data",
    has_sound_total=False,
)

SOURCE = calls_source(
    _FORMAT,
    name="helicone",
    summary="Helicone request exports: CSV, JSON or JSON lines.",
    money_unit="dollars, an estimate",
    proof="constructed files",
    has_tables=True,
)
