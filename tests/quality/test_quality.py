"""The gate: every counter is judged, nothing passes by looking at nothing."""

import subprocess
import sys
from decimal import Decimal

import pyarrow as pa
import pytest
from pydantic import ValidationError

from models.columns import arrow_schema
from models.quality import QUALITY_RESULTS, Expectation, Severity
from pipelines import quality


def counters(*rows: tuple[str, str, str, object]) -> pa.Table:
    return pa.table(
        {name: pa.array([row[i] for row in rows]) for i, name in enumerate(quality.COUNTER_COLUMNS)}
    )


LANDING = sorted(quality.load_suites()["landing"].expectations)


def landing(**changed: object) -> pa.Table:
    values = {**dict.fromkeys(LANDING, 0), **changed}
    return counters(*[("landing", "gateway", name, value) for name, value in values.items()])


def every_counter(value: str, **changed: str) -> pa.Table:
    return counters(
        *[
            (suite.name, "2026-10-01", counter, changed.get(counter, value))
            for suite in quality.load_suites().values()
            for counter in suite.expectations
        ]
    )


def test_good_counters_of_every_suite_pass():
    results = quality.judge(every_counter("0", rows="1"))

    assert all(r.passed and r.message is None for r in results)
    assert {r.suite for r in results} == set(quality.load_suites())


@pytest.mark.parametrize(
    ("suite", "counter"),
    [(s.name, c) for s in quality.load_suites().values() for c in s.expectations],
)
def test_every_expectation_can_fail(suite, counter):
    expectation = quality.load_suites()[suite].expectations[counter]

    assert not expectation.holds(Decimal(1 if expectation.limits == (0, 0) else 0))


def test_great_expectations_breaks_what_the_rules_break():
    results = quality.judge(every_counter("1", rows="0"))

    assert not any(r.passed for r in results)


def test_only_the_partition_that_is_wrong_fails():
    good, bad = landing(), landing(rows_quarantined=2)
    other = bad.set_column(1, "partition", pa.array(["bill"] * bad.num_rows))
    results = quality.judge(pa.concat_tables([good, other]), ["landing"])
    failed = [r for r in results if not r.passed]

    assert [(r.partition, r.counter, r.value) for r in failed] == [
        ("bill", "rows_quarantined", "2")
    ]
    assert failed[0].message == (
        "landing.rows_quarantined is 2 in bill, expected equals 0. Records that broke a rule of "
        "their format and are in no number. Run `everycent status` for file, row and rule; correct "
        "the delivery."
    )


def test_counters_of_one_suite_may_come_in_different_partitions():
    table = counters(
        ("landing", "bill", "dispositions_unbalanced", 1),
        *(("landing", "gateway", name, 0) for name in LANDING[1:]),
    )
    results = quality.judge(table, ["landing"])

    assert [(r.partition, r.counter) for r in results if not r.passed] == [
        ("bill", "dispositions_unbalanced")
    ]


def test_the_smallest_amount_of_money_breaks_the_gate():
    table = counters(
        ("tie_out", "INV-1", "statements_not_tied", "0"),
        ("tie_out", "INV-1", "unexplained_difference", "0.000000000000000001"),
        ("tie_out", "INV-1", "missing_invoices", "0"),
    )
    failed = [r for r in quality.judge(table, ["tie_out"]) if not r.passed]

    assert [r.value for r in failed] == ["0.000000000000000001"]


def test_money_may_come_as_decimals_and_negative():
    table = landing().set_column(
        3,
        "value",
        pa.array([Decimal("-0.01"), *[Decimal(0)] * (len(LANDING) - 1)], pa.decimal128(38, 18)),
    )

    assert [r.value for r in quality.judge(table, ["landing"]) if not r.passed] == [
        "-0.010000000000000000"
    ]


def test_a_warning_is_shown_and_lets_the_data_pass():
    results = quality.judge(landing(rows_quarantined=3), ["landing"])
    quality.require(results)

    assert [r.severity for r in results if not r.passed] == [Severity.WARN]


def test_a_broken_expectation_names_the_ids_that_its_check_names():
    table = landing(rows_quarantined=2)
    named = table.append_column(
        "examples",
        pa.array(["gateway c1" if name == "rows_quarantined" else None for name in LANDING]),
    )
    messages = [r.message for r in quality.judge(named, ["landing"]) if not r.passed]

    assert [message.endswith("Among them: gateway c1.") for message in messages] == [True]


