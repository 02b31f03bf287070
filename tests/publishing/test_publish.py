import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipelines import durable
from pipelines.alone import BusyError
from pipelines.duck import connect
from pipelines.publishing import publish as publishing
from pipelines.publishing.errors import PublishError
from pipelines.publishing.publish import publish
from pipelines.publishing.versions import current_version, read_manifest, rollback, verify, versions
from pipelines.transforms import Transform
from pipelines.warehouse import Warehouse


def transform(name, **header):
    fields = {
        "name": name,
        "layer": "marts",
        "path": Path(f"{name}.sql"),
        "sql": "",
        "description": f"What {name} is for, it's said here.",
        "grain": "one row per key",
        "keys": ("charge_date", "key"),
        "owner": "team:finops",
        "partition": "day",
        "columns": {"cost": "Cost; 'exact', in dollars."},
    }
    return Transform(**{**fields, **header})


TRANSFORMS = {
    name: transform(name) for name in ("fct_calls", "mart_showback_daily", "stg_hidden")
} | {"int_hidden": transform("int_hidden", layer="intermediate")}
PUBLIC = ("fct_calls", "mart_showback_daily")


def fill(warehouse, *, rows=3, cost="0.1", days=("2026-10-01", "2026-10-02")):
    parts = []
    with connect() as con:
        for day in days:
            con.execute(
                "create or replace table computed as select cast($day as date) as charge_date, "
                "'k' || i as key, cast($cost as decimal(38, 18)) as cost from range($rows) r(i)",
                {"day": day, "cost": cost, "rows": rows},
            )
            parts += [
                warehouse.write(con, table, day, "computed", ("charge_date", "key"))
                for table in PUBLIC
            ]
    warehouse.commit(dict.fromkeys(days, cost), parts)


@pytest.fixture
def warehouse(tmp_path):
    stored = Warehouse(tmp_path / "warehouse")
    fill(stored)
    return stored


@pytest.fixture
def out_dir(tmp_path):
    return tmp_path / "published"


def publish_now(warehouse, out_dir, **changed):
    settings = {
        "company": "acme",
        "calls_table_max_rows": 100,
        "keep_versions": 3,
        "extra_files": {"chargeback/2026-10/summary.csv": b"a\n1\n"},
    }
    return publish(warehouse, TRANSFORMS, out_dir, **{**settings, **changed})


def query(out_dir, sql):
    with connect((out_dir / "current").resolve() / "marts.duckdb", read_only=True) as con:
        return con.execute(sql).fetchall()


def test_analysts_get_public_tables_with_exact_rows_and_their_dictionary(warehouse, out_dir):
    publish_now(warehouse, out_dir)

    assert query(out_dir, "select table_name, comment from duckdb_tables() order by 1") == [
        (name, f"What {name} is for, it's said here.\nGrain: one row per key.") for name in PUBLIC
    ]
    assert query(out_dir, "select sum(cost) from mart_showback_daily") == [(Decimal("0.6"),)]
    assert query(
        out_dir,
        "select comment from duckdb_columns() where table_name = 'fct_calls' "
        "and column_name = 'cost'",
    ) == [("Cost; 'exact', in dollars.",)]


def test_a_version_holds_parquet_the_database_extra_files_and_hashes_of_all(warehouse, out_dir):
    published = publish_now(warehouse, out_dir)
    found = {p.relative_to(published.path).as_posix() for p in published.path.rglob("*.*")}
    listed = {file.path for file in published.files}

    assert found == listed | {"marts.duckdb", "marts.duckdb.sha256", "manifest.json"}
    assert "parquet/fct_calls/2026-10-01.parquet" in listed
    assert "chargeback/2026-10/summary.csv" in listed
    assert verify(published.path) == []


def test_calls_beyond_the_limit_are_a_view_over_their_parquet_files(tmp_path, warehouse):
    out_dir = tmp_path / "odd [dir]*"
    publish_now(warehouse, out_dir, calls_table_max_rows=5)

    assert query(out_dir, "select view_name from duckdb_views() where not internal") == [
        ("fct_calls",)
    ]
    assert query(out_dir, "select count(*), sum(cost) from fct_calls") == [(6, Decimal("0.6"))]


def test_parts_are_linked_not_copied(warehouse, out_dir):
    published = publish_now(warehouse, out_dir)
    stored = {path.stat().st_ino for path in warehouse.paths("fct_calls")}

    assert {p.stat().st_ino for p in (published.path / "parquet/fct_calls").iterdir()} == stored


