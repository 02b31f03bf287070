"""Dagster stores the text of every exception: rows must not get there that way."""

from decimal import Decimal

import dagster as dg
import duckdb
import pytest

from models.money import MoneyError, parse_money
from pipelines.defs.errors import without_values

SECRET = "jane@example.com"


def stored(op_body):
    """Run a step that fails, and return everything an instance keeps about it."""

    @dg.op
    def step():
        with without_values():
            op_body()

    @dg.job(executor_def=dg.in_process_executor)
    def job():
        step()

    with dg.DagsterInstance.ephemeral() as instance:
        run = job.execute_in_process(instance=instance, raise_on_error=False)
        assert not run.success
        return "\n".join(str(entry) for entry in instance.all_logs(run.run_id))


def cast_a_mail_address():
    with duckdb.connect() as con:
        con.execute("select cast($value as integer)", {"value": SECRET})


def raise_our_own_behind_an_engine_error():
    try:
        cast_a_mail_address()
    except duckdb.ConversionException as error:
        raise MoneyError("row 7 is not an amount") from error


def test_an_engine_error_would_show_the_value():
    with pytest.raises(duckdb.ConversionException, match=SECRET):
        cast_a_mail_address()


def test_an_engine_error_is_stored_without_its_text():
    text = stored(cast_a_mail_address)

    assert SECRET not in text
    assert "ConversionException at test_errors_hold_no_values.py:" in text
    assert "Run the same days with `everycent run`" in text


def test_our_own_error_keeps_its_text_and_loses_what_is_behind_it():
    text = stored(raise_our_own_behind_an_engine_error)

    assert SECRET not in text
    assert "row 7 is not an amount" in text


def test_our_own_error_keeps_its_type():
    with pytest.raises(MoneyError), without_values():
        parse_money("twelve")


def test_nothing_happens_without_an_error():
    with without_values():
        value = parse_money("12.50")

    assert value == Decimal("12.5")
