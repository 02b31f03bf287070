"""Whatever arrives, numbers are right or missing by name; what to do about it is said."""

import csv
import gzip
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle
from pathlib import Path

import pytest

from models.landing import Rejected
from pipelines.run import RunSummary, lake_of
from pipelines.workspace import WorkspaceError
from tests.end_to_end.company import Company
from tests.end_to_end.damage import (
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

ISSUERS = ("anthropic", "aws", "openai")
Damage = Callable[[Company], object]


@dataclass(frozen=True)
class Ran:
    company: Company
    summary: RunSummary

    @property
    def quarantine(self) -> list[Rejected]:
        landed = lake_of(self.company.workspace).landed()
        return [row for record in landed for row in record.quarantine]

    @property
    def warnings(self) -> set[str]:
        return {f"{r.suite}.{r.counter}" for r in self.summary.computed.quality if not r.passed}

    @property
    def missing_money(self) -> dict[str, Decimal]:
        """Per issuer, what was billed less what the marts hold; nothing where it is right."""
        rows = self.company.rows(
            """
            with found as (
                select issuer, charge_date, sum(billed_cost) as cost
                from fct_cost_lines
                where cost_basis = 'billed'
                group by all
            ),

            real as (
                select issuer, charge_date, sum(cost) as cost from truth_billed group by all
            )

            select issuer, sum(coalesce(real.cost, 0) - coalesce(found.cost, 0)) as missing
            from found
            full join real using (issuer, charge_date)
            where real.cost is distinct from found.cost
            group by issuer
            """
        )
        return dict(rows)

    @property
    def states(self) -> dict[str, str]:
        tied = self.company.rows("select issuer, difference, state from mart_invoice_tie_out")
        assert {difference for _, difference, _ in tied} == {0}
        return {issuer: state for issuer, _, state in tied}

    @property
    def residual(self) -> Decimal:
        [(cost,)] = self.company.rows(
            "select sum(billed_cost) from fct_cost_lines where cause = 'unlogged_usage'"
        )
        return cost

    @property
    def unseen(self) -> Decimal:
        """What the calls that are in no mart really cost."""
        [(cost,)] = self.company.rows(
            "select sum(cost) from truth_truth as truth anti join fct_calls as calls "
            "on truth.source = calls.source and truth.call_id = calls.call_id"
        )
        return cost


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Company:
    company = Company.simulated(tmp_path_factory.mktemp("small") / "acme", days=2, calls=120)
    company.run()
    return company


@pytest.fixture
def damaged(small, tmp_path) -> Callable[[Damage], Ran]:
    def run(damage: Damage) -> Ran:
        company = small.copy(tmp_path / "acme")
        damage(company)
        return Ran(company, company.run())

    return run


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


def test_a_log_with_other_columns_is_set_aside_row_by_row(damaged):
    def rename_identity(company: Company) -> None:
        path = company.inbox("gateway_us")[0]
        text = gzip.decompress(path.read_bytes()).decode().replace("request_id", "identity", 1)
        path.write_bytes(gzip.compress(text.encode(), mtime=0))

    ran = damaged(rename_identity)

    assert {row.rule for row in ran.quarantine} == {"missing_identity"}
    assert len(ran.quarantine) > 5
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


def test_an_unknown_meter_is_billed_all_the_same(damaged):
    ran = damaged(spoil_bill("line_item_usage_type", "EUC1-Quantum-Flux"))
    found = ran.company.rows(
        "select count(*), sum(billed_cost) from fct_cost_lines "
        "where issuer = 'aws' and meter = 'unclassified' and cost_basis = 'billed'"
    )

    assert ran.missing_money == {}
    assert ran.states == dict.fromkeys(ISSUERS, "tied")
    assert found[0][0] > 0
    assert found[0][1] > 0


def test_a_call_with_neither_bill_nor_price_is_unpriced_and_not_free(damaged):
    hidden = {"litellm_model_name": "mystery-9", "model_id": "mystery"}
    ran = damaged(spoil_call(model="mystery-9", model_group="mystery", hidden_params=hidden))
    [found] = ran.company.rows(
        "select billed_cost, estimated_cost, list_cost, grade, logged_cost_usd > 0 "
        "from fct_calls where cost_basis = 'unpriced'"
    )

    assert found == (None, None, None, "E", True)
    assert ran.missing_money == {}
    assert "calls.unpriced_calls" in ran.warnings


def test_without_ownership_rules_everything_is_unallocated_and_ties_out(damaged):
    def empty(company: Company) -> None:
        path = company.root / "reference" / "ownership_rules.csv"
        path.write_text(path.read_text("utf-8").splitlines()[0] + "\n", "utf-8")

    ran = damaged(empty)
    owned = ran.company.rows(
        "select count(*) from fct_cost_lines "
        "where application_id not like '\\_\\_%' escape '\\' or owner_state = 'owned'"
    )
    charged = ran.company.rows(
        "select count(*) from mart_chargeback_monthly "
        "where cause = 'attributed' and line_kind = 'cost_center'"
    )

    assert owned == charged == [(0,)]
    assert ran.missing_money == {}
    assert ran.states == dict.fromkeys(ISSUERS, "tied")
    assert "cost_lines.unallocated_lines" in ran.warnings


def last_day_is_missing(company: Company) -> None:
    for path in company.inbox("anthropic"):
        if path.name.endswith("_2.json"):
            path.unlink()
            continue
        report = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({**report, "has_more": False, "next_page": None}), "utf-8")


