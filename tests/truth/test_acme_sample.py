"""The committed sample is what the simulator writes today."""

import gzip
import json
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.truth import Fault, simulate

SAMPLE = Path(__file__).parents[2] / "data_samples" / "acme"


def content(path: Path) -> object:
    """What a file says: compression may differ from machine to machine."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".parquet":
        return pl.read_parquet(path).rows()
    if path.name.endswith("Manifest.json"):
        manifest = json.loads(path.read_bytes())
        return [file.pop("size") and file for file in manifest["dataFiles"]], manifest["columns"]
    return path.read_bytes()


def told(folder: Path) -> dict[str, object]:
    parts = ("everycent.yaml", "reference", "inbox", "truth")
    found = [p for part in parts for p in (folder / part, *(folder / part).rglob("*"))]
    return {p.relative_to(folder).as_posix(): content(p) for p in found if p.is_file()}


def test_the_sample_is_what_its_readme_says(tmp_path):
    simulate(
        tmp_path / "acme",
        seed=7,
        days=14,
        calls=3500,
        start=date(2026, 9, 20),
        faults=[
            Fault.DUPLICATE_FILES,
            Fault.LATE_FILES,
            Fault.RESTATED_BILL,
            Fault.PLANTED_CANARIES,
        ],
    )
    written, committed = told(tmp_path / "acme"), told(SAMPLE)

    assert written.keys() == committed.keys()
    assert [name for name in written if written[name] != committed[name]] == []


def test_the_sample_stays_small():
    assert sum(p.stat().st_size for p in SAMPLE.rglob("*") if p.is_file()) < 5_000_000
