import csv
import json
import shlex
import shutil
from decimal import Decimal

import pytest

QUERY = "select issuer, invoice_total, difference from mart_invoice_tie_out order by issuer"


def test_the_query_of_the_summary_works_as_it_is_pasted(everycent, ran, first_run):
    [line] = [line for line in first_run.stdout.splitlines() if line.startswith("Try:")]
    words = shlex.split(line.removeprefix("Try:"))
    result = everycent(*words[1:])
    assert result.exit_code == 0, result.output
    assert "application_id" in result.stdout


def test_rows_come_as_table_csv_or_json_with_every_digit(everycent, ran):
    rows = json.loads(everycent("query", QUERY, ran, "--json").stdout)
    assert [row["issuer"] for row in rows] == ["anthropic", "aws", "openai"]
    lines = list(csv.DictReader(everycent("query", QUERY, ran, "--csv").stdout.splitlines()))
    for row, line in zip(rows, lines, strict=True):
        assert Decimal(row["invoice_total"]) == Decimal(line["invoice_total"])
    text = everycent("query", QUERY, ran).stdout
    assert all(row["invoice_total"] in text for row in rows)


def test_long_answers_are_cut_on_the_screen_only(everycent, ran, monkeypatch):
    monkeypatch.setattr("pipelines.commands.query.SHOWN", 2)
    assert "1 more rows" in everycent("query", QUERY, ran).stdout
    assert len(everycent("query", QUERY, ran, "--csv").stdout.splitlines()) == 4


def test_results_that_are_not_exact_are_still_shown(everycent, ran):
    sql = "select 1 / 3 as share, [1, 2] as pair, interval 1 day as gap, null as nothing"
    for words in ((), ("--csv",), ("--json",)):
        assert everycent("query", sql, ran, *words).exit_code == 0


def test_a_query_cannot_change_what_is_published(everycent, ran):
    result = everycent("query", "delete from mart_invoice_tie_out", ran)
    assert result.exit_code == 2
    assert everycent("verify", ran).exit_code == 0


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("", "empty"),
        ("/* nothing */", "empty"),
        ("select 1; select 2", "2 queries"),
        ("drop table fct_calls", "Only queries"),
        ("copy (select 1) to 'x.csv'", "Only queries"),
        ("attach 'x.duckdb'", "Only queries"),
        ("selec 1", "syntax error"),
    ],
)
def test_what_is_no_question_is_a_mistake(everycent, ran, sql, said):
    result = everycent("query", sql, ran)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("sql", ["show tables", "describe fct_calls", "explain select 1"])
def test_a_question_about_tables_is_answered(everycent, ran, sql):
    assert everycent("query", sql, ran).exit_code == 0


def test_a_pivot_is_a_question(everycent, ran):
    sql = "pivot (select issuer, state from mart_invoice_tie_out) on state"
    assert everycent("query", sql, ran).exit_code == 0


@pytest.mark.parametrize("words", [("query", "select 1"), ("status",), ("explain", "x"), ("run",)])
def test_a_damaged_database_is_named_with_what_to_do(everycent, ran, tmp_path, words):
    shutil.copytree(ran, tmp_path / "copy", symlinks=True)
    database = tmp_path / "copy" / "published" / "current" / "marts.duckdb"
    database.chmod(0o644)
    database.write_bytes(b"damaged")
    result = everycent(*words, "-w", tmp_path / "copy")
    assert result.exit_code == 2
    assert "marts.duckdb is missing, damaged" in result.stderr


def test_mistakes_in_a_query_are_explained_without_values(everycent, ran):
    wrong = everycent("query", "select nothing from fct_calls", ran)
    assert wrong.exit_code == 2
    assert "nothing" in wrong.stderr
    failing = everycent("query", "select cast(call_id as integer) from fct_calls", ran)
    assert failing.exit_code == 2
    assert failing.stderr == "The query failed: ConversionException.\n"
    assert everycent("query", "select 1", ran, "--csv", "--json").exit_code == 2


def test_reading_what_is_published_takes_no_key(everycent, ran, tmp_path):
    no_key = {"EVERYCENT_PSEUDONYM_KEY": None}
    for words in (
        ("query", "select 1", ran),
        ("verify", ran),
        ("export", ran, "--to", tmp_path / "out"),
    ):
        assert everycent(*words, env=no_key).exit_code == 0
