"""Traces with anything in the place of anything: read or set aside, never a failed landing."""

import copy
import json
import random

import pytest

from pipelines.sources import langfuse, mlflow_traces, otel_genai
from tests.landing.room import Room, lines

COUNTS = {"input": 5, "output": 3, "total": 8}
SPAN = {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "5"}}
GOOD = {
    "otel_genai": {
        "resourceSpans": [
            {
                "resource": {"attributes": [SPAN]},
                "scopeSpans": [
                    {
                        "scope": {"name": "x"},
                        "spans": [
                            {
                                "traceId": "1" * 32,
                                "spanId": "2" * 16,
                                "startTimeUnixNano": "1790812800000000000",
                                "attributes": [SPAN],
                                "events": [{"attributes": [SPAN]}],
                                "status": {"code": 2},
                            }
                        ],
                    }
                ],
            }
        ]
    },
    "langfuse": {
        "trace": {"userId": "u", "tags": ["a:b"], "metadata": {"app": "x"}},
        "observations": [
            {
                "id": "1",
                "projectId": "p",
                "type": "GENERATION",
                "startTime": "2026-10-01T00:00:00Z",
                "usageDetails": COUNTS,
                "costDetails": {"total": 0.1},
                "metadata": {"attributes": {"llm.system": "openai"}},
            }
        ],
    },
    "mlflow_traces": {
        "info": {"trace_metadata": {"mlflow.trace.user": "u"}, "tags": {"app": "x"}},
        "data": {
            "spans": [
                {
                    "trace_id": "AAAAAAAAAAAAAAAAAAAAAQ==",
                    "span_id": "AAAAAAAAAAE=",
                    "start_time_unix_nano": 1790812800000000000,
                    "attributes": {
                        "mlflow.spanType": '"LLM"',
                        "mlflow.chat.tokenUsage": '{"input_tokens": 5}',
                        "mlflow.llm.cost": '{"total_cost": 0.1}',
                    },
                }
            ]
        },
    },
}
ODD = [None, True, -1, 1.5, 1e300, 2**70, -(2**63), "", "x", "{", "[1]", '{"a": 1}', [], {}, [[]]]
ODD += [{"a": {}}, "\x00", "9" * 400, [None], {"key": 1}, {"": ""}, "NaN", "2026-10-01", "$.x"]


def places(value, path=()):
    yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from places(inner, (*path, key))


def damaged(record, rng):
    """A record with one value replaced by an odd one."""
    *path, last = rng.choice(list(places(record))[1:])
    found = record = copy.deepcopy(record)
    for key in path:
        found = found[key]
    found[last] = rng.choice(ODD)
    return record


@pytest.mark.parametrize("source", [otel_genai.SOURCE, langfuse.SOURCE, mlflow_traces.SOURCE])
def test_every_damaged_record_is_read_or_set_aside(tmp_path, source):
    room = Room(tmp_path, source=source)
    rng = random.Random(source.name)
    records = [damaged(GOOD[source.name], rng) for _ in range(200)]
    room.put("damaged.jsonl", lines(*records, *map(json.dumps, ODD)))
    result = room.land()

    assert not result.problems
    (file,) = result.landed[0].files
    assert file.rows_read >= len(records)
    assert file.rows_accepted + file.rows_empty > 50
