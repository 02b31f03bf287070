"""Langfuse observations and scores: what each field becomes, and how rows decide what is inside."""

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.facts import Fact
from pipelines.sources.langfuse import SOURCE
from pipelines.sources.langfuse_scores import SOURCE as SCORES
from tests.landing.room import Room, lines, pseudonym, zipped

SAMPLES = Path(__file__).parents[2] / "data_samples" / "langfuse"
V2 = "export/project-1/observations_v2/2026-10-01T01-00-00.jsonl"


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path, source=SOURCE, tag_keys=("app", "environment"), task_key="ticket")


@pytest.fixture
def scores(tmp_path):
    return Room(tmp_path, source=SCORES)


def row(number=1, **changes):
    """An enriched row of a good generation, numbers as the exporter writes them."""
    return {
        "id": f"obs-{number}",
        "trace_id": "trace-1",
        "project_id": "project-1",
        "environment": "production",
        "type": "GENERATION",
        "parent_observation_id": "",
        "start_time": "2026-10-01 00:00:01.123456",
        "end_time": "2026-10-01 00:00:03.500000",
        "completion_start_time": "2026-10-01 00:00:02.000000",
        "name": "answer",
        "metadata": {"app": "search", "ticket": "T-1", "ls_provider": "openai"},
        "level": "DEFAULT",
        "input": "Planted-Prompt",
        "output": "Planted-Answer",
        "provided_model_name": "gpt-4o-2024-11-20",
        "usage_details": {"input": "100", "output": "20", "total": "120"},
        "cost_details": {"total": 0.00045},
        "total_cost": 0.00045,
        "created_at": "2026-10-01 00:00:04.000000",
        "updated_at": "2026-10-01 00:00:04.000000",
        "user_id": "ann@acme.example",
        "session_id": "session-1",
        "trace_name": "chat",
        "tags": ["app:other"],
        **changes,
    }


def read(room, *rows):
    room.put(V2, lines(*rows))
    result = room.land()
    assert not result.problems
    assert not [r for record in result.landed for r in record.quarantine]
    return room.rows()


def used(**usage):
    return row(usage_details=usage)


def buckets(call):
    names = (
        "input_uncached",
        "cache_read",
        "cache_write_5m",
        "cache_write_1h",
        "output_text",
        "output_reasoning",
    )
    return tuple(call[f"{name}_tokens"] for name in names)


LEAN = (
    "call_id",
    "parent_call_id",
    "trace_id",
    "session_id",
    "started_at",
    "operation",
    "role",
    "provider",
    "served_model",
    "provider_request_id",
    "input_uncached_tokens",
    "cache_read_tokens",
    "output_text_tokens",
    "output_reasoning_tokens",
    "reported_total_tokens",
    "token_source",
    "token_semantics",
    "is_token_conflict",
    "logged_cost_usd",
    "is_rollup",
)


def lean(call):
    found = {name: call[name] for name in LEAN if call[name] is not None}
    return {k: str(v) if isinstance(v, datetime | Decimal) else v for k, v in found.items()}


def test_every_sample_reads_as_expected(room):
    for path in sorted((SAMPLES / "files").iterdir()):
        room.put(path.name, path.read_bytes())
    (record,) = room.land().landed
    calls = room.rows()

    expected = json.loads((SAMPLES / "expected.json").read_text())
    assert [lean(call) for call in sorted(calls, key=lambda c: c["call_id"])] == expected
    assert not record.quarantine
    people = {call["user_id"] for call in calls if call["user_id"]}
    assert people == {pseudonym("user_123")}


def test_an_agents_row_repeats_what_its_generations_cost(room):
    name = "microsoft-agent-2025-12-17.trace.json"
    room.put(name, (SAMPLES / "files" / name).read_bytes())
    room.land()
    calls = room.rows()

    assert sum(call["logged_cost_usd"] for call in calls) == Decimal("0.00065625")
    counted = [call for call in calls if not call["is_rollup"]]
    assert sum(call["logged_cost_usd"] for call in counted) == Decimal("0.00028525")


