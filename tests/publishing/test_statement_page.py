import re
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from pipelines.publishing.statement_page import (
    CostCenterTotal,
    Coverage,
    StatementPage,
    TieOut,
    render_page,
    report_files,
)

OCTOBER = date(2026, 10, 1)
ATTACKS = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "' x='"]


def tie_out(invoiced="100.00", attributed="80.00", **residuals):
    return TieOut(
        "anthropic",
        "acct-1",
        invoiced and "INV-1",
        "USD",
        invoiced and Decimal(invoiced),
        {
            ("cost_center", "attributed"): Decimal(attributed),
            **{("residual", cause): Decimal(amount) for cause, amount in residuals.items()},
        },
    )


def html(**parts):
    return render_page(StatementPage("acme", OCTOBER, **parts)).decode()


class Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize(
    ("row", "state", "difference"),
    [
        (tie_out(unlogged_usage="20.00"), "ties out", "0.00 USD"),
        (tie_out(unlogged_usage="19.99"), "does not tie out", "0.01 USD"),
        (tie_out(unlogged_usage="19.999999999999"), "does not tie out", "&lt; 0.01 USD"),
        (tie_out(unexplained="20.00"), "does not tie out", "20.00 USD"),
        (tie_out(None), "estimate", "unknown"),
    ],
)
def test_the_page_says_whether_the_period_ties_out(row, state, difference):
    page = html(tie_outs=(row,))
    shown = re.search(r"Difference</td>\s*<td[^>]*>\s*([^<]+)<", page)

    assert f">{state}</span>" in page
    assert shown[1] == difference


def test_every_residual_is_named_with_its_amount():
    page = html(tie_outs=(tie_out(unlogged_usage="12.00", shared="8.00"),))

    assert re.findall(r"residual: ([a-z ]+)</td>\s*<td[^>]*>([^<]+)<", page) == [
        ("shared", "8.00 USD"),
        ("unlogged usage", "12.00 USD"),
    ]


@pytest.mark.parametrize("attack", ATTACKS)
def test_names_are_text_whatever_they_hold(attack):
    def page(name):
        elements = Elements()
        elements.feed(
            html(
                tie_outs=(TieOut(name, name, name, "USD", None, {(name, name): Decimal(1)}),),
                cost_centers=(CostCenterTotal(name, name, "USD", Decimal(1)),),
                coverage=(Coverage(name, "USD", Decimal(1), 1),),
            )
        )
        return elements

    attacked, plain = page(attack), page("plain")

    assert attacked.tags == plain.tags
    assert attacked.attributes == plain.attributes
    assert attack in attacked.text


def test_the_page_needs_no_network_and_runs_no_script():
    elements = Elements()
    elements.feed(html(tie_outs=(tie_out(),)))

    assert not {"script", "link", "img", "iframe"} & set(elements.tags)
    assert not {"src", "href", "onload", "onclick"} & set(elements.attributes)


def test_a_period_without_anything_says_so():
    page = html()

    assert "No invoice and no charge in this period." in page
    assert ">estimate</span>" in page


def test_bars_compare_within_a_currency_and_credits_look_different():
    page = html(
        cost_centers=(
            CostCenterTotal("a", None, "USD", Decimal("200.00")),
            CostCenterTotal("b", None, "USD", Decimal("-50.00")),
            CostCenterTotal("c", None, "JPY", Decimal(7)),
        )
    )

    assert re.findall(r'<rect class="(bar|credit)" width="(\d+)"', page) == [
        ("bar", "1000"),
        ("bar", "1000"),
        ("credit", "250"),
    ]
    assert "7 JPY" in page


def test_shares_are_gross_and_of_their_own_currency_and_unknown_calls_stay_unknown():
    page = html(
        coverage=(
            Coverage("owned", "USD", Decimal(75), 1234, Decimal(85)),
            Coverage("shared", "USD", Decimal(-5), None, Decimal(15)),
            Coverage("owned", "EUR", Decimal(1), 0, Decimal(1)),
            Coverage("unallocated", None, None, 9),
            Coverage("estimated", "USD", Decimal("0.000000000003"), None),
        )
    )
    cells = re.findall(r'<td class="number">([^<]+)</td>', page)

    assert cells == [
        *("100.0 %", "0", "1.00 EUR"),
        *("–", "unknown", "&lt; 0.01 USD"),
        *("85.0 %", "1,234", "75.00 USD"),
        *("15.0 %", "unknown", "-5.00 USD"),
        *("–", "9", "unknown"),
    ]


def test_the_order_of_the_rows_changes_no_byte():
    rows = (tie_out(), tie_out(None))
    centers = tuple(CostCenterTotal(c, None, "USD", Decimal(1)) for c in "ab")

    assert html(tie_outs=rows, cost_centers=centers) == html(
        tie_outs=rows[::-1], cost_centers=centers[::-1]
    )


def test_pages_lie_by_period_below_the_version():
    assert list(report_files([StatementPage("acme", OCTOBER)])) == ["report/2026-10.html"]
