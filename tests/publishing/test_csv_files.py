from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.publishing.csv_files import csv_bytes, csv_rows, text_cell

FORMULA_STARTS = "=+-@＝＋－＠﹦﹢﹣﹫"
PAYLOADS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\x00=1",
    "  =1",
    "\u200b=1",
    "\u00a0=1",
    "\ufeff=1",
    '"=1',
    "＝1",
    "＋1",
    "－1",
    "＠1",
    "a;=1",
    'a;"=1',
    "a; =1",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_formula_becomes_text(payload):
    cells = [cell for part in text_cell(payload).split(";") for cell in [part.strip(' \t"')]]

    assert not any(cell.startswith(tuple(FORMULA_STARTS)) for cell in cells)


@given(st.text(max_size=20))
def test_no_text_at_all_is_read_back_as_a_formula_or_with_control_characters(text):
    [row] = csv_rows(csv_bytes(["note", "end"], [[text, 1]]))

    assert not row["note"].lstrip().startswith(tuple(FORMULA_STARTS))
    assert row["note"].isprintable() or not any(ord(c) < 32 or ord(c) == 127 for c in row["note"])
    assert row["end"] == "1"


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=1))
def test_plain_text_comes_back_unchanged(texts):
    columns = [f"c{i}" for i in range(len(texts))]

    assert list(csv_rows(csv_bytes(columns, [texts]))[0].values()) == texts


def test_amounts_keep_their_scale_and_sign_and_are_never_prefixed():
    content = csv_bytes(
        ["amount", "day", "calls", "unknown"],
        [[Decimal("-0.50"), date(2026, 10, 1), -3, None], [Decimal("1E+2"), None, 0, None]],
    )

    assert content == b"amount,day,calls,unknown\n-0.50,2026-10-01,-3,\n100,,0,\n"


def test_separators_and_quotes_are_quoted_as_rfc_4180_says():
    content = csv_bytes(["a", "b"], [['say "hi", twice', "line\nbreak"]])

    assert content == b'a,b\n"say ""hi"", twice",linebreak\n'


@pytest.mark.parametrize("value", [1.5, Decimal("NaN"), Decimal("Infinity"), b"x"])
def test_what_is_no_exact_cell_is_refused(value):
    with pytest.raises(TypeError, match="CSV cell"):
        csv_bytes(["a"], [[value]])


def test_a_row_of_another_width_is_refused():
    with pytest.raises(ValueError, match="2 cells under 1"):
        csv_bytes(["a"], [["x", "y"]])
