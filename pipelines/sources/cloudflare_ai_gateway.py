"""Cloudflare AI Gateway logs: answers of its log list, or Logpush files.

Metadata comes as the text of a JSON object; in Logpush files it is encrypted and not read. Cached
tokens are told in metadata or not at all, and reasoning never. Logs stop when the gateway's limit
of stored logs is reached, without a word.

Export:
    1. Page through the log list of the gateway's API, below
       `/accounts/<account>/ai-gateway/gateways/<gateway>/logs`, and save every answer unchanged.
    2. Or set up Logpush to a bucket and sync its `*.log.gz`; then there is no metadata, so owners
       go by other facts.
    3. Let callers send `cf-aig-metadata` with your application and task (five entries at most):
       name the keys in `tag_keys` and `task_key`.
    4. Put each file into `location` under a name of its own. Entries that come twice count once.

Settings:
    - source: cloudflare
      kind: cloudflare_ai_gateway
      location: inbox/cloudflare
      tag_keys: [app]                   # keys of metadata
      task_key: ticket

Reads:
    Id, times, provider, AI model, path and types (for the operation), status, cache, step, token
    counts and cost; of `metadata` cached tokens, and the keys in `tag_keys` and `task_key`.

Never read:
    Heads and bodies of requests and answers, and any other field.

Traps:
    - Let callers add `cached_tokens` (and `cache_creation_input_tokens`) to the metadata of a log
      once the answer is there: without it all input is priced as uncached, and calls that use a
      prompt cache weigh too much. The names in metadata are unverified.
    - Its own cost of calls with cached tokens may hold them twice: it is never money.
    - That Logpush names are those of the list in Pascal case is unverified.
    - Delete stored logs in time: at the limit, new calls are not logged.
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
from pipelines.sources.sql_text import texts


def _both(name: str) -> list[str]:
    """A field of the log list, and as Logpush would spell it."""
    return [f"$.{name}", "$." + "".join(map(str.capitalize, name.split("_")))]


_METADATA = "if(try(json_exists(any_metadata, '$.iv')), null, any_metadata)"


def _told(top: str, *below: str) -> str:
    """A count of its own, or one in metadata; what is no count there is somebody's own word."""
    names = texts(f"$.{name}" for name in below)
    values = f"try(json_extract_string({_METADATA}, {names}))"
    counts = f"list_filter({values}, lambda n: regexp_full_match(n, '[0-9]+'))"
    return f"coalesce({top}, {counts}[1])"


_FORMAT = CallFormat(
    source_format="cloudflare_ai_gateway_log",
    paths={
        "native_id": _both("id"),
        "started_text": _both("created_at"),
        "ended_text": _both("duration"),
        "provider_text": _both("provider"),
        "served_model": _both("model"),
        "path": _both("path"),
        "kind": _both("model_type"),
        "request_kind": _both("request_type"),
        "http_text": _both("status_code"),
        "success": _both("success"),
        "cached": _both("cached"),
        "step": _both("step"),
        "any_metadata": _both("metadata"),
        "read_tokens": _both("cached_tokens"),
        "written_tokens": _both("cache_creation_tokens"),
        "reported_input": _both("tokens_in"),
        "reported_output": _both("tokens_out"),
        "cost_text": _both("cost"),
    },
    columns={
        "started": instant("started_text"),
        "ended": later(instant("started_text"), "ended_text"),
        "path_text": "concat_ws('/', '', request_kind, kind, path)",
        "metadata": _METADATA,
        "cache_read": _told(
            "read_tokens",
            "cached_tokens",
            "cache_read_input_tokens",
            "usage.prompt_tokens_details.cached_tokens",
            "usage.cache_read_input_tokens",
        ),
        "cache_write": _told(
            "written_tokens", "cache_creation_input_tokens", "usage.cache_creation_input_tokens"
        ),
        "is_hit": f"coalesce({is_true('cached')}, false)",
        "is_failed": f"not {is_true('success')}",
        "attempt_no": "try_cast(step as smallint) + 1",
        "own_role": "if(try_cast(step as integer) > 0, 'fallback', null)",
    },
    totals={
        "*": Totals(
            UNKNOWN,
            UNKNOWN,
            "Unverified: read as the provider's own API counts. Where cached tokens are not told,"
            " all of both totals is priced as plain input and output.",
        ),
    },
    wrapped_in="result",
)

SOURCE = calls_source(
    _FORMAT,
    name="cloudflare_ai_gateway",
    summary="Cloudflare AI Gateway logs: the log list (JSON) or Logpush files.",
    money_unit="dollars, an estimate",
    proof="constructed files",
    suffixes=(".jsonl", ".ndjson", ".json", ".log", ".gz"),
)
