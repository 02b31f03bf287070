"""Files, rows and calls that cannot be right: refused or set aside by name, never counted."""

import gzip
import re
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.compute import TooLargeError
from tests.end_to_end.company import Company
from tests.end_to_end.damage import (
    ISSUERS,
    bill_file,
    cost_report,
    edit_bill,
    edit_calls,
    log_file,
    spoil_bill,
    spoil_call,
    spoil_costs,
    without_manifests,
)

pytestmark = pytest.mark.slow


def cut(company: Company, path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def tear(company: Company) -> None:
    path = log_file(company)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 16] = bytes(16)
    path.write_bytes(content)


REFUSED_LOGS = {
    "truncated": (lambda c: cut(c, log_file(c)), "truncated_gzip"),
    "torn": (tear, "torn_gzip"),
    "empty": (lambda c: log_file(c).write_bytes(b""), "wrong_container"),
    "not gzip": (lambda c: log_file(c).write_bytes(b"{}"), "wrong_container"),
    "zip": (lambda c: log_file(c).write_bytes(b"PK\x03\x04 and so on"), "wrong_container"),
}


@pytest.mark.parametrize(("damage", "rule"), REFUSED_LOGS.values(), ids=REFUSED_LOGS)
def test_a_log_that_is_not_whole_is_refused_and_its_calls_are_unlogged(damaged, damage, rule):
    ran = damaged(damage)
    name = log_file(ran.company).relative_to(ran.company.root / "inbox" / "gateway_eu")
    [problem] = ran.summary.problems

    assert problem.startswith(f"gateway_eu: {name}: {rule}: ")
    assert re.search(r"\. Deliver it [a-z ]+$", problem)
    assert ran.missing_money == {}
    assert ran.states == dict.fromkeys(ISSUERS, "tied")
    assert ran.residual == ran.unseen > 0


def rename_cost(rows: list[list[str]]) -> list[list[str]]:
    header, *body = rows
    return [[name.replace("line_item_unblended_cost", "cost") for name in header], *body]


def renamed_column(company: Company) -> None:
    edit_bill(company, rename_cost)
    without_manifests(company)


def repeated_key(company: Company) -> None:
    path = cost_report(company)
    text = path.read_text("utf-8")
    path.write_text(text.replace('"currency"', '"amount": "1", "currency"', 1), "utf-8")


REFUSED_BILLS = {
    "truncated": (lambda c: cut(c, bill_file(c)), "aws", "its manifest says"),
    "other than promised": (lambda c: edit_bill(c, rename_cost), "aws", "its manifest says"),
    "renamed column": (renamed_column, "aws", "no column line_item_unblended_cost"),
    "truncated JSON": (lambda c: cut(c, cost_report(c)), "anthropic", "not whole JSON"),
    "empty JSON": (lambda c: cost_report(c).write_bytes(b""), "anthropic", "not whole JSON"),
    "key twice": (repeated_key, "anthropic", "duplicate keys"),
    "missing page": (lambda c: cost_report(c, 2).unlink(), "anthropic", "all pages"),
}


@pytest.mark.parametrize(("damage", "issuer", "says"), REFUSED_BILLS.values(), ids=REFUSED_BILLS)
def test_a_bill_that_is_not_whole_counts_not_at_all(damaged, damage, issuer, says):
    ran = damaged(damage)
    [problem] = ran.summary.problems
    [(real,)] = ran.company.rows(f"select sum(cost) from truth_billed where issuer = '{issuer}'")
    [(estimated,)] = ran.company.rows(
        f"select sum(estimated_cost) from fct_cost_lines where issuer = '{issuer}'"
    )

    assert problem.startswith(f"{issuer}_bill: ")
    assert "not_whole" in problem
    assert says in problem
    assert re.search(r"\.(json|csv\.gz): .*\. (Fetch|Download|Export) .*\.?$", problem)
    assert ran.missing_money == {issuer: real}
    assert ran.states == {name: "unexplained" if name == issuer else "tied" for name in ISSUERS}
    assert "tie_out.unexplained_difference" in ran.warnings
    assert estimated > 0


def openai_amount_is_no_number(company: Company) -> None:
    path = next(path for path in company.inbox("openai") if path.name == "costs_1.json")
    path.write_text(re.sub(r'"value": [0-9.]+', '"value": NaN', path.read_text("utf-8")), "utf-8")


