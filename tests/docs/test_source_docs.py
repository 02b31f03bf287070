"""The page of sources is what the code says."""

from pathlib import Path

from pipelines.publishing.source_docs import PAGE, render
from pipelines.sources import all_sources

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_as_the_code_says():
    assert PAGE.read_text("utf-8") == render(), "run `make docs`"


def test_every_source_has_a_sample_folder_that_says_where_it_is_from():
    without = [
        name for name in all_sources() if not (ROOT / "data_samples" / name / "README.md").exists()
    ]

    assert without == []
