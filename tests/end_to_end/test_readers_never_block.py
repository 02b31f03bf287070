"""Analysts poll the published file while new versions appear: each look is one whole version."""

import multiprocessing
from decimal import Decimal
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

import duckdb
import pytest

from pipelines.publishing.versions import verify
from tests.end_to_end.company import Company

pytestmark = pytest.mark.slow

VERSIONS = 5
POLLS = 300
PATIENCE = 120

# one change of a version in three tables; a reader who saw a mixture would see them disagree
LOOK = """
    select
        (select cost_center_name from dim_cost_centers where cost_center_id = 'cc-legal'),
        (select invoice_total from mart_invoice_tie_out where issuer = 'openai'),
        (select sum(amount) from mart_chargeback_monthly where issuer = 'openai')
"""

Seen = tuple[str, Decimal, Decimal]


def poll(published: Path, changes: Connection, stop: Event) -> None:
    """Look again and again, as an analyst's tool would; send every change of what is seen."""
    last: object = None
    polls = 0
    while polls < POLLS or not stop.is_set():
        folder = (published / "current").resolve()
        with duckdb.connect(published / "current" / "marts.duckdb", read_only=True) as con:
            seen = con.execute(LOOK).fetchall()
        if seen != last:
            changes.send((seen, verify(folder)))
            last = seen
        polls += 1
    changes.send(polls)


def write_version(company: Company, number: int) -> Seen:
    """Change the inputs so that three published tables change together."""
    reference = company.root / "reference"
    cost_centers, invoices = reference / "cost_centers.csv", reference / "invoices.csv"
    rows = [line.split(",") for line in cost_centers.read_text("utf-8").splitlines()]
    named = [[r[0], f"Legal {number}", *r[2:]] if r[0] == "cc-legal" else r for r in rows]
    cost_centers.write_text("".join(f"{','.join(row)}\n" for row in named), "utf-8")
    total = Decimal(number * 100)
    rows = [line.split(",") for line in invoices.read_text("utf-8").splitlines()]
    issued = [[*r[:5], f"{total}", *r[6:]] if r[1] == "openai" else r for r in rows]
    invoices.write_text("".join(f"{','.join(row)}\n" for row in issued), "utf-8")
    return f"Legal {number}", total, total


@pytest.fixture
def company(tmp_path) -> Company:
    company = Company.simulated(tmp_path / "acme", days=1, calls=60)
    write_version(company, 1)
    company.run()
    return company


def test_a_reader_sees_whole_versions_in_order_and_nothing_else(company):
    processes = multiprocessing.get_context("spawn")
    changes, sent = processes.Pipe(duplex=False)
    stop = processes.Event()
    reader = processes.Process(target=poll, args=(company.root / "published", sent, stop))
    reader.start()
    sent.close()

    def next_change() -> object:
        assert changes.poll(PATIENCE)
        return changes.recv()

    expected, seen = [write_version(company, 1)], [next_change()]
    for number in range(2, VERSIONS + 1):
        expected.append(write_version(company, number))
        assert company.run().published.changed
        seen.append(next_change())
    stop.set()
    polls = next_change()
    reader.join(PATIENCE)

    assert seen == [([version], []) for version in expected]
    assert isinstance(polls, int)
    assert polls >= POLLS
    assert reader.exitcode == 0


def test_a_reader_who_never_lets_go_keeps_its_version_and_holds_nobody_up(company):
    with duckdb.connect(company.current / "marts.duckdb", read_only=True) as con:
        con.execute("begin transaction")
        before = con.execute(LOOK).fetchall()
        for number in range(2, VERSIONS + 1):
            write_version(company, number)
            assert company.run().published.changed
        after = con.execute(LOOK).fetchall()
        con.execute("commit")

    assert after == before == [write_version(company, 1)]
    assert company.rows(LOOK) == [write_version(company, VERSIONS)]


def test_a_version_in_use_is_still_whole_after_newer_ones(company):
    held = company.current
    write_version(company, 2)
    company.run()

    assert held != company.current
    assert verify(held) == verify(company.current) == []
