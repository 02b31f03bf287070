import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines import durable
from pipelines.control_totals import add_sums, sha256_of
from pipelines.duck import connect
from pipelines.warehouse import Warehouse, WarehouseError

CALLS = """
create or replace table computed as
select
    date '2026-10-01' + cast(i % 2 as integer) as charge_date,
    date '2026-10-01' as billing_period,
    'call ' || (i * 7919 % 260000) as call_id,
    cast(i * 0.000001 as decimal(38, 18)) as cost
from range(260000) as r(i)
"""


@pytest.fixture
def con():
    with connect() as session:
        yield session


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(tmp_path / "warehouse")


def write(con, warehouse, partition="2026-10-01", keys=("charge_date", "call_id")):
    return warehouse.write(con, "fct_calls", partition, "computed", keys)


def test_a_part_has_the_same_bytes_with_one_thread_and_two_and_whatever_the_row_order(
    con, tmp_path
):
    digests = set()
    for number, (threads, shuffle) in enumerate([(1, ""), (2, ""), (2, " order by hash(i)")]):
        con.execute(f"set threads = {threads}")
        con.execute(CALLS + shuffle)
        part = write(con, Warehouse(tmp_path / str(number)))
        digests.add(part.sha256)

    assert len(digests) == 1


@pytest.mark.parametrize(
    ("partition", "rows"), [("2026-10-01", 130_000), ("2026-10", 260_000), ("all", 260_000)]
)
def test_a_partition_keeps_its_rows_and_counts_them(con, warehouse, partition, rows):
    con.execute(CALLS)

    assert write(con, warehouse, partition).rows == rows


def test_sums_are_exact_text(con, warehouse):
    con.execute(
        "create table computed as select 1 as k, 12345678901234567890.000000000000000001"
        "::decimal(38, 18) as cost, null::decimal(18, 4) as unknown"
    )

    part = write(con, warehouse, "all", ["k"])

    assert part.sums == {"cost": "12345678901234567890.000000000000000001", "unknown": None}


@pytest.mark.parametrize(
    "value", ["1.5::double", "1::float", "1::hugeint", "sum(1)", "[1.5::double]"]
)
def test_a_type_that_loses_digits_is_refused_by_name(con, warehouse, value):
    con.execute(f"create table computed as select 'a' as k, {value} as share_ratio")

    with pytest.raises(WarehouseError, match=r"fct_calls\.share_ratio is .*cast it"):
        write(con, warehouse, "all", ["k"])


def test_keys_that_repeat_are_refused(con, warehouse):
    con.execute("create table computed as from (values ('a', 1), ('a', 2)) as t(k, n)")

    with pytest.raises(WarehouseError, match="not unique"):
        write(con, warehouse, "all", ["k"])


@pytest.mark.parametrize("partition", ["2026", "../2026-10-01", "2026-10-01\n", ""])
def test_a_partition_that_is_no_date_is_refused(con, warehouse, partition):
    con.execute(CALLS)

    with pytest.raises(WarehouseError, match="YYYY-MM-DD"):
        write(con, warehouse, partition)


def test_a_table_name_that_is_no_folder_name_is_refused(con, warehouse):
    con.execute(CALLS)

    with pytest.raises(WarehouseError, match="directory"):
        warehouse.write(con, "../fct_calls", "all", "computed", ["call_id"])


def test_many_partitions_at_once_are_the_same_parts_as_one_by_one(con, warehouse):
    con.execute(CALLS)
    days = ["2026-10-02", "2026-10-01", "2026-10-03"]
    together = warehouse.write_all(con, "fct_calls", days, "computed", ("call_id",))

    assert together == [write(con, warehouse, day, ("call_id",)) for day in days]
    assert (together[2].rows, together[2].sums) == (0, {"cost": None})


@pytest.mark.parametrize("root", ["odd [dir]* ?", "relative/./x", "ünï 'quoted'"])
def test_wherever_the_warehouse_lies_its_parts_are_read_back(con, tmp_path, monkeypatch, root):
    monkeypatch.chdir(tmp_path)
    con.execute(CALLS)

    assert write(con, Warehouse(Path(root))).rows == 130_000


def test_keys_may_repeat_on_another_day_but_not_on_the_same(con, warehouse):
    con.execute(CALLS)
    con.execute("update computed set call_id = 'the same' where call_id in ('call 0', 'call 1')")
    write(con, warehouse, "2026-10-01", ("call_id",))
    con.execute("update computed set charge_date = '2026-10-01' where call_id = 'the same'")

    with pytest.raises(WarehouseError, match="not unique"):
        write(con, warehouse, "2026-10-01", ("call_id",))


