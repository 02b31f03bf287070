"""The log of globex's calls, twice: OTLP lines of a collector, and a Langfuse export of a part."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path

from models.vocabulary import Meter
from pipelines.truth.globex.calls import Call
from pipelines.truth.globex.company import GOOGLE, LANGFUSE, LANGFUSE_APPLICATION, TRACES
from pipelines.truth.output import json_text, write

_PROVIDERS = {"google": "gcp.vertex_ai", "azure": "azure.ai.openai"}
_PROJECT = "globex-support"
_ROOT_SPAN = "a0a0a0a0a0a0a0a0"

Attributes = dict[str, str | int]


def json_line(value: object) -> str:
    """One line of JSON with exact decimals."""
    return "".join(line.strip() for line in json_text(value).splitlines()) + "\n"


def write_feeds(inbox: Path, day: date, calls: Iterable[Call]) -> None:
    """Write the traces of one day, and what Langfuse has of them."""
    logged = sorted((c for c in calls if c.trace_id), key=lambda c: (c.trace_id or "", c.started))
    traces = [list(group) for _, group in groupby(logged, key=lambda c: c.trace_id)]
    export = "".join(json_line(_export_request(trace)) for trace in traces)
    write(inbox / TRACES / f"{day}.jsonl", export.encode("ascii"))
    rows = "".join(
        json_line(row)
        for trace in traces
        if trace[0].application_id == LANGFUSE_APPLICATION
        for row in _observations(trace)
    )
    window = f"{day + timedelta(days=1)}T00-00-00.jsonl"
    write(inbox / LANGFUSE / _PROJECT / "observations_v2" / window, rows.encode("ascii"))


def _export_request(trace: list[Call]) -> object:
    spans = [_agent_span(trace), *(_call_span(call) for call in trace)]
    resource = _told({"service.name": f"globex-{trace[0].application_id}"})
    scope = {"name": "opentelemetry.util.genai", "version": "1.0"}
    scopes = [{"scope": scope, "spans": spans}]
    return {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": scopes}]}


def _agent_span(trace: list[Call]) -> object:
    """The roll-up: it tells all tokens of its calls once more, and must not count."""
    first, last = trace[0], trace[-1]
    attributes: Attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": str(first.application_id),
        "gen_ai.provider.name": _PROVIDERS[first.served.issuer],
        "gen_ai.usage.input_tokens": sum(call.all_input for call in trace),
        "gen_ai.usage.output_tokens": sum(call.output for call in trace),
        "app": str(first.application_id),
    }
    return {
        "traceId": first.trace_id,
        "spanId": _ROOT_SPAN,
        "name": f"invoke_agent {first.application_id}",
        "kind": 1,
        "startTimeUnixNano": _nanos(first.started),
        "endTimeUnixNano": _nanos(last.started + last.duration),
        "attributes": _told(attributes),
        "status": {},
    }


def _call_span(call: Call) -> object:
    attributes = _genai(call) | {
        "gen_ai.usage.input_tokens": call.all_input,
        "gen_ai.usage.cache_read.input_tokens": call.tokens[Meter.CACHE_READ],
        "gen_ai.usage.output_tokens": call.output,
        "gen_ai.usage.reasoning.output_tokens": call.reasoning,
    }
    return {
        "traceId": call.trace_id,
        "spanId": call.span_id,
        "parentSpanId": _ROOT_SPAN,
        "name": f"{attributes['gen_ai.operation.name']} {call.served.model_id}",
        "kind": 3,
        "startTimeUnixNano": _nanos(call.started),
        "endTimeUnixNano": _nanos(call.started + call.duration),
        "attributes": _told(attributes),
        "status": {},
    }


def _genai(call: Call) -> Attributes:
    is_google = call.served.issuer == GOOGLE
    return {
        "gen_ai.operation.name": "generate_content" if is_google else "chat",
        "gen_ai.provider.name": _PROVIDERS[call.served.issuer],
        "gen_ai.request.model": call.served.model_id,
        "gen_ai.response.model": call.served.served_text,
        "gen_ai.response.id": call.response_id,
        "app": str(call.application_id),
    }


def _told(attributes: Attributes) -> list[object]:
    """Attributes as OTLP/JSON: 64-bit numbers are text."""
    return [
        {
            "key": key,
            "value": {"intValue" if isinstance(value, int) else "stringValue": str(value)},
        }
        for key, value in attributes.items()
    ]


def _nanos(instant: datetime) -> str:
    micros = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return f"{micros}000"


def _observations(trace: list[Call]) -> Iterator[object]:
    first, last = trace[0], trace[-1]
    yield _observation(first, last.started + last.duration) | {
        "id": _ROOT_SPAN,
        "type": "AGENT",
        "name": f"invoke_agent {first.application_id}",
        "metadata": {"attributes": {"app": first.application_id}},
    }
    for call in trace:
        reasoning = call.reasoning
        usage = {
            "input": call.tokens[Meter.INPUT_UNCACHED],
            "input_cached_tokens": call.tokens[Meter.CACHE_READ],
            "output": call.output - reasoning,
            "output_reasoning_tokens": reasoning,
            "total": call.all_input + call.output,
        }
        yield _observation(call, call.started + call.duration) | {
            "id": call.span_id,
            "type": "GENERATION",
            "parent_observation_id": _ROOT_SPAN,
            "name": call.served.model_id,
            "metadata": {"attributes": _genai(call)},
            "provided_model_name": call.served.served_text,
            "usage_details": {key: str(count) for key, count in usage.items()},
        }


def _observation(call: Call, ended: datetime) -> dict[str, object]:
    return {
        "project_id": _PROJECT,
        "trace_id": call.trace_id,
        "environment": "production",
        "start_time": _clock(call.started),
        "end_time": _clock(ended),
        "updated_at": _clock(ended),
        "level": "DEFAULT",
        "trace_name": call.application_id,
    }


def _clock(instant: datetime) -> str:
    """As the exporter writes it: UTC without saying so."""
    return instant.strftime("%Y-%m-%d %H:%M:%S.%f")
