"""Outcomes from systems of record: tickets, conversations, pull requests."""

import json
from datetime import UTC, date, datetime

import pytest

from models.facts import Fact
from models.settings import SourceSettings
from pipelines.landing.land import land
from pipelines.sources.github_pull_requests import SOURCE as GITHUB
from pipelines.sources.intercom import SOURCE as INTERCOM
from pipelines.sources.zendesk import SOURCE as ZENDESK
from tests.landing.room import Room, pseudonym
from tests.sources.deliveries import SAMPLES

ALL = [ZENDESK, INTERCOM, GITHUB]


def landed(source, tmp_path, task_key=None, files=None):
    """The result of landing a source's samples, or other files; and its outcomes."""
    room = Room(tmp_path, source)
    folder = SAMPLES / source.name / "files"
    for name, content in (files or {p.name: p.read_bytes() for p in folder.iterdir()}).items():
        room.put(name, content)
    settings = SourceSettings(
        source="record", kind=source.name, location="inbox", task_key=task_key
    )
    result = land(settings, source, room.inbox, room.lake, pseudonym=pseudonym)
    # what is set aside mostly is a problem of its own
    assert {problem.rule for problem in result.problems} <= {"mostly_set_aside"}
    return result, room.rows(Fact.OUTCOMES)


def newest(rows):
    """The revision of each outcome that counts, by the end of its id."""
    best = {}
    for row in sorted(rows, key=lambda row: row["revision"]):
        best[row["outcome_id"].split("/")[-1].split("#")[-1]] = row
    return best


def rejected(result):
    return [(r.source_row, r.rule) for rec in result.landed for r in rec.quarantine]


def test_a_ticket_is_solved_when_its_metrics_say_so(tmp_path):
    _, rows = landed(ZENDESK, tmp_path)
    closed = newest(rows)["4712"]

    assert closed["occurred_at"] == datetime(2026, 10, 2, 9, tzinfo=UTC)
    assert closed["recorded_at"] == datetime(2026, 10, 6, 9, tzinfo=UTC)
    assert (closed["result"], closed["confidence"]) == ("success", "confirmed")
    assert closed["outcome_type"] == "ticket_resolved"
    assert closed["ref_external_id"] == "zendesk:ticket/4712"
    assert closed["ref_task_id"] == "T-4712"


def test_a_reopened_ticket_is_taken_back_and_counts_once_when_solved_again(tmp_path):
    _, rows = landed(ZENDESK, tmp_path)
    revisions = sorted(
        (row for row in rows if row["outcome_id"] == "zendesk:ticket/4711"),
        key=lambda row: row["revision"],
    )

    assert [row["is_withdrawn"] for row in revisions] == [False, True, False]
    assert [row["charge_date"] for row in revisions] == [date(2026, 10, d) for d in (1, 2, 4)]
    assert len({row["event_id"] for row in revisions}) == 3


def test_a_ticket_that_was_never_solved_is_open_work_and_a_deleted_one_is_withdrawn(tmp_path):
    _, rows = landed(ZENDESK, tmp_path)
    found = newest(rows)

    assert {found[n]["result"] for n in ("4713", "4802")} == {"open"}
    assert not any(found[n]["is_withdrawn"] for n in ("4713", "4802"))
    assert (found["4714"]["is_withdrawn"], found["4714"]["result"]) == (True, "unknown")
    assert newest(rows)["4801"]["charge_date"] == date(2026, 10, 5)


def test_the_task_of_a_ticket_may_be_a_custom_field(tmp_path):
    _, rows = landed(ZENDESK, tmp_path, task_key="360001")

    assert newest(rows)["4711"]["ref_task_id"] == "task-4711"


def test_a_ticket_named_after_a_person_is_named_by_a_pseudonym(tmp_path):
    _, rows = landed(ZENDESK, tmp_path)

    solved = [row for row in rows if row["outcome_id"].endswith("4714") and not row["is_withdrawn"]]
    assert solved[0]["ref_task_id"] == pseudonym("ann@acme.example")


def test_open_work_is_known_on_the_day_it_began_and_on_the_day_it_changed_last(tmp_path):
    ticket = {**SOLVED, "status": "pending", "solved_at": None, "reopens": 0}
    later = {**ticket, "updated_at": "2026-10-20T00:00:00Z", "id": 2}
    _, rows = landed(ZENDESK, tmp_path, files={"t.json": json.dumps([ticket, later])})
    told = sorted((r["outcome_id"][-1], r["charge_date"].day, r["revision"] > 0) for r in rows)

    assert told == [("1", 1, False), ("1", 2, True), ("2", 1, False), ("2", 20, True)]
    assert {row["result"] for row in rows} == {"open"}


