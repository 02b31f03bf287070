"""What goes wrong in files changes no bill, and is named: a company per fault, then all at once."""

import json
from collections.abc import Callable
from decimal import Decimal
from functools import cache

import pytest

from pipelines.run import RunSummary, lake_of
from pipelines.truth import Fault
from tests.end_to_end.company import Company

pytestmark = pytest.mark.slow

EVERYTHING = "everything"
COMPANIES = [*Fault, EVERYTHING]

# the tables a fault may touch; every other published file stays byte for byte. A fault that is not
# here takes calls away, adds some, or moves them, and has a test of its own.
TOUCHED = {
    Fault.DUPLICATE_FILES: set(),
    Fault.DUPLICATE_LINES: set(),
    Fault.LATE_FILES: set(),
    Fault.RESTATED_BILL: set(),
    Fault.MALFORMED_LINES: {"quality_results"},
    Fault.WRONG_GATEWAY_COST: {"fct_calls"},
    Fault.CACHE_SEMANTICS: {"fct_calls", "quality_results"},
    Fault.HOSTILE_TAGS: {"mart_attribution_coverage_daily"},
    Fault.PLANTED_CANARIES: {"fct_calls", "mart_cost_per_user_daily"},
}

Built = tuple[Company, RunSummary]
Build = Callable[[str], Built]


@pytest.fixture(scope="module")
def build(tmp_path_factory) -> Build:
    """A company with one fault, with every fault, or with none, simulated and run once."""

    @cache
    def built(fault: str) -> Built:
        faults = {EVERYTHING: list(Fault), "none": []}.get(fault, [fault])
        root = tmp_path_factory.mktemp("faults") / fault
        company = Company.simulated(root, days=3, calls=500, faults=faults)
        return company, company.run()

    return built


@pytest.fixture
def company(build, request) -> Company:
    return build(request.param)[0]


def with_faults(*faults: str):
    return pytest.mark.parametrize("company", faults, indirect=True, ids=str)


def note(company: Company, fault: Fault) -> dict:
    notes = json.loads((company.root / "truth" / "faults.json").read_text("ascii"))
    [found] = [each for each in notes if each["fault"] == fault]
    return found


def warnings(summary: RunSummary) -> set[str]:
    return {f"{r.suite}.{r.counter}" for r in summary.computed.quality if not r.passed}


def changed_tables(one: Company, other: Company) -> set[str]:
    left, right = one.published_bytes(), other.published_bytes()
    changed = {path for path in {*left, *right} if left.get(path) != right.get(path)}
    assert all(path.startswith("parquet/") for path in changed)
    return {path.split("/")[1] for path in changed}


@with_faults(*COMPANIES)
def test_every_issuer_and_day_costs_what_was_billed(company):
    found = company.rows(
        "select issuer, charge_date, sum(billed_cost) from fct_cost_lines "
        "where cost_basis = 'billed' group by all order by all"
    )

    assert found == company.rows(
        "select issuer, charge_date, sum(cost) from truth_billed group by all order by all"
    )
    assert len(found) == 9


@with_faults(*COMPANIES)
def test_every_statement_ties_out(company):
    tied = company.rows("select issuer, difference, state from mart_invoice_tie_out order by all")

    assert tied == [(issuer, 0, "tied") for issuer in ("anthropic", "aws", "openai")]


@with_faults(*(fault for fault in Fault if fault != Fault.OVERLOGGED))
def test_the_residual_is_exactly_what_no_readable_log_holds(company):
    per_issuer = "select issuer, sum({}) from {} group by all order by all"

    assert company.rows(
        per_issuer.format("billed_cost", "fct_cost_lines where cause = 'unlogged_usage'")
    ) == company.rows(per_issuer.format("cost", "truth_truth where not is_logged"))


@with_faults(*(fault for fault in Fault if fault != Fault.OVERLOGGED))
def test_every_logged_call_still_costs_what_it_really_cost(company):
    [(calls, differing)] = company.rows(
        """
        select count(*), count(*) filter (where calls.billed_cost is distinct from truth.cost)
        from truth_truth as truth
        left join fct_calls as calls
            on truth.source = calls.source and truth.call_id = calls.call_id
        where truth.is_logged
        """
    )

    assert calls > 450
    assert differing == 0


