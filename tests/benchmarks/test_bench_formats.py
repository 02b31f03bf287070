"""Landing per format: repeated samples are whole, new to everycent, and slow ones are explained."""

from pathlib import Path

import pytest

from benchmarks.format_report import NO_REASON, format_rows
from benchmarks.format_work import floor, land, repeat
from benchmarks.formats import FORMATS
from benchmarks.measure import Measured
from pipelines.duck import connect
from pipelines.sources import all_sources


def measured(cpu_seconds: float, name: str = "portkey") -> dict[str, Measured]:
    row = {
        "format": name,
        "rows": 10,
        "bytes": 2_000_000,
        "seconds": 2.0,
        "cpu_seconds": cpu_seconds,
        "floor": {"seconds": 1.0, "cpu_seconds": 1.0},
    }
    facts = {"formats": [row]}
    return {"formats": Measured("formats", seconds=3, cpu_seconds=3, peak_mib=1, facts=facts)}


def test_every_kind_of_log_is_measured() -> None:
    streams = {name for name, source in all_sources().items() if source.stream}

    assert streams <= {one.kind for one in FORMATS.values()}


@pytest.mark.parametrize("name", FORMATS)
def test_repeated_samples_land_and_nothing_of_them_is_set_aside(name: str, tmp_path: Path) -> None:
    written = repeat(FORMATS[name], tmp_path / "inbox", lines=40)
    landed = land(FORMATS[name], tmp_path / "inbox", tmp_path)

    assert landed["rows"] >= written["lines"] >= 40
    assert landed["accepted"] > 0
    assert landed["quarantined"] == 0


@pytest.mark.parametrize("name", ["litellm:spend_logs", "portkey", "langfuse", "mlflow_traces"])
def test_repeated_calls_have_ids_of_their_own(name: str, tmp_path: Path) -> None:
    repeat(FORMATS[name], tmp_path / "inbox", lines=40)
    landed = land(FORMATS[name], tmp_path / "inbox", tmp_path)
    with connect() as con:
        ids = con.execute(
            "select count(distinct call_id) from read_parquet($files)",
            {"files": str(tmp_path / "lake" / "calls" / "**" / "*.parquet")},
        ).fetchone()

    assert ids == (landed["accepted"],)


def test_the_floor_reads_the_same_lines(tmp_path: Path) -> None:
    written = repeat(FORMATS["aws_cur"], tmp_path / "inbox", lines=40)
    floor(FORMATS["aws_cur"], tmp_path / "inbox", tmp_path)
    with connect() as con:
        rows = con.execute(
            "select count(*) from read_parquet($file)", {"file": str(tmp_path / "floor.parquet")}
        ).fetchone()

    assert rows == (written["lines"],)


def test_a_format_within_three_times_its_floor_needs_no_reason() -> None:
    (row,) = format_rows(measured(2.9))

    assert row["note"] is None
    assert (row["rows_per_second"], row["mb_per_second"]) == (5, 1)


def test_a_slow_format_shows_its_reason_or_that_it_has_none() -> None:
    (row,) = format_rows(measured(3.1))

    assert row["note"] == NO_REASON