def test_a_ticket_that_is_solved_later_replaces_the_open_one(tmp_path):
    ticket = {**SOLVED, "status": "open", "solved_at": None, "reopens": 0}
    solved = {**SOLVED, "updated_at": "2026-10-03T00:00:00Z"}
    _, rows = landed(ZENDESK, tmp_path, files={"t.json": json.dumps([ticket, solved])})

    assert newest(rows)["1"]["result"] == "success"


@pytest.mark.parametrize("tags", [["vip", "closed_by_merge"], "vip closed_by_merge"])
def test_a_ticket_that_was_merged_into_another_is_no_success(tmp_path, tags):
    merged = {**SOLVED, "status": "closed", "tags": tags}
    other = {**SOLVED, "id": 2, "tags": ["merge", "closed_by_merge_rule"]}
    _, rows = landed(ZENDESK, tmp_path, files={"t.json": json.dumps([merged, other])})
    found = newest(rows)

    assert (found["1"]["result"], found["1"]["is_withdrawn"]) == ("unknown", False)
    assert found["2"]["result"] == "success"


def test_a_field_of_several_values_names_several_tasks(tmp_path):
    ticket = {**SOLVED, "custom_fields": [{"id": 7, "value": ["t1", "t2", "t1"]}]}
    _, rows = landed(ZENDESK, tmp_path, task_key="7", files={"t.json": json.dumps(ticket)})

    assert sorted(row["ref_task_id"] for row in rows) == ["t1", "t2"]
    assert len({(row["outcome_id"], row["revision"], row["source_row"]) for row in rows}) == 1


TICKET = {
    "id": 1,
    "status": "solved",
    "created_at": "2026-10-01T00:00:00Z",
    "updated_at": "2026-10-02T00:00:00Z",
}
SOLVED = {**TICKET, "solved_at": "2026-10-01T12:00:00Z"}


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (TICKET, "no_solve_time"),
        ({**SOLVED, "status": None}, "not_a_ticket"),
        ({"ticket_id": 1, "solved_at": "2026-10-01T12:00:00Z"}, "not_a_ticket"),
        ({**SOLVED, "solved_at": "yesterday"}, "bad_time"),
        ([1], "not_an_object"),
    ],
)
def test_a_ticket_that_cannot_be_dated_is_set_aside(tmp_path, record, rule):
    content = "".join(json.dumps(r) + "\n" for r in (SOLVED, record))
    result, rows = landed(ZENDESK, tmp_path, files={"t.jsonl": content})

    assert rejected(result) == [(2, rule)]
    assert len(rows) == 1


def test_an_open_ticket_without_metrics_may_have_been_solved_so_it_is_withdrawn(tmp_path):
    """The earlier success would count for ever otherwise."""
    _, rows = landed(ZENDESK, tmp_path, files={"t.json": json.dumps({**TICKET, "status": "open"})})

    assert [row["is_withdrawn"] for row in rows] == [True]


def test_a_resolution_is_confirmed_or_assumed(tmp_path):
    result, rows = landed(INTERCOM, tmp_path)
    found = newest(rows)

    assert (found["101"]["result"], found["101"]["confidence"]) == ("success", "confirmed")
    assert (found["101"]["quality_score"], found["101"]["quality_scale"]) == (5, "1-5")
    assert found["101"]["occurred_at"] == datetime(2026, 10, 1, 9, tzinfo=UTC)
    assert found["101"]["ref_session_id"] == "101"
    assert found["101"]["ref_user_id"] == pseudonym("ann@acme.example")
    assert (found["103"]["result"], found["103"]["quality_score"]) == ("failure", None)
    assert sum(file.rows_empty for record in result.landed for file in record.files) == 2
    assert set(found) == {"101", "102", "103"}


def test_an_assumed_resolution_is_taken_back_when_the_customer_returns(tmp_path):
    _, rows = landed(INTERCOM, tmp_path)
    first, second = sorted(
        (row for row in rows if row["outcome_id"].endswith("/102")), key=lambda r: r["revision"]
    )

    assert (first["result"], first["confidence"]) == ("success", "assumed")
    assert (second["is_withdrawn"], second["result"]) == (True, "open")
    assert second["revision"] > first["revision"]


def test_the_task_of_a_conversation_is_an_attribute(tmp_path):
    _, rows = landed(INTERCOM, tmp_path, task_key="task_id")

    assert newest(rows)["101"]["ref_task_id"] == "task-101"


