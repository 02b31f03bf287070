"""LiteLLM proxy logs: StandardLoggingPayload files and dumps of the SpendLogs table.

Totals are inclusive: `prompt_tokens` holds cache reads and writes, `completion_tokens` holds
reasoning. A record that contradicts this says so in `is_token_conflict`. Its `spend` is an
estimate, never money. Prompts, answers, error messages, addresses and e-mails are never kept.

Export:
    1. Best: let the proxy log to a bucket (`litellm_settings: success_callback` and
       `failure_callback` with `s3_v2`, `gcs_bucket` or Azure storage), with message logging turned
       off, and point `location` at the bucket or sync it.
    2. Or dump the table each day: `copy (select * from "LiteLLM_SpendLogs" where "startTime" >= ...
       and "startTime" < ...) to ... csv header`, or as JSON lines or Parquet.
    3. Choose one of the two for a proxy: they are the same spend. A second feed gets
       `is_system_of_record: false`.
    4. Let callers send `metadata.spend_logs_metadata` with your application, feature and task: name
       these keys in `tag_keys` and `task_key`. Where `metadata` belongs to the API, as in
       `/v1/responses` and `/v1/messages`, send `litellm_metadata.spend_logs_metadata` or the header
       `x-litellm-spend-logs-metadata`. Keep the days you have: files may overlap.

Settings:
    - source: gateway
      kind: litellm
      location: inbox/gateway           # or s3://bucket/prefix
      tag_keys: [app, feature]          # keys of spend_logs_metadata, and tags `app:...`
      task_key: task_id

Reads:
    Ids, times, status, provider, AI models, key, team, project and organization, people (as
    pseudonyms), retries and fallbacks, token counts, seconds, images and search units, tier and
    speed, geography, cost, its margin and what tools cost; of tags and `spend_logs_metadata` the
    keys in `tag_keys` and `task_key`.

Never read:
    `messages`, `response` but for its `id`, whether and when a job in the background ended, and
    billed search units, `proxy_server_request`, error messages, IP addresses, e-mail addresses,
    aliases of keys, and any other field.

Traps:
    - A payload is one attempt, a row of the table one request: failed attempts are in
      payloads only.
    - Folders `audit_logs` and `batch_line_items` are left alone: they are no calls.
    - An answer from the proxy's own cache repeats its counts and costs nothing.
    - The type of a call says whose usage a record tells. Who fetches a stored response or lists
      what there is uses nothing (`use_looked_up`). A finished batch tells its use to each look:
      it is one call, by the id of the batch. A type that nobody knows counts and is noted
      (`unknown_call_type`); one that seems only to look is set aside with what it tells.
    - Counts of 0 in failed or unpriced records may mean that nobody knows: rerank, speech,
      transcription and images without tokens are unknown, unless other units are told.
    - Of searches in OpenAI Responses only their cost is told. It is counted as
      `unread_usage:tool_usage_cost`, with its amount, and the tokens of the call are a lower bound.
    - Cached tokens of realtime calls are counted again by kind. Where their kind is not told and
      they cannot all be text, `cached_media_unknown` says so.
    - Counts of a failed or left stream are the proxy's own: estimates.
    - `spend` may hold your margin: it is shown beside the cost, never added.
"""

from collections.abc import Iterable, Sequence

from models.facts import Fact
from models.vocabulary import Delivery, TokenSemantics
from pipelines.sources.base import (
    DeliveryUnit,
    FoundFile,
    Source,
    StreamReader,
    Tables,
    TokenRule,
    each_file_alone,
)
from pipelines.sources.call_facts import RULES
from pipelines.sources.litellm_fields import SPEND_LOGS_COLUMNS
from pipelines.sources.litellm_sql import SQL

_NOT_CALLS = ("audit_logs", "batch_line_items")
"""Folders of the proxy's sinks whose files are not calls, or are inside a batch's own row."""


def _calls_only(files: Sequence[FoundFile]) -> Iterable[DeliveryUnit]:
    return each_file_alone(
        [f for f in files if not set(f.name.split("/")[:-1]).intersection(_NOT_CALLS)]
    )


SOURCE = Source(
    name="litellm",
    summary="LiteLLM proxy: StandardLoggingPayload objects, or dumps of the SpendLogs table.",
    facts=(Fact.CALLS,),
    delivery=Delivery.EVENTS,
    money_unit="dollars, an estimate",
    token_rules=(
        TokenRule(
            source_format="litellm",
            provider="*",
            input_totals=TokenSemantics.INCLUSIVE,
            output_totals=TokenSemantics.INCLUSIVE,
            note="Every provider is normalised; cache beyond the input total proves exclusive.",
        ),
    ),
    proof="documented examples",
    suffixes=(".jsonl", ".ndjson", ".json", ".csv", ".parquet", ".gz", ""),
    layout=_calls_only,
    stream=StreamReader(
        sql=SQL,
        rules={
            **RULES,
            "bad_time": "Deliver startTime and endTime as epoch seconds or UTC times",
            "missing_identity": "Deliver records with `id` or `request_id`",
            "unknown_call_type": "Report the record's `call_type`: nobody knows whether the use it"
            " tells is its own",
        },
        tables=Tables(lambda c: c if c in SPEND_LOGS_COLUMNS else None),
    ),
)
