"""Requests that two libraries trace, through the whole pipeline: each once, with all told."""

import duckdb
import pytest

from pipelines import run
from pipelines.scaffold import init_workspace
from pipelines.workspace import load_workspace
from tests.end_to_end.company import ENVIRONMENT
from tests.sources.spans import START, bare_span, export

pytestmark = pytest.mark.slow

SETTINGS = """company: acme
reporting_currency: USD
sources:
- source: traces
  kind: otel_genai
  location: inbox/traces
"""


def told(trace, number, attributes, parent=None, kind=3, seconds=(0, 9)):
    """A span of one trace, from and to so many seconds after the start of all."""
    begin, end = (START + second * 10**9 for second in seconds)
    return bare_span(
        number,
        attributes,
        traceId=f"{trace:032x}",
        parentSpanId=f"{parent:016x}" if parent else "",
        kind=kind,
        startTimeUnixNano=str(begin),
        endTimeUnixNano=str(end),
    )


def chat(provider, model, response=None, **counts):
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        **{f"gen_ai.usage.{name}": value for name, value in counts.items()},
    }
    return attributes | ({"gen_ai.response.id": response} if response else {})


CLAUDE = "claude-sonnet-4-5"
COUNTS = {"input_tokens": 1_370, "output_tokens": 60, "cache_read.input_tokens": 900}
BESIDE_EACH_OTHER = {
    "opentelemetry.instrumentation.anthropic": told(
        1, 11, chat("anthropic", CLAUDE, "msg_b7", **COUNTS, **{"cache_creation.input_tokens": 400})
    ),
    "com.anthropic.sdk.python": told(
        1,
        12,
        chat("anthropic", CLAUDE, "msg_b7", **COUNTS, **{"cache_write.input_tokens": 400})
        | {
            "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": 150,
            "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 250,
        },
        seconds=(1, 8),
    ),
}
AROUND_EACH_OTHER = {
    "opentelemetry.instrumentation.openai_v2": told(
        2,
        21,
        chat("openai", "gpt-5", "chatcmpl-c9", input_tokens=800, output_tokens=75)
        | {"openai.response.service_tier": "flex"},
    ),
    "openinference.instrumentation.openai": told(
        2,
        22,
        {
            "openinference.span.kind": "LLM",
            "llm.provider": "openai",
            "llm.model_name": "gpt-5-2025-08-07",
            "llm.token_count.prompt": 800,
            "llm.token_count.completion": 75,
            "llm.token_count.total": 875,
            "llm.token_count.prompt_details.cache_read": 512,
            "llm.token_count.completion_details.reasoning": 64,
        },
        parent=21,
        kind=1,
        seconds=(1, 8),
    ),
}
STREAM = told(3, 31, chat("openai", "gpt-5") | {"logfire.span_type": "span"}, seconds=(0, 1))
RECORD = told(
    3,
    32,
    chat("openai", "gpt-5", "chatcmpl-d2", input_tokens=300, output_tokens=20)
    | {"logfire.span_type": "log"},
    kind=1,
    seconds=(5, 5),
)
SILENT_STREAM = {
    "opentelemetry.instrumentation.openai": told(4, 41, chat("openai", "gpt-5")),
    "openinference.instrumentation.openai": told(
        4,
        42,
        {"openinference.span.kind": "LLM", "llm.provider": "openai", "llm.model_name": "gpt-5"},
        parent=41,
        kind=1,
        seconds=(1, 8),
    ),
}
EXPORTS = [
    *(export(span, scope=scope) for scope, span in BESIDE_EACH_OTHER.items()),
    *(export(span, scope=scope) for scope, span in AROUND_EACH_OTHER.items()),
    export(STREAM, scope="logfire.openai"),
    export(RECORD, scope="logfire.openai"),
    *(export(span, scope=scope) for scope, span in SILENT_STREAM.items()),
]
QUERY = """
    select
        model_id, service_tier, token_source, input_uncached_tokens,
        cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_text_tokens,
        output_reasoning_tokens
    from fct_calls
    order by trace_id
"""
EXPECTED = [
    (CLAUDE, None, "provider", 70, 900, 150, 250, 60, None),
    ("gpt-5", "flex", "provider", 288, 512, None, None, 11, 64),
    ("gpt-5", None, "provider", 300, None, None, None, 20, None),
    ("gpt-5", None, "unknown", None, None, None, None, None, None),
]


@pytest.fixture
def acme(tmp_path):
    """A workspace without a bill: what counts are the calls."""
    init_workspace(tmp_path)
    (tmp_path / "everycent.yaml").write_text(SETTINGS)
    (tmp_path / "inbox" / "traces").mkdir(parents=True)
    return tmp_path


def deliver(root, name, exports):
    (root / "inbox" / "traces" / name).write_text("".join(line + "\n" for line in exports))


def published(root):
    run.run(load_workspace(root, ENVIRONMENT))
    marts = root / "published" / "current" / "marts.duckdb"
    with duckdb.connect(str(marts), read_only=True) as con:
        return con.execute(QUERY).fetchall()


def test_each_request_counts_once_with_what_either_library_tells(acme):
    deliver(acme, "all.jsonl", EXPORTS)

    assert published(acme) == EXPECTED


def test_spans_of_a_request_that_land_apart_come_to_the_same(acme):
    deliver(acme, "first.jsonl", EXPORTS[::2])
    published(acme)
    deliver(acme, "second.jsonl", EXPORTS[1::2])

    assert published(acme) == EXPECTED
