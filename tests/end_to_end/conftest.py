import pytest

from tests.end_to_end.company import Company


@pytest.fixture(scope="session")
def clean(tmp_path_factory) -> Company:
    """Three days without faults, run once. Copy it before changing anything."""
    company = Company.simulated(tmp_path_factory.mktemp("clean") / "acme")
    company.run()
    return company
