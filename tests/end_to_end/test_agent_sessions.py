"""Sessions of coding agents through the whole pipeline: each call once, whoever tells it again."""

import json

import duckdb
import pytest

from pipelines import run
from pipelines.scaffold import init_workspace
from pipelines.workspace import load_workspace
from tests.end_to_end.company import ENVIRONMENT
from tests.sources.agents import message, result, streamed, used

pytestmark = pytest.mark.slow

SETTINGS = """company: acme
reporting_currency: USD
sources:
- source: transcripts
  kind: claude_code
  location: inbox/transcripts
  task_key: branch
- source: runs
  kind: claude_agent_sdk
  location: inbox/runs
"""
FIRST = [message("m1", gitBranch="main"), message("m2", "2026-10-05T08:05:00Z", gitBranch="main")]
FORK = [
    *({**line, "sessionId": "a-fork", "uuid": "again", "gitBranch": "side"} for line in FIRST),
    message("m3", "2026-10-05T08:30:00Z", "a-fork", gitBranch="side"),
]
MODEL = "claude-sonnet-4-6"
RUN_1 = [
    streamed("r1", "2026-10-05T09:00:00Z", "run"),
    result("e1", "2026-10-05T09:00:09Z", {MODEL: used(100, 30)}, session="run"),
]
RUN_2 = [
    streamed("r2", "2026-10-05T10:00:00Z", "run"),
    result("e2", "2026-10-05T10:00:09Z", {MODEL: used(200, 75)}, session="run"),
]


@pytest.fixture
def acme(tmp_path):
    """A workspace without a bill: what counts are the calls."""
    init_workspace(tmp_path)
    (tmp_path / "everycent.yaml").write_text(SETTINGS)
    for feed in ("transcripts", "runs"):
        (tmp_path / "inbox" / feed).mkdir(parents=True)
    return tmp_path


def deliver(root, **files):
    for name, lines in files.items():
        feed = "runs" if name.startswith("run") else "transcripts"
        path = root / "inbox" / feed / f"{name}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def published(root, query):
    summary = run.run(load_workspace(root, ENVIRONMENT))
    assert not summary.problems
    with duckdb.connect(str(root / "published/current/marts.duckdb"), read_only=True) as con:
        return con.execute(query).fetchall()


def test_a_fork_adds_its_own_calls_and_leaves_the_others_where_they_were(acme):
    deliver(acme, s=FIRST, fork=FORK)
    rows = published(acme, "select call_id, session_id, task_id from fct_calls order by all")

    assert rows == [
        ("m1:req-m1", "s", "main"),
        ("m2:req-m2", "s", "main"),
        ("m3:req-m3", "a-fork", "side"),
    ]


def test_a_copy_with_other_usage_is_a_conflict_that_is_named(acme):
    deliver(acme, s=FIRST, fork=[message("m2", "2026-10-05T08:05:00Z", usage={"output_tokens": 9})])
    query = "select call_id from fct_calls order by all"
    [(message_text,)] = published(
        acme,
        "select message from quality_results where counter = 'conflicting_calls' and not passed",
    )

    assert message_text.endswith("Among them: transcripts m2:req-m2.")
    assert published(acme, query) == [("m1:req-m1",)]


@pytest.mark.parametrize("first", ["run_1", "run_2"])
def test_a_resumed_run_counts_once_in_whichever_order_it_arrives(acme, first):
    runs = {"run_1": RUN_1, "run_2": RUN_2}
    deliver(acme, **{first: runs.pop(first)})
    published(acme, "select 1")
    deliver(acme, **runs)
    query = "select sum(input_uncached_tokens), sum(output_text_tokens), count(*) from fct_calls"

    assert published(acme, query) == [(200, 75, 4)]
