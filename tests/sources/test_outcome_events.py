"""Outcome events: recorded, revised, withdrawn; as CloudEvents and as rows."""

import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from models.facts import Fact
from pipelines.sources.outcome_events import SOURCE
from tests.landing.room import Room, pseudonym
from tests.sources.deliveries import SAMPLES

FILES = SAMPLES / "outcome_events" / "files"


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path, SOURCE)


def event(**changes):
    data = {
        "outcome_id": "o-1",
        "outcome_type": "pr_merged",
        "result": "success",
        "recorded_at": "2026-10-05T08:00:00Z",
        "revision": 0,
        "refs": [{"kind": "trace_id", "value": "trace-1"}],
        **changes.pop("data", {}),
    }
    envelope = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "ci",
        "type": "ai.outcome.recorded",
        "time": "2026-10-05T08:00:00Z",
    }
    return {**envelope, **changes, "data": data}


def land(room, *events):
    room.put("events.jsonl", "".join(json.dumps(e) + "\n" for e in events))
    result = room.land()
    assert not result.problems
    return result


def quarantine(result):
    return [(row.source_row, row.rule, row.column) for r in result.landed for row in r.quarantine]


def test_a_pull_request_closed_without_a_merge_is_a_failure(room):
    room.put("pr.jsonl", (FILES / "github_pull_request.jsonl").read_bytes())
    (landed,) = room.land().landed
    (outcome,) = room.rows(Fact.OUTCOMES)

    assert (outcome["outcome_id"], outcome["result"]) == ("pr-279147437", "failure")
    assert outcome["event_id"] == "https://github.com/Codertocat/Hello-World pr-279147437-0"
    assert outcome["ref_external_id"] == "Codertocat/Hello-World#2"
    assert outcome["charge_date"] == date(2019, 5, 15)
    assert outcome["quantity"] == 1
    assert landed.counters == {"dropped_refs": 1}


def test_a_ticket_is_recorded_revised_and_withdrawn(room):
    room.put("tickets.jsonl", (FILES / "tickets.jsonl").read_bytes())
    room.land()
    first, second, third = room.rows(Fact.OUTCOMES)

    assert first["occurred_at"] == datetime(2026, 10, 5, 8, 0, tzinfo=UTC)
    assert first["ref_user_id"] == pseudonym("ann@acme.example")
    assert first["ref_external_id"] == "zendesk:ticket/4711"
    assert (first["application_hint"], first["attribution_window_s"]) == ("support-agent", 86_400)
    assert (second["quantity"], second["quality_score"]) == (Decimal("0.5"), Decimal("0.82"))
    assert (second["value_amount"], second["value_currency"]) == (Decimal("12.50"), "EUR")
    assert (third["is_withdrawn"], third["result"], third["revision"]) == (True, "unknown", 2)


def test_a_csv_holds_one_outcome_per_row(room):
    room.put("deals.csv", (FILES / "deals.csv").read_bytes())
    (landed,) = room.land().landed
    won, lost = room.rows(Fact.OUTCOMES)

    assert (won["event_id"], won["ref_session_id"]) == ("csv d-1 0", "s-1")
    assert won["value_amount"] == Decimal(12_000)
    assert (lost["result"], lost["value_amount"], lost["value_currency"]) == ("failure", None, None)
    assert landed.counters == {"dropped_columns": 1}


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (event(time="2026-10-05T08:00:00"), "time_without_zone"),
        (event(time="5 October"), "time_form"),
        (event(time=None), "missing"),
        (event(specversion="0.3"), "not_an_event"),
        (event(id=None), "missing"),
        (event(type="ai.outcome.imagined"), "event_type"),
        (event(data={"result": "great"}), "result"),
        (event(data={"result": None}), "result"),
        (event(data={"confidence": "sure"}), "confidence"),
        (event(data={"outcome_type": "Some Type"}), "outcome_type"),
        (event(data={"outcome_id": None}), "missing"),
        (event(data={"revision": None}), "missing"),
        (event(data={"revision": -1}), "count_negative"),
        (event(data={"quantity": "many"}), "quantity_form"),
        (event(data={"value_amount": 0.1, "value_currency": "USD"}), "text_form"),
        (event(data={"value_amount": "1e3", "value_currency": "USD"}), "amount_form"),
        (event(data={"value_amount": "1.00"}), "currency_form"),
        (event(data={"refs": None}), "missing"),
        (event(data={"recorded_at": None}), "missing"),
        ([1], "not_an_event"),
    ],
)
def test_a_record_that_breaks_a_rule_is_set_aside(room, bad, rule):
    result = land(room, event(), bad)

    assert [(row, broken) for row, broken, _ in quarantine(result)] == [(2, rule)]
    assert len(room.rows(Fact.OUTCOMES)) == 1


