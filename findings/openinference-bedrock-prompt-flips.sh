#!/usr/bin/env bash
# A good engineer would guess: `llm.token_count.prompt` of one instrumentation means one thing, so
# a rule by the name of the instrumentation is enough to know whether prompt caching is inside.
#
# What happens: for the same answer of Bedrock's Converse API (inputTokens 2000 without cache, 1000
# read from it, 500 written to it) openinference-instrumentation-bedrock 0.1.59 writes a prompt of
# 2000 and 0.1.60 one of 3500. Attribute names, span name and scope are the same in both; only the
# version of the scope differs. And what OpenTelemetry's own instrumentation of the same client
# (0.66b2) writes as `gen_ai.usage.input_tokens` is 2000, although the conventions say that input
# includes cached tokens. Taken as "cache inside" the older span and that of OpenTelemetry lose 1500
# tokens, taken as "cache beside" the newer one counts 1500 twice.
#
# Seen with: openinference-instrumentation-bedrock 0.1.59, 0.1.60 and 0.1.61,
# opentelemetry-instrumentation-botocore 0.66b2, boto3 1.43.60, Python 3.11. Source: the packages,
# run here against a server on 127.0.0.1 in place of Bedrock.
#
# Needs: python3 (3.10 or later) and a package index. Ends with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/seen.py" <<'PYTHON'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version

ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hello."}]}},
    "stopReason": "end_turn",
    "usage": {
        "inputTokens": 2000,
        "outputTokens": 50,
        "totalTokens": 3550,
        "cacheReadInputTokens": 1000,
        "cacheWriteInputTokens": 500,
    },
    "metrics": {"latencyMs": 1},
}


class Bedrock(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Bedrock)
threading.Thread(target=server.serve_forever, daemon=True).start()

import boto3
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

package, expected = sys.argv[1], int(sys.argv[2])
spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
if package == "openinference-instrumentation-bedrock":
    from openinference.instrumentation.bedrock import BedrockInstrumentor as Instrumentor

    name = "llm.token_count.prompt"
else:
    from opentelemetry.instrumentation.botocore import BotocoreInstrumentor as Instrumentor

    name = "gen_ai.usage.input_tokens"
Instrumentor().instrument(tracer_provider=provider)
client = boto3.client(
    "bedrock-runtime",
    endpoint_url=f"http://127.0.0.1:{server.server_port}",
    region_name="us-east-1",
    aws_access_key_id="none",
    aws_secret_access_key="none",
)
client.converse(
    modelId="anthropic.claude-sonnet-4-5-20250929-v1:0",
    messages=[{"role": "user", "content": [{"text": "Hello?"}]}],
)
(span,) = (s for s in spans.get_finished_spans() if name in s.attributes)
told = span.attributes[name]
print(
    f"{package} {version(package)}: {name} {told}"
    f" (scope {span.instrumentation_scope.name} {span.instrumentation_scope.version})"
)
sys.exit(0 if told == expected else 1)
PYTHON

see() { # PACKAGE VERSION EXPECTED
    python3 -m venv --clear "$folder/venv"
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
        "$1==$2" boto3==1.43.60 opentelemetry-sdk==1.45.2
    "$folder/venv/bin/python" -W ignore "$folder/seen.py" "$1" "$3" || changed=1
}

changed=0
echo "used: 2000 input tokens without cache, 1000 read, 500 written"
see openinference-instrumentation-bedrock 0.1.59 2000
see openinference-instrumentation-bedrock 0.1.60 3500
see openinference-instrumentation-bedrock 0.1.61 3500
see opentelemetry-instrumentation-botocore 0.66b2 2000
[ "$changed" = 0 ] && echo "as told above" || echo "THE BEHAVIOUR HAS CHANGED"
exit "$changed"