def test_a_blocking_check_stops_and_says_where_and_what_to_do():
    results = quality.judge(landing(dispositions_unbalanced=1), ["landing"])

    with pytest.raises(quality.QualityError) as error:
        quality.require(results)
    assert error.value.results == tuple(results)
    assert "landing.dispositions_unbalanced is 1 in gateway" in str(error.value)
    assert "Land the named source again" in str(error.value)


def test_a_long_list_of_failures_is_cut_and_counted():
    table = pa.concat_tables(
        [
            landing(dispositions_unbalanced=1).set_column(
                1, "partition", pa.array([f"s{n}"] * len(LANDING))
            )
            for n in range(12)
        ]
    )

    with pytest.raises(quality.QualityError, match=r"12 blocking checks(?s:.)*and 2 more"):
        quality.require(quality.judge(table, ["landing"]))


def test_a_counter_without_expectation_is_an_error():
    extra = counters(("landing", "gateway", "surprises", 0))

    with pytest.raises(quality.CounterError, match=r"landing\.surprises has no expectation"):
        quality.judge(pa.concat_tables([landing(), extra]), ["landing"])


def test_an_expectation_whose_counter_never_arrives_is_an_error():
    with pytest.raises(quality.CounterError, match=r"landing\.rows_quarantined was expected"):
        quality.judge(landing().slice(0, 1), ["landing"])


def test_a_whole_suite_that_never_arrives_is_an_error():
    with pytest.raises(quality.CounterError, match=r"calls\.rows was expected and never counted"):
        quality.judge(landing())


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "has no value in partition gateway"),
        (0.0, "is a binary float"),
        ("many", "is not a number"),
        ("NaN", "is not a number"),
    ],
)
def test_a_counter_that_is_no_exact_number_is_an_error(value, said):
    table = counters(("landing", "gateway", "rows_quarantined", value))

    with pytest.raises(quality.CounterError, match=said):
        quality.judge(table, ["landing"])


def test_two_values_for_one_partition_are_an_error():
    with pytest.raises(quality.CounterError, match="has two values in partition gateway"):
        quality.judge(pa.concat_tables([landing(), landing()]), ["landing"])


def test_results_are_a_table_in_the_contract_and_in_a_fixed_order():
    shuffled = landing(rows_quarantined=1).take([*range(len(LANDING))][::-1])
    table = quality.quality_table(quality.judge(shuffled, ["landing"]))

    assert table.schema == arrow_schema(QUALITY_RESULTS)
    assert table.equals(
        quality.quality_table(quality.judge(landing(rows_quarantined=1), ["landing"]))
    )
    assert table.column("passed").to_pylist() == [name != "rows_quarantined" for name in LANDING]


def test_no_results_are_an_empty_table():
    assert quality.quality_table([]).num_rows == 0


def test_great_expectations_is_imported_only_when_something_is_judged():
    code = "import sys, pipelines.quality; sys.exit('great_expectations' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_judging_is_silent(capfd):
    quality.judge(landing(rows_quarantined=1), ["landing"])

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "limits",
    [{}, {"equals": 0, "at_least": 1}, {"at_least": 2, "at_most": 1}, {"equals": 0.5}],
)
def test_an_expectation_says_exactly_one_thing(limits):
    with pytest.raises(ValidationError):
        Expectation(counter="rows", severity="warn", meaning="m", next_action="n", **limits)


def test_limits_are_inclusive_and_read_like_words():
    between = Expectation(
        counter="rows", at_least=1, at_most=3, severity="warn", meaning="m", next_action="n"
    )

    assert between.text == "at least 1 and at most 3"
    assert [between.holds(Decimal(n)) for n in range(5)] == [False, True, True, True, False]


SUITE = """
version: 1
suites: [{suite}]
expectations:
  - {{counter: rows, at_least: 1, severity: warn, meaning: m, next_action: n}}
"""


def test_a_suite_in_two_files_is_an_error(tmp_path):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(SUITE.format(suite="calls"))

    with pytest.raises(quality.CounterError, match=r"b\.yaml: suite calls is already"):
        quality.load_suites(tmp_path)


def test_a_counter_twice_in_one_file_is_an_error(tmp_path):
    text = SUITE.format(suite="calls")
    (tmp_path / "a.yaml").write_text(text + text.strip().splitlines()[-1] + "\n")

    with pytest.raises(quality.CounterError, match=r"a\.yaml: a counter is listed twice"):
        quality.load_suites(tmp_path)
