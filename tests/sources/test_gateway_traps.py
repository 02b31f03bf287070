"""Call logs of gateways: what only one format has, and every known way to misread it."""

import copy
import csv
import importlib
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.landing.room import Room, lines
from tests.sources.gateway_logged import MAIL
from tests.sources.gateway_records import good, put
from tests.sources.gateway_traps import TRAPS


def room_of(path, kind):
    return Room(path, source=importlib.import_module(f"pipelines.sources.{kind}").SOURCE)


@pytest.fixture
def landed(tmp_path):
    """Land texts by file name as logs of a kind; returns calls, and what the record says."""

    def land(kind, **texts):
        room = room_of(tmp_path, kind)
        for name, text in texts.items():
            room.put(f"{name}.jsonl", text)
        result = room.land()
        assert not result.problems
        (record,) = result.landed
        return room.rows(), record

    return land


@pytest.mark.parametrize("kind", TRAPS)
def test_traps_of_the_format(landed, kind):
    records = []
    for number, (changes, _) in enumerate(TRAPS[kind]):
        record = copy.deepcopy(good(kind, number + 1))
        for path, value in changes.items():
            put(record, path, value)
        records.append(record)
    calls, record = landed(kind, log=lines(*records))

    assert not record.quarantine
    for (changes, expected), call in zip(TRAPS[kind], calls, strict=True):
        assert {name: call[name] for name in expected} == expected, changes


def test_only_model_invocations_of_the_bedrock_log_are_calls(tmp_path):
    room = room_of(tmp_path, "bedrock_invocation_logs")
    other = {"requestId": "call-2", "schemaType": "ModelCustomizationLog", "input": {}}
    room.put("a/2026/10/01/08/log.json", lines(good("bedrock_invocation_logs"), other))
    room.put("a/2026/10/01/08/data/body.json", '{"messages": "long"}')
    room.put("a/amazon-bedrock-logs-permission-check", "")
    result = room.land()

    assert len(room.rows()) == 1
    assert result.landed[0].counters["not_an_invocation"] == 1
    assert len(result.ignored) == 2


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        (
            "bedrock_invocation_logs",
            {**good("bedrock_invocation_logs", 2), "schemaType": "ModelInvocationLogV2"},
        ),
        (
            "kong",
            {"request": {"id": "r-2"}, "started_at": 1, "ai": {"ai-new": {"usage": {"tokens": 7}}}},
        ),
        ("envoy_ai_gateway", {"x-request-id": "r-2", "start_time": "-", "llm_cached_token": "12"}),
        (
            "azure_apim",
            {"Type": "NewModelLog", "CorrelationId": "r-2", "TotalTokens": 12},
        ),
    ],
)
def test_a_record_of_another_shape_with_marks_of_ai_work_is_set_aside(landed, kind, other):
    """A record without such marks is no call, and only counted."""
    _, record = landed(kind, log=lines(good(kind), other))

    assert [(row.source_row, row.rule) for row in record.quarantine] == [(2, "unread_ai_work")]


@pytest.mark.parametrize(
    ("kind", "usage"), [("portkey", "response/usage"), ("kong", "ai/proxy/usage")]
)
def test_a_count_that_nobody_reads_is_noted_by_its_name(landed, kind, usage):
    with_more, with_none = good(kind, 1), good(kind, 2)
    put(with_more, usage + "/iterations", [{"input_tokens": 7}, {"input_tokens": 9, "new": 700}])
    put(with_more, usage + "/prompt_tokens_details/text_tokens", 40)
    put(with_none, usage + "/new_tokens", 0)
    put(with_none, usage + "/note", "7 tokens")
    calls, record = landed(kind, log=lines(with_more, with_none))

    assert len(calls) == 2
    assert record.counters == {"unread_usage:iterations,new": 1}


@pytest.mark.parametrize(
    ("kind", "changes", "role"),
    [
        ("kong", {"request/method": "GET", "upstream_uri": "/v1/responses/resp_1"}, "management"),
        ("kong", {"request/method": "POST", "upstream_uri": "/v1/responses"}, "primary"),
        ("kong", {"request/method": "GET", "upstream_uri": "/v1/realtime"}, "primary"),
        ("envoy_ai_gateway", {"method": "GET"}, "management"),
        ("portkey", {"request_url": "https://a.example/v1/batches/batch_1"}, "management"),
        ("helicone", {"request_path": "/v1/messages/count_tokens"}, "management"),
        ("bedrock_invocation_logs", {"operation": "CountTokens"}, "management"),
        ("cloudflare_ai_gateway", {"path": "v1/models/some:countTokens"}, "management"),
        ("cloudflare_ai_gateway", {"request_type": "chat", "model_type": "chat"}, "primary"),
        ("portkey", {"request_url": "https://a.example/v1/chat/completions/?v=1"}, "primary"),
        ("kong", {"upstream_uri": "/v1/responses/compact"}, "primary"),
    ],
)
def test_looking_at_a_use_is_no_use(landed, kind, changes, role):
    looked = good(kind)
    for path, value in changes.items():
        put(looked, path, value)
    (call,), record = landed(kind, log=lines(looked))

    assert call["role"] == role
    assert call["is_rollup"] == (role == "management")
    assert record.counters.get("use_looked_up", 0) == (role == "management")


