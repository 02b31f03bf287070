"""Whatever is in a file, a check ends with a report: it never crashes and never repeats secrets."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.reference import REFERENCE_TABLES

FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
WORDS = """
    a b 1 -1 0.5 1e9 nan openai usage fixed direct user call_tag api_key calls USD # " é \0
    a@b.example 2026-10-01 2026-10-14T12:00:00Z 9999-12-31 9999-12-31T23:59-10:00
    0001-01-01T00:00+10:00
"""
CELLS = st.sampled_from(["", *WORDS.split()])
TABLES = st.sampled_from([t for t in REFERENCE_TABLES.values() if t.file_name.endswith(".csv")])


@FEW
@given(raw=st.binary(max_size=200), table=TABLES)
def test_any_bytes_in_a_reference_file_end_in_a_report(bench, raw, table):
    (bench.root / "reference" / table.file_name).write_bytes(raw)

    assert bench.check().counts["sources"] == 2


@settings(FEW, max_examples=200)
@given(data=st.data(), table=TABLES)
def test_any_cells_in_a_reference_file_end_in_a_report(bench, data, table):
    width = len(table.columns)
    rows = data.draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6))
    header = [column.name for column in table.columns]
    text = "\n".join(",".join(row) for row in [header, *rows])
    bench.write(f"reference/{table.file_name}", text)

    report = bench.check()
    if report.is_good:
        assert bench.load().tables[table.name].num_rows <= len(rows)
    bench.write(f"reference/{table.file_name}", ",".join(header))


@FEW
@given(raw=st.binary(max_size=200))
def test_any_bytes_for_settings_end_in_a_report(bench, raw):
    (bench.root / "everycent.yaml").write_bytes(raw)

    assert bench.check().problems


@FEW
@given(
    words=st.lists(st.sampled_from([*"[]{},#&*!|>'\"%@~\n", "a: ", "- ", "sources:", "&a", "*a"]))
)
def test_any_yaml_for_settings_ends_in_a_report(bench, words):
    bench.write("everycent.yaml", "".join(words))

    assert bench.check().problems
