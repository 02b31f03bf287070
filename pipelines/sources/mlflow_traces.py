"""MLflow traces as JSON: `{info, data}` documents, one per line, in arrays or in search results.

MLflow itself takes usage from the highest span that has it; here only the spans that asked count,
because a parent may repeat what ran inside it. Its ids are those of OpenTelemetry, so the same
span exported both ways is the same call. Inputs, outputs and messages are never kept.
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
