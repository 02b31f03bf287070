"""OpenTelemetry traces as the collector's file exporter writes them: OTLP/JSON lines.

Spans may follow any generation of the GenAI conventions, OpenInference or OpenLLMetry. A span is a
call only if its own kind says that it asked for inference, embeddings, a rerank or a tool: agents,
chains and workflows are roll-ups whatever they hold, because spans of a trace are spread over files
and nobody can know that nothing ran inside. Spans of other work, metrics and logs are no calls.
Messages, arguments, results and error texts are never kept.

Export:
    1. Add a `file` exporter to the collector's trace pipeline (`format: json`, no compression) and
       rotate its file; a collector's S3 exporter with OTLP/JSON does as well.
    2. Drop message contents in the collector or do not capture them: they are not needed.
    3. Put rotated files into `location`, gzipped if you like. Parts of a trace may be in any file,
       and an export that was retried may repeat spans.
    4. Switch sampling off for AI spans: what is not written is missing here.
    5. Is the same call also in a gateway's log? Then one feed counts it: the two meet by the
       provider's response id, and the feed named first is the record; else set
       `is_system_of_record: false`.

Settings:
    - source: traces
      kind: otel_genai
      location: inbox/traces
      tag_keys: [app, service.name]     # of span, its metadata, or resource
      task_key: ticket

Reads:
    Of a span its ids, kind, name, times and status code, and of its attributes (and those of events
    and of the resource) the names of the GenAI conventions, OpenInference, OpenLLMetry and LiteLLM
    for operation, provider, AI model, response id, session, person, token counts, tier, cost and
    error type; the keys in `tag_keys` and `task_key`.

Never read:
    Messages, prompts, tool arguments and results, exception texts, and any other attribute.

Traps:
    - What totals mean differs by instrumentation and generation: see the table. A span's own
      numbers win where they prove the contrary.
    - A stream without usage in its last chunk has unknown tokens, not 0.
    - A retry inside a client library may be one span.
    - Files in protobuf or compressed with zstd are not read: export JSON.
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
