"""The benchmarks measure what they say, on a company small enough for a test."""

import sys
from pathlib import Path

import pytest

from benchmarks.measure import Measured, WorkFailedError, measure
from benchmarks.plain import run
from benchmarks.report import Target, as_json
from benchmarks.work import log_files
from pipelines.duck import connect
from pipelines.truth import simulate

HOLD_64_MIB = """
import pathlib, sys
held = bytearray(1 << 26)
pathlib.Path(sys.argv[1]).write_text('{"rows": 3}')
"""


def test_a_piece_of_work_is_measured_in_its_own_process(tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    measured = measure("held", [sys.executable, "-c", HOLD_64_MIB, str(facts)], facts=facts)

    assert measured.facts == {"rows": 3}
    assert measured.peak_mib > 64
    assert measured.cpu_seconds > 0
    assert measured.seconds > 0


def test_work_that_fails_is_reported_with_its_last_words() -> None:
    with pytest.raises(WorkFailedError, match="broken ended with 1: ValueError: no such file"):
        measure("broken", [sys.executable, "-c", "raise ValueError('no such file')"])


def test_the_plain_script_prices_every_call_of_both_gateways(tmp_path: Path) -> None:
    summary = simulate(tmp_path / "company", seed=1, days=2, calls=400)
    rows = run(**log_files(tmp_path / "company"), out=tmp_path / "plain")

    assert rows == summary.calls_logged
    with connect() as con:
        daily = con.execute(
            "select sum(calls)::bigint, count_if(cost > 0) > 0 from read_parquet($path)",
            {"path": str(tmp_path / "plain" / "daily.parquet")},
        ).fetchone()
    assert daily == (rows, True)


def test_ratios_that_could_not_be_measured_say_so() -> None:
    done = {
        "gzip": Measured("gzip", seconds=2, cpu_seconds=2, peak_mib=10),
        "ours": Measured("ours", seconds=4, cpu_seconds=7, peak_mib=2000),
    }
    targets = {t["name"]: t for t in as_json(1000, [], done, {"plain": "broke"})["targets"]}

    assert targets["month / gzip -dc"]["value"] == 2
    assert targets["month / gzip -dc"]["verdict"] == "met"
    assert targets["peak memory"]["verdict"] == "MISSED"
    assert targets["month / plain script"]["verdict"] == "not measured"
    assert targets["fct_calls on disk per call"]["value"] is None


@pytest.mark.parametrize(("value", "verdict"), [(50.0, "met"), (49.0, "MISSED")])
def test_a_target_can_be_a_floor(value: float, verdict: str) -> None:
    assert Target("speed", value, 50, is_floor=True).verdict == verdict


def test_a_month_that_lost_calls_is_not_compared_in_silence() -> None:
    plain = Measured("plain", seconds=1, cpu_seconds=1, peak_mib=1, facts={"rows": 10})
    facts = {"rows": 8, "quarantined": 2}
    ours = Measured("ours", seconds=1, cpu_seconds=1, peak_mib=1, facts=facts)
    (doubt,) = as_json(10, [], {"plain": plain, "ours": ours}, {})["doubts"]

    assert doubt.startswith("The month counted 8 of 10 calls and set 2 records aside")