def test_a_time_without_a_zone_says_what_to_do(room):
    (landed,) = land(room, event(time="2026-10-05T08:00:00"), event()).landed

    assert landed.quarantine[0].next_action.startswith("Add the zone")
    assert landed.quarantine[0].shape == "9999-99-99a99:99:99"


def test_lines_that_are_not_json_keep_their_position(room):
    good = json.dumps(event())
    room.put(
        "events.jsonl", f'{good}\n\n{{"torn\n{good[:-1]}, "id": 1}}\n{good}'.encode() + b"\n\xff"
    )
    result = room.land()

    assert quarantine(result) == [(n, "not_json", None) for n in (3, 4, 6)]
    assert result.landed[0].files[0].rows_read == 5


def test_an_array_and_a_gzip_read_as_lines_do(room):
    room.put("array.json", json.dumps([event(), event(id="e-2")], indent=1))
    room.put("lines.jsonl.gz", gzip.compress(json.dumps(event(id="e-3")).encode(), mtime=0))
    room.land()

    assert {row["event_id"] for row in room.rows(Fact.OUTCOMES)} == {"ci e-1", "ci e-2", "ci e-3"}


def test_every_task_that_an_event_names_is_kept(room):
    values = ("t1", "t2", "t1", None)
    refs = [{"kind": "task_id", "value": value} for value in values]
    refs += [{"kind": "trace_id", "value": "tr1"}, {"kind": "commit", "value": "abc"}]
    (landed,) = land(room, event(data={"refs": refs})).landed
    rows = room.rows(Fact.OUTCOMES)

    assert [(row["ref_task_id"], row["ref_trace_id"]) for row in rows] == [
        ("t1", "tr1"),
        ("t2", "tr1"),
    ]
    assert len({(row["outcome_id"], row["event_id"], row["revision"]) for row in rows}) == 1
    assert landed.counters == {"dropped_refs": 1}
    assert landed.files[0].rows_accepted == 1


def test_work_that_has_not_ended_is_told_as_open(room):
    land(room, event(data={"result": "open"}))
    (outcome,) = room.rows(Fact.OUTCOMES)

    assert outcome["result"] == "open"


def test_people_are_pseudonyms_wherever_they_stand(room):
    mail = "ann@acme.example"
    refs = [{"kind": kind, "value": mail} for kind in ("user_id", "trace_id", "task_id")]
    land(room, event(data={"refs": refs, "outcome_id": mail, "reverses": mail}))
    (outcome,) = room.rows(Fact.OUTCOMES)

    hidden = {"ref_user_id", "ref_trace_id", "ref_task_id", "outcome_id", "reverses"}
    assert {outcome[name] for name in hidden} == {pseudonym(mail)}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("torn.jsonl.gz", gzip.compress(b"{}" * 99, mtime=0)[:-9], "truncated gzip"),
        ("no_header.csv", "a,b\n1,2\n", "its header lacks outcome_id"),
        ("quotes.csv", 'outcome_id,outcome_type,occurred_at,result\n"a"b,c,d,e\n', "not a whole"),
        (
            "latin.csv",
            "outcome_id,outcome_type,occurred_at,result\né,c,d,e\n".encode("latin-1"),
            "not a whole UTF-8 CSV",
        ),
    ],
)
def test_a_file_that_is_not_whole_lands_nothing(room, name, content, says):
    room.put(name, content)
    room.put("events.jsonl", json.dumps(event()))
    (problem,) = room.land().problems

    assert says in str(problem)
    assert len(room.rows(Fact.OUTCOMES)) == 1
