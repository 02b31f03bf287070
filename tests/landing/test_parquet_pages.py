"""One flipped bit in a Parquet bill or log is noticed, as far as its writer left a way to."""

import random
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.facts import Fact
from pipelines.landing.parquet_pages import has_checksums
from pipelines.sources import all_sources
from tests.landing.room import Room


def bill(folder, **options):
    """A room with a mapped Parquet bill of 500 lines, a cent each and more."""
    room = Room(folder, all_sources()["mapped"], billing_account_id="acct")
    room.settings = {
        "issuer": "nimbus",
        "billing_currency": "USD",
        "mapping": {
            "fact": "charges",
            "format": "parquet",
            "delivery": "append",
            "columns": {
                "billing_period": "day",
                "charge_date": "day",
                "charge_category": "'Usage'",
                "billed_cost": "cost",
            },
        },
    }
    table = pa.table(
        {
            "day": ["2026-10-02"] * 500,
            "cost": pa.array([Decimal(n) / 100 for n in range(500)], pa.decimal128(18, 2)),
        }
    )
    path = room.inbox / "bill.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(table, path, use_dictionary=False, compression="none", **options)
    return room, path


def flip(path, number):
    """Flip a bit of the money, which is most of the file."""
    content = bytearray(path.read_bytes())
    group = pq.ParquetFile(path).metadata.row_group(0).column(1)
    start, size = group.data_page_offset + 60, group.total_compressed_size - 80
    chance = random.Random(number)
    content[start + chance.randrange(size)] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def total(room):
    return sum(row["billed_cost"] for row in room.rows(Fact.CHARGES))


def test_a_whole_bill_with_checksums_lands_and_nothing_is_said(tmp_path):
    room, path = bill(tmp_path, write_page_checksum=True)
    result = room.land()

    assert has_checksums(path)
    assert total(room) == Decimal("1247.50")
    assert (result.problems, result.notes) == ((), ())


@pytest.mark.parametrize("number", range(8))
def test_a_flipped_bit_in_the_money_of_a_bill_is_refused(tmp_path, number):
    room, path = bill(tmp_path, write_page_checksum=True)
    flip(path, number)
    [problem] = room.land().problems

    assert problem.rule == "damaged_page"
    assert "bill.parquet" in problem.message
    assert room.rows(Fact.CHARGES) == []


def test_what_cannot_be_verified_is_said(tmp_path):
    room, path = bill(tmp_path, write_page_checksum=False)
    [note] = room.land().notes

    assert not has_checksums(path)
    assert "1 file (bill.parquet) without page checksums" in note
    assert room.land().notes == ()


def test_a_flipped_bit_in_a_log_is_refused(tmp_path):
    room = Room(tmp_path)
    path = room.inbox / "log.parquet"
    path.parent.mkdir(parents=True)
    rows = {
        "request_id": [f"r-{n}" for n in range(2_000)],
        "spend": pa.array([n / 7 for n in range(2_000)]),
        "startTime": ["2026-10-02T00:00:00Z"] * 2_000,
        "endTime": ["2026-10-02T00:00:01Z"] * 2_000,
        "model": ["gpt-4o"] * 2_000,
        "total_tokens": [12] * 2_000,
        "prompt_tokens": [10] * 2_000,
        "completion_tokens": [2] * 2_000,
    }
    pq.write_table(
        pa.table(rows), path, use_dictionary=False, compression="none", write_page_checksum=True
    )
    flip(path, 1)
    [problem] = room.land().problems

    assert problem.rule == "unreadable_table"
    assert room.rows() == []


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("has_them", [True, False])
def test_whether_pages_have_checksums_is_read_from_any_layout(
    tmp_path, compression, version, has_them
):
    path = tmp_path / "x.parquet"
    table = pa.table({"a": ["x", "y", None] * 99, "b": [1.5, None, 2.0] * 99})
    pq.write_table(
        table,
        path,
        compression=compression,
        data_page_version=version,
        write_page_checksum=has_them,
    )

    assert has_checksums(path) is has_them


def test_a_file_without_rows_has_nothing_to_verify_and_a_torn_one_no_checksums(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": pa.array([], pa.string())}), path)
    torn = tmp_path / "torn.parquet"
    torn.write_bytes(b"PAR1")

    assert has_checksums(path)
    assert not has_checksums(torn)
