"""Databricks `system.serving.endpoint_usage`: one row per request to a served AI model.

There is no money here: Databricks bills DBUs by the hour. A row names what served it by an id only,
unless the export joined `system.serving.served_entities`, whose names are read where they are.
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
