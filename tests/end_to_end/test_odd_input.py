"""Input that is unknown, missing, empty or hostile: numbers stay right, and gaps have names."""

import csv
import gzip
import json
import re
import shutil
from itertools import cycle
from pathlib import Path

import pytest

from pipelines.workspace import WorkspaceError
from tests.end_to_end.company import Company
from tests.end_to_end.damage import (
    ISSUERS,
    Damage,
    edit_bill,
    edit_calls,
    log_file,
    spoil_bill,
    spoil_call,
    without_manifests,
)

pytestmark = pytest.mark.slow


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