@pytest.mark.parametrize("fault", TOUCHED, ids=str)
def test_a_fault_touches_nothing_but_what_it_is_about(build, fault):
    without, _ = build("none")
    company, _ = build(fault)

    assert changed_tables(without, company) <= TOUCHED[fault]


@pytest.mark.parametrize("fault", [Fault.TORN_FILE, EVERYTHING], ids=str)
def test_a_torn_file_is_named_and_the_run_is_not_green(build, fault):
    company, summary = build(fault)
    [name] = note(company, Fault.TORN_FILE)["files"]
    [problem] = summary.problems

    assert problem.startswith(f"gateway_eu: {name.removeprefix('gateway_eu/')}: truncated_gzip: ")
    assert problem.endswith("Deliver it again")


def test_a_torn_file_stays_a_problem_until_it_is_delivered_whole(build, tmp_path):
    without, _ = build("none")
    torn, _ = build(Fault.TORN_FILE)
    company = torn.copy(tmp_path / "acme", with_state=True)
    [name] = note(company, Fault.TORN_FILE)["files"]
    second = company.run()
    whole = without.root / "inbox" / name
    (company.root / "inbox" / name).write_bytes(whole.read_bytes())
    third = company.run()

    assert len(second.problems) == 1
    assert not second.published.changed
    assert third.problems == []
    assert changed_tables(without, company) == set()


@pytest.mark.parametrize("fault", [Fault.TORN_FILE, Fault.MISSING_LOGS], ids=str)
def test_what_was_lost_is_worth_what_the_simulator_says(build, fault):
    residual = "select sum(billed_cost) from fct_cost_lines where cause = 'unlogged_usage'"
    [(before,)] = build("none")[0].rows(residual)
    company, _ = build(fault)
    [(after,)] = company.rows(residual)

    assert after - before == Decimal(note(company, fault)["amount_usd"]) > 0


def test_a_log_that_comes_late_is_a_residual_until_it_comes(build, tmp_path):
    without, _ = build("none")
    late, _ = build(Fault.LATE_FILES)
    company = late.copy(tmp_path / "acme")
    waiting = tmp_path / "late"
    (company.root / "inbox" / "gateway_eu" / "late").rename(waiting)
    company.run()
    residual = "select sum(billed_cost) from fct_cost_lines where cause = 'unlogged_usage'"
    [(early,)], [(usual,)] = company.rows(residual), without.rows(residual)
    tied = company.rows("select distinct difference, state from mart_invoice_tie_out")
    waiting.rename(company.root / "inbox" / "gateway_eu" / "late")
    company.run()

    assert early - usual == Decimal(note(company, Fault.LATE_FILES)["amount_usd"])
    assert tied == [(0, "tied")]
    assert changed_tables(without, company) == set()


def test_a_bill_is_what_was_delivered_until_it_is_restated(build, tmp_path):
    without, _ = build("none")
    restated, _ = build(Fault.RESTATED_BILL)
    company = restated.copy(tmp_path / "acme")
    inbox = company.root / "inbox"
    [openai] = (inbox / "openai").glob("*-again")
    later = [
        openai,
        max((inbox / "aws" / "acme-cur" / "data" / "BILLING_PERIOD=2026-09").iterdir()),
    ]
    for number, folder in enumerate(later):
        folder.rename(tmp_path / f"{number}")
    first = company.run()
    tied = company.rows("select issuer, difference, state from mart_invoice_tie_out order by all")
    [(billed,)] = company.rows("select sum(billed_cost) from mart_invoice_tie_out")
    [(real,)] = company.rows("select sum(cost) from truth_billed")
    for number, folder in enumerate(later):
        (tmp_path / f"{number}").rename(folder)
    second = company.run()

    assert real - billed == Decimal(note(company, Fault.RESTATED_BILL)["amount_usd"]) > 0
    assert [(issuer, difference > 0, state) for issuer, difference, state in tied] == [
        ("anthropic", False, "tied"),
        ("aws", True, "unexplained"),
        ("openai", True, "unexplained"),
    ]
    assert "tie_out.unexplained_difference" in warnings(first)
    assert second.problems == []
    assert changed_tables(without, company) == set()