def test_a_part_counts_only_once_it_is_committed(con, warehouse):
    con.execute(CALLS)
    part = write(con, warehouse)
    before = warehouse.paths("fct_calls")
    warehouse.commit({"2026-10-01": "f1"}, [part])

    assert (before, warehouse.fingerprints()) == ([], {"2026-10-01": "f1"})
    assert [sha256_of(path) for path in warehouse.paths("fct_calls")] == [part.sha256]


def test_a_recomputed_day_replaces_its_part_and_leaves_the_others(con, warehouse):
    con.execute(CALLS)
    days = ("2026-10-01", "2026-10-02")
    first = [write(con, warehouse, day) for day in days]
    warehouse.commit(dict.fromkeys(days, "f1"), first)
    con.execute("update computed set cost = cost + 1 where charge_date = '2026-10-02'")
    again = write(con, warehouse, "2026-10-02")
    index = warehouse.commit({"2026-10-02": "f2"}, [again])

    assert index.parts == (first[0], again)
    assert index.fingerprints == {"2026-10-01": "f1", "2026-10-02": "f2"}
    assert sorted(warehouse.root.glob("*/*")) == sorted(warehouse.paths("fct_calls"))


def test_two_runs_at_once_end_with_an_error_and_not_with_half_a_day(con, warehouse):
    con.execute(CALLS)
    slow, fast = write(con, warehouse, "2026-10-01"), write(con, warehouse, "2026-10-02")
    warehouse.commit({"2026-10-02": "f"}, [fast])

    with pytest.raises(WarehouseError, match=r"2026-10-01\..* is gone: another run"):
        warehouse.commit({"2026-10-01": "f"}, [slow])
    assert warehouse.fingerprints() == {"2026-10-02": "f"}


def test_what_a_crash_left_behind_is_cleaned_by_the_next_commit(con, warehouse):
    con.execute(CALLS)
    part = write(con, warehouse)
    left = [
        warehouse.root / "fct_calls" / name for name in (".tmp-2026-10-09.parquet", "x.parquet")
    ]
    for path in left:
        path.write_bytes(b"half")
    warehouse.commit({}, [part])

    assert not any(path.exists() for path in left)


COMMIT = """
import sys
from pathlib import Path
from pipelines.duck import connect
from pipelines.warehouse import Warehouse
warehouse = Warehouse(Path(sys.argv[1]))
with connect() as con:
    con.execute("create table t as select date '2026-10-01' as charge_date, 7 as n")
    parts = [warehouse.write(con, table, "2026-10-01", "t", ["n"]) for table in ("a", "b")]
warehouse.commit({"2026-10-01": "f2"}, parts)
"""


def commit_in_a_process(warehouse, **environment):
    return subprocess.run(
        [sys.executable, "-c", COMMIT, str(warehouse.root)],
        env={**os.environ, **environment},
        check=False,
    ).returncode


def test_killed_at_any_step_of_a_commit_the_day_is_all_old_or_all_new(tmp_path):
    counted, seen = tmp_path / "steps", []
    commit_in_a_process(Warehouse(tmp_path / "whole"), **{durable.COUNT_STEPS: str(counted)})
    steps = int(counted.read_text().split()[0])
    for number in range(1, steps + 1):
        warehouse = Warehouse(tmp_path / f"killed at {number}")
        assert commit_in_a_process(warehouse, **{durable.KILL_AT: str(number)}) == -9
        seen.append((warehouse.fingerprints(), len(warehouse.index().parts)))
        assert commit_in_a_process(warehouse) == 0
        assert [p.exists() for t in "ab" for p in warehouse.paths(t)] == [True, True]
        assert list(warehouse.root.rglob(".tmp-*")) == []

    assert seen == [({}, 0)] * (steps - 1) + [({"2026-10-01": "f2"}, 2)]


def test_the_index_has_the_same_bytes_in_whatever_order_days_are_committed(con, tmp_path):
    con.execute(CALLS)
    written = []
    for order in (("2026-10-01", "2026-10-02"), ("2026-10-02", "2026-10-01")):
        warehouse = Warehouse(tmp_path / order[0])
        for day in order:
            warehouse.commit({day: "f"}, [write(con, warehouse, day)])
        written.append((warehouse.root / "index.json").read_bytes())

    assert written[0] == written[1]


def test_control_sums_add_exactly_and_stay_unknown_without_values():
    total = add_sums([{"a": "0.1", "b": None}, {"a": "99999999999999999999.2", "b": None}])

    assert total == {"a": str(Decimal("99999999999999999999.3")), "b": None}
