"""What several feeds and deliveries tell of the same calls: one count, and all that is known."""

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.truth import simulate_globex
from tests.end_to_end.company import Company

pytestmark = pytest.mark.slow

Call = dict[str, Any]
RUNS = "select * from fct_agent_runs order by all"
CALLS = "select * from fct_calls order by all"
LINKS = "select * from mart_cost_per_outcome_daily order by all"
TOTALS = (
    "select charge_date, application_id, cause, meter, sum(billed_cost), sum(quantity)"
    " from fct_cost_lines group by all order by all"
)


@pytest.fixture(scope="module")
def globex(tmp_path_factory) -> Company:
    """A company whose calls are OpenTelemetry spans."""
    company = Company(tmp_path_factory.mktemp("spans") / "globex")
    simulate_globex(company.root, seed=7, days=2, calls=60)
    company.run()
    return company


def logged(company: Company) -> Iterator[tuple[Path, list[Call]]]:
    """The calls of the European gateway, file by file."""
    for path in company.inbox("gateway_eu"):
        if path.name.endswith(".jsonl.gz"):
            yield (
                path,
                [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()],
            )


def write(path: Path, lines: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("\n".join(json.dumps(line) for line in lines).encode()))


def observation(call: Call, **changes: Any) -> Call:
    """How a tracer saw a call: its clock, its count of tokens and its owners are others."""
    started, ended = (
        datetime.fromtimestamp(call[name], UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        for name in ("startTime", "endTime")
    )
    return {
        "id": f"seen-{call['id']}",
        "project_id": "elsewhere",
        "trace_id": call["trace_id"],
        "session_id": call["session_id"],
        "type": "GENERATION",
        "start_time": started,
        "end_time": ended,
        "updated_at": ended,
        "provided_model_name": "another-name",
        "usage_details": {"input": 7, "output": 7, "total": 14},
        "total_cost": 1,
        "user_id": "somebody",
        "tags": ["app:another"],
        "metadata": {
            "task_id": call["metadata"]["spend_logs_metadata"].get("task_id"),
            "attributes": {"gen_ai.response.id": call["id"]},
        },
        **changes,
    }


def forget(call: Call, *names: str) -> None:
    """Take from a gateway's record what says where the call belongs."""
    for name in names:
        if name == "task_id":
            call["metadata"]["spend_logs_metadata"].pop(name, None)
        else:
            call[name] = ""


def add_tracer(company: Company, seen: list[Call]) -> None:
    write(company.root / "inbox" / "tracer" / "export.jsonl.gz", seen)
    settings = company.root / "everycent.yaml"
    settings.write_text(
        settings.read_text("utf-8")
        + "  - source: tracer\n    kind: langfuse\n    location: inbox/tracer\n"
        + "    tag_keys: [app]\n    task_key: task_id\n    is_system_of_record: false\n",
        "utf-8",
    )


def test_a_tracer_tells_the_tasks_that_the_gateway_forgot_and_adds_no_quantity(clean, tmp_path):
    company = clean.copy(tmp_path / "acme")
    seen = []
    for path, calls in logged(company):
        answered = [c for c in calls if c["status"] == "success" and c["cache_hit"] is not True]
        seen += [observation(call) for call in answered]
        for call in answered:
            forget(call, "task_id", "trace_id", "session_id")
        write(path, calls)
    forgetful = company.copy(tmp_path / "forgetful")
    forgetful.run()
    add_tracer(company, seen)
    company.run()

    assert len(seen) > 50
    assert forgetful.rows(RUNS) != clean.rows(RUNS)
    assert company.rows(RUNS) == clean.rows(RUNS)
    assert company.rows(LINKS) == clean.rows(LINKS)
    assert company.rows(CALLS) == clean.rows(CALLS)
    assert company.rows(TOTALS) == forgetful.rows(TOTALS) == clean.rows(TOTALS)


def test_a_trace_tells_the_task_of_calls_that_the_tracer_does_not_know(clean, tmp_path):
    company = clean.copy(tmp_path / "acme")
    agents = {}
    for path, calls in logged(company):
        for call in calls:
            agents[call["trace_id"]] = observation(call, id=call["trace_id"], type="AGENT")
            forget(call, "task_id")
        write(path, calls)
    add_tracer(company, list(agents.values()))
    company.run()

    assert company.rows(RUNS) == clean.rows(RUNS)
    assert company.rows(TOTALS) == clean.rows(TOTALS)


def test_days_alone_and_together_are_filled_in_alike(clean, tmp_path):
    together = clean.copy(tmp_path / "together")
    seen = []
    for path, calls in logged(together):
        seen += [observation(call) for call in calls]
        for call in calls:
            forget(call, "task_id", "trace_id")
        write(path, calls)
    add_tracer(together, seen)
    late = together.copy(tmp_path / "late")
    export = late.root / "inbox" / "tracer" / "export.jsonl.gz"
    told = export.read_bytes()
    export.unlink()
    late.run()
    export.write_bytes(told)
    late.run()
    together.run()

    assert late.rows(CALLS) == together.rows(CALLS)
    assert late.rows(RUNS) == together.rows(RUNS)


def test_a_log_that_is_exported_again_counts_as_it_was_updated_last(clean, tmp_path):
    company = clean.copy(tmp_path / "acme")
    path = next(p for p in company.inbox("gateway_us") if "2026-09-02" in p.name)
    final = path.read_bytes()
    rows = list(csv.DictReader(gzip.decompress(final).decode().splitlines(keepends=True)))
    for row in rows[::2]:
        row |= {"spend": "0", "endTime": row["startTime"], "updated_at": row["startTime"]}
    with gzip.open(path, "wt", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    company.run()
    unfinished = company.rows(CALLS)
    path.with_name("spend_logs_2026-09-02_again.csv.gz").write_bytes(final)
    company.run()

    assert unfinished != clean.rows(CALLS)
    assert company.rows(CALLS) == clean.rows(CALLS)


def test_a_frameworks_span_that_lands_apart_from_the_clients_is_the_same_call(globex, tmp_path):
    company = globex.copy(tmp_path / "globex")
    around = []
    for path in company.inbox("traces"):
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        around += [wrapped(span, scope) for line in lines for span, scope in spans(line)]
        path.write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
    company.run()
    inner = company.rows(CALLS)
    write(company.root / "inbox" / "traces" / "framework.jsonl.gz", around)
    company.run()

    assert len(around) > 50
    assert company.rows(CALLS) == inner
    assert company.rows(TOTALS) == globex.rows(TOTALS)


def spans(line: Any) -> Iterator[tuple[Any, Any]]:
    """The client's spans of an export, each with its scope."""
    for resource in line["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                if span["kind"] == 3:
                    yield span, scope["scope"]


def wrapped(span: Any, scope: Any) -> Any:
    """Put a framework's span, which does not know the provider's id, around a client's span."""
    outer = span | {
        "spanId": span["spanId"][::-1],
        "attributes": [a for a in span["attributes"] if a["key"] != "gen_ai.response.id"],
    }
    span["parentSpanId"] = outer["spanId"]
    return {"resourceSpans": [{"scopeSpans": [{"scope": scope, "spans": [outer]}]}]}