def test_a_day_without_a_bill_is_estimated_and_not_zero(damaged):
    ran = damaged(last_day_is_missing)
    [(basis, billed, estimated)] = ran.company.rows(
        "select cost_basis, sum(billed_cost), sum(estimated_cost) from fct_cost_lines "
        "where issuer = 'anthropic' and charge_date = '2026-09-02' group by all"
    )
    [(real,)] = ran.company.rows(
        "select sum(cost) from truth_billed "
        "where issuer = 'anthropic' and charge_date = '2026-09-02'"
    )

    assert (basis, billed) == ("estimated", None)
    assert 0 < estimated <= real
    assert ran.missing_money == {"anthropic": real}
    assert ran.states["anthropic"] == "unexplained"


def test_a_day_without_a_log_is_unlogged_usage(damaged):
    def remove(company: Company) -> None:
        shutil.rmtree(company.root / "inbox" / "gateway_eu" / "2026-09-02")

    ran = damaged(remove)

    assert ran.missing_money == {}
    assert ran.states == dict.fromkeys(ISSUERS, "tied")
    assert ran.residual == ran.unseen > 0


def test_a_day_without_any_log_is_warned_about(damaged):
    def remove(company: Company) -> None:
        shutil.rmtree(company.root / "inbox" / "gateway_eu" / "2026-09-02")
        for path in company.inbox("gateway_us"):
            if "2026-09-02" in path.name:
                path.unlink()

    ran = damaged(remove)

    assert "calls.rows" in ran.warnings
    assert ran.missing_money == {}
    assert ran.residual == ran.unseen


EMPTY_AS_DELIVERED = {
    "log": lambda c: log_file(c).write_bytes(gzip.compress(b"", mtime=0)),
    "outcomes": lambda c: c.inbox("outcomes")[0].write_bytes(b""),
}


@pytest.mark.parametrize("damage", EMPTY_AS_DELIVERED.values(), ids=EMPTY_AS_DELIVERED)
def test_an_empty_file_holds_nothing_and_spoils_nothing(damaged, damage):
    ran = damaged(damage)

    assert ran.summary.problems == []
    assert ran.missing_money == {}
    assert ran.residual == ran.unseen


def test_a_bill_of_a_header_alone_is_not_a_bill_of_zero(damaged):
    def damage(company: Company) -> None:
        edit_bill(company, lambda rows: rows[:1])
        without_manifests(company)

    ran = damaged(damage)

    assert ran.states == {"anthropic": "tied", "aws": "unexplained", "openai": "tied"}
    assert "tie_out.unexplained_difference" in ran.warnings


def in_euros(company: Company) -> None:
    for path in company.inbox("anthropic"):
        path.write_text(path.read_text("utf-8").replace('"USD"', '"EUR"'), "utf-8")
    for name in ("invoices", "contract_prices"):
        path = company.root / "reference" / f"{name}.csv"
        lines = path.read_text("utf-8").splitlines(keepends=True)
        text = "".join(x.replace("USD", "EUR") if "anthropic" in x else x for x in lines)
        path.write_text(text, "utf-8")


def test_a_currency_without_a_rate_ties_out_in_itself_and_is_not_converted(damaged):
    ran = damaged(in_euros)
    found = ran.company.rows(
        "select billing_currency, sum(billed_cost) > 0, count(reporting_cost) > 0 "
        "from fct_cost_lines where cost_basis = 'billed' group by all order by all"
    )
    tied = ran.company.rows(
        "select billing_currency, difference, state from mart_invoice_tie_out order by all"
    )

    assert found == [("EUR", True, False), ("USD", True, True)]
    assert tied == [("EUR", 0, "tied"), ("USD", 0, "tied"), ("USD", 0, "tied")]
    assert ran.missing_money == {}
    assert "cost_lines.fx_missing" in ran.warnings


def test_an_outcome_without_a_zone_is_set_aside(damaged):
    def remove_zone(company: Company) -> None:
        path = company.inbox("outcomes")[0]
        first, *others = path.read_text("utf-8").splitlines(keepends=True)
        path.write_text("".join([re.sub(r'(\d)Z"', r'\1"', first), *others]), "utf-8")

    ran = damaged(remove_zone)
    [row] = ran.quarantine

    assert (row.rule, row.source_row, row.column) == ("time_without_zone", 1, "occurred_at")
    assert ran.missing_money == {}


def test_a_log_time_without_a_zone_is_utc_as_the_proxy_writes_it(damaged):
    ran = damaged(spoil_call(startTime="2026-09-01T06:30:00", endTime="2026-09-01T06:30:09"))
    found = ran.company.rows(
        "select duration_ms from fct_calls where started_at = '2026-09-01T06:30:00Z'"
    )

    assert (9000,) in found
    assert ran.quarantine == []


