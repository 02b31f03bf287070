from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.commands import terminal
from pipelines.percent import percent


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (1, 3, "33.3 %"),
        (0, 0, "-"),
        (2, 2, "100.0 %"),
        (Decimal("999999.99"), Decimal(1000000), "> 99.9 %"),
        (Decimal(-1), Decimal(4), "-25.0 %"),
    ],
)
def test_a_share_is_never_rounded_up_to_all(part, whole, text):
    assert percent(part, whole) == text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Decimal("1234.565"), "USD", "1,234.56"),
        (Decimal("1234.5"), "JPY", "1,234"),
        (Decimal("12345678901234567890.125"), "KWD", "12,345,678,901,234,567,890.125"),
        (None, "USD", "-"),
    ],
)
def test_amounts_are_rounded_to_their_minor_unit_for_display(amount, currency, text):
    assert terminal.cents(amount, currency) == text


def test_json_holds_decimals_as_exact_text():
    value = {"amount": Decimal("1E-12"), "day": date(2026, 9, 1), "path": Path("a"), "none": None}
    assert terminal.plain(value) == {
        "amount": "0.000000000001",
        "day": "2026-09-01",
        "path": "a",
        "none": None,
    }


def test_numbers_are_whole_even_where_the_terminal_is_narrow(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    numbers = [f"0.{n}{'0' * 17}1" for n in range(4)]
    terminal.show_table("", list("abcd"), [numbers], right=list("abcd"))
    shown = capsys.readouterr().out
    assert all(number in shown for number in numbers)


def test_values_are_never_read_as_styles_and_never_steer_the_terminal(capsys):
    terminal.say(f"a {terminal.safe('[red]b[/]')} {terminal.safe('c' + chr(27) + '[2J')}")
    assert capsys.readouterr().out == "a [red]b[/] c\ufffd[2J\n"
