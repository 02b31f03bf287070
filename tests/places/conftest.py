import itertools

import pytest

from tests.places.store_server import Bucket, Server

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "NO_PROXY": "127.0.0.1",
}
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        for name, value in _ENVIRONMENT.items():
            patch.setenv(name, value)
        server = Server()
        yield server
        server.stop()


@pytest.fixture
def bucket(server):
    """A new, empty bucket; the list of requests begins empty."""
    bucket = Bucket(server, f"test-{next(_NUMBERS)}")
    server.front.requests.clear()
    yield bucket
    server.front.faults = []
