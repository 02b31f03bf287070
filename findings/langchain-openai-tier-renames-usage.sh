#!/usr/bin/env bash
# A good engineer would guess: LangChain's `usage_metadata` has cached and reasoning tokens under
# `input_token_details.cache_read` and `output_token_details.reasoning`, whatever the service tier.
# Tracers and cost code read them there.
#
# What happens: for an answer of the tiers flex and priority langchain-openai puts the tier into the
# names. `cache_read` becomes `flex_cache_read`, `reasoning` becomes `flex_reasoning`, and the rest
# of each total stands beside them as `flex`. Code that looks for `cache_read` sees none: the cached
# tokens of exactly the tiers with their own prices are taken as uncached ones.
#
# Seen with: langchain-openai 1.7.4, langchain-core 1.8.3, openai 3.57.0, Python 3.11. Source: the packages, run here
# against a server on 127.0.0.1 in place of OpenAI.
#
# Needs: python3 (3.10 or later) and a package index. Ends with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    langchain-openai==1.7.4 langchain-core==1.8.3 openai==3.57.0

cat > "$folder/seen.py" <<'PYTHON'
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version

USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 600},
    "completion_tokens_details": {"reasoning_tokens": 150},
}


class Provider(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = json.dumps(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1,
                "model": "gpt-5",
                "service_tier": asked["service_tier"],
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": "Hello."},
                    }
                ],
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
os.environ["LANGSMITH_TRACING"] = "false"

from langchain_openai import ChatOpenAI


def told(tier):
    model = ChatOpenAI(
        model="gpt-5",
        api_key="none",
        base_url=f"http://127.0.0.1:{server.server_port}",
        service_tier=tier,
        max_retries=0,
    )
    usage = model.invoke("Hello?").usage_metadata
    return {k: dict(v) for k, v in usage.items() if k.endswith("_details")}


for package in ("langchain-openai", "langchain-core", "openai"):
    print(package, version(package))
print("used: 1000 input (600 cached), 200 output (150 reasoning)")
found = {tier: told(tier) for tier in ("default", "flex", "priority")}
for tier, details in found.items():
    print(f"tier {tier}: {details}")


def named(prefix, rest):
    return {
        "input_token_details": {f"{prefix}cache_read": 600} | ({rest: 400} if rest else {}),
        "output_token_details": {f"{prefix}reasoning": 150} | ({rest: 50} if rest else {}),
    }


is_as_told = found == {
    "default": named("", None),
    "flex": named("flex_", "flex"),
    "priority": named("priority_", "priority"),
}
print("as told above" if is_as_told else "THE BEHAVIOUR HAS CHANGED")
sys.exit(0 if is_as_told else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/seen.py"
