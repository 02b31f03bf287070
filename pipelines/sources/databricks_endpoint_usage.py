"""Databricks `system.serving.endpoint_usage`: one row per request to a served AI model.

There is no money here: Databricks bills DBUs by the hour. A row names what served it by an id only,
unless the export joined `system.serving.served_entities`, whose names are read where they are.

Export:
    1. Switch on usage tracking of the serving endpoints.
    2. Each day, extract the rows of the day, better joined with `system.serving.served_entities` on
       `served_entity_id` for `endpoint_name` and `entity_name`, as JSON lines, CSV or Parquet.
    3. Put each extract into `location` under a name of its own, and extract the last days again:
       rows arrive late. Rows that come twice count once.
    4. Let callers send a usage context with your application: name its keys in `tag_keys`.

Settings:
    - source: databricks_calls
      kind: databricks_endpoint_usage
      location: inbox/databricks_calls
      tag_keys: [app]                   # keys of usage_context
      task_key: ticket

Reads:
    Request ids, account, workspace, requester (as a pseudonym), time, served entity, status,
    streaming and the two token counts; of `usage_context` the keys in `tag_keys` and `task_key`.

Never read:
    Payloads of inference tables, and any other column.

Traps:
    - Without the join the AI model is unknown: rules and routes go by `served_entity_id`.
    - Only some of the columns are confirmed by the vendor's own dashboard; what the counts include
      is unverified.
    - The money is in `databricks_billing`, in DBUs.
"""

from pipelines.sources.call_source import calls_source
from pipelines.sources.call_sql import UNKNOWN, CallFormat, Totals, instant, is_true

_FORMAT = CallFormat(
    source_format="databricks_endpoint_usage",
    paths={
        "native_id": "$.databricks_request_id",
        "trace_id": "$.client_request_id",
        "started_text": "$.request_time",
        "org_id": "$.account_id",
        "project_id": "$.workspace_id",
        "user_id": "$.requester",
        "deployment_id": "$.served_entity_id",
        "requested_model": "$.endpoint_name",
        "served_model": "$.entity_name",
        "http_text": "$.status_code",
        "streamed": "$.request_streaming",
        "metadata": "$.usage_context",
        "reported_input": "$.input_token_count",
        "reported_output": "$.output_token_count",
    },
    columns={
        "started": instant("started_text"),
        "provider_text": "'databricks'",
        "is_streaming": is_true("streamed"),
    },
    totals={
        "*": Totals(UNKNOWN, UNKNOWN, "Unverified; there are no counts of cache and reasoning."),
    },
)

SOURCE = calls_source(
    _FORMAT,
    name="databricks_endpoint_usage",
    summary="Databricks system.serving.endpoint_usage as JSON lines, CSV or Parquet.",
    money_unit="none",
    proof="constructed files",
    has_tables=True,
)
