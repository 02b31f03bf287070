"""OpenTelemetry traces as the collector's file exporter writes them: OTLP/JSON lines.

Spans may follow any generation of the GenAI conventions, OpenInference or OpenLLMetry. A span is a
call only if its own kind says that it asked for inference, embeddings, a rerank or a tool: agents,
chains and workflows are roll-ups whatever they hold, because spans of a trace are spread over files
and nobody can know that nothing ran inside. Spans of other work, metrics and logs are no calls.
Messages, arguments, results and error texts are never kept.
"""

from models.facts import Fact
from models.vocabulary import Delivery
from pipelines.sources.base import Source, StreamReader
from pipelines.sources.otel_semantics import TOKEN_RULES
from pipelines.sources.otel_sql import SQL, UNFOLD
from pipelines.sources.trace_sql import RULES

SOURCE = Source(
    name="otel_genai",
    summary="OpenTelemetry traces (OTLP/JSON lines): GenAI, OpenInference and OpenLLMetry spans.",
    facts=(Fact.CALLS,),
    delivery=Delivery.EVENTS,
    money_unit="dollars, an estimate",
    token_rules=TOKEN_RULES,
    proof="real files",
    suffixes=(".jsonl", ".ndjson", ".json", ".gz"),
    stream=StreamReader(
        sql=SQL,
        rules={
            **RULES,
            "not_otlp": "Point the location at OTLP/JSON exports only",
            "bad_attributes": "Every attribute needs a key and a value; look at the exporter",
        },
        unfold=UNFOLD,
        empty=("not_ai_work", "no_spans"),
    ),
)
