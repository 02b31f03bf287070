"""What lies in an inbox and is in no number is listed by name, with why and what to do."""

import json
from dataclasses import replace

import pytest

from pipelines.landing.waiting import look, not_read
from pipelines.sources import all_sources
from pipelines.sources.base import DeliveryUnit
from tests.landing.room import Room, lines, payload, zipped
from tests.landing.test_lake import BILL


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path)


def listed(room, *beside):
    found = look(room.inbox, [room.source, *beside], "gateway", room.lake)
    return {item.name: item.why for item in found.waiting}


def test_files_that_no_run_reads_are_named_with_the_reason(room, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for name in (".bill.jsonl", "notes.txt", "bill.xlsx", "log.jsonl.part", ".cache/a.jsonl"):
        room.put(name, lines(payload(1)))
    (tmp_path / "elsewhere" / "a.jsonl").touch()
    (room.inbox / "link.jsonl").symlink_to(tmp_path / "elsewhere" / "a.jsonl")
    (room.inbox / "folder").symlink_to(tmp_path / "elsewhere")
    for name in ("README.md", ".DS_Store", ".gitkeep", "._log.jsonl", "Thumbs.db"):
        room.put(name, "")
    room.land()
    why = listed(room)

    assert sorted(why) == [
        ".bill.jsonl", ".cache/", "bill.xlsx", "folder/", "link.jsonl", "log.jsonl.part",
        "notes.txt",
    ]  # fmt: skip
    assert "begins with a dot" in why[".bill.jsonl"]
    assert "not looked into" in why[".cache/"]
    assert why["notes.txt"].startswith("litellm reads .jsonl, ")
    assert "links are never followed" in why["link.jsonl"]
    assert "has not ended" in why["log.jsonl.part"]
    for item in not_read(room.inbox, [room.source]):
        assert item.fix


def test_a_refused_file_is_named_with_its_rule_until_it_lands(room):
    good = zipped(lines(payload(1)))
    room.put("torn.jsonl.gz", good[:-9])
    assert listed(room) == {"torn.jsonl.gz": "it has not landed yet"}
    room.land()
    assert listed(room) == {"torn.jsonl.gz": "it was refused: truncated_gzip"}
    noted = room.lake.refused("gateway").read_text()
    room.put("torn.jsonl.gz", good)
    room.land()

    assert listed(room) == {}
    assert "torn" not in noted
    assert json.loads(room.lake.refused("gateway").read_text()) == {}


def test_every_file_of_a_refused_delivery_is_named(tmp_path):
    source = replace(BILL, layout=lambda files: [DeliveryUnit("all", tuple(files))])
    room = Room(tmp_path, source)
    room.put("a.txt", "2026-10-01 1")
    room.put("b.txt", "!")
    room.land()

    assert listed(room) == dict.fromkeys(("a.txt", "b.txt"), "it was refused: not_whole")


def test_a_file_in_no_delivery_is_named(tmp_path):
    source = replace(BILL, layout=lambda files: [DeliveryUnit("a", tuple(files)[:1])])
    room = Room(tmp_path, source)
    room.put("a.txt", "2026-10-01 1")
    room.put("b.txt", "2026-10-01 1 ")
    room.land()

    assert listed(room) == {"b.txt": "no manifest beside it names it"}


def test_copies_do_not_wait(room):
    room.put("a.jsonl", lines(payload(1)))
    room.put("b.jsonl", lines(payload(1)))
    room.land()
    found = look(room.inbox, [room.source], "gateway", room.lake)

    assert (found.waiting, found.copies) == ((), ("b.jsonl",))


def test_files_of_the_kind_that_shares_the_folder_do_not_wait(tmp_path):
    room = Room(tmp_path, replace(BILL, suffixes=(".txt",)))
    room.put("a.txt", "2026-10-01 1")
    room.put("calls.jsonl", lines(payload(1)))
    room.land()

    assert list(listed(room)) == ["calls.jsonl"]
    assert listed(room, all_sources()["litellm"]) == {}


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"x": 1}', "null"])
def test_a_lost_note_loses_the_reason_only(room, damage):
    room.put("torn.jsonl.gz", zipped(lines(payload(1)))[:-9])
    room.land()
    room.lake.refused("gateway").write_text(damage)

    assert listed(room) == {"torn.jsonl.gz": "it has not landed yet"}
