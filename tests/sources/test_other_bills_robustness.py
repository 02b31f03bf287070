"""Whatever a bill holds: a spoilt value spoils its record only, and a cut file is refused."""

import csv
import importlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.base import SourceError
from tests.sources.deliveries import SAMPLES, read_files

RECORDS = {
    "openrouter_activity": ("openrouter_activity.json", lambda top: top["data"]),
    "vercel_ai_gateway_report": ("vercel_ai_gateway_report.json", lambda top: top["results"]),
    "opencost_allocation": ("opencost_allocation.json", lambda top: list(top["data"][0].values())),
    "anthropic_analytics": ("claude_code_usage_page.json", lambda top: top["data"]),
}
TABLES = {
    "openrouter_activity": "openrouter_activity_export.csv",
    "github_copilot": "github_copilot_ai_credits.csv",
    "cursor_usage": "cursor_usage_events.csv",
    "databricks_billing": "databricks_billing_usage.csv",
}
short_texts = st.text(max_size=5)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True, allow_infinity=True)
    | short_texts
    | st.sampled_from(["\ud800", "1e999", "-0", "NaN", "1" * 30, "0." + "1" * 30, "9999-12-31"])
)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(short_texts, inner, max_size=3),
    max_leaves=5,
)
cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), max_size=8) | (
    st.sampled_from(["1e999", "-1", "NaN", "-", "9999-12-31", "12/31/9999", "0." + "1" * 30])
)


def source(kind):
    return importlib.import_module(f"pipelines.sources.{kind}").SOURCE


def accounted_for(reading):
    told = {
        (row["file_id"], row["source_row"])
        for table in reading.facts.values()
        for row in table.to_pylist()
    }
    return len(told) + len(reading.rejected) + sum(reading.rows_empty.values())


@pytest.mark.parametrize("kind", sorted(RECORDS))
@given(data=st.data())
def test_a_spoilt_json_value_spoils_its_record_only(tmp_path_factory, kind, data):
    name, records_of = RECORDS[kind]
    top = json.loads((SAMPLES / kind / "files" / name).read_text())
    records = records_of(top)
    spoilt = data.draw(st.sampled_from(records))
    spoilt[data.draw(st.sampled_from(sorted(spoilt)))] = data.draw(anything)

    reading = read_files(
        source(kind),
        tmp_path_factory.mktemp("spoilt"),
        {name: top},
        billing_currency="USD",
    )

    assert sum(reading.rows_read.values()) == len(records) == accounted_for(reading)
    assert len(reading.rejected) <= 1


@pytest.mark.parametrize("kind", sorted(TABLES))
@given(data=st.data())
def test_a_spoilt_cell_spoils_its_row_only(tmp_path_factory, kind, data):
    content = (SAMPLES / kind / "files" / TABLES[kind]).read_text()
    header, *rows = csv.reader(io.StringIO(content))
    row = data.draw(st.sampled_from(rows))
    row[data.draw(st.integers(0, len(header) - 1))] = data.draw(cells)
    sheet = io.StringIO()
    csv.writer(sheet).writerows([header, *rows])

    reading = read_files(
        source(kind), tmp_path_factory.mktemp("spoilt"), {"d.csv": sheet.getvalue()}
    )

    assert sum(reading.rows_read.values()) == len(rows) == accounted_for(reading)
    assert len(reading.rejected) <= 1


@pytest.mark.parametrize("kind", sorted(RECORDS))
@given(data=st.data())
def test_any_beginning_of_a_json_file_is_refused(tmp_path_factory, kind, data):
    name, _ = RECORDS[kind]
    whole = (SAMPLES / kind / "files" / name).read_text().rstrip()
    cut = data.draw(st.integers(min_value=0, max_value=len(whole) - 1))

    with pytest.raises(SourceError, match="not whole JSON"):
        read_files(source(kind), tmp_path_factory.mktemp("cut"), {name: whole[:cut]})
