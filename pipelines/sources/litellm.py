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
       these keys in `tag_keys` and `task_key`. Keep the days you have: files may overlap.

Settings:
    - source: gateway
      kind: litellm
      location: inbox/gateway           # or s3://bucket/prefix
      tag_keys: [app, feature]          # keys of spend_logs_metadata, and tags `app:...`
      task_key: task_id

Reads:
    Ids, times, status, provider, AI models, key, team, project and organization, people (as
    pseudonyms), retries and fallbacks, token counts, tier, cost and its margin; of tags and
    `spend_logs_metadata` the keys in `tag_keys` and `task_key`.

Never read:
    `messages`, `response` but for its `id`, `proxy_server_request`, error messages, IP addresses,
    e-mail addresses, aliases of keys, and any other field.

Traps:
    - A payload is one attempt, a row of the table one request: failed attempts are in
      payloads only.
    - Folders `audit_logs` and `batch_line_items` are left alone: they are no calls.
    - An answer from the proxy's own cache repeats its counts and costs nothing.
    - Counts of 0 in failed or unpriced records may mean that nobody knows.
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
            "not_json": "Check whether the file was cut; deliver it again",
            "not_an_object": "Point the location at LiteLLM logs only",
            "missing_identity": "Deliver records with `id` or `request_id`",
            "bad_time": "Deliver startTime and endTime as epoch seconds or UTC times",
            "bad_count": "Look at the token counts of the record in the proxy",
            "impossible_count": "Look at the token counts of the record in the proxy",
            "bad_amount": "Look at the cost of the record in the proxy",
            "negative_bucket": "Report the record's shape: its token details exceed its totals",
        },
        tables=Tables(lambda c: c if c in SPEND_LOGS_COLUMNS else None),
    ),
)
