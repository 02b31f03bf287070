"""A small simulated company, and what Dagster makes of it."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from pipelines.definitions import defs
from pipelines.truth import simulate
from tests.defs.company import FIRST, KEY, LAST, SETTINGS, Company


@pytest.fixture(scope="session")
def simulated(tmp_path_factory) -> Path:
    """A workspace that nobody has run: copy it."""
    folder = tmp_path_factory.mktemp("simulated") / "acme"
    simulate(folder, seed=7, days=2, calls=60, start=date.fromisoformat(FIRST))
    (folder / "everycent.yaml").write_text(SETTINGS, encoding="utf-8")
    routes = folder / "reference/routes.csv"
    lines = routes.read_text("utf-8").splitlines(keepends=True)
    routes.write_text("".join(line for line in lines if "gateway_us" not in line), "utf-8")
    return folder


@pytest.fixture(scope="module")
def company(simulated, tmp_path_factory) -> Iterator[Company]:
    """A copy in which one log is late, run once by Dagster from files to publication."""
    folder = tmp_path_factory.mktemp("company") / "acme"
    shutil.copytree(simulated, folder)
    late = max((folder / "inbox/gateway_eu" / LAST).rglob("*.gz"))
    kept = folder.parent / late.name
    shutil.move(late, kept)
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("EVERYCENT_WORKSPACE", str(folder))
        patch.setenv("EVERYCENT_PSEUDONYM_KEY", KEY)
        yield Company(folder, kept, defs(), instance)
