"""What every table promises, whatever its rows: columns, types, keys and portable SQL."""

import re

import pytest

from pipelines.transforms import Transform, load_transforms
from tests.transforms.cases import Types

TRANSFORMS = list(load_transforms().values())
TABLES = [t for t in TRANSFORMS if t.layer != "checks"]
PUBLIC = [t for t in TRANSFORMS if t.is_public]
MONEY = re.compile(
    r".*(_cost|_saving|_amount|_total|_price|_per_million|_exact)(_p\d\d)?$|.*_cost_usd$"
)
"""Names of columns that hold money."""
BY_NAME = pytest.mark.parametrize("transform", PUBLIC, ids=lambda t: t.name)


@BY_NAME
def test_public_columns_are_the_documented_ones_in_that_order(transform: Transform, types: Types):
    assert list(types[transform.name]) == list(transform.columns)


@BY_NAME
def test_no_public_column_is_a_type_that_loses_digits(transform: Transform, types: Types):
    wrong = {
        column: kind
        for column, kind in types[transform.name].items()
        if kind in ("DOUBLE", "FLOAT", "HUGEINT", "UHUGEINT")
    }

    assert not wrong


@pytest.mark.parametrize("transform", TABLES, ids=lambda t: t.name)
def test_no_table_holds_binary_floats(transform: Transform, types: Types):
    kinds = set(types[transform.name].values())

    assert not kinds & {"DOUBLE", "FLOAT"}


@BY_NAME
def test_public_money_is_decimal(transform: Transform, types: Types):
    wrong = {
        column: kind
        for column, kind in types[transform.name].items()
        if MONEY.fullmatch(column) and not kind.startswith("DECIMAL")
    }

    assert not wrong


@pytest.mark.parametrize("transform", TABLES, ids=lambda t: t.name)
def test_keys_are_columns(transform: Transform, types: Types):
    assert transform.keys
    assert set(transform.keys) <= set(types[transform.name])


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: t.name)
def test_sql_is_in_the_portable_subset(transform: Transform):
    assert not problems(transform.name, transform.sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select * exclude (a) from t",
        "select * replace (1 as a) from t",
        "select a from t asof join u on t.a >= u.a",
        "pivot t on a using sum(b)",
        "unpivot t on a into name n value v",
        "select avg(a) from t",
        "select mean(a) from t",
        "select a / b from t",
        "select cast(a as double) from t",
        "select a * 1e-6 from t",
        "select any_value(a) from t",
        "select string_agg(a, b) from t",
        "select first(a) from t",
        "select arg_max(a, b) from t",
        "select percentile_disc(0.5) within group (order by a) from t",
        "select median(a) from t",
        "select quantile_disc(a, 0.5) from t",
        "select row_number() over (partition by a) from t",
        "select a from t limit 1",
        "select now()",
        "select random()",
    ],
)
def test_the_lint_finds_what_is_not_portable_exact_or_repeatable(sql: str):
    assert problems("some_table", sql)


BANNED_FUNCTIONS = {
    "any_value", "approx_quantile", "arbitrary", "arg_max", "arg_min", "avg", "first", "last",
    "list", "mean", "median", "now", "current_date", "current_timestamp", "percentile_cont",
    "percentile_disc", "quantile", "quantile_cont", "rand", "random", "round", "today",
    "uuid",
}  # fmt: skip
QUANTILES_IN = {"mart_showback_daily"}


def problems(name: str, sql: str) -> list[str]:
    """What a query uses that another engine, exact money or a second run does not have."""
    words = _words(sql)
    found = [
        f"{word}()" for word in sorted(BANNED_FUNCTIONS) if re.search(rf"\b{word}\s*\(", words)
    ]
    if name not in QUANTILES_IN and re.search(r"\bquantile_disc\s*\(", words):
        found.append("quantile_disc()")
    found += re.findall(
        r"\b(exclude|replace)\s*\(|\b(asof|pivot|unpivot|limit|double|float)\b", words
    )
    found += re.findall(r"(?<!/)/(?!/)", words)
    found += re.findall(r"\b\d+(?:\.\d+)?e[+-]?\d+", words)
    found += ["over () without order by"] * _unordered(words)
    texts = re.findall(r"\bstring_agg\s*\(([^()]*)", words)
    found += ["string_agg() without order by"] * sum("order by" not in text for text in texts)
    return [str(item) for item in found]


def _words(sql: str) -> str:
    """The query in lower case without comments and text."""
    return re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", " ", sql, flags=re.DOTALL).lower()


def _unordered(words: str) -> int:
    windows = re.findall(r"\b(?:row_number|lead|lag|rank)\s*\([^)]*\)\s*over\s*\(([^)]*)", words)
    return sum("order by" not in window for window in windows)