def test_an_enriched_row_says_who_asked_for_what(room):
    (call,) = read(room, row(parent_observation_id="obs-0"))

    assert call["source_format"] == "langfuse_observations_v2"
    assert call["call_id"] == "project-1:obs-1"
    assert call["parent_call_id"] == "project-1:obs-0"
    assert (call["trace_id"], call["session_id"]) == ("trace-1", "session-1")
    assert (call["task_id"], call["project_id"]) == ("T-1", "project-1")
    assert call["user_id"] == pseudonym("ann@acme.example")
    assert json.loads(call["tags"]) == {"app": "search", "environment": "production"}
    assert (call["provider"], call["served_model"]) == ("openai", "gpt-4o-2024-11-20")
    # naive times are UTC
    assert call["started_at"] == datetime(2026, 10, 1, 0, 0, 1, 123456, UTC)
    assert call["first_token_at"] == datetime(2026, 10, 1, 0, 0, 2, tzinfo=UTC)
    assert call["charge_date"] == date(2026, 10, 1)
    assert (call["logged_cost_usd"], call["logged_cost_kind"]) == (
        Decimal("0.00045"),
        "gateway_estimate",
    )
    assert buckets(call) == (100, None, None, None, 20, None)


def test_each_row_decides_by_its_total_whether_details_are_inside(room):
    details = {"input_cached_tokens": 600, "output_reasoning_tokens": 15}
    inside = row(1, usage_details={"input": 1000, "output": 40, "total": 1040, **details})
    beside = row(2, usage_details={"input": 400, "output": 25, "total": 1040, **details})
    mixed = row(3, usage_details={"input": 400, "output": 40, "total": 1040, **details})
    calls = read(room, inside, beside, mixed)

    assert [buckets(call) for call in calls] == [(400, 600, None, None, 25, 15)] * 3
    assert [call["token_semantics"] for call in calls] == ["inclusive", "exclusive", "exclusive"]
    assert not any(call["is_token_conflict"] for call in calls)


def test_without_a_total_that_decides_a_row_is_a_guess_or_a_conflict(room):
    none = row(1, usage_details={"input": 1000, "output": 40, "input_cached_tokens": 600})
    wrong = row(2, usage_details={"input": 9, "output": 4, "total": 77, "input_cached_tokens": 6})
    calls = read(room, none, wrong)

    assert [call["token_semantics"] for call in calls] == ["unknown", "unknown"]
    assert [call["is_token_conflict"] for call in calls] == [False, True]


def test_two_lifetimes_of_cache_writes_are_kept_apart(room):
    usage = {
        "input": 10,
        "output": 5,
        "input_cache_creation_5m": 30,
        "input_cache_creation_1h": 70,
        "total": 115,
    }
    (call,) = read(room, row(usage_details=usage))

    assert buckets(call)[:4] == (10, None, 30, 70)


@pytest.mark.parametrize("tier", ["flex", "priority"])
def test_a_tier_in_the_names_of_the_keys_is_the_tier_and_its_counts_count(room, tier):
    """The Langfuse SDK writes so for LangChain calls of these tiers."""
    usage = {
        "input": 0,
        "output": 0,
        "total": 1_540,
        f"input_{tier}": 300,
        f"input_{tier}_cache_read": 1_100,
        f"output_{tier}": 60,
        f"output_{tier}_reasoning": 80,
    }
    room.put(V2, lines(row(usage_details=usage)))
    (record,) = room.land().landed
    (call,) = room.rows()

    assert buckets(call) == (300, 1_100, None, None, 60, 80)
    assert (call["service_tier"], call["is_token_conflict"]) == (tier, False)
    assert "unknown_usage_key" not in record.counters


@pytest.mark.parametrize("total", [{}, {"total": 2_340}, {"total": 2_040}])
def test_lifetimes_beside_their_sum_are_its_parts(room, total):
    """A total that the server made of all keys holds the writes twice."""
    usage = {
        "input": 100,
        "output": 40,
        "cache_read_input_tokens": 1_600,
        "cache_creation_input_tokens": 300,
        "cache_creation_ephemeral_5m_input_tokens": 180,
        "cache_creation_ephemeral_1h_input_tokens": 120,
        **total,
    }
    (call,) = read(room, row(usage_details=usage, metadata={"ls_provider": "anthropic"}))

    assert buckets(call) == (100, 1_600, 180, 120, 40, None)
    assert not call["is_token_conflict"]


def test_a_total_proves_that_only_the_writes_are_inside(room):
    usage = {
        "input": 1_210,
        "output": 40,
        "cache_read_input_tokens": 7_000,
        "cache_creation_input_tokens": 1_200,
        "total": 8_250,
    }
    (call,) = read(room, row(usage_details=usage, metadata={"ls_provider": "anthropic"}))

    assert (call["input_uncached_tokens"], call["cache_write_tokens"]) == (10, 1_200)
    assert (call["token_semantics"], call["is_token_conflict"]) == ("mixed", False)


