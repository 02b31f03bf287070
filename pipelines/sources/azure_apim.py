"""Azure API Management logs of LLM calls: rows of `ApiManagementGatewayLlmLog`.

A call is several rows: its messages are cut into chunks, and only the row that names a deployment
has counts. The others are no calls. Who asked is only in the gateway's other log, which is not
read; rows of that log in the same place are passed over.

Export:
    1. On the API's diagnostic settings log LLM tokens, without messages, to a Log Analytics
       workspace (or to storage).
    2. Each day, query `ApiManagementGatewayLlmLog` of the day and export the answer as JSON or CSV
       with all columns; or sync the storage container.
    3. Put each file into `location` under a name of its own. Rows that come twice count once.
    4. The money is in `azure_cost`: read it too.

Settings:
    - source: apim
      kind: azure_apim
      location: inbox/apim

Reads:
    Correlation and request id, time, operation, deployment, AI model, region, streaming, the three
    token counts, and the log's category.

Never read:
    `RequestMessages`, `ResponseMessages`, and any other column.

Traps:
    - Nobody is named here: rules for ownership go by the deployment.
    - There are no counts of cache and reasoning, no status and no latency.
    - A call that streamed without usage has unknown tokens, not 0.
    - The shape in which a diagnostic setting writes to storage is unverified.
"""

from pipelines.sources.call_source import calls_source
from pipelines.sources.call_sql import (
    INCLUSIVE,
    CallFormat,
    Totals,
    instant,
    is_true,
)


def _column(name: str) -> list[str]:
    """A column of the table, and where a diagnostic export may have it."""
    camel = name[0].lower() + name[1:]
    return [f"$.{name}", f"$.properties.{name}", f"$.properties.{camel}", f"$.{camel}"]


_FORMAT = CallFormat(
    source_format="azure_apim_llm_log",
    paths={
        "native_id": _column("CorrelationId"),
        "started_text": [*_column("TimeGenerated"), "$.time"],
        "provider_request_id": _column("RequestId"),
        "path_text": _column("OperationName"),
        "deployment_id": _column("DeploymentName"),
        "served_model": _column("ModelName"),
        "region": [*_column("Region"), "$.location"],
        "streamed": _column("IsStreamCompletion"),
        "category": ["$.category", "$.Category", "$.Type"],
        "reported_input": _column("PromptTokens"),
        "reported_output": _column("CompletionTokens"),
        "reported_total": _column("TotalTokens"),
    },
    columns={
        "started": instant("started_text"),
        "passed": "case when not contains(lower(category), 'llm') then 'other_log'"
        " when deployment_id is null"
        " and coalesce(nullif(reported_input, '0'), nullif(reported_output, '0')) is null"
        " and native_id is not null then 'content_row' end",
        "provider_text": "'azure'",
        "requested_model": "deployment_id",
        "is_streaming": is_true("streamed"),
    },
    totals={
        "*": Totals(
            INCLUSIVE,
            INCLUSIVE,
            "As Azure OpenAI counts; there are no counts of cache and reasoning.",
        ),
    },
    own_totals=("azure",),
    wrapped_in="records",
)

SOURCE = calls_source(
    _FORMAT,
    name="azure_apim",
    summary="Azure API Management LLM logs: ApiManagementGatewayLlmLog as JSON or CSV.",
    money_unit="none",
    proof="constructed files",
    has_tables=True,
    empty=("content_row", "other_log"),
)
