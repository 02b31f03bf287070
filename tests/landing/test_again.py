"""Files that would be read differently today land again: in one step, and nothing counts twice."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from models.facts import Fact
from pipelines import code_version
from pipelines.code_version import reached
from pipelines.durable import COUNT_STEPS, KILL_AT
from pipelines.lake import LakeDamagedError
from pipelines.landing import identity, parts
from pipelines.landing.identity import read_as
from pipelines.sources import all_sources
from pipelines.sources.base import DeliveryUnit, Reading
from tests.landing.room import Room, lines, payload, zipped
from tests.landing.test_lake import BILL, read_bill

DAY = 86_400
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def room(tmp_path):
    """A gateway's folder that landed before anybody kept a tag."""
    room = Room(tmp_path, tag_keys=())
    for day in range(2):
        calls = [tagged(10 * day + n, startTime=1_790_812_800 + day * DAY + n) for n in range(3)]
        room.put(f"day-{day}.jsonl", lines(*calls))
    room.land()
    return room


def tagged(number, **changes):
    return payload(number, request_tags=["app:helpdesk"], **changes)


def tags(room):
    return [row["tags"] for row in room.rows()]


def calls(room):
    return sorted(row["call_id"] for row in room.rows())


def fresh(room, folder, **settings):
    """The same inbox, landed for the first time."""
    other = replace(room, root=folder, **settings)
    for path in sorted(p for p in room.inbox.rglob("*") if p.is_file()):
        other.put(path.relative_to(room.inbox), path.read_bytes())
    other.land()
    return other


def rows(room, fact=Fact.CALLS):
    return [{k: v for k, v in row.items() if k != "delivery"} for row in room.rows(fact)]


def test_a_setting_corrected_after_landing_reaches_what_has_landed(room, tmp_path):
    assert tags(room) == [None] * 6
    room.tag_keys = ("app",)
    result = room.land()

    assert tags(room) == ['{"app": "helpdesk"}'] * 6
    assert rows(room) == rows(fresh(room, tmp_path / "fresh"))
    assert result.again.notes("gateway") == ("gateway: 2 files landed again: tag_keys changed.",)
    assert result.problems == ()
    assert result.rows_accepted == 6


def test_nothing_is_read_again_when_nothing_changed(room):
    room.tag_keys = ("app",)
    room.land()
    before = {path: path.stat().st_mtime_ns for path in room.lake.root.rglob("*.parquet")}
    result = room.land()

    assert (result.landed, result.again.notes("gateway")) == ((), ())
    assert {p: p.stat().st_mtime_ns for p in room.lake.root.rglob("*.parquet")} == before


def test_what_it_replaced_is_swept_and_a_second_change_does_not_bring_it_back(room):
    for keys in (("app",), ("app", "feature"), ()):
        room.tag_keys = keys
        room.land()
        stored = {p.relative_to(room.lake.root).as_posix() for p in room.lake.root.rglob("*.p*t")}

        assert stored == {part.path for record in room.lake.landed() for part in record.parts}
        assert len(room.rows()) == 6


@pytest.mark.parametrize("gone", ["day-0.jsonl", "day-1.jsonl"])
def test_a_file_that_is_gone_stays_as_it_was_read_and_is_named(room, gone):
    (room.inbox / gone).unlink()
    room.tag_keys = ("app",)
    result = room.land()

    assert sorted(map(str, tags(room))) == ["None"] * 3 + ['{"app": "helpdesk"}'] * 3
    assert len(calls(room)) == len(set(calls(room))) == 6
    [again, left] = result.again.notes("gateway")
    assert again == "gateway: 1 file landed again: tag_keys changed."
    assert f"1 file ({gone}) stay as they were read before" in left
    assert room.land().again.notes("gateway") == (left,)


def test_a_file_that_was_gone_and_comes_back_is_read_as_settings_are_now(room):
    path = room.inbox / "day-0.jsonl"
    content = path.read_bytes()
    path.unlink()
    room.tag_keys = ("app",)
    room.land()
    room.put("back/day-0.jsonl", content)
    result = room.land()

    assert tags(room) == ['{"app": "helpdesk"}'] * 6
    assert result.again.left == ()


def test_a_new_file_lands_beside_what_lands_again(room):
    room.put("new.jsonl", lines(tagged(99)))
    room.tag_keys = ("app",)
    result = room.land()

    assert tags(room) == ['{"app": "helpdesk"}'] * 7
    assert result.again.files == 2


def test_another_version_of_the_reader_lands_its_files_again(room, monkeypatch):
    text = code_version._text
    monkeypatch.setattr(
        code_version, "_text", lambda name: text(name) + "# mended" * name.endswith("litellm_sql")
    )
    result = room.land()

    assert result.again.files == 2
    assert result.again.why == ("everycent reads this kind of file differently now",)
    assert len(room.rows()) == 6


