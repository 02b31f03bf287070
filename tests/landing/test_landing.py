"""Landing log files: whole or not at all, nothing lost, nothing twice, nothing private."""

import gzip
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.durable import COUNT_STEPS, KILL_AT
from pipelines.landing import pieces, streams, unit, unpacking
from pipelines.landing.set_aside import files_set_aside
from pipelines.sources.litellm import SOURCE as LITELLM
from tests.landing.room import Room, lines, payload, zipped


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path)


def problem_rules(result):
    return [problem.rule for problem in result.problems]


def quarantined(result):
    return [(row.source_row, row.rule) for r in result.landed for row in r.quarantine]


def facts(room):
    """What landed, whatever the files it came in: the rows without their lineage."""
    hidden = {"file_id", "source_row"}
    rows = [{k: v for k, v in row.items() if k not in hidden} for row in room.rows()]
    return sorted(rows, key=lambda row: row["call_id"])


def check_every_record_is_accounted_for(result):
    for record in result.landed:
        for file in record.files:
            assert file.rows_read == file.rows_accepted + file.rows_empty + file.rows_quarantined


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.jsonl", lines(payload(1), payload(2))),
        ("zipped.jsonl.gz", zipped(lines(payload(1), payload(2)))),
        ("members.jsonl.gz", zipped(lines(payload(1))) + zipped(lines(payload(2)))),
        ("windows.jsonl", lines(payload(1), payload(2)).replace("\n", "\r\n")),
        ("blank_lines.jsonl", "\n" + lines(payload(1)) + "\n\n \n" + lines(payload(2))),
        ("no_end.jsonl", lines(payload(1), payload(2)).removesuffix("\n")),
        ("array.json", json.dumps([payload(1), payload(2)])),
        ("pretty_array.json", json.dumps([payload(1), payload(2)], indent=2)),
        ("pretty_objects.json", "".join(json.dumps(payload(n), indent=1) for n in (1, 2))),
        ("chatcmpl-1", lines(payload(1), payload(2))),
    ],
)
def test_every_layout_of_the_same_records_lands_the_same_calls(tmp_path, name, content):
    plain, room = Room(tmp_path / "plain"), Room(tmp_path / "other")
    plain.put("log.jsonl", lines(payload(1), payload(2)))
    plain.land()
    room.put(name, content)
    result = room.land()

    assert not result.problems
    assert facts(room) == facts(plain)
    assert result.rows_accepted == 2


def test_a_file_delivered_again_under_any_name_changes_nothing(room):
    room.put("a.jsonl", lines(payload(1)))
    room.put("b.jsonl", lines(payload(1)))
    first = room.land()
    room.put("renamed/c.jsonl", lines(payload(1)))
    second = room.land()

    assert first.duplicates == ("b.jsonl",)
    assert second.landed == ()
    assert second.duplicates == ("a.jsonl", "b.jsonl", "renamed/c.jsonl")
    assert len(room.rows()) == 1


def test_an_empty_file_is_taken_as_delivered(room):
    room.put("empty.jsonl", b"")
    (landed,) = room.land().landed

    assert (landed.files[0].rows_read, landed.parts) == (0, ())


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("cut.jsonl.gz", zipped(lines(payload(1)))[:-20], "truncated_gzip"),
        ("half.jsonl.gz", zipped(lines(payload(1)))[:-4], "truncated_gzip"),
        ("named.jsonl.gz", lines(payload(7)), "wrong_container"),
        ("empty.jsonl.gz", b"", "wrong_container"),
        ("archive.jsonl", b"PK\x03\x04" + bytes(99), "wrong_container"),
        ("zstd.json", b"\x28\xb5\x2f\xfd" + bytes(99), "wrong_container"),
        ("torn_array.json", json.dumps([payload(1), payload(2)])[:-9], "not_json"),
        ("nested.json", "[" * 100_000, "not_json"),
        ("cut.parquet", b"PAR1" + bytes(50), "unreadable_table"),
        ("cut.csv.gz", gzip.compress(b"request_id,spend\na,1\n", mtime=0)[:-9], "truncated_gzip"),
    ],
)
def test_a_file_that_is_not_whole_lands_nothing_and_stops_nothing(room, name, content, rule):
    room.put(name, content)
    room.put("good.jsonl", lines(payload(1)))
    result = room.land()

    assert problem_rules(result) == [rule]
    assert result.problems[0].file_name == name
    assert result.problems[0].next_action
    assert len(room.rows()) == 1


