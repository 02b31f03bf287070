from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.money import minor_digits
from pipelines.statements import (
    ROUNDING,
    UNEXPLAINED,
    ExactLine,
    Invoice,
    StatementError,
    round_statements,
)


def invoice(currency="USD", number="INV-1"):
    return Invoice("anthropic", "acct-1", number, date(2026, 10, 1), currency)


def rounded(amounts, total, currency="USD"):
    which = invoice(currency)
    lines = [ExactLine(which, (key,), Decimal(amount)) for key, amount in amounts.items()]
    return {_word(line.key): line for line in round_statements(lines, {which: total})}


def _word(key):
    return key if key in (ROUNDING, UNEXPLAINED) else key[0]


def units(amounts, total, currency="USD"):
    return {key: line.minor_units for key, line in rounded(amounts, total, currency).items()}


AMOUNTS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.decimals("-1000", "1000", places=6),
    max_size=8,
)
CURRENCIES = st.sampled_from(["USD", "JPY", "KWD", "CLF"])


@given(AMOUNTS, st.integers(-200_000, 200_000), CURRENCIES)
def test_lines_always_add_up_to_the_invoice(amounts, total, currency):
    lines = rounded(amounts, total, currency).values()
    exact = sum((line.amount_exact for line in lines), start=Decimal(0))

    assert sum(line.minor_units for line in lines) == total
    assert exact == Decimal(total).scaleb(-minor_digits(currency))


@given(AMOUNTS, st.integers(-200_000, 200_000))
def test_no_line_is_a_whole_cent_away_from_its_exact_amount(amounts, total):
    lines = rounded(amounts, total).values()

    assert all(abs(line.minor_units - line.amount_exact * 100) < 1 for line in lines)


@given(AMOUNTS, st.integers(-200_000, 200_000), st.randoms())
def test_the_order_of_the_lines_changes_nothing(amounts, total, random):
    shuffled = list(amounts.items())
    random.shuffle(shuffled)

    assert rounded(dict(shuffled), total) == rounded(amounts, total)


@given(AMOUNTS, st.integers(1, 200_000))
def test_a_credit_note_is_the_mirror_of_its_invoice(amounts, total):
    mirrored = {key: -amount for key, amount in amounts.items()}

    assert units(mirrored, -total) == {k: -v for k, v in units(amounts, total).items()}


def test_a_tie_goes_to_the_smaller_key():
    assert units({"b": "0.005", "a": "0.005"}, 1) == {"a": 1, "b": 0}


def test_charges_and_credits_that_cancel_out_keep_their_size():
    assert units({"a": "10.40", "b": "-10.40"}, 0) == {"a": 1040, "b": -1040}


@pytest.mark.parametrize(("amount", "name"), [("0.995", ROUNDING), ("0.9949", UNEXPLAINED)])
def test_half_a_cent_is_rounding_and_more_is_unexplained(amount, name):
    lines = rounded({"a": amount}, 100)

    assert set(lines) == {"a", name}
    assert lines[name].amount_exact == Decimal(1) - Decimal(amount)


def test_an_invoice_that_adds_up_has_no_line_for_a_difference():
    assert units({"a": "0.50", "b": "0.50"}, 100) == {"a": 50, "b": 50}


def test_an_invoice_without_lines_is_all_unexplained():
    assert units({}, 1234) == {UNEXPLAINED: 1234}


def test_a_currency_without_cents_is_rounded_to_whole_units():
    assert units({"a": "33.4", "b": "66.6"}, 100, "JPY") == {"a": 33, "b": 67}


def test_invoices_are_rounded_apart_from_each_other():
    first, second = invoice(number="INV-1"), invoice(number="INV-2")
    lines = [ExactLine(first, ("a",), Decimal("0.01")), ExactLine(second, ("a",), Decimal("0.02"))]

    assert [line.minor_units for line in round_statements(lines, {second: 2, first: 1})] == [1, 2]


@pytest.mark.parametrize("key", [("a",), ROUNDING, UNEXPLAINED])
def test_a_key_that_is_there_twice_or_reserved_is_refused(key):
    lines = [ExactLine(invoice(), name, Decimal(1)) for name in (("a",), key)]

    with pytest.raises(StatementError, match="INV-1: line"):
        round_statements(lines, {invoice(): 200})


def test_a_line_without_an_invoice_total_is_refused():
    with pytest.raises(StatementError, match="no invoice total"):
        round_statements([ExactLine(invoice(), ("a",), Decimal(1))], {})
