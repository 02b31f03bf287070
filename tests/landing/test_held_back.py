"""Snapshots that would replace more than they bring are held back, until somebody accepts them."""

from datetime import date

import pytest
from typer.testing import CliRunner

from models.facts import Fact
from models.landing import Landed, Scope
from pipelines.cli import app
from pipelines.lake import Lake
from pipelines.scaffold import init_workspace
from tests.end_to_end.company import ENVIRONMENT, Company

DAY = date(2026, 10, 1)


def delivery(name, *, rows=20, amounts=None, tells=("meter", "model_text")):
    scope = Scope(
        fact=Fact.CHARGES,
        scope="2026-10",
        delivery=name,
        days=(DAY,),
        rows=rows,
        amounts={"USD": "1500"} if amounts is None else amounts,
        tells=tells,
    )
    return Landed(
        landing_id=f"bill-{name}", source="bill", kind="focus", files=(), parts=(), scopes=(scope,)
    )


def counting(lake):
    return lake.winners(Fact.CHARGES).column("delivery").to_pylist()


@pytest.fixture
def lake(tmp_path):
    made = Lake(tmp_path)
    made.commit(delivery("a"))
    return made


def test_a_delivery_of_as_much_or_more_counts(lake):
    lake.commit(delivery("b", rows=21, amounts={"USD": "1400", "EUR": "3"}))

    assert counting(lake) == ["b"]
    assert lake.held_back() == []


@pytest.mark.parametrize(
    ("less", "lost"),
    [
        ({"amounts": {"USD": "0"}}, "0 USD instead of 1500"),
        ({"amounts": {}}, "0 USD instead of 1500"),
        ({"amounts": {"USD": "749.99"}}, "749.99 USD instead of 1500"),
        ({"rows": 9}, "9 lines instead of 20"),
        ({"tells": ("meter",)}, "no model_text any more"),
    ],
)
def test_a_delivery_that_lost_much_is_held_back_and_the_earlier_one_counts(lake, less, lost):
    lake.commit(delivery("b", **less))

    assert counting(lake) == ["a"]
    [held] = lake.held_back()
    assert (held.delivery, held.instead, held.lost) == ("b", "a", lost)
    assert "everycent accept bill 'b'" in str(held)


def test_the_next_whole_delivery_replaces_both(lake):
    lake.commit(delivery("b", amounts={"USD": "1"}))
    lake.commit(delivery("c", amounts={"USD": "1600"}))

    assert counting(lake) == ["c"]
    assert lake.held_back() == []


def test_the_order_of_arrival_decides_nothing(tmp_path):
    lake = Lake(tmp_path)
    for name, amount in [("c", "1600"), ("b", "1"), ("a", "1500")]:
        lake.commit(delivery(name, amounts={"USD": amount}))

    assert counting(lake) == ["c"]


def test_what_is_accepted_counts_and_stays_accepted(lake):
    lake.commit(delivery("b", amounts={"USD": "1"}))

    lake.accept("bill", "b")

    assert counting(Lake(lake.root)) == ["b"]
    assert lake.held_back() == []


def test_landings_of_before_are_compared_with_nothing(lake):
    lake.commit(delivery("b", rows=None, amounts={}))

    assert counting(lake) == ["b"]


HEAD = (
    "BilledCost,EffectiveCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,"
    "ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ProviderName,ServiceCategory,ServiceName,"
    "ResourceId,ChargeClass\n"
)
PERIOD = "2026-10-01T00:00:00Z,2026-11-01T00:00:00Z"
SERVICE = "Demo Cloud,AI and Machine Learning,Demo LLM"


def line(day, cost, resource, correction=""):
    days = f"2026-10-{day:02}T00:00:00Z,2026-10-{day + 1:02}T00:00:00Z"
    return f"{cost},{cost},acct,USD,{PERIOD},Usage,{days},{SERVICE},{resource},{correction}\n"


@pytest.fixture
def company(tmp_path):
    """A company whose second delivery of the month holds a correction and nothing else."""
    root = tmp_path / "demo"
    init_workspace(root)
    (root / "everycent.yaml").write_text(
        "company: demo\nreporting_currency: USD\nsources:\n- source: bill\n  kind: focus\n"
        "  location: inbox/bill\n  issuer: democloud\n  billing_account_id: acct\n"
        "  billing_currency: USD\n"
    )
    inbox = root / "inbox" / "bill"
    inbox.mkdir(parents=True)
    (inbox / "2026-10-04.csv").write_text(HEAD + line(3, "1200.00", "R-1") + line(4, "300", "R-2"))
    (inbox / "2026-10-05.csv").write_text(
        HEAD + line(3, "-200.00", "R-1", "Correction") + line(3, "200.00", "R-2", "Correction")
    )
    return Company(root)


def billed(company):
    with company.marts() as con:
        return con.sql("select sum(billed_cost) from fct_cost_lines").fetchall()[0][0]


def test_a_file_of_corrections_does_not_take_the_place_of_its_bill(company):
    summary = company.run()

    assert billed(company) == 1500
    [problem] = summary.problems
    assert "2026-10-05.csv is held back" in problem
    assert "0 USD instead of 1500" in problem


def test_accepting_it_lets_it_count_and_nothing_else_can_be_accepted(company, monkeypatch):
    company.run()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    wrong = CliRunner().invoke(app, ["accept", "bill", "other.csv", str(company.root)])
    right = CliRunner().invoke(app, ["accept", "bill", "2026-10-05.csv", str(company.root)])

    assert wrong.exit_code == 2
    assert "bill '2026-10-05.csv'" in wrong.output
    assert right.exit_code == 0
    assert company.run().problems == []
    assert billed(company) == 0