BAD_BILL_ROWS = {
    "comma": (spoil_bill("line_item_unblended_cost", "1,234.50"), "aws", "amount_form"),
    "too large": (spoil_bill("line_item_unblended_cost", "9" * 30), "aws", "amount_form"),
    "words": (spoil_bill("line_item_unblended_cost", "free"), "aws", "amount_form"),
    "blank": (spoil_bill("line_item_unblended_cost", ""), "aws", "amount_missing"),
    "no currency": (spoil_bill("line_item_currency_code", "DOLLAR"), "aws", "currency_form"),
    "no zone": (
        spoil_bill("line_item_usage_start_date", "2026-09-01T00:00:00"),
        "aws",
        "instant_form",
    ),
    "CSV beyond the type": (
        spoil_bill("line_item_unblended_cost", "99999999999999999999"),
        "aws",
        "amount_form",
    ),
    "JSON beyond the type": (spoil_costs("amount", "1" + 15 * "0"), "anthropic", "amount_form"),
    "JSON comma": (spoil_costs("amount", "1,234.5"), "anthropic", "amount_form"),
    "JSON digits": (spoil_costs("amount", "0.12345678901234567890123"), "anthropic", "amount_form"),
    "JSON float": (spoil_costs("amount", 1.5), "anthropic", "amount_form"),
}


@pytest.mark.parametrize(("damage", "issuer", "rule"), BAD_BILL_ROWS.values(), ids=BAD_BILL_ROWS)
def test_a_bad_row_of_a_bill_is_set_aside_with_everything_to_find_it(damaged, damage, issuer, rule):
    ran = damaged(damage)
    [row] = ran.quarantine
    [(dearest,)] = ran.company.rows(f"select max(cost) from truth_billed where issuer = '{issuer}'")

    assert row.rule == rule
    assert (ran.company.root / "inbox" / issuer / row.file_name).is_file()
    assert row.source_row > 0
    assert row.column
    assert row.next_action
    assert not re.search(r"[b-zB-Z1-8]", row.shape)
    assert list(ran.missing_money) == [issuer]
    assert 0 < ran.missing_money[issuer] <= dearest
    assert ran.states == {name: "unexplained" if name == issuer else "tied" for name in ISSUERS}
    assert {"landing.rows_quarantined", "tie_out.unexplained_difference"} <= ran.warnings


def test_amounts_that_are_no_numbers_are_set_aside(damaged):
    ran = damaged(openai_amount_is_no_number)

    assert {row.rule for row in ran.quarantine} == {"amount_form"}
    assert list(ran.missing_money) == ["openai"]
    assert "landing.rows_quarantined" in ran.warnings


def test_digits_below_a_trillionth_of_a_dollar_are_kept(damaged):
    # AWS prints doubles: this has more digits than any call's share of it can have
    ran = damaged(spoil_bill("line_item_unblended_cost", "0.12345678901234567"))
    [(billed,)] = ran.company.rows(
        "select sum(billed_cost) from fct_cost_lines where issuer = 'aws' and cost_basis = 'billed'"
    )
    [(total,)] = ran.company.rows(
        "select sum(billed_cost) from mart_invoice_tie_out where issuer = 'aws'"
    )

    assert f"{billed:f}".rstrip("0").endswith("01234567")
    assert billed == total
    assert set(ran.states) == set(ISSUERS)


def test_a_quantity_too_large_for_what_is_made_of_it_is_named_with_file_and_row(damaged):
    said = r"consumed_quantity 10000000000000000000\.0+ \(aws_bill: .*\.csv\.gz, row \d+\)"
    with pytest.raises(TooLargeError, match=said):
        damaged(spoil_bill("line_item_usage_amount", "1e13"))


def test_the_largest_amount_that_is_taken_is_computed_exactly(damaged):
    ran = damaged(spoil_bill("line_item_unblended_cost", "9999999999999"))
    [(most, total)] = ran.company.rows(
        "select max(billed_cost), sum(billed_cost) from fct_cost_lines where issuer = 'aws'"
    )

    assert most <= 9999999999999 < total
    assert ran.states["aws"] == "unexplained"


def test_a_negative_amount_is_an_amount(damaged):
    ran = damaged(spoil_costs("amount", "-100.5"))

    assert ran.quarantine == []
    assert ran.missing_money["anthropic"] > Decimal("1.005")
    assert ran.states["anthropic"] == "unexplained"


