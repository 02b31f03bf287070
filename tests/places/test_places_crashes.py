"""Killed at any durable action while fetching, the next run ends where one run would have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places.copying import Copy

ROOT = Path(__file__).resolve().parents[2]
FETCH = """
import sys
from pathlib import Path
from pipelines.places.addresses import read_address
from pipelines.places.s3 import fetch_bucket
from pipelines.places.store import Store

root, location, endpoint = sys.argv[1:]
store = Store(read_address(location), endpoint_url=endpoint)
fetched = fetch_bucket("gateway", Path(root), store, wanted=lambda name: True)
sys.exit(len(fetched.problems))
"""


def fetch(copy: Copy, **environment: str) -> int:
    location = f"s3://{copy.bucket.name}/{copy.folder}"
    arguments = [str(copy.root), location, copy.bucket.server.endpoint_url]
    done = subprocess.run(
        [sys.executable, "-c", FETCH, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
    )
    return done.returncode


@pytest.mark.slow
def test_a_fetch_killed_at_any_step_is_finished_by_the_next(bucket, tmp_path):
    contents = {"a.json": b"one", "b/c.json": b"two"}
    for name, body in contents.items():
        bucket.put(f"logs/{name}", body)
    steps = tmp_path / "steps"
    assert fetch(Copy(bucket, tmp_path / "whole"), EVERYCENT_COUNT_STEPS=str(steps)) == 0
    last = int(steps.read_text("utf-8").split()[0])
    assert last >= 7

    for number in range(1, last + 1):
        copy = Copy(bucket, tmp_path / f"killed-{number}")
        assert fetch(copy, EVERYCENT_KILL_AT=str(number)) == -9
        # nobody may ever see half a file under a name of its own
        assert copy.files().items() <= contents.items()

        assert copy.fetch().problems == ()
        assert copy.files() == contents
        objects = sorted((copy.root / "objects").iterdir())
        assert [path.name for path in objects if path.name.startswith(".")] == []
        assert len(objects) == len(contents)