@pytest.mark.parametrize(("told", "uncached"), [(9_003, 3), (9_090, 90), (9_091, 9_091)])
def test_an_input_as_large_as_its_cache_holds_it_and_says_that_it_is_a_guess(room, told, uncached):
    usage = {"input": told, "output": 40, "cache_read_input_tokens": 9_000}
    room.put(V2, lines(row(usage_details=usage, metadata={"ls_provider": "anthropic"})))
    (record,) = room.land().landed
    (call,) = room.rows()

    assert call["input_uncached_tokens"] == uncached
    assert call["token_semantics"] == "unknown"
    assert record.counters["unknown_semantics"] == 1


def test_usage_and_cost_that_only_the_client_provided_count(room):
    provided = {
        "provided_usage_details": {"input": "700", "output": "30", "total": "730"},
        "provided_cost_details": {"total": 0.0042},
    }
    empty = {"usage_details": {}, "cost_details": {}, "total_cost": 0}
    (call,) = read(room, row(**empty, **provided))

    assert buckets(call) == (700, None, None, None, 30, None)
    assert (call["logged_cost_usd"], call["token_source"]) == (Decimal("0.0042"), "provider")


def test_what_the_server_counted_and_priced_itself_comes_before_what_was_provided(room):
    provided = {
        "provided_usage_details": {"input": 7, "output": 3},
        "provided_cost_details": {"total": 9},
    }
    (call,) = read(room, row(**provided))

    assert (call["input_uncached_tokens"], call["logged_cost_usd"]) == (100, Decimal("0.00045"))


def test_a_key_nobody_knows_is_counted_as_such(room):
    room.put(V2, lines(used(input=10, output=5, total=15, input_holograms=3)))
    (record,) = room.land().landed

    assert record.counters["unknown_usage_key"] == 1
    assert record.counters["unread_usage:input_holograms"] == 1


@pytest.mark.parametrize(
    ("kind", "operation", "role", "is_rollup"),
    [
        ("GENERATION", "chat", "primary", False),
        ("EMBEDDING", "embedding", "embedding", False),
        ("TOOL", "tool", "tool", False),
        ("RETRIEVER", "tool", "tool", False),
        ("SPAN", "other", "unknown", True),
        ("EVENT", "other", "unknown", True),
        ("AGENT", "other", "unknown", True),
        ("CHAIN", "other", "unknown", True),
        ("EVALUATOR", "other", "judge", True),
        ("GUARDRAIL", "moderation", "guardrail", True),
    ],
)
def test_only_generations_and_embeddings_bring_tokens(room, kind, operation, role, is_rollup):
    (call,) = read(room, row(type=kind))

    assert (call["operation"], call["role"]) == (operation, role)
    assert call["is_rollup"] is is_rollup
    tokens = {"GENERATION": 100, "EMBEDDING": 100, "TOOL": 0, "RETRIEVER": 0}
    assert call["input_uncached_tokens"] == tokens.get(kind)
    assert call["reported_input_tokens"] == 100


def test_a_row_says_when_it_was_updated_so_that_the_latest_can_count(room):
    first = row(1, usage_details={}, total_cost=None, cost_details={})
    last = row(1, updated_at="2026-10-01 00:10:00.000000")
    room.put(V2, lines(last))
    room.put(V2.replace("T01", "T02"), lines(first, row(2)))
    room.land()

    versions = {
        f"{call['updated_at'].astimezone(UTC):%H:%M:%S}": call["input_uncached_tokens"]
        for call in room.rows()
        if call["call_id"] == "project-1:obs-1"
    }
    assert versions == {"00:00:04": None, "00:10:00": 100}
    assert len(room.rows()) == 3


def test_the_same_row_in_two_landings_is_the_same_call(room):
    room.put(V2, lines(row(1)))
    room.land()
    room.put(V2.replace("T01", "T02"), lines(row(1), row(2)))
    room.land()

    lineage = ("file_id", "source_row")
    rows = [{k: v for k, v in call.items() if k not in lineage} for call in room.rows()]
    assert rows.count(rows[0]) == 2


def test_legacy_windows_are_left_alone_from_the_first_enriched_one_on(room):
    legacy = V2.replace("observations_v2", "observations")
    room.put(V2, lines(row(1)))
    room.put(legacy, lines(row(1)))
    room.put(legacy.replace("T01", "T00"), lines(row(0)))
    room.put(legacy.replace("project-1", "project-2"), lines(row(7, project_id="project-2")))
    result = room.land()

    assert result.ignored == (legacy,)
    assert {call["call_id"] for call in room.rows()} == {
        "project-1:obs-0",
        "project-1:obs-1",
        "project-2:obs-7",
    }


