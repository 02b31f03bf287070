"""Spans and exports, as tracers and collectors write them."""

import json

START = 1_790_812_800_123_456_789


def attribute(key, value):
    kinds = {bool: "boolValue", float: "doubleValue", str: "stringValue"}
    if isinstance(value, int) and not isinstance(value, bool):
        return {"key": key, "value": {"intValue": str(value)}}
    if isinstance(value, list):
        values = [{"stringValue": text} for text in value]
        return {"key": key, "value": {"arrayValue": {"values": values}}}
    return {"key": key, "value": {kinds[type(value)]: value}}


def span(number=1, attributes=None, **changes):
    """A good inference span of OpenAI's; `attributes` replace its own by name."""
    own = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-11-20",
        "gen_ai.response.id": f"chatcmpl-{number}",
    }
    if attributes is None:
        attributes = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20}
    own.update(attributes)
    return bare_span(number, {k: v for k, v in own.items() if v is not None}, **changes)


def bare_span(number, attributes, **changes):
    return {
        "traceId": f"{1:032x}",
        "spanId": f"{number:016x}",
        "name": "chat gpt-4o",
        "kind": 3,
        "startTimeUnixNano": str(START + number),
        "endTimeUnixNano": str(START + 2_000_000_000),
        "attributes": [attribute(key, value) for key, value in attributes.items()],
        "status": {},
        **changes,
    }


def export(*spans, scope="my.library", version=None, resource=None):
    """One line of the collector's file exporter."""
    attributes = [attribute(key, value) for key, value in (resource or {}).items()]
    named = {"name": scope} | ({} if version is None else {"version": version})
    scopes = [{"scope": named, "spans": list(spans)}]
    return json.dumps(
        {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": scopes}]}
    )
