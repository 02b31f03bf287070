"""What an outcome costs: every attempt once, whatever is said of it, in whatever order."""

import itertools
import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from pipelines import run
from tests.end_to_end.company import Company

HEADER = "outcome_id,outcome_type,occurred_at,result,revision,recorded_at,task_id"
LINKED = """
select outcome_type, sum(linked_cost), cast(sum(linked_calls) as bigint)
from mart_cost_per_outcome_daily where outcome_type is not null group by all order by all
"""


@pytest.fixture
def company(small, tmp_path) -> Company:
    """The small company without outcomes of its own."""
    company = small.copy(tmp_path / "acme")
    for path in company.inbox("outcomes"):
        path.unlink()
    return company


@pytest.fixture(scope="session")
def tasks(small) -> list[tuple[str, date, Decimal]]:
    """Tasks that cost something, with the day of their last call and what all their calls cost."""
    return small.rows(
        """
        select task_id, max(charge_date),
            sum(coalesce(billed_cost, 0) + coalesce(estimated_cost, 0)) as cost
        from fct_calls where task_id is not null
        group by task_id having cost > 0 order by task_id limit 4
        """
    )


def deliver(company: Company, *rows: str) -> None:
    path = company.root / "inbox/outcomes/outcomes.csv"
    path.write_text("\n".join([HEADER, *rows, ""]), "utf-8")


def linked(company: Company) -> dict[str, Decimal]:
    return {kind: cost for kind, cost, _ in company.rows(LINKED)}


def test_one_outcome_of_two_tasks_has_the_cost_of_both(company, tasks):
    (one, day, cost), (other, other_day, other_cost), *_ = tasks
    when = f"{max(day, other_day)}T23:00:00Z"
    deliver(company, *(f"o-1,deal_closed,{when},success,0,,{task}" for task in (one, other)))
    company.run()

    assert linked(company) == {"deal_closed": cost + other_cost}
    [(outcomes,)] = company.rows("select count(*) from fct_outcomes")
    [(successes,)] = company.rows("select sum(successes) from mart_cost_per_outcome_daily")
    assert (outcomes, successes) == (1, 1)


def test_two_types_of_one_task_share_its_cost_and_nothing_is_counted_twice(company, tasks):
    task, day, cost = tasks[0]
    when = f"{day}T23:00:00Z"
    deliver(
        company,
        f"o-1,deal_closed,{when},success,0,,{task}",
        f"o-2,deal_signed,{when},failure,0,,{task}",
    )
    company.run()
    [(calls, everything)] = company.rows(
        """
        select
            (select sum(coalesce(billed_cost, 0) + coalesce(estimated_cost, 0)) from fct_calls),
            (select sum(coalesce(linked_cost, 0) + coalesce(unlinked_cost, 0))
            from mart_cost_per_outcome_daily)
        """
    )

    assert sum(linked(company).values()) == cost
    assert everything == calls


def test_open_work_is_an_attempt(company, tasks):
    (one, day, cost), (other, other_day, other_cost), *_ = tasks
    deliver(
        company,
        f"o-1,deal_closed,{day}T23:00:00Z,success,0,,{one}",
        f"o-2,deal_closed,{other_day}T23:00:00Z,open,0,,{other}",
    )
    company.run()
    [(successes, failures, still_open)] = company.rows(
        "select sum(successes), sum(failures), sum(open_outcomes) from mart_cost_per_outcome_daily"
    )

    assert linked(company) == {"deal_closed": cost + other_cost}
    assert (successes, failures, still_open) == (1, 0, 1)


def test_contradicting_rows_are_one_outcome_whatever_their_order(company, tasks):
    (one, day, _), (other, *_), *_ = tasks
    rows = [
        f"o-1,deal_closed,{day}T23:00:00Z,success,1,,{one}",
        f"o-1,deal_closed,{day}T23:00:00Z,failure,1,,{other}",
        f"o-1,deal_closed,{day}T22:00:00Z,partial,1,,{one}",
        f"o-1,deal_closed,{day}T23:00:00Z,success,0,{day}T23:30:00Z,{other}",
    ]
    published = set()
    for number, order in enumerate(list(itertools.permutations(rows))[::7]):
        copy = company.copy(company.root.parent / f"{number}")
        deliver(copy, *order)
        copy.run()
        published.add(json.dumps([copy.rows(LINKED), copy.rows("from fct_outcomes")], default=str))

    assert len(published) == 1


def test_days_computed_one_by_one_say_what_they_say_together(company, tasks):
    task, day, _ = tasks[0]
    days = [day + timedelta(days=n) for n in (0, 6, 12, 20)]
    results = ("open", "open", "success", "unknown")
    deliver(
        company,
        *(
            f"o-1,deal_closed,{when}T23:00:00Z,{result},{n},,{task}"
            for n, (when, result) in enumerate(zip(days, results, strict=True))
        ),
    )
    alone = company.copy(company.root.parent / "alone")
    company.run()
    run.land_sources(alone.workspace)
    for when in run.pending_days(alone.workspace):
        run.compute_days(alone.workspace, when, when + timedelta(days=1))
    alone.run()

    assert alone.rows("from fct_outcomes order by all") == company.rows(
        "from fct_outcomes order by all"
    )
    assert alone.rows(LINKED) == company.rows(LINKED)
    assert alone.published_bytes() == company.published_bytes()
