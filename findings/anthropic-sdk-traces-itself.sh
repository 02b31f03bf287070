#!/usr/bin/env bash
# A good engineer would guess: instrument the Anthropic client with one tracing library, and a
# request is one span, so that the tokens of a trace are the sum over its spans.
#
# What happens: the Anthropic SDK traces by itself since 2.0.0 as soon as a tracer provider is set,
# and nobody asked it to. Beside the span of OpenLLMetry stands a second one of the scope
# `com.anthropic.sdk.python`: not its child but its sibling, with the same `gen_ai.response.id` and
# the whole usage again. A sum over spans is twice what was used. ANTHROPIC_OPEN_TELEMETRY=false
# switches it off.
#
# Versions seen: anthropic 2.14.0, opentelemetry-instrumentation-anthropic 0.62.4, opentelemetry-sdk
# 1.45.2, Python 3.11. Source: both packages, run here against a server on 127.0.0.1; the SDK's own
# module `anthropic/_tracing.py` names the scope and the switch.
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
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version

USAGE = {
    "input_tokens": 100,
    "cache_read_input_tokens": 1000,
    "cache_creation_input_tokens": 500,
    "output_tokens": 50,
}
requests = []


class Provider(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        requests.append(self.path)
        body = json.dumps(
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "claude-sonnet-4-5",
                "content": [{"type": "text", "text": "Hello."}],
                "stop_reason": "end_turn",
                "stop_sequence": None,
                "usage": USAGE,
            }
        ).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

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


def ask():
    """One request below a span of our own; the spans of AI work that it made."""
    spans.clear()
    client = anthropic.Anthropic(
        api_key="none", base_url=f"http://127.0.0.1:{server.server_port}", max_retries=0
    )
    with trace.get_tracer("application").start_as_current_span("application"):
        client.messages.create(
            model="claude-sonnet-4-5",
            max_tokens=50,
            messages=[{"role": "user", "content": "Hello?"}],
        )
    return [
        (
            span.instrumentation_scope.name,
            span.parent.span_id if span.parent else None,
            span.attributes["gen_ai.response.id"],
            span.attributes["gen_ai.usage.input_tokens"],
            span.attributes["gen_ai.usage.output_tokens"],
        )
        for span in spans.get_finished_spans()
        if "gen_ai.usage.input_tokens" in span.attributes
    ]


for package in ("anthropic", "opentelemetry-instrumentation-anthropic", "opentelemetry-sdk"):
    print(package, version(package))
print("used:", USAGE["input_tokens"] + 1500, "input,", USAGE["output_tokens"], "output tokens")
both = ask()
for scope, _, response, told_in, told_out in both:
    print(f"span of {scope}: {response}, {told_in} input, {told_out} output")
print("sum over spans:", sum(row[3] for row in both), "input,", sum(row[4] for row in both), "output")
print("requests to the provider:", len(requests))
os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"
alone = ask()
print("spans with ANTHROPIC_OPEN_TELEMETRY=false:", [row[0] for row in alone])

is_as_told = (
    len(requests) == 2
    and sorted(row[0] for row in both)
    == ["com.anthropic.sdk.python", "opentelemetry.instrumentation.anthropic"]
    and len({row[1:] for row in both}) == 1
    and both[0][3:] == (1600, 50)
    and [row[0] for row in alone] == ["opentelemetry.instrumentation.anthropic"]
)
print("as told above" if is_as_told else "THE BEHAVIOUR HAS CHANGED")
sys.exit(0 if is_as_told else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/seen.py"
