import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines.cli import app

Everycent = Callable[..., Any]
ENV = {"EVERYCENT_PSEUDONYM_KEY": secrets.token_hex(32), "COLUMNS": "200", "NO_COLOR": "1"}


@pytest.fixture(scope="session")
def everycent() -> Everycent:
    """Run the command with these words."""

    def call(*words: object, env: dict[str, str | None] | None = None):
        return CliRunner(env={**ENV, **(env or {})}).invoke(app, [str(word) for word in words])

    return call


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory, everycent: Everycent) -> Path:
    """A made-up company with faults, not run yet."""
    folder = tmp_path_factory.mktemp("cli") / "acme"
    faults = ("torn_file", "malformed_lines", "unknown_owner")
    words = [word for fault in faults for word in ("--fault", fault)]
    result = everycent("simulate", folder, "--days", 2, "--calls", 400, *words)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="session")
def first_run(company: Path, everycent: Everycent):
    """What the first run of the company answered."""
    return everycent("run", company)


@pytest.fixture(scope="session")
def ran(company: Path, first_run) -> Path:
    """The company after its first run."""
    assert first_run.exit_code == 1, first_run.output
    return company