HOSTILE = (
    "'; drop table fct_calls; --",
    "../../../../../tmp/everycent-escaped",
    '=HYPERLINK("https://example.invalid","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1-1",
    "\t=1+1",
    "\uff1d1+1",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}${7*7}",
    "line\nbreak\r\u2028\x07bell\x00",
    "\u202egnp.exe",
    "",
    " ",
    "x" * 5000,
    '","billed_cost":"999',
    "/etc/passwd",
    "C:\\windows\\system32",
    "null",
)


def hostile_everywhere(company: Company) -> None:
    words = cycle(HOSTILE)
    for path in company.inbox("gateway_eu"):

        def poison(calls: list[dict]) -> None:
            for call, evil in zip(calls, words, strict=False):
                call |= {
                    "request_tags": [f"app:{evil}", f"feature:{evil}", evil],
                    "end_user": evil,
                    "session_id": evil,
                    "trace_id": evil,
                    "model_group": evil,
                }
                call["metadata"] |= {
                    "spend_logs_metadata": {"task_id": evil, "feature": evil, evil: evil},
                    "user_api_key_team_id": evil,
                    "user_api_key_org_id": evil,
                    "user_api_key_user_id": evil,
                    "user_api_key_end_user_id": evil,
                }

        edit_calls(company, poison, path)

    def poison_bill(rows: list[list[str]]) -> list[list[str]]:
        header, *body = rows
        for number, row in enumerate(body):
            evil = HOSTILE[number % len(HOSTILE)]
            row[header.index("line_item_resource_id")] = evil.replace("\x00", "")
            row[header.index("resource_tags")] = json.dumps({"user_team": evil})
            if row[header.index("line_item_line_item_type")] != "Usage":
                row[header.index("line_item_line_item_description")] = evil.replace("\x00", "")
        return rows

    edit_bill(company, poison_bill)
    without_manifests(company)
    path = company.root / "reference" / "cost_centers.csv"
    path.write_text(path.read_text("utf-8").replace(",Customer care,", ',"=1+1<script>",'), "utf-8")


def executable_cells(folder: Path) -> list[str]:
    """Cells that a spreadsheet would run, and that are no numbers."""
    cells = [
        cell
        for path in sorted(folder.rglob("*.csv"))
        for row in csv.reader(path.read_text("utf-8").splitlines())
        for cell in row
    ]
    assert len(cells) > 100
    starts = re.compile(r"[\s\x00-\x1f]*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]")
    number = re.compile(r"-?[0-9]+(\.[0-9]+)?")
    return [cell for cell in cells if starts.match(cell) and not number.fullmatch(cell)]


def test_hostile_words_stay_words(small, damaged, tmp_path):
    ran = damaged(hostile_everywhere)
    tables = "select table_name from information_schema.tables order by all"
    pages = "".join(path.read_text("utf-8") for path in ran.company.current.rglob("*.html"))
    written = [
        path.relative_to(ran.company.root).as_posix()
        for folder in (".everycent", "published")
        for path in (ran.company.root / folder).rglob("*")
    ]

    assert ran.summary.problems == []
    assert ran.missing_money == {}
    assert ran.states == dict.fromkeys(ISSUERS, "tied")
    assert ran.residual == ran.unseen
    assert ran.company.rows(tables) == small.rows(tables)
    assert executable_cells(ran.company.current) == []
    assert "<script>" not in pages
    assert "=1+1&lt;script&gt;" in pages
    assert all(re.fullmatch(r"[a-z0-9/_.=\-]+", name, re.IGNORECASE) for name in written)
    assert [path.name for path in tmp_path.iterdir()] == ["acme"]


def replaced(name: str, old: str, new: str) -> Damage:
    def damage(company: Company) -> None:
        path = company.root / "reference" / f"{name}.csv"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    return damage


MISTAKES = {
    "shares": (replaced("ownership_rules", "support-bot,1,,", "support-bot,0.9,,"), "share"),
    "unknown application": (
        replaced("ownership_rules", "sales-copilot,1,,", "sales-pilot,1,,"),
        "application_id",
    ),
    "amount": (replaced("invoices", "USD,", 'USD,"1,000.00",'), None),
    "price": (replaced("contract_prices", "USD,3,", "USD,three,"), "price_per_million"),
    "day": (replaced("invoices", "2026-10-03", "3.10.2026"), "issued_on"),
    "column": (replaced("applications", "application_id", "application"), "application"),
}


@pytest.mark.parametrize(("damage", "column"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_reference_table_stops_before_anything_is_read(
    small, tmp_path, damage, column
):
    company = small.copy(tmp_path / "acme")
    damage(company)
    with pytest.raises(WorkspaceError) as caught:
        company.run()
    message = str(caught.value)

    assert re.search(r"reference/[a-z_]+\.csv:\d+", message)
    assert column is None or column in message
    assert re.search(r"\. [A-Z][^.]+[.?]", message)
    assert not (company.root / "published").exists()
    assert not (company.root / ".everycent").exists()
