"""Whatever a report file holds: each record is a fact, empty or refused, or the file is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.facts import Fact
from pipelines.sources import anthropic, openai
from pipelines.sources.base import SourceError
from tests.sources.deliveries import SAMPLES, read_files

SOURCES = {"openai": openai.SOURCE, "anthropic": anthropic.SOURCE}
PAGES = {
    "openai": ["costroid/2026-05.json", "usage_completions_page_2024_schema.json"],
    "anthropic": ["costroid/2026-05.json", "costroid/2026-05.usage.json"],
}
CASES = [(kind, name) for kind, names in PAGES.items() for name in names]
short_texts = st.text(max_size=5)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True, allow_infinity=True)
    | short_texts
    | st.sampled_from(["\ud800", "1e999", "-0", "NaN", "1" * 30, "0." + "1" * 30])
)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(short_texts, inner, max_size=3),
    max_leaves=5,
)


def results_of(content):
    buckets = content if isinstance(content, list) else content["data"]
    return [result for bucket in buckets for result in bucket["results"]]


@pytest.mark.parametrize(("kind", "name"), CASES)
@given(data=st.data())
def test_a_spoilt_value_spoils_its_record_only(tmp_path_factory, kind, name, data):
    content = json.loads((SAMPLES / kind / "files" / name).read_text())
    results = results_of(content)
    spoilt = data.draw(st.sampled_from(results))
    spoilt[data.draw(st.sampled_from(sorted(spoilt)))] = data.draw(anything)
    folder = tmp_path_factory.mktemp("spoilt")

    try:
        reading = read_files(SOURCES[kind], folder, {"report.json": content})
    except SourceError:
        # the only result no longer says which report it is of
        assert len(results) == 1
        return

    assert reading.rows_read == {"d/report.json": len(results)}
    assert len(reading.rejected) <= 1
    told = {row["source_row"] for table in reading.facts.values() for row in table.to_pylist()}
    empty = sum(reading.rows_empty.values())
    assert len(told) + len(reading.rejected) + empty == len(results)


@pytest.mark.parametrize("kind", sorted(SOURCES))
@given(content=anything | st.dictionaries(st.sampled_from(["data", "has_more"]), anything))
def test_any_other_json_is_refused_as_a_whole(tmp_path_factory, kind, content):
    folder = tmp_path_factory.mktemp("anything")

    try:
        reading = read_files(SOURCES[kind], folder, {"costs.json": json.dumps(content)})
    except SourceError:
        return

    assert reading.facts[Fact.CHARGES].num_rows == 0


@pytest.mark.parametrize(("kind", "name"), CASES)
@given(data=st.data())
def test_any_beginning_of_a_json_file_is_refused(tmp_path_factory, kind, name, data):
    whole = (SAMPLES / kind / "files" / name).read_text().rstrip()
    cut = data.draw(st.integers(min_value=0, max_value=len(whole) - 1))

    with pytest.raises(SourceError, match="not whole JSON"):
        read_files(SOURCES[kind], tmp_path_factory.mktemp("cut"), {"costs.json": whole[:cut]})


@pytest.mark.parametrize("kind", sorted(SOURCES))
@given(cut=st.integers(min_value=0, max_value=2), names=st.permutations(["a.json", "b.json"]))
def test_pages_read_like_the_whole_however_they_are_cut_and_named(
    tmp_path_factory, kind, cut, names
):
    buckets = json.loads((SAMPLES / kind / "files" / "costroid/2026-05.json").read_text())
    pages = [{"data": buckets[:cut], "has_more": True}, {"data": buckets[cut:], "has_more": False}]
    folder = tmp_path_factory.mktemp("pages")

    whole = read_files(SOURCES[kind], folder / "whole", {"costs.json": buckets})
    paged = read_files(SOURCES[kind], folder / "pages", dict(zip(names, pages, strict=True)))

    lineage = ["file_id", "source_row"]
    tables = [
        reading.facts[Fact.CHARGES].drop_columns(lineage).sort_by("charge_key")
        for reading in (whole, paged)
    ]
    assert tables[0] == tables[1]
    assert whole.scopes == paged.scopes