def test_any_flipped_bit_of_a_gzip_is_noticed_or_harmless(tmp_path):
    good = zipped(lines(*(payload(n) for n in range(20))))
    chance = random.Random(5)
    for attempt in range(25):
        room = Room(tmp_path / str(attempt))
        torn = bytearray(good)
        torn[chance.randrange(10, len(torn))] ^= 1 << chance.randrange(8)
        room.put("torn.jsonl.gz", bytes(torn))
        result = room.land()

        assert result.problems
        assert not room.rows()


def test_lines_that_cannot_be_read_are_set_aside_by_position(room):
    good = [lines(payload(n)).encode() for n in range(1, 4)]
    bad = [
        b'{"id": "torn\n',
        b'{"id": "\xff\xfe"}\n',
        b'{"id": "control \x01"}\n',
        b"\x00\n",
        b'{"id": "' + b"x" * (17 * 2**20) + b'"}\n',
        b'"text"\n',
    ]
    room.put("log.jsonl", good[0] + b"".join(bad) + b"\n" + good[1] + good[2])
    result = room.land()

    assert quarantined(result) == [
        (2, "not_json"),
        (3, "not_utf8"),
        (4, "not_json"),
        (5, "not_json"),
        (6, "line_too_long"),
        (7, "not_an_object"),
    ]
    assert [row["source_row"] for row in room.rows()] == [1, 9, 10]
    assert result.landed[0].files[0].rows_read == 9
    check_every_record_is_accounted_for(result)


def test_a_rejected_record_shows_its_shape_and_nothing_else(room):
    room.put("log.jsonl", lines(payload(1)) + '{"prompt": "Tell me about Ann, 42"\n')
    (landed,) = room.land().landed

    assert landed.quarantine[0].shape == '{"aaaaaa": "aaaa aa aaaaa aaa, 99"'
    assert landed.quarantine[0].next_action


def test_a_decompression_bomb_is_refused(room, monkeypatch):
    monkeypatch.setattr(unpacking, "MAX_RATIO", 100)
    room.put("bomb.jsonl.gz", zipped(b"0" * (32 * 2**20)))
    room.put("good.jsonl", lines(payload(1)))

    assert problem_rules(room.land()) == ["too_large_unpacked"]
    assert len(room.rows()) == 1


def test_a_file_full_of_something_else_is_refused(room, monkeypatch):
    monkeypatch.setattr(unit, "MAX_REJECTED", 5)
    room.put("server.jsonl", "GET / 200\n" * 6)
    room.put("good.jsonl", lines(payload(1)) + "bad\n" * 5)
    result = room.land()

    assert problem_rules(result) == ["not_this_format"]
    assert (result.rows_accepted, result.rows_quarantined) == (1, 5)


def test_links_and_unfinished_files_are_left_alone(room, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "log.jsonl").write_text(lines(payload(1)))
    room.put("good.jsonl", lines(payload(2)))
    (room.inbox / "link.jsonl").symlink_to(outside / "log.jsonl")
    (room.inbox / "folder").symlink_to(outside)
    for name in (".hidden.jsonl", "upload.jsonl.tmp", "README.md", ".cache/x.jsonl"):
        room.put(name, lines(payload(3)))
    room.put("notes.txt", "hello")
    result = room.land()

    assert result.ignored == ("notes.txt",)
    assert [row["provider_request_id"] for row in room.rows()] == ["chatcmpl-2"]


def test_two_thousand_files_of_one_object_land_together(room):
    for number in range(2_000):
        room.put(f"2026-10-01/{number // 100}/{number}.json", json.dumps(payload(number)))
    result = room.land()

    assert result.rows_accepted == 2_000
    assert len(result.landed) == 1
    assert len(result.landed[0].files) == 2_000


@pytest.fixture
def small_pieces(monkeypatch):
    """Small limits, so that a few records are a large file."""
    monkeypatch.setattr(unpacking, "BLOCK_BYTES", 1024)
    monkeypatch.setattr(pieces, "PIECE_BYTES", 4096)
    monkeypatch.setattr(streams, "BATCH_BYTES", 8192)


def test_a_large_file_lands_piece_by_piece_as_one(small_pieces, tmp_path):
    records = [payload(n) for n in range(60)]
    one, many = Room(tmp_path / "one"), Room(tmp_path / "many")
    one.put("large.jsonl.gz", zipped(lines(*records)))
    one.put("small.jsonl", lines(payload(60)))
    for number, record in enumerate([*records, payload(60)]):
        many.put(f"{number}.jsonl", lines(record))
    result = one.land()
    many.land()

    assert [len(record.files) for record in result.landed] == [1, 1]
    assert len(result.landed[0].parts) > 1
    assert facts(one) == facts(many)
    check_every_record_is_accounted_for(result)


