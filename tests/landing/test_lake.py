"""The lake and document deliveries: what counts, what wins, which days must be rebuilt."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from models.landing import Rejected
from models.vocabulary import Delivery
from pipelines import durable
from pipelines.lake import Lake
from pipelines.landing.result import LandingDefectError
from pipelines.sources.base import DeliveryUnit, Reading, Source, SourceError
from tests.landing.room import Room

OCTOBER = "2026-10-01"


def charge(file, row, day, cost, delivery):
    return {
        **dict.fromkeys(column.name for column in FACTS[Fact.CHARGES]),
        "source": "gateway",
        "file_id": file.file_id,
        "source_row": row,
        "scope": day[:7],
        "delivery": delivery,
        "charge_key": f"{day}/{row}",
        "charge_date": date.fromisoformat(day),
        "billing_period": date.fromisoformat(f"{day[:7]}-01"),
        "issuer": "openai",
        "billing_account_id": "acct",
        "charge_category": "Usage",
        "billing_currency": "USD",
        "billed_cost": Decimal(cost),
    }


def read_bill(unit, context):
    """A toy bill: `day amount` per line; `?` is a bad line, `-` an empty one, `!` a torn file."""
    rows, rejected, read, empty = [], [], {}, {}
    for file in unit.files:
        lines = file.path.read_text().splitlines()
        read[file.name] = len(lines)
        empty[file.name] = lines.count("-")
        for number, line in enumerate(lines, start=1):
            if line == "!":
                raise SourceError(f"{file.name}: cut. Deliver it again.")
            if line == "boom":
                raise UnicodeDecodeError("utf-8", b"SECRET", 0, 1, "SECRET")
            if line == "?":
                rejected.append(
                    Rejected(
                        file_id=file.file_id,
                        file_name=file.name,
                        source_row=number,
                        rule="odd",
                        next_action="Ask.",
                        shape="?",
                    )
                )
            elif line not in {"-", "lost"}:
                rows.append(charge(file, number, *line.split(), unit.delivery))
    table = pa.Table.from_pylist(rows, schema=arrow_schema(FACTS[Fact.CHARGES]))
    months = {row["scope"] for row in rows} | {"2026-10"}
    return Reading(
        facts={Fact.CHARGES: table},
        rows_read=read,
        scopes={Fact.CHARGES: sorted(months)},
        rejected=rejected,
        rows_empty=empty,
    )


BILL = Source(
    name="toy_bill",
    summary="",
    facts=(Fact.CHARGES,),
    delivery=Delivery.SNAPSHOT,
    money_unit="dollars",
    token_rules=(),
    proof="constructed files",
    suffixes=(".txt",),
    read=read_bill,
)


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path, BILL)


def test_a_delivery_lands_by_day_with_its_money_counted(room):
    room.put("v1.txt", "2026-10-01 0.1\n2026-10-02 0.2\n?\n-\n2026-10-01 0.3")
    (landed,) = room.land().landed
    file = landed.files[0]

    assert (file.rows_read, file.rows_accepted, file.rows_quarantined, file.rows_empty) == (
        5,
        3,
        1,
        1,
    )
    assert [(part.charge_date, part.rows) for part in landed.parts] == [
        (date(2026, 10, 1), 2),
        (date(2026, 10, 2), 1),
    ]
    assert landed.amounts == {"USD": "0.600000000000000000"}


def test_the_newest_delivery_of_a_scope_wins_and_both_their_days_are_touched(room):
    room.put("v1.txt", "2026-10-01 1\n2026-10-02 2")
    room.land()
    room.put("v2.txt", "2026-10-03 3")
    (newer,) = room.land().landed
    winners = room.lake.winners(Fact.CHARGES).to_pylist()

    assert winners == [{"source": "gateway", "scope": "2026-10", "delivery": "v2.txt"}]
    assert room.lake.days_touched([newer]) == {date(2026, 10, day) for day in (1, 2, 3)}


@pytest.mark.parametrize("at_once", [True, False])
def test_content_that_was_replaced_and_comes_again_counts_again(room, at_once):
    versions = {"v1.txt": "2026-10-01 1", "v2.txt": "2026-10-01 2", "v3.txt": "2026-10-01 1"}
    for name, content in versions.items():
        room.put(name, content)
        if not at_once:
            room.land()
    room.land()
    again = room.land()

    assert room.lake.winners(Fact.CHARGES)["delivery"].to_pylist() == ["v3.txt"]
    assert (again.landed, again.duplicates) == ((), ("v1.txt", "v2.txt", "v3.txt"))


def test_a_delivery_without_rows_replaces_the_one_before_once_it_is_accepted(room):
    room.put("v1.txt", "2026-10-01 1")
    room.land()
    room.put("v2.txt", "-")
    (empty,) = room.land().landed

    assert empty.parts == ()
    assert room.lake.days_touched([empty]) == {date(2026, 10, 1)}
    assert room.lake.winners(Fact.CHARGES)["delivery"].to_pylist() == ["v1.txt"]

    room.lake.accept("gateway", "v2.txt")

    assert room.lake.winners(Fact.CHARGES)["delivery"].to_pylist() == ["v2.txt"]


def test_a_fingerprint_changes_with_its_own_day_only(room):
    room.put("v1.txt", "2026-10-01 1\n2026-11-01 1")
    room.land()
    before = room.lake.fingerprints()
    room.put("v2.txt", "2026-10-01 2")
    room.land()
    after = room.lake.fingerprints()

    assert before[date(2026, 10, 1)] != after[date(2026, 10, 1)]
    assert before[date(2026, 11, 1)] == after[date(2026, 11, 1)]
    assert room.lake.fingerprint(date(2026, 10, 1)) == after[date(2026, 10, 1)]


def test_a_fingerprint_does_not_know_the_order_of_landings(tmp_path):
    contents = {"v1.txt": "2026-10-01 1", "v2.txt": "2026-10-02 2"}
    forward, backward = Room(tmp_path / "forward", BILL), Room(tmp_path / "backward", BILL)
    for room, names in ((forward, sorted(contents)), (backward, sorted(contents, reverse=True))):
        for name in names:
            room.put(name, contents[name])
            room.land()

    assert forward.lake.fingerprints() == backward.lake.fingerprints()


def test_parts_are_asked_for_by_half_open_range_of_days(room):
    room.put("v1.txt", "2026-10-01 1\n2026-10-02 2\n2026-10-03 3")
    room.land()
    parts = room.lake.parts(Fact.CHARGES, date(2026, 10, 1), date(2026, 10, 3))

    assert [part.charge_date.day for part in parts] == [1, 2]
    assert room.lake.parts(Fact.CALLS, date(2026, 10, 1), date(2026, 10, 3)) == []


@pytest.mark.parametrize(
    ("content", "rule"), [("2026-10-01 1\n!", "not_whole"), ("boom", "unreadable")]
)
def test_a_delivery_that_cannot_be_read_lands_nothing_and_stops_nothing(room, content, rule):
    room.put("a.txt", content)
    room.put("b.txt", "2026-10-01 1")
    result = room.land()

    assert [problem.rule for problem in result.problems] == [rule]
    assert "SECRET" not in str(result.problems[0])
    assert [record.files[0].name for record in result.landed] == ["b.txt"]


def test_a_reader_that_loses_a_record_is_a_defect(room):
    room.put("a.txt", "2026-10-01 1\nlost")

    with pytest.raises(LandingDefectError, match="2 records read, 1 accounted for"):
        room.land()
    assert room.lake.landed() == []


@pytest.mark.parametrize("change", ["drop", "null", "type"])
def test_a_reader_that_breaks_the_contract_is_a_defect(room, change):
    def read(unit, context):
        reading = read_bill(unit, context)
        table = reading.facts[Fact.CHARGES]
        position = table.schema.get_field_index("issuer")
        broken = {
            "drop": lambda: table.drop_columns(["issuer"]),
            "null": lambda: table.set_column(position, "issuer", pa.nulls(1, pa.string())),
            "type": lambda: table.set_column(position, "issuer", pa.array([1])),
        }[change]()
        return replace(reading, facts={Fact.CHARGES: broken})

    room.source = replace(BILL, read=read)
    room.put("a.txt", "2026-10-01 1")

    with pytest.raises(LandingDefectError):
        room.land()


def test_files_of_one_delivery_land_together_or_not_at_all(room):
    room.source = replace(BILL, layout=lambda files: [DeliveryUnit("d", tuple(files))])
    room.put("a.txt", "2026-10-01 1")
    room.put("b.txt", "!")
    assert room.land().landed == ()

    room.put("b.txt", "2026-10-02 1")
    (landed,) = room.land().landed
    assert [file.name for file in landed.files] == ["a.txt", "b.txt"]
    assert room.land().landed == ()


def test_what_an_interrupted_landing_left_is_never_read_and_then_swept(room):
    lake = room.lake
    orphan = lake.part_path(Fact.CHARGES, date(2026, 10, 1), "gateway.0123456789abcdef", 0)
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"half")
    durable.temporary(orphan).write_bytes(b"half")
    other = lake.part_path(Fact.CHARGES, date(2026, 10, 1), "gateway-2.0123456789abcdef", 0)
    other.write_bytes(b"another source at work")
    lake.spill("gateway").mkdir(parents=True)
    (lake.spill("gateway") / "unpacked").write_bytes(b"content")
    assert lake.parts(Fact.CHARGES, date.min, date.max) == []
    room.land()

    assert [path.name for path in orphan.parent.iterdir()] == [other.name]
    assert not lake.spill("gateway").exists()


def test_a_lake_that_is_not_there_is_empty(tmp_path):
    lake = Lake(tmp_path / "nowhere")

    assert lake.landed() == []
    assert lake.known_files("x") == set()
    assert lake.winners(Fact.CHARGES).num_rows == 0
    assert lake.fingerprint(date(2026, 10, 1)) == lake.fingerprint(date(2026, 10, 2))


def test_a_write_replaces_whole_and_leaves_no_trace(tmp_path):
    path = tmp_path / "a" / "b.json"
    durable.write_bytes(path, b"one")
    durable.write_bytes(path, b"two")

    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_pointer_moves_in_one_step(tmp_path):
    link = tmp_path / "current"
    for version in ("v1", "v2"):
        (tmp_path / version).mkdir()
        durable.point(link, version)

    assert link.resolve() == (tmp_path / "v2").resolve()