CONVERSATION = {"id": "1", "created_at": 1790841600, "updated_at": 1790841700}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"ai_agent": {"resolution_state": "dissolved"}}, "unknown_state"),
        ({"created_at": 1790841600000}, "bad_time"),
        ({"created_at": "2026-10-01"}, "bad_time"),
        ({"created_at": None}, "not_a_conversation"),
        ({"id": None}, "not_a_conversation"),
    ],
)
def test_a_conversation_that_breaks_a_rule_is_set_aside(tmp_path, changes, rule):
    record = json.dumps({**CONVERSATION, **changes})
    result, _ = landed(INTERCOM, tmp_path, files={"c.jsonl": record})

    assert rejected(result) == [(1, rule)]


def test_closed_is_not_merged(tmp_path):
    name = "github_pull_request_closed.json"
    content = (SAMPLES / "github_pull_requests" / "files" / name).read_bytes()
    _, (row,) = landed(GITHUB, tmp_path, files={name: content})

    assert (row["outcome_id"], row["result"]) == ("github:186853002#2", "failure")
    assert row["ref_external_id"] == "Codertocat/Hello-World#2"
    assert (row["ref_task_id"], row["charge_date"]) == ("changes", date(2019, 5, 15))
    assert row["ref_user_id"] == pseudonym("Codertocat")


def test_a_merge_counts_on_its_day_and_a_revert_reverses_it(tmp_path):
    _, rows = landed(GITHUB, tmp_path)
    found = newest(rows)

    assert (found["7"]["result"], found["7"]["outcome_type"]) == ("success", "pr_merged")
    assert found["10"]["outcome_type"] == "revert_merged"
    assert found["10"]["reverses"] == found["7"]["outcome_id"]
    assert found["10"]["charge_date"] == date(2026, 10, 3)
    assert found["7"]["reverses"] is None
    assert (found["9"]["result"], found["9"]["is_withdrawn"]) == ("open", False)


def test_a_pull_request_that_is_opened_again_is_no_failure_any_more(tmp_path):
    _, rows = landed(GITHUB, tmp_path)

    assert newest(rows)["8"]["is_withdrawn"]


def test_the_task_is_the_branch_or_what_label_and_description_name(tmp_path):
    _, by_branch = landed(GITHUB, tmp_path / "a")
    _, by_key = landed(GITHUB, tmp_path / "b", task_key="task")

    assert newest(by_branch)["7"]["ref_task_id"] == "agent/T-7"
    assert {n: newest(by_key)[n]["ref_task_id"] for n in ("7", "10", "11")} == {
        "7": "T-700",
        "10": None,
        "11": "T-1100",
    }


def test_a_description_may_name_several_tasks(tmp_path):
    text = (SAMPLES / "github_pull_requests/files/github_pull_request_closed.json").read_text()
    webhook = json.loads(text)
    webhook["pull_request"]["body"] = "task: T-1\n\nTask: T-2\nsee task T-3"
    webhook["pull_request"]["labels"] = [{"name": "task:T-4"}]
    files = {"p.json": json.dumps(webhook)}
    _, rows = landed(GITHUB, tmp_path, task_key="task", files=files)

    assert sorted(row["ref_task_id"] for row in rows) == ["T-1", "T-2", "T-4"]


@pytest.mark.parametrize("record", [{"id": 1}, {"number": 1, "state": "closed"}, {"zen": "x"}])
def test_what_is_no_pull_request_is_set_aside(tmp_path, record):
    result, _ = landed(GITHUB, tmp_path, files={"p.json": json.dumps(record)})

    assert rejected(result) == [(1, "not_a_pull_request")]


@pytest.mark.parametrize("source", ALL, ids=lambda source: source.name)
def test_texts_and_addresses_are_never_written(tmp_path, source):
    room = Room(tmp_path, source)
    landed(source, tmp_path, task_key="task_id")
    written = b"".join(p.read_bytes() for p in room.lake.root.rglob("*") if p.is_file())

    assert written
    assert b"PLANTED" not in written
    assert b"ann@" not in written


@pytest.mark.parametrize("source", ALL, ids=lambda source: source.name)
def test_the_same_files_in_another_order_give_the_same_outcomes(tmp_path, source):
    def outcomes(folder, names):
        files = {f"{n}-{p.name}": p.read_bytes() for n, p in names}
        rows = landed(source, folder, files=files)[1]
        return sorted(str({**row, "source_row": 0}) for row in rows)

    paths = sorted((SAMPLES / source.name / "files").iterdir())
    once = outcomes(tmp_path / "a", enumerate(paths))

    assert once == outcomes(tmp_path / "b", enumerate(reversed(paths)))