def test_files_of_before_this_was_written_down_land_again(room):
    for path in room.lake.root.glob("landed/*/*.json"):
        record = json.loads(path.read_text())
        for file in record["files"]:
            del file["read_as"]
        for part in record["parts"]:
            del part["shape"]
        path.write_text(json.dumps(record))
    result = room.land()

    assert result.again.files == 2
    assert len(room.rows()) == 6


def test_facts_in_the_columns_of_an_earlier_version_get_those_of_today(room, monkeypatch):
    columns = parts._columns
    monkeypatch.setattr(
        parts,
        "_columns",
        lambda fact: columns(fact).replace("cast(step_index as INTEGER) as step_index, ", ""),
    )
    parts.shape_of.cache_clear()
    other = Room(room.root / "earlier")
    other.put("a.jsonl", lines(payload(1)))
    other.land()
    before = calls(other)
    assert "step_index" not in other.rows()[0]
    monkeypatch.undo()
    parts.shape_of.cache_clear()
    (other.inbox / "a.jsonl").unlink()
    other.land()

    assert other.rows()[0]["step_index"] is None
    assert calls(other) == before


def test_all_of_a_source_lands_again_when_somebody_asks(room):
    [part] = [p for record in room.lake.landed() for p in record.parts if "10-01" in p.path]
    before = calls(room)
    path = room.lake.root / part.path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(LakeDamagedError, match="land --again gateway"):
        room.lake.sound(part)
    assert room.lake.damaged() == [part]
    result = room.land(is_asked_again=True)

    assert room.lake.damaged() == []
    assert calls(room) == before
    assert result.again.notes("gateway") == ("gateway: 2 files landed again: you asked for it.",)


def test_it_is_asked_for_as_often_as_one_likes(room):
    before = rows(room)
    for _ in range(3):
        room.land(is_asked_again=True)

        assert rows(room) == before


def test_a_file_that_is_refused_now_stays_as_it_landed(tmp_path):
    room = bills(tmp_path, {"v1.txt": "2026-10-01 1"})
    room.source = replace(BILL, read=read_torn)
    room.billing_account_id = "other"
    result = room.land()

    assert [p.rule for p in result.problems] == ["unreadable"]
    assert [row["billing_account_id"] for row in room.rows(Fact.CHARGES)] == ["acct"]
    assert result.again.left == ()


def read_torn(unit, context):
    raise EOFError


def read_for(unit, context) -> Reading:
    """The toy bill, whose account is the one that settings name."""
    reading = read_bill(unit, context)
    table = reading.facts[Fact.CHARGES]
    place = table.schema.get_field_index("billing_account_id")
    accounts = [context.settings.billing_account_id or "acct"] * table.num_rows
    named = table.set_column(place, table.schema.field(place), [accounts])
    return replace(reading, facts={Fact.CHARGES: named})


def bills(folder, contents):
    room = Room(folder, replace(BILL, read=read_for))
    for name, content in contents.items():
        room.put(name, content)
    room.land()
    return room


VERSIONS = {
    "v1.txt": "2026-10-01 1\n2026-10-02 4",
    "v2.txt": "2026-10-01 2\n2026-10-02 4",
    "v3.txt": "2026-10-01 1\n2026-10-02 4",
}


def test_bills_land_again_in_the_order_in_which_they_replace_each_other(tmp_path):
    room = bills(tmp_path, VERSIONS)
    before = room.lake.winners(Fact.CHARGES)
    room.billing_account_id = "other"
    result = room.land()

    assert {row["billing_account_id"] for row in room.rows(Fact.CHARGES)} == {"other"}
    assert room.lake.winners(Fact.CHARGES) == before
    assert len(room.rows(Fact.CHARGES)) == 6
    assert result.again.why == ("settings changed",)
    assert room.land().landed == ()


def test_a_bill_overwritten_in_place_still_replaces_what_is_gone(tmp_path):
    room = bills(tmp_path, {"bill.txt": "2026-10-01 1"})
    room.put("bill.txt", "2026-10-01 2")
    room.land()
    room.billing_account_id = "other"
    room.land()
    winner = room.lake.winners(Fact.CHARGES)["delivery"].to_pylist()
    accounts = {r["delivery"]: r["billing_account_id"] for r in room.rows(Fact.CHARGES)}

    assert winner == ["bill.txt#0002"]
    assert accounts == {"bill.txt": "acct", "bill.txt#0002": "other"}


def one_delivery(files):
    return [DeliveryUnit("all", tuple(files))]


