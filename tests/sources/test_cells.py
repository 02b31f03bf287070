"""Values of one record: what is taken, what is refused, and that nothing is guessed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.money import MONEY_CONTEXT, MoneyError, parse_money
from pipelines.sources.cells import (
    NEXT_ACTIONS,
    RowError,
    binary_money,
    count,
    currency,
    flag,
    plain_money,
    quantity,
    redacted,
    text,
)

amounts = st.decimals(min_value=-(10**13) + 1, max_value=10**13 - 1, places=16)


def outcome(read):
    """The amount, or null for a refusal."""
    try:
        return read()
    except (RowError, MoneyError):
        return None


@given(cents=amounts)
def test_cents_are_a_hundredth_of_dollars(cents):
    dollars = plain_money({"a": f"{cents:f}"}, "a", minor_digits=2)

    assert MONEY_CONTEXT.multiply(dollars, Decimal(100)) == cents


@given(amount=amounts)
def test_an_amount_is_the_same_as_text_and_as_number(amount):
    as_text, residue = binary_money({"a": f"{amount:f}"}, "a")

    assert (as_text, residue) == (amount, 0)
    assert binary_money({"a": amount}, "a") == (as_text, residue)


@given(amount=st.decimals(min_value=-(10**6), max_value=10**6, places=30))
def test_what_quantising_takes_off_is_told(amount):
    stored, residue = binary_money({"a": amount}, "a")

    assert MONEY_CONTEXT.add(stored, residue) == amount
    assert abs(residue) <= Decimal("5e-19")


@given(number=st.integers(min_value=0, max_value=2**63 - 1))
def test_a_count_is_the_same_in_every_spelling(number):
    spellings: list[object] = [number, str(number), f"{number}.0", Decimal(f"{number}.000")]

    assert {count({"n": spelling}, "n") for spelling in spellings} == {number}


@given(value=st.text(min_size=1) | st.from_regex(r"[+-]?[0-9]{0,22}\.?[0-9]{0,20}"))
def test_text_is_money_exactly_where_the_money_parser_says_so(value):
    assert outcome(lambda: plain_money({"a": value}, "a")) == outcome(lambda: parse_money(value))


@given(value=st.text())
def test_a_shape_holds_no_letter_or_digit_of_the_text(value):
    shape = redacted(value)

    assert len(shape) <= 64
    assert not set(shape) & (set("bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ012345678"))


@pytest.mark.parametrize("reader", [count, flag, quantity, text])
@pytest.mark.parametrize("record", [{}, {"x": None}, {"x": ""}])
def test_absent_and_blank_are_null(reader, record):
    assert reader(record, "x") is None


@pytest.mark.parametrize(
    ("reader", "value", "rule"),
    [
        (count, [1], "count_form"),
        (count, "١٢", "count_form"),
        (count, Decimal("1E+3"), "count_form"),
        (flag, "yes", "flag_form"),
        (quantity, "1,5", "quantity_form"),
        (quantity, False, "quantity_form"),
        (text, 5, "text_form"),
        (binary_money, True, "amount_form"),
        (binary_money, Decimal("1e99999999"), "amount_form"),
        (plain_money, Decimal(1), "amount_form"),
    ],
)
def test_other_values_break_a_rule_that_says_what_to_do(reader, value, rule):
    with pytest.raises(RowError, match=rule) as refused:
        reader({"x": value}, "x")

    assert refused.value.column == "x"
    assert rule in NEXT_ACTIONS


def test_a_blank_currency_is_the_settings_one_or_refused():
    assert currency({}, "c", "EUR") == "EUR"
    assert currency({"c": "usd"}, "c", "EUR") == "USD"
    with pytest.raises(RowError, match="currency_form"):
        currency({}, "c", None)


def test_quantities_are_rounded_to_the_ninth_digit():
    assert quantity({"q": "0.0000000005"}, "q") == 0
    assert quantity({"q": Decimal("1.0000000015")}, "q") == Decimal("1.000000002")