def test_kong_entries_of_the_older_layout_read_as_the_newer_ones(landed):
    old = good("kong", 2)
    old["ai"] = {"ai-proxy": old["ai"]["proxy"], "payload": old["ai"]["payload"]}
    advanced = good("kong", 3)
    advanced["ai"] = {"ai-proxy-advanced": advanced["ai"]["proxy"]}
    calls, _ = landed("kong", log=lines(good("kong", 1), old, advanced))

    left_out = ("call_id", "source_row")
    first, *others = [{k: v for k, v in call.items() if k not in left_out} for call in calls]
    assert others == [first, first]


def test_kong_requests_without_ai_are_no_calls_and_hidden_ones_are_counted(landed):
    plain = {"request": {"id": "r-1"}, "started_at": 1_790_841_600_250, "ai": {}}
    judged = good("kong", 2)
    put(judged, "ai/proxy/ai-llm-as-judge/meta/provider_name", "openai")
    enriched = good("kong", 3)
    put(enriched, "ai/proxy/rag-inject/embeddings_tokens", 62)
    calls, record = landed("kong", log=lines(plain, judged, enriched))

    assert len(calls) == 2
    assert record.counters["not_ai_work"] == 1
    assert record.counters["more_calls_in_entry"] == 1
    assert record.counters["embeddings_not_counted"] == 1


def test_an_unreadable_end_is_counted_and_costs_no_call(landed):
    (call,), record = landed("kong", log=lines({**good("kong"), "latencies": {"request": "long"}}))

    assert call["ended_at"] is None
    assert record.counters["unreadable_end"] == 1


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("cloudflare_ai_gateway", "result"),
        ("openrouter_generations", "data"),
        ("vercel_generations", "data"),
        ("helicone", "data"),
        ("azure_apim", "records"),
    ],
)
def test_records_come_out_of_their_wrapper(landed, kind, key):
    first, second = good(kind, 1), good(kind, 2)
    calls, record = landed(
        kind,
        array=lines({key: [first, second]}, {key: []}),
        document=json.dumps({key: [good(kind, 3)]}, indent=1),
        single=lines({key: good(kind, 4)}, good(kind, 5)),
    )

    assert sorted(call["call_id"] for call in calls) == [f"call-{n}" for n in range(1, 6)]
    assert record.counters["no_records"] == 1
    assert not record.quarantine


def test_of_the_rows_of_an_apim_call_only_the_header_is_a_call(landed):
    chunk = {**good("azure_apim"), "DeploymentName": "", "PromptTokens": 0, "CompletionTokens": 0}
    gateway_log = {"Type": "ApiManagementGatewayLogs", "CorrelationId": "call-1"}
    calls, record = landed("azure_apim", log=lines(chunk, good("azure_apim"), chunk, gateway_log))

    assert [call["call_id"] for call in calls] == ["call-1"]
    assert (record.counters["content_row"], record.counters["other_log"]) == (2, 1)


def test_metadata_of_portkey_may_be_flattened(landed):
    record = {k: v for k, v in good("portkey").items() if k != "metadata"}
    record |= {"metadata.app": "search", "metadata.task_id": "task-1", "metadata._user": MAIL}
    (call,), landing = landed("portkey", log=lines(record) + '{"metadata.app": "sea')

    assert [row.rule for row in landing.quarantine] == ["not_json"]
    assert (call["tags"], call["task_id"]) == ('{"app": "search"}', "task-1")
    assert call["user_id"].startswith("u_")


@pytest.mark.parametrize("kind", ["portkey", "helicone", "azure_apim", "databricks_endpoint_usage"])
def test_a_table_reads_as_its_json(tmp_path, kind):
    records = [good(kind, number) for number in (1, 2)]
    if kind == "portkey":
        # the answer is no column of a table
        for record in records:
            del record["response"], record["request"], record["config"]
            record |= {"req_units": 100, "res_units": 20}
    flat = [
        {k: json.dumps(v) if isinstance(v, dict | list) else str(v) for k, v in record.items()}
        for record in records
    ]
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, flat[0].keys())
    writer.writeheader()
    writer.writerows(flat)
    parquet = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(flat), parquet)
    bodies = (
        [] if kind == "azure_apim" else ["request_body", "response_body", "request", "response"]
    )
    texts = [{k: v for k, v in record.items() if k not in bodies} for record in records]
    found = []
    for name, content in (
        ("log.jsonl", lines(*texts)),
        ("log.csv", sheet.getvalue()),
        ("log.parquet", parquet.getvalue()),
    ):
        room = room_of(tmp_path / name, kind)
        room.put(name, content)
        assert not room.land().problems
        found.append([{k: v for k, v in row.items() if k != "file_id"} for row in room.rows()])

    assert len(found[0]) == 2
    assert found[1] == found[0]
    assert found[2] == found[0]