def test_a_large_file_that_turns_out_torn_leaves_nothing(small_pieces, room):
    torn = bytearray(zipped(lines(*(payload(n) for n in range(60)))))
    torn[-6] ^= 1
    room.put("a.jsonl.gz", bytes(torn))
    room.put("b.jsonl", lines(payload(99)))
    result = room.land()

    assert problem_rules(result) == ["torn_gzip"]
    assert [row["provider_request_id"] for row in room.rows()] == ["chatcmpl-99"]
    assert len(list(room.lake.root.rglob("*.parquet"))) == 1


def test_a_large_file_of_something_else_is_refused(small_pieces, monkeypatch, room):
    monkeypatch.setattr(unit, "MAX_REJECTED", 5)
    room.put("a.jsonl", lines(*(payload(n) for n in range(30))) + "GET / 200\n" * 4_000)
    room.put("b.jsonl", lines(payload(99)))
    result = room.land()

    assert problem_rules(result) == ["not_this_format"]
    assert [row["provider_request_id"] for row in room.rows()] == ["chatcmpl-99"]
    assert len(list(room.lake.root.rglob("*.parquet"))) == 1


def test_calls_go_to_the_day_they_started(room):
    day = 86_400
    records = [payload(n, startTime=1_790_812_800 + n * day, endTime=None) for n in range(3)]
    room.put("log.jsonl", lines(*records))
    (landed,) = room.land().landed

    assert [str(part.charge_date) for part in landed.parts] == [
        "2026-10-01",
        "2026-10-02",
        "2026-10-03",
    ]
    assert landed.parts[0].path.startswith("calls/charge_date=2026-10-01/gateway.")


def test_calls_with_one_profile_share_its_key(room):
    room.put("log.jsonl", lines(payload(1), payload(2), payload(3, model_group="other")))
    room.land()
    first, second, third = (row["profile_key"] for row in room.rows())

    assert first == second != third


def test_nothing_private_is_in_any_byte_of_the_lake(room):
    secrets = {
        "prompt": "CANARY-prompt",
        "answer": "CANARY-answer",
        "error": "CANARY-error",
        "mail": "canary@acme.example",
        "address": "203.0.113.77",
        "key": "sk-CANARY",
        "tag": "CANARY-tag",
    }
    record = payload(
        1,
        messages=[{"role": "user", "content": secrets["prompt"]}],
        response={"id": "r-1", "choices": [{"message": {"content": secrets["answer"]}}]},
        error_str=secrets["error"],
        error_information={"error_class": secrets["error"] + " !", "error_message": "CANARY-m"},
        end_user=secrets["mail"],
        requester_ip_address=secrets["address"],
        trace_id=secrets["mail"],
        request_tags=[f"note:{secrets['tag']}", f"app:{secrets['mail']}"],
        metadata={
            "user_api_key_hash": secrets["key"],
            "user_api_key_user_email": secrets["mail"],
            "user_api_key_user_id": secrets["mail"],
            "requester_metadata": {"x": secrets["prompt"]},
            "spend_logs_metadata": {"free": secrets["prompt"], "task_id": "t-1"},
        },
    )
    bad = {**record, "startTime": secrets["prompt"]}
    room.put("log.jsonl", lines(record, bad) + f"CANARY {secrets['mail']}\n")
    room.land()
    written = b"".join(p.read_bytes() for p in room.lake.root.rglob("*") if p.is_file())
    readable = written + repr(room.rows()).encode()

    assert b"t-1" in readable
    for found in (b"CANARY", b"canary", b"203.0.113", b"sk-"):
        assert found not in readable


def child(room, **environment):
    """Land in a process of its own, which may be killed."""
    code = (
        "import sys; from pathlib import Path; from tests.landing.room import Room;"
        "Room(Path(sys.argv[1])).land()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(room.root)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": ".", **environment},
        capture_output=True,
        check=False,
    ).returncode


def lake_files(room):
    """What the lake holds, besides what it remembers of the inbox."""
    root = room.lake.root
    files = {p.relative_to(root) for p in root.rglob("*") if p.is_file()}
    return {path for path in files if path.parts[0] != "seen"}