def test_where_links_are_impossible_parts_are_copied(warehouse, out_dir, monkeypatch):
    def refuse(self, target):
        raise OSError("no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    published = publish_now(warehouse, out_dir)

    assert verify(published.path) == []


def test_publishing_the_same_again_touches_nothing(warehouse, out_dir):
    first = publish_now(warehouse, out_dir)
    before = {p: p.stat().st_mtime_ns for p in out_dir.rglob("*")}
    second = publish_now(warehouse, out_dir)

    assert (first.changed, second.changed, second.version) == (True, False, first.version)
    assert {p: p.stat().st_mtime_ns for p in out_dir.rglob("*")} == before


def test_the_version_depends_on_content_and_not_on_input_fingerprints(warehouse, out_dir, tmp_path):
    first = publish_now(warehouse, out_dir)
    other = Warehouse(tmp_path / "other")
    fill(other)
    other.commit({"2026-10-01": "same rows, other files"}, [])
    elsewhere = publish_now(other, tmp_path / "published elsewhere")

    assert elsewhere.version == first.version
    assert read_manifest(elsewhere.path) == read_manifest(first.path)


@pytest.mark.parametrize(
    "change",
    [
        {"company": "other"},
        {"calls_table_max_rows": 1},
        {"extra_files": {"chargeback/2026-10/summary.csv": b"a\n2\n"}},
    ],
)
def test_whatever_changes_a_byte_changes_the_version(warehouse, out_dir, change):
    first = publish_now(warehouse, out_dir)

    assert publish_now(warehouse, out_dir, **change).version != first.version


def test_old_versions_stay_readable_up_to_the_number_kept(warehouse, out_dir):
    published = []
    for number in range(4):
        fill(warehouse, cost=f"0.{number + 1}")
        published.append(publish_now(warehouse, out_dir, keep_versions=2).version)

    assert versions(out_dir) == published[2:]
    assert sorted(p.name for p in out_dir.glob("v=*")) == sorted(f"v={v}" for v in published[2:])
    assert verify(out_dir / f"v={published[2]}") == []


def test_going_back_is_one_pointer_move_and_publishing_goes_forward_again(warehouse, out_dir):
    first = publish_now(warehouse, out_dir)
    fill(warehouse, cost="0.7")
    second = publish_now(warehouse, out_dir)
    rollback(out_dir, first.version)

    assert query(out_dir, "select max(cost) from fct_calls") == [(Decimal("0.1"),)]
    assert publish_now(warehouse, out_dir).changed
    assert current_version(out_dir) == second.version


@pytest.mark.parametrize("version", ["0000000000000000", "../published", ""])
def test_going_back_to_a_version_that_is_not_kept_is_refused(warehouse, out_dir, version):
    published = publish_now(warehouse, out_dir)

    with pytest.raises(PublishError, match=f"kept versions: {published.version}"):
        rollback(out_dir, version)


def test_a_flipped_byte_is_found_and_named(warehouse, out_dir):
    published = publish_now(warehouse, out_dir)
    for path in sorted(p for p in published.path.rglob("*.*") if p.name != "manifest.json"):
        before = path.read_bytes()
        path.write_bytes(bytes([before[0] ^ 1]) + before[1:])
        problems = verify(published.path)
        path.write_bytes(before)

        name = path.relative_to(published.path).as_posix().removesuffix(".sha256")
        assert [name in problem for problem in problems] == [True]


def assert_nothing_published(warehouse, out_dir, match, **changed):
    before = current_version(out_dir)
    with pytest.raises(PublishError, match=match):
        publish_now(warehouse, out_dir, **changed)

    assert current_version(out_dir) == before
    assert {p.name for p in out_dir.glob("v=*")} == ({f"v={before}"} if before else set())


def test_a_stored_part_that_changed_on_disk_stops_the_publish_and_is_named(warehouse, out_dir):
    publish_now(warehouse, out_dir)
    fill(warehouse, cost="0.7")
    path = warehouse.paths("mart_showback_daily")[1]
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    assert_nothing_published(
        warehouse, out_dir, "mart_showback_daily/2026-10-02.parquet.*recompute 2026-10-02"
    )


def test_a_stored_part_that_is_gone_stops_the_publish_and_is_named(warehouse, out_dir):
    warehouse.paths("fct_calls")[0].unlink()

    assert_nothing_published(warehouse, out_dir, "fct_calls/2026-10-01.*missing")


@pytest.mark.parametrize(
    "damage",
    [
        "delete from x.fct_calls where key = 'k0'",
        "update x.fct_calls set cost = cost + 0.000000000000000001",
    ],
)
def test_a_database_that_differs_from_its_parquet_files_stops_the_publish(
    warehouse, out_dir, monkeypatch, damage
):
    build = publishing.duckdb_file.build

    def build_wrong(*args):
        path = build(*args)
        with duckdb.connect() as con:
            con.execute("attach $path as x", {"path": str(path)})
            con.execute(damage)
        return path

    monkeypatch.setattr(publishing.duckdb_file, "build", build_wrong)

    assert_nothing_published(warehouse, out_dir, r"marts\.duckdb: fct_calls holds")


def test_an_audit_that_objects_stops_the_publish_with_its_words(warehouse, out_dir):
    def object_to_cost(con):
        return [
            f"cost is {row[0]}" for row in con.execute("select max(cost) from fct_calls").fetchall()
        ]

    assert_nothing_published(warehouse, out_dir, r"cost is 0\.1", audits=[object_to_cost])


def test_a_public_table_nobody_computed_stops_the_publish(tmp_path, out_dir):
    assert_nothing_published(Warehouse(tmp_path / "empty"), out_dir, "fct_calls: nothing is comp")


def test_days_of_different_shape_stop_the_publish(warehouse, out_dir):
    with connect() as con:
        con.execute("create table computed as select date '2026-10-03' as charge_date, 'k' as key")
        part = warehouse.write(con, "fct_calls", "2026-10-03", "computed", ("charge_date", "key"))
    warehouse.commit({}, [part])

    assert_nothing_published(warehouse, out_dir, "fct_calls: its days have different columns")


def test_a_table_stored_by_day_and_by_month_is_not_published_twice_over(
    warehouse, out_dir, monkeypatch
):
    monkeypatch.setitem(TRANSFORMS, "fct_calls", transform("fct_calls", partition="period"))

    assert_nothing_published(warehouse, out_dir, "fct_calls: it was stored by other partitions")


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "manifest.json", "parquet/x"])
def test_an_extra_file_stays_inside_the_version(warehouse, out_dir, path):
    assert_nothing_published(warehouse, out_dir, "not a path", extra_files={path: b""})


