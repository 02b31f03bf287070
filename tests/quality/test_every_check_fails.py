"""Each check is shown failing on a real table: one that cannot fail protects nothing."""

import json
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pipelines.engine.duckdb import Session
from pipelines.quality import QualityError, load_suites
from pipelines.transforms import load_transforms
from tests.end_to_end.company import Company
from tests.transforms.cases import PARAMS, Types, all_types, create, read_cases

BY_PYTHON = {"landing", "names", "readings"}
"""Suites that are counted without SQL; `landing` is shown failing below."""


@pytest.fixture(scope="module")
def types() -> Types:
    return all_types()


@pytest.fixture(scope="module")
def broken(types) -> set[tuple[str, str]]:
    """Suite and counter of every expectation that the case of a check breaks."""
    suites = load_suites()
    found = set()
    for transform in load_transforms().values():
        for case in read_cases(transform) if transform.layer == "checks" else ():
            with TemporaryDirectory() as folder, Session(Path(folder)) as session:
                for name in transform.inputs:
                    create(session, name, types[name], case.given.get(name, {"columns": []}))
                counters = session.fetch([transform], {**PARAMS, **case.params}).to_pylist()
            found |= {
                (row["suite"], row["counter"])
                for row in counters
                if not suites[row["suite"]]
                .expectations[row["counter"]]
                .holds(Decimal(row["value"]))
            }
    return found


@pytest.mark.parametrize(
    ("suite", "counter"),
    [(s.name, c) for s in load_suites().values() for c in s.expectations],
)
def test_a_case_of_the_check_breaks_it(broken, suite, counter):
    assert suite in BY_PYTHON or (suite, counter) in broken, "add a case to tests/transforms/checks"


@pytest.fixture(scope="module")
def company(tmp_path_factory) -> Company:
    company = Company.simulated(tmp_path_factory.mktemp("gate") / "acme", days=1, calls=40)
    company.run()
    return company


def test_a_landing_that_lost_a_record_stops_the_publication(company, tmp_path):
    copy = company.copy(tmp_path / "acme", with_state=True)
    path = min((copy.root / ".everycent/lake/landed/openai_bill").glob("*.json"))
    record = json.loads(path.read_text("utf-8"))
    record["files"][0]["rows_read"] += 1
    path.write_text(json.dumps(record), "utf-8")
    (copy.root / "reference/budgets.csv").unlink()

    with pytest.raises(QualityError, match=r"landing\.dispositions_unbalanced is 1 in openai_bill"):
        copy.run()