@pytest.mark.slow
def test_a_landing_killed_anywhere_and_run_again_lands_the_same(tmp_path):
    def fresh(name):
        room = Room(tmp_path / name)
        day = 86_400
        room.put("a.jsonl", lines(payload(1), payload(2, startTime=1_790_812_800 + day)))
        return room

    whole = fresh("whole")
    count_file = tmp_path / "steps"
    assert child(whole, **{COUNT_STEPS: str(count_file)}) == 0
    steps = int(count_file.read_text().split()[0])
    for number in range(1, steps + 1):
        room = fresh(str(number))
        assert child(room, **{KILL_AT: str(number)}) < 0
        assert not room.rows() or facts(room) == facts(whole)
        room.land()

        assert facts(room) == facts(whole)
        assert lake_files(room) == lake_files(whole)


def test_a_log_of_which_too_much_cannot_be_read_is_refused_with_the_rules(room):
    bad = [payload(n, startTime="soon") for n in range(8)] + [payload(n, id=None) for n in range(3)]
    room.put("log.jsonl", lines(*bad, *(payload(n) for n in range(100, 110))))
    result = room.land()
    [problem] = result.problems

    assert problem.rule == "not_this_format"
    assert "11 of the first 21 of its records cannot be read: bad_time (8), " in problem.message
    assert "missing_identity (3)" in problem.message
    assert problem.next_action.startswith("Deliver startTime and endTime")
    assert room.rows() == []


def test_how_much_of_a_log_may_be_set_aside_is_a_setting(room):
    bad = [payload(n, startTime="soon") for n in range(10)]
    room.put("log.jsonl", lines(*bad, *(payload(n) for n in range(100, 120))))
    room.settings = {"max_set_aside_share": "0.3"}
    strict = room.land()
    room.settings = {"max_set_aside_share": "0.4"}
    patient = room.land()

    assert problem_rules(strict) == ["not_this_format"]
    assert (patient.rows_accepted, patient.rows_quarantined) == (20, 10)


def test_a_value_that_no_column_can_hold_sets_its_record_aside_and_no_other(room):
    reader = LITELLM.stream
    sql = (
        "select * replace (cast(reported_input_tokens as hugeint) * 10000000000000000"
        f" as reported_input_tokens) from ({reader.sql})"
    )
    room.source = replace(LITELLM, stream=replace(reader, sql=sql))
    calls = [payload(n, usage={"prompt_tokens": 1 + 999 * (n in (3, 17))}) for n in range(40)]
    room.put("log.jsonl", lines(*calls))
    room.put("other.jsonl", lines(payload(99, usage={"prompt_tokens": 1})))
    result = room.land()

    assert sorted(quarantined(result)) == [(4, "unreadable_value"), (18, "unreadable_value")]
    assert {row.shape for r in result.landed for row in r.quarantine} == {""}
    assert len(room.rows()) == 39
    assert not result.problems
    check_every_record_is_accounted_for(result)


def test_a_log_full_of_such_values_is_refused_soon(room, monkeypatch):
    monkeypatch.setattr(unit, "MAX_REJECTED", 20)
    no_number = "cast(if(rule is null, 'x', '1') as integer)"
    sql = f"select * replace ({no_number} as step_index) from ({LITELLM.stream.sql})"
    room.source = replace(LITELLM, stream=replace(LITELLM.stream, sql=sql))
    room.put("log.jsonl", lines(*(payload(n) for n in range(3_000))))

    assert problem_rules(room.land()) == ["not_this_format"]


def test_a_log_set_aside_whole_is_a_problem_until_it_is_corrected_or_gone(room):
    path = room.put("log.jsonl", lines(payload(1, startTime="soon"), payload(2, startTime="soon")))
    for _ in range(2):
        result = room.land()
        [problem] = result.mostly_set_aside

        assert result.problems == ()
        assert problem.rule == "mostly_set_aside"
        assert "every record was set aside (2): bad_time (2); the first is row 1" in str(problem)
    path.unlink()

    assert room.land().mostly_set_aside == ()
    assert files_set_aside(room.lake) == []


def test_set_aside_records_of_a_file_that_is_gone_are_missed_if_the_rest_counts(room):
    content = lines(payload(1), payload(2, startTime="soon"))
    path = room.put("log.jsonl", content)
    room.land()
    path.unlink()
    room.land()
    [gone] = files_set_aside(room.lake)
    room.put("log.jsonl", lines(payload(1), payload(2)))
    room.land()

    assert not gone.is_there
    assert files_set_aside(room.lake) == []
