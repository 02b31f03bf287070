"""A bill of several objects lands whole, or not at all and by name."""

from decimal import Decimal

import pytest

from models.facts import Fact
from pipelines.sources.aws_cur import SOURCE
from tests.landing.room import Room
from tests.places.copying import Copy, rules
from tests.places.store_server import after, cut, is_get, refuse, times
from tests.sources.test_aws_cur import export, sample_rows

ALWAYS = 1000
TOTAL = Decimal("986.3129")


class Bills(Room):
    @property
    def inbox(self):
        return self.root / "place" / "files"

    def total(self) -> Decimal:
        """Billed cost of the deliveries that count."""
        counts = {
            (row["source"], row["scope"], row["delivery"])
            for row in self.lake.winners(Fact.CHARGES).to_pylist()
        }
        rows = self.rows(Fact.CHARGES)
        won = (r for r in rows if (r["source"], r["scope"], r["delivery"]) in counts)
        return sum((row["billed_cost"] for row in won), Decimal(0))


@pytest.fixture
def room(tmp_path) -> Bills:
    return Bills(tmp_path, SOURCE)


@pytest.fixture
def copy(bucket, tmp_path) -> Copy:
    return Copy(bucket, tmp_path / "place", folder="some/prefix")


def upload(bucket, folder, **options) -> None:
    export(folder, options.pop("rows", sample_rows()), parts=3, **options)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            bucket.put(f"some/prefix/{path.relative_to(folder).as_posix()}", path.read_bytes())


def test_a_bill_of_several_objects_lands_whole(room, copy, bucket, tmp_path):
    upload(bucket, tmp_path / "export")

    assert copy.fetch().problems == ()
    assert room.land().problems == ()
    assert room.total() == TOTAL


@pytest.mark.parametrize(
    ("answer", "rule"), [(cut, "torn_object"), (refuse(403, "AccessDenied"), "access_denied")]
)
def test_a_bill_with_a_part_that_cannot_be_read_does_not_land(
    room, copy, bucket, tmp_path, answer, rule
):
    upload(bucket, tmp_path / "export")
    with bucket.faults(times(ALWAYS, lambda e: is_get(e, "cur-00002.csv.gz"), answer)):
        fetched = copy.fetch()

    assert rules(fetched) == [rule]
    assert len(room.land().problems) == 1
    assert room.rows(Fact.CHARGES) == []

    assert copy.fetch().problems == ()
    room.land()
    assert room.total() == TOTAL


def test_a_restated_bill_lands_without_parts_of_the_one_before(room, copy, bucket, tmp_path):
    upload(bucket, tmp_path / "first")
    copy.fetch()
    room.land()
    doubled = sample_rows() + sample_rows()
    upload(bucket, tmp_path / "second", rows=doubled)
    with bucket.faults(times(ALWAYS, lambda e: is_get(e, "cur-00002.csv.gz"), cut)):
        copy.fetch()

    assert len(room.land().problems) == 1
    assert room.total() == TOTAL

    copy.fetch()
    room.land()
    assert room.total() == 2 * TOTAL


def test_a_bill_restated_while_it_is_read_is_read_as_restated(room, copy, bucket, tmp_path):
    upload(bucket, tmp_path / "first")
    change = after(lambda: upload(bucket, tmp_path / "second", rows=sample_rows()[:3]))
    with bucket.faults(times(1, lambda e: is_get(e, "cur-00003.csv.gz"), change)):
        fetched = copy.fetch()

    assert fetched.problems == ()
    (landed,) = room.land().landed
    assert sum(file.rows_accepted for file in landed.files) == 3
