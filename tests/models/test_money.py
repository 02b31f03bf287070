"""Money from text, and money into cents."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.columns import arrow_schema, ddl
from models.facts import CALL, CALL_PROFILE, FACTS
from models.money import MONEY_CONTEXT, MoneyError, allocate, minor_digits, parse_money
from pipelines.duck import connect

AMOUNTS = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**13) + 1, max_value=10**13 - 1, places=18
)
WEIGHTS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**9, places=6),
    min_size=1,
    max_size=12,
).filter(lambda weights: sum(weights.values()) > 0)


@given(AMOUNTS)
def test_an_amount_survives_its_text_to_the_last_digit(amount):
    assert parse_money(format(amount, "f")) == amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0.003400000000000000000000000000000000", "0.0034"),
        ("-12.5", "-12.5"),
        (".5", "0.5"),
        ("7.", "7"),
        ("123.4567890123456789", "123.4567890123456789"),
    ],
)
def test_plain_amounts_are_read(text, amount):
    assert parse_money(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "abc", "1,234.5", "1.2.3", "$5", "5 USD", "NaN", "inf", "-", ".", "1e3", "٣",
        "0.1234567890123456789", "1" + "0" * 20, "1\n", "0x10", "1_000", "--1", "１",
    ],
)  # fmt: skip
def test_everything_else_is_refused_and_not_repeated(text):
    with pytest.raises(MoneyError) as refused:
        parse_money(text)

    assert not text.strip() or text.strip() not in str(refused.value) or len(text) < 2


def test_a_source_that_prints_binary_floats_is_rounded_half_to_even():
    assert parse_money("2.5e-06", exponent=True) == Decimal("0.0000025")
    assert parse_money("0.00022500000000000002", binary=True, exponent=True) == Decimal(
        "0.000225000000000000"
    )


def test_minor_units_come_from_the_currency():
    assert [minor_digits(c) for c in ("USD", "JPY", "KWD", "CLF")] == [2, 0, 3, 4]


@given(st.integers(-(10**12), 10**12), WEIGHTS)
def test_cents_add_up_whatever_the_weights(total, weights):
    shares = allocate(total, weights)

    assert sum(shares.values()) == total
    assert shares.keys() == weights.keys()


@given(st.integers(-(10**9), 10**9), WEIGHTS)
def test_no_share_is_a_whole_cent_away_from_its_exact_part(total, weights):
    shares = allocate(total, weights)
    with localcontext(MONEY_CONTEXT):
        weight_sum = sum(weights.values())
        distances = [
            abs(shares[key] * weight_sum - total * weight) for key, weight in weights.items()
        ]

    assert max(distances) < weight_sum


@given(st.integers(0, 10**6), WEIGHTS)
def test_the_order_of_the_weights_does_not_matter(total, weights):
    assert allocate(total, dict(reversed(weights.items()))) == allocate(total, weights)


def test_a_tie_goes_to_the_smaller_key():
    assert allocate(100, dict.fromkeys("cab", Decimal(1))) == {"a": 34, "b": 33, "c": 33}


def test_money_without_weights_is_an_error_and_never_a_division():
    with pytest.raises(MoneyError):
        allocate(1, {"a": Decimal(0)})

    assert allocate(0, {"a": Decimal(0)}) == {"a": 0}


def test_every_fact_has_a_shape_in_duckdb_and_in_arrow():
    with connect() as con:
        for fact, columns in FACTS.items():
            con.execute(f"create table {fact} ({ddl(columns)})")
            described = [row[0] for row in con.execute(f"describe {fact}").fetchall()]

            assert described == arrow_schema(columns).names


def test_a_call_profile_is_made_of_call_columns():
    assert {column.name for column in CALL} >= set(CALL_PROFILE)