def test_a_window_later_than_the_newest_manifest_waits(room):
    late = V2.replace("T01", "T03")
    room.put("export/project-1/manifests/2026-10-01T02-00-00.json", "{}")
    room.put(V2, lines(row(1)))
    room.put(late, lines(row(2)))

    assert late in room.land().ignored
    room.put("export/project-1/manifests/2026-10-01T03-00-00.json", "{}")
    assert late not in room.land().ignored
    assert len(room.rows()) == 2


def test_rows_as_csv_and_parquet_are_the_same_calls(room):
    flat = {k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in row().items()}
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, flat)
    writer.writeheader()
    writer.writerow(flat)
    table = io.BytesIO()
    typed = row() | {
        "usage_details": [("input", 100), ("output", 20), ("total", 120)],
        "metadata": [(k, v) for k, v in row()["metadata"].items()],
        "cost_details": [("total", Decimal("0.00045"))],
    }
    types = {
        "usage_details": pa.map_(pa.string(), pa.int64()),
        "metadata": pa.map_(pa.string(), pa.string()),
        "cost_details": pa.map_(pa.string(), pa.decimal128(18, 6)),
    }
    columns = {k: pa.array([v], types.get(k)) for k, v in typed.items()}
    pq.write_table(pa.table(columns), table)
    room.put(V2, lines(row()))
    room.put(V2.replace("jsonl", "csv.gz"), zipped(sheet.getvalue()))
    room.put(V2.replace("jsonl", "parquet"), table.getvalue())
    (record,) = room.land().landed

    assert not record.quarantine
    lineage = ("file_id", "source_row")
    first, *others = [{k: v for k, v in call.items() if k not in lineage} for call in room.rows()]
    assert (first["input_uncached_tokens"], first["output_text_tokens"]) == (100, 20)
    assert others == [first, first]


def test_a_generation_without_usage_is_unknown_and_not_zero(room):
    (call,) = read(room, row(usage_details={}, total_cost=0, level="ERROR"))

    assert (call["token_source"], call["status"]) == ("unknown", "error")
    assert buckets(call) == (None,) * 6


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"id": ""}, "missing_identity"),
        ({"type": None}, "not_an_observation"),
        ({"start_time": "soon"}, "bad_time"),
        ({"end_time": "later"}, "bad_time"),
        ({"usage_details": {"input": "-1"}}, "bad_count"),
        ({"usage_details": "half a ma"}, "bad_count"),
        ({"usage_details": {"input": 10, "input_audio": 11}, "total_cost": 1}, "negative_bucket"),
        ({"total_cost": "a lot"}, "bad_amount"),
    ],
)
def test_a_broken_row_is_set_aside_and_its_neighbours_count(room, changes, rule):
    room.put(V2, lines(row(1), row(2, **changes), row(3)))
    (record,) = room.land().landed

    assert [(r.source_row, r.rule) for r in record.quarantine] == [(2, rule)]
    assert len(room.rows()) == 2


def test_nothing_that_was_said_reaches_the_lake(room, scores):
    told = row(
        1,
        status_message="Planted-Status",
        metadata={"app": "ann@acme.example", "note": "Planted-Note"},
        model_parameters='{"system": "Planted-System"}',
    )
    room.put(V2, lines(told, row(2, start_time="Planted-Time")))
    room.put("export/project-1/scores/2026-10-01T01-00-00.jsonl", lines(score(comment="Planted")))
    room.land()
    scores.land()

    kept = b"".join(path.read_bytes() for path in room.lake.root.rglob("*") if path.is_file())
    for word in (b"Planted", b"ann@acme"):
        assert word not in kept


COUNT = st.integers(0, 100_000)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    is_inside=st.booleans(),
    counts=st.lists(st.tuples(*[COUNT] * 6), min_size=8, max_size=40),
)
def test_disjoint_counts_come_back_equal_inside_or_beside(tmp_path_factory, is_inside, counts):
    room = Room(tmp_path_factory.mktemp("room"), source=SOURCE)
    rows = []
    for number, (uncached, cached, w5m, w1h, visible, thought) in enumerate(counts, start=1):
        inside = cached + w5m + w1h if is_inside else 0
        usage = {
            "input": uncached + inside,
            "output": visible + (thought if is_inside else 0),
            "total": uncached + cached + w5m + w1h + visible + thought,
            "input_cached_tokens": cached,
            "input_cache_creation_5m": w5m,
            "input_cache_creation_1h": w1h,
            "output_reasoning_tokens": thought,
        }
        rows.append(row(number, usage_details=usage))
    for call, expected in zip(read(room, *rows), counts, strict=True):
        if any(expected):
            assert buckets(call) == expected
            assert call["is_token_conflict"] is False


