import pytest

from tests.transforms.cases import Types, all_types


@pytest.fixture(scope="session")
def types() -> Types:
    return all_types()