def test_a_header_that_describes_a_column_that_is_not_there_is_told(
    warehouse, out_dir, monkeypatch
):
    monkeypatch.setitem(TRANSFORMS, "fct_calls", transform("fct_calls", columns={"gone": "x"}))

    assert_nothing_published(warehouse, out_dir, "fct_calls: its header describes gone")


def test_two_publishers_at_once_are_refused(warehouse, out_dir):
    def publish_inside(con):
        publish_now(warehouse, out_dir)

    with pytest.raises(BusyError, match="another run is writing here"):
        publish_now(warehouse, out_dir, audits=[publish_inside])

    assert not (out_dir / "current").exists()


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_publish import publish_now
from pipelines.warehouse import Warehouse
publish_now(Warehouse(Path(sys.argv[2])), Path(sys.argv[3]))
"""


def run_publish(warehouse, out_dir, **environment):
    here = str(Path(__file__).parent)
    return subprocess.run(
        [sys.executable, "-c", CHILD, here, str(warehouse.root), str(out_dir)],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    ).returncode


@pytest.mark.slow
def test_killed_at_any_step_readers_see_old_or_new_and_a_rerun_heals(warehouse, tmp_path):
    counted = tmp_path / "steps"
    run_publish(warehouse, tmp_path / "whole", **{durable.COUNT_STEPS: str(counted)})
    steps = int(counted.read_text().split()[0])
    wanted = current_version(tmp_path / "whole")
    seen, healed = [], []
    for number in range(1, steps + 1):
        out_dir = tmp_path / f"killed at {number}"
        code = run_publish(warehouse, out_dir, **{durable.KILL_AT: str(number)})
        seen.append((code, current_version(out_dir)))
        publish_now(warehouse, out_dir)
        healed.append((verify(out_dir / f"v={wanted}"), list(out_dir.rglob(".tmp-*"))))

    assert seen == [(-9, None)] * (steps - 1) + [(-9, wanted)]
    assert healed == [([], [])] * steps


READER = """
import json, sys
from pathlib import Path
import duckdb
out, stop = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
polls, seen = 0, []
while not stop.exists():
    folder = (out / "current").resolve()
    manifest = json.loads((folder / "manifest.json").read_bytes())
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as con:
        total = str(con.execute("select sum(cost) from fct_calls").fetchone()[0].normalize())
        rows = con.execute("select count(*) from mart_showback_daily").fetchone()[0]
    table = {t["table"]: t for t in manifest["tables"]}
    csv = (folder / "chargeback/2026-10/summary.csv").read_text()
    whole = total == table["fct_calls"]["sums"]["cost"] == csv
    assert whole and rows == table["mart_showback_daily"]["rows"], (total, csv)
    polls += 1
    if total not in seen:
        seen.append(total)
print(json.dumps([polls, seen]), flush=True)
"""


def test_a_reader_that_polls_during_publishes_sees_whole_versions_only(
    warehouse, out_dir, tmp_path
):
    costs = ["0.1", "0.2", "0.3", "0.4", "0.5"]
    totals = {"0.1": b"0.6", "0.2": b"1.2", "0.3": b"1.8", "0.4": b"2.4", "0.5": b"3"}

    def publish_cost(cost):
        fill(warehouse, cost=cost)
        publish_now(
            warehouse, out_dir, extra_files={"chargeback/2026-10/summary.csv": totals[cost]}
        )

    publish_cost(costs[0])
    stop = tmp_path / "stop"
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(out_dir), str(stop)], stdout=subprocess.PIPE, text=True
    ) as reader:
        reader.stdout.readline()
        for cost in costs[1:]:
            publish_cost(cost)
        stop.touch()
        polls, seen = json.loads(reader.communicate()[0])

    assert polls > len(costs)
    assert seen == [total for total in (t.decode() for t in totals.values()) if total in seen]
    assert reader.returncode == 0