def test_deliveries_that_another_version_cuts_differently_count_once(tmp_path):
    room = bills(tmp_path, {"a.txt": "2026-10-01 1", "b.txt": "2026-11-01 2"})
    room.source = replace(room.source, layout=one_delivery)
    room.billing_account_id = "other"
    room.land()
    [record] = room.lake.landed()

    assert [file.name for file in record.files] == ["a.txt", "b.txt"]
    assert len(room.rows(Fact.CHARGES)) == 2
    assert room.land().landed == ()


def test_of_a_delivery_that_is_partly_gone_nothing_is_read_again(tmp_path):
    room = Room(tmp_path, replace(BILL, read=read_for, layout=one_delivery))
    room.put("a.txt", "2026-10-01 1")
    room.put("b.txt", "2026-11-01 2")
    room.land()
    (room.inbox / "b.txt").unlink()
    room.billing_account_id = "other"
    result = room.land()

    assert [row["billing_account_id"] for row in room.rows(Fact.CHARGES)] == ["acct"] * 2
    assert result.again.left == ("a.txt", "b.txt")


def test_days_of_a_landing_that_moved_to_another_day_are_touched(tmp_path):
    room = bills(tmp_path, {"a.txt": "2026-10-01 1"})
    room.source = replace(
        BILL, read=lambda unit, context: read_bill(moved(unit, tmp_path / "moved"), context)
    )
    room.billing_account_id = "other"
    result = room.land()

    assert result.again.days == {date(2026, 10, 1)}
    assert room.lake.days_touched(result.landed) == {date(2026, 10, 3)}


def moved(unit, folder):
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_text("2026-10-03 1")
    return replace(unit, files=(replace(unit.files[0], path=folder / "a.txt"),))


def test_where_files_are_and_what_is_only_computed_with_is_no_part_of_a_reading(room):
    settings = [
        {"location": "elsewhere"},
        {"first_day": "2026-10-01"},
        {"is_system_of_record": False},
    ]
    base = {"source": "a", "kind": "litellm", "location": "inbox"}
    plain = read_as(identity.SourceSettings.model_validate(base))

    for changed in settings:
        assert read_as(identity.SourceSettings.model_validate(base | changed)) == plain
    for changed in ({"task_key": "t"}, {"kind": "portkey"}, {"tag_keys": ["app"]}):
        assert read_as(identity.SourceSettings.model_validate(base | changed)) != plain


IMPORTED = """
import importlib, json, sys
importlib.import_module(f"pipelines.sources.{sys.argv[1]}")
print(json.dumps([m for m in sys.modules if m.split(".")[0] in ("models", "pipelines")]))
"""


@pytest.mark.parametrize("kind", ["litellm", "aws_cur", "mapped", "claude_code", "langfuse"])
def test_the_version_of_a_reader_covers_every_module_that_it_imports(kind):
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTED, kind],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    packages = {"models", "pipelines", "pipelines.sources"}
    missing = set(json.loads(ended.stdout)) - reached(f"pipelines.sources.{kind}") - packages

    assert missing == set()


def test_every_kind_has_a_version_of_its_own():
    versions = {
        code_version.code_version(f"pipelines.sources.{kind}", without=identity._WITHOUT)
        for kind in all_sources()
    }

    assert len(versions) == len(all_sources())


def child(room, **environment):
    """Land in a process of its own, which may be killed."""
    code = (
        "import sys; from pathlib import Path; from tests.landing.room import Room;"
        "Room(Path(sys.argv[1]), tag_keys=('app',)).land()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(room.root)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": ".", **environment},
        capture_output=True,
        check=False,
    ).returncode


def stored(room):
    root = room.lake.root
    files = {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}
    return {path: content for path, content in files.items() if path.parts[0] != "seen"}


@pytest.mark.slow
def test_killed_anywhere_while_landing_again_it_lands_the_same(tmp_path):
    def old(name):
        room = Room(tmp_path / name, tag_keys=())
        for day in range(2):
            room.put(f"{day}.jsonl.gz", zipped(lines(tagged(day, startTime=1_790_812_800 + DAY))))
        room.land()
        (room.inbox / "1.jsonl.gz").unlink()
        return room

    whole = old("whole")
    counted = tmp_path / "steps"
    assert child(whole, **{COUNT_STEPS: str(counted)}) == 0
    steps = int(counted.read_text().split()[0])
    assert steps == 9
    for number in range(1, steps + 1):
        room = old(str(number))
        assert child(room, **{KILL_AT: str(number)}) < 0
        # in between it is what it was or what it becomes, never both
        assert calls(room) == calls(whole)
        assert child(room) == 0

        assert stored(room) == stored(whole)
