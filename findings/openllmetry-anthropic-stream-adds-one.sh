#!/usr/bin/env bash
# A good engineer would guess: the usage of a streamed message is the one of its last event, because
# Anthropic's `message_delta` tells output tokens as a running total. A tracer says what was billed.
#
# What happens: OpenLLMetry adds the output tokens of `message_start` (those of the first piece, 1
# as a rule) to the running total of `message_delta`. A streamed answer of 50 tokens is 51 on its
# span; the same answer without streaming is 50. The span that the Anthropic SDK makes of the same
# stream says 50. Input is not concerned.
#
# Seen with: opentelemetry-instrumentation-anthropic 0.62.4, anthropic 2.14.0, opentelemetry-sdk
# 1.45.2, Python 3.11. Source: the packages, run here against a server on 127.0.0.1.
#
# Needs: python3 (3.10 or later) and a package index. Ends with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    anthropic==2.14.0 opentelemetry-instrumentation-anthropic==0.62.4 opentelemetry-sdk==1.45.2

cat > "$folder/seen.py" <<'PYTHON'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version


def message(output_tokens, content):
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": content,
        "stop_reason": "end_turn" if content else None,
        "stop_sequence": None,
        "usage": {"input_tokens": 100, "output_tokens": output_tokens},
    }


EVENTS = [
    {"type": "message_start", "message": message(1, [])},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "Hello."},
    },
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 50},
    },
    {"type": "message_stop"},
]


class Provider(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if asked.get("stream"):
            body = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in EVENTS)
            kind = "text/event-stream"
        else:
            body = json.dumps(message(50, [{"type": "text", "text": "Hello."}]))
            kind = "application/json"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Provider)
threading.Thread(target=server.serve_forever, daemon=True).start()

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)

from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor

AnthropicInstrumentor().instrument()

import anthropic

client = anthropic.Anthropic(
    api_key="none", base_url=f"http://127.0.0.1:{server.server_port}", max_retries=0
)


def told(stream):
    """Output tokens of one request, by the scope of the span."""
    spans.clear()
    answer = client.messages.create(
        model="claude-sonnet-4-5",
        max_tokens=50,
        stream=stream,
        messages=[{"role": "user", "content": "Hello?"}],
    )
    if stream:
        for _ in answer:
            pass
    return {
        span.instrumentation_scope.name: span.attributes["gen_ai.usage.output_tokens"]
        for span in spans.get_finished_spans()
        if "gen_ai.usage.output_tokens" in span.attributes
    }


for package in ("anthropic", "opentelemetry-instrumentation-anthropic", "opentelemetry-sdk"):
    print(package, version(package))
whole, streamed = told(stream=False), told(stream=True)
print("output tokens used: 50")
print("told without streaming:", whole)
print("told with streaming:", streamed)
ours, sdk = "opentelemetry.instrumentation.anthropic", "com.anthropic.sdk.python"
is_as_told = whole == {ours: 50, sdk: 50} and streamed == {ours: 51, sdk: 50}
print("as told above" if is_as_told else "THE BEHAVIOUR HAS CHANGED")
sys.exit(0 if is_as_told else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/seen.py"
