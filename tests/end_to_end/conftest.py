from collections.abc import Callable

import pytest

from tests.end_to_end.company import Company
from tests.end_to_end.damage import Damage, Ran


@pytest.fixture(scope="session")
def clean(tmp_path_factory) -> Company:
    """Three days without faults, run once. Copy it before changing anything."""
    company = Company.simulated(tmp_path_factory.mktemp("clean") / "acme")
    company.run()
    return company


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Company:
    """Two days of few calls, run once. Copy it before changing anything."""
    company = Company.simulated(tmp_path_factory.mktemp("small") / "acme", days=2, calls=120)
    company.run()
    return company


@pytest.fixture
def damaged(small, tmp_path) -> Callable[[Damage], Ran]:
    """Run a copy of the small company after damaging what was delivered."""

    def run(damage: Damage) -> Ran:
        company = small.copy(tmp_path / "acme")
        damage(company)
        return Ran(company, company.run())

    return run