def test_the_same_file_twice_is_counted_and_landed_once(build):
    _, summary = build(Fault.DUPLICATE_FILES)

    assert sum(landing.duplicates for landing in summary.landings) == 1


@pytest.mark.parametrize("fault", [Fault.MALFORMED_LINES, EVERYTHING], ids=str)
def test_lines_that_are_no_calls_are_set_aside_by_file_row_and_rule(build, fault):
    company, summary = build(fault)
    planted = note(company, Fault.MALFORMED_LINES)
    rejected = [row for record in lake_of(company.workspace).landed() for row in record.quarantine]

    assert sum(landing.rows_quarantined for landing in summary.landings) == planted["lines"]
    assert [f"gateway_eu/{row.file_name}" for row in rejected] == planted["files"] * planted[
        "lines"
    ]
    assert len({row.source_row for row in rejected}) == planted["lines"]
    assert all(row.rule and row.next_action for row in rejected)
    assert not any("CANARY" in row.shape for row in rejected)
    assert "landing.rows_quarantined" in warnings(summary)


def test_the_gateways_own_figure_is_shown_and_never_used(build):
    without, _ = build("none")
    company, _ = build(Fault.WRONG_GATEWAY_COST)
    totals = "select sum(billed_cost), sum(logged_cost_usd) from fct_calls"
    [(billed, logged)], [(usual_billed, usual_logged)] = company.rows(totals), without.rows(totals)

    assert billed == usual_billed
    assert logged == 3 * usual_logged


def test_calls_whose_tokens_contradict_themselves_are_marked(build):
    company, summary = build(Fault.CACHE_SEMANTICS)
    [(marked,)] = company.rows("select count(*) from fct_calls where is_token_conflict")

    assert marked == note(company, Fault.CACHE_SEMANTICS)["calls"] > 0
    assert "calls.token_conflicts" in warnings(summary)


def test_calls_of_an_unknown_key_are_unallocated_with_their_cost(build):
    unallocated = (
        "select count(*), sum(billed_cost) from fct_calls where application_id = '__unallocated__'"
    )
    [(usual_calls, usual_cost)] = build("none")[0].rows(unallocated)
    company, summary = build(Fault.UNKNOWN_OWNER)
    [(calls, cost)] = company.rows(unallocated)
    planted = note(company, Fault.UNKNOWN_OWNER)

    assert calls - usual_calls == planted["calls"] > 0
    assert cost - usual_cost == Decimal(planted["amount_usd"])
    assert "cost_lines.unallocated_lines" in warnings(summary)


def test_a_call_without_a_price_costs_what_the_bill_says(build):
    company, _ = build(Fault.UNKNOWN_PRICE)
    found = company.rows(
        "select count(*), sum(billed_cost), max(estimated_cost), count(list_cost), any_value(grade)"
        " from fct_calls where served_model like 'ft:%'"
    )
    planted = note(company, Fault.UNKNOWN_PRICE)

    assert found == [(planted["calls"], Decimal(planted["amount_usd"]), None, 0, "A")]


def test_calls_nobody_billed_flag_their_pools_and_invent_no_money(build):
    without, _ = build("none")
    company, summary = build(Fault.OVERLOGGED)
    pools = "select count(*) from mart_reconciliation_daily where pool_state = 'overlogged'"
    total = "select sum(billed_cost) from fct_calls"

    assert without.rows(pools) == [(0,)]
    assert company.rows(pools)[0][0] > 0
    assert company.rows(total)[0][0] < without.rows(total)[0][0]
    assert "pools.overlogged_pools" in warnings(summary)


def test_all_faults_together_hide_none_of_them(build):
    company, summary = build(EVERYTHING)
    [(residual,)] = company.rows(
        "select sum(billed_cost) from fct_cost_lines where cause = 'unlogged_usage'"
    )
    [(lost,)] = company.rows("select sum(cost) from truth_truth where not is_logged")

    assert {
        "calls.token_conflicts",
        "cost_lines.unallocated_lines",
        "landing.rows_quarantined",
    } <= warnings(summary)
    # what was logged and never billed takes the place of what was billed and never logged
    assert 0 < lost - residual < 2 * Decimal(note(company, Fault.OVERLOGGED)["amount_usd"])
