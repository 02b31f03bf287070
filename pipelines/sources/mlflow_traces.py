"""MLflow traces as JSON: `{info, data}` documents, one per line, in arrays or in search results.

MLflow itself takes usage from the highest span that has it; here only the spans that asked count,
because a parent may repeat what ran inside it. Its ids are those of OpenTelemetry, so the same
span exported both ways is the same call. Inputs, outputs and messages are never kept.

Export:
    1. Each day, search the traces of the day in each experiment (`mlflow.search_traces`, or the
       REST API) and write each as JSON, one per line: `trace.to_json()`.
    2. Put the file into `location` under a name of its own. A trace that is exported again counts
       once.
    3. Is the same call also in a gateway's log? Then one feed counts it: set
       `is_system_of_record: false` on the other.
    4. Judgements are a feed of their own: `mlflow_assessments`.

Settings:
    - source: mlflow
      kind: mlflow_traces
      location: inbox/mlflow
      tag_keys: [app]                   # of the trace's tags and metadata
      task_key: ticket

Reads:
    Of a trace its tags and metadata, for session, person and the keys in `tag_keys` and `task_key`;
    of a span its ids, times, status and type, AI model, provider, flavour, response id, token usage
    and cost; what OpenTelemetry and OpenInference tell of details and tier besides.

Never read:
    `request`, `response`, inputs, outputs, messages, and any other attribute.

Traps:
    - Whether the input holds the cache depends on the flavour that traced, and on its version: see
      the table. A trace does not tell MLflow's version. MLflow computes the total itself, so it
      proves nothing but for Gemini.
    - Some flavours name no provider, and that of Bedrock names the AI model's maker: the flavour
      (`mlflow.message.format`) tells who served the call.
    - `mlflow.llm.cost` is an estimate.
"""

from models.facts import Fact
from models.vocabulary import Delivery
from pipelines.sources.base import Source, StreamReader
from pipelines.sources.mlflow_sql import SQL, TOKEN_RULES, UNFOLD
from pipelines.sources.trace_sql import RULES

SOURCE = Source(
    name="mlflow_traces",
    summary="MLflow traces: JSON documents of spans.",
    facts=(Fact.CALLS,),
    delivery=Delivery.EVENTS,
    money_unit="dollars, an estimate",
    token_rules=TOKEN_RULES,
    proof="real files",
    suffixes=(".jsonl", ".json", ".jsonl.gz", ".json.gz"),
    stream=StreamReader(
        sql=SQL,
        rules={**RULES, "not_a_trace": "Point the location at MLflow traces only"},
        unfold=UNFOLD,
        empty=("no_spans",),
    ),
)