def score(number=1, **changes):
    return {
        "id": f"score-{number}",
        "timestamp": "2026-10-01 10:00:00.000000",
        "project_id": "project-1",
        "trace_id": "trace-1",
        "observation_id": "obs-1",
        "session_id": None,
        "name": "Answer Accepted",
        "value": 1,
        "source": "ANNOTATION",
        "data_type": "BOOLEAN",
        "created_at": "2026-10-01 10:00:00.000000",
        "updated_at": "2026-10-01 10:00:00.000000",
        **changes,
    }


def judged(scores, *rows):
    scores.put("export/project-1/scores/2026-10-02T00-00-00.jsonl", lines(*rows))
    scores.land()
    return scores.rows(Fact.OUTCOMES)


def test_a_boolean_score_is_a_success_or_a_failure(scores):
    good, bad = judged(scores, score(1), score(2, value=0, source="EVAL", observation_id=None))

    assert good["outcome_id"] == "langfuse:project-1:score-1"
    assert good["outcome_type"] == "score.answer_accepted"
    assert (good["result"], good["confidence"]) == ("success", "confirmed")
    assert (bad["result"], bad["confidence"]) == ("failure", "judged")
    assert (good["ref_trace_id"], good["ref_request_id"]) == ("trace-1", "project-1:obs-1")
    assert good["occurred_at"] == datetime(2026, 10, 1, 10, tzinfo=UTC)
    assert (good["quality_score"], good["quality_scale"]) == (1, "0-1")


def test_a_number_keeps_its_score_and_a_category_has_none(scores):
    number, category = judged(
        scores,
        score(1, data_type="NUMERIC", value=0.1),
        score(2, data_type="CATEGORICAL", value=3, string_value="Planted"),
    )

    assert (number["result"], number["quality_score"]) == ("unknown", Decimal("0.1"))
    assert (category["result"], category["quality_score"]) == ("unknown", None)


def test_an_updated_score_is_a_later_revision_of_the_same_outcome(scores):
    first, last = judged(scores, score(), score(value=0, updated_at="2026-10-01 10:05:00.000000"))

    assert first["outcome_id"] == last["outcome_id"]
    assert first["event_id"] != last["event_id"]
    assert (first["revision"], last["revision"]) == (0, 300)


def test_the_sample_window_of_scores_reads_as_its_readme_says(scores):
    folder = SAMPLES.parent / "langfuse_scores" / "files"
    for path in sorted(folder.rglob("*.jsonl")):
        scores.put(path.relative_to(folder).as_posix(), path.read_bytes())
    scores.land()
    outcomes = scores.rows(Fact.OUTCOMES)

    assert [(o["outcome_type"], o["revision"], o["result"]) for o in outcomes] == [
        ("score.accepted", 0, "success"),
        ("score.accepted", 3600, "failure"),
        ("score.correctness", 1, "unknown"),
    ]
    assert outcomes[2]["ref_request_id"] == "project-1:2406e8343fd49c0e"


def test_scores_inside_an_exported_trace_are_read(scores):
    name = "google-gemini-2025-08-01.trace.json"
    scores.put(name, (SAMPLES / "files" / name).read_bytes())
    scores.land()
    outcomes = scores.rows(Fact.OUTCOMES)

    hallucination = next(o for o in outcomes if o["outcome_type"] == "score.hallucination")
    assert hallucination["quality_score"] == Decimal("0.1")
    assert hallucination["confidence"] == "judged"
    assert hallucination["ref_trace_id"] == "9f2f0fe0228fd81a9fe75882934b384a"


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"id": None}, "missing_identity"),
        ({"timestamp": None}, "missing_identity"),
        ({"timestamp": "soon"}, "bad_time"),
        ({"data_type": "NUMERIC", "value": "1e99"}, "bad_value"),
    ],
)
def test_a_broken_score_is_set_aside(scores, broken, rule):
    path = "export/project-1/scores/2026-10-02T00-00-00.jsonl"
    scores.put(path, lines(score(1), score(2, **broken)) + "[]\n{")
    (record,) = scores.land().landed

    assert [r.rule for r in record.quarantine] == [rule, "not_an_object", "not_json"]
    assert len(scores.rows(Fact.OUTCOMES)) == 1


def test_observations_and_scores_are_read_from_one_folder(room, scores):
    for one in (room, scores):
        one.put(V2, lines(row()))
        one.put("export/project-1/scores/2026-10-02T00-00-00.jsonl", lines(score()))
    landed = [one.land() for one in (room, scores)]

    assert [result.problems for result in landed] == [(), ()]
    assert [result.rows_accepted for result in landed] == [1, 1]
