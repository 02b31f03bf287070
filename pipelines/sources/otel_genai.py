"""OpenTelemetry traces as the collector's file exporter writes them: OTLP/JSON lines.

Spans may follow any generation of the GenAI conventions, OpenInference or OpenLLMetry. A span is a
call only if its own kind says that it asked for inference, embeddings, a rerank or a tool: agents,
chains and workflows are roll-ups whatever they hold, because spans of a trace are spread over files
and nobody can know that nothing ran inside. Spans of other work, metrics and logs are no calls, and
neither are free requests, such as counting tokens. Where two libraries traced one request, around
or beside each other, one span counts, and keeps tier, geography and response id of either. What a
span tells beside its totals (compaction) is a call of its own, `...:compaction`.
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
    Of a span its ids, kind, name, times and status code, its scope's name and version, and of its
    attributes (and those of events and of the resource) the names of the GenAI conventions,
    OpenInference, OpenLLMetry, LiteLLM, the Anthropic SDK, Pydantic AI, Logfire and the Vercel AI
    SDK for operation, provider, AI model, response id, session, person, token counts, lifetimes of
    cache writes, tier, geography, cost and error type; of `llm.invocation_parameters` tier, speed
    and geography, of `gen_ai.usage.raw` also counts; the keys in `tag_keys` and `task_key`.

Never read:
    Messages, prompts, tool arguments and results, exception texts, and any other attribute.

Traps:
    - What totals mean differs by instrumentation, its version and generation: see the table. A
      span's own numbers win where they prove the contrary.
    - The Anthropic SDK traces by itself since 2.0.0, beside any other instrumentation of it.
    - A cache write whose lifetime no attribute tells is of unknown lifetime.
    - Counts on a span that nobody reads are counted by name, as `unread_usage`.
    - A span with names of AI models, tokens or cost that is none of the shapes read here is set
      aside as `unread_ai_work`, as are logs of coding agents that tell usage; spans as plain
      objects, as exporters for JavaScript dump them, as `not_otlp`.
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
        empty=("not_ai_work", "no_spans", "free_request"),
    ),
)