BAD_CALLS = {
    "negative": (spoil_call(prompt_tokens=-3), "bad_count"),
    "impossible": (spoil_call(prompt_tokens=10**12), "impossible_count"),
    "beyond 64 bits": (spoil_call(prompt_tokens=10**30), "impossible_count"),
    "in words": (spoil_call(completion_tokens="twelve"), "bad_count"),
    "a fraction": (spoil_call(completion_tokens=1.5), "bad_count"),
    "no time": (spoil_call(startTime=None), "bad_time"),
    "another century": (spoil_call(startTime=10**10), "bad_time"),
    "no identity": (spoil_call(id=None), "missing_identity"),
    "cost in words": (spoil_call(response_cost="1,5"), "bad_amount"),
}


@pytest.mark.parametrize(("damage", "rule"), BAD_CALLS.values(), ids=BAD_CALLS)
def test_a_call_that_cannot_be_is_set_aside_and_its_cost_is_unlogged(damaged, damage, rule):
    ran = damaged(damage)
    [row] = ran.quarantine

    assert (row.rule, row.source_row) == (rule, 1)
    assert (ran.company.root / "inbox" / "gateway_eu" / row.file_name).is_file()
    assert row.next_action
    assert ran.missing_money == {}
    assert ran.states == dict.fromkeys(ISSUERS, "tied")
    assert ran.residual == ran.unseen
    assert "landing.rows_quarantined" in ran.warnings


def test_a_log_with_other_columns_is_refused_as_no_log_of_its_kind(damaged):
    def rename_identity(company: Company) -> None:
        path = company.inbox("gateway_us")[0]
        text = gzip.decompress(path.read_bytes()).decode().replace("request_id", "identity", 1)
        path.write_bytes(gzip.compress(text.encode(), mtime=0))

    ran = damaged(rename_identity)

    [problem] = ran.summary.problems
    assert "not_this_format" in problem
    assert ran.quarantine == []
    assert ran.missing_money == {}
    assert ran.residual == ran.unseen


def test_columns_may_stand_in_any_order(small, damaged):
    def turn_around(company: Company) -> None:
        edit_bill(company, lambda rows: [row[::-1] for row in rows])
        without_manifests(company)

    ran = damaged(turn_around)

    assert ran.company.published_bytes() == small.published_bytes()


def test_two_names_in_a_header_swapped_spoil_every_row(damaged):
    def swap(rows: list[list[str]]) -> list[list[str]]:
        header = rows[0]
        cost = header.index("line_item_unblended_cost")
        start = header.index("line_item_usage_start_date")
        header[cost], header[start] = header[start], header[cost]
        return rows

    def damage(company: Company) -> None:
        edit_bill(company, swap)
        without_manifests(company)

    ran = damaged(damage)
    [(found,)] = ran.company.rows(
        "select count(*) from fct_cost_lines where issuer = 'aws' and cost_basis = 'billed'"
    )

    assert found == 0
    assert len(ran.quarantine) > 10
    [problem] = ran.summary.problems
    assert "mostly_set_aside" in problem
    assert {"readings.files_mostly_set_aside", "landing.rows_quarantined"} <= ran.warnings
    assert ran.states["aws"] == "unexplained"


def test_malformed_and_repeated_lines_change_no_amount(small, damaged):
    def damage(company: Company) -> None:
        path = log_file(company)
        lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
        junk = [b'{"cut": \n', b"\n", b"null\n", b"[1, 2]\n", b"\xff\xfe\n", b"{}\n"]
        path.write_bytes(gzip.compress(b"".join([*lines, *junk, *lines]), mtime=0))

    ran = damaged(damage)
    lines = (
        "select cause, cost_basis, count(*), sum(billed_cost) from fct_cost_lines "
        "group by all order by all"
    )

    assert len(ran.quarantine) == 5
    assert len({row.source_row for row in ran.quarantine}) == 5
    assert ran.missing_money == {}
    assert ran.company.rows(lines) == small.rows(lines)


@pytest.mark.parametrize("text", ["", "free text", "{"])
def test_metadata_that_is_no_json_costs_its_tags_and_not_the_run(damaged, text):
    def spoil(company: Company) -> None:
        edit_calls(
            company, lambda calls: calls[0]["metadata"].update({"spend_logs_metadata": text})
        )

    ran = damaged(spoil)

    assert ran.missing_money == {}
    assert ran.residual == ran.unseen
