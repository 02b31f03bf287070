"""What was made by which code: every module that makes numbers is in the fingerprint."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import code_version, compute
from pipelines.code_version import reached

IMPORTED = """
import json, sys
import pipelines.compute
print(json.dumps([m for m in sys.modules if m.split(".")[0] in ("models", "pipelines")]))
"""


@pytest.fixture
def fingerprint(monkeypatch):
    """The fingerprint of the code, with some text put after that of a module."""
    text = code_version._text

    def changed(module="", more=""):
        monkeypatch.setattr(
            code_version, "_text", lambda name: text(name) + (more if name == module else "")
        )
        compute.code_fingerprint.cache_clear()
        return compute.code_fingerprint()

    yield changed
    monkeypatch.undo()
    compute.code_fingerprint.cache_clear()


@pytest.mark.parametrize(
    "module",
    [
        "models.money",
        "models.vocabulary",
        "pipelines.compute",
        "pipelines.inputs",
        "pipelines.periods",
        "pipelines.prices.listing",
        "pipelines.prices.matching",
        "pipelines.quality",
        "pipelines.reference_cells",
        "pipelines.statements",
    ],
)
def test_a_change_of_python_that_makes_numbers_computes_every_day_again(fingerprint, module):
    assert fingerprint() == fingerprint()
    assert fingerprint(module, "# mended") != fingerprint()


def test_code_that_only_shows_numbers_computes_nothing_again(fingerprint):
    assert fingerprint("pipelines.commands.run", "# mended") == fingerprint()
    assert fingerprint("pipelines.publishing.report", "# mended") == fingerprint()


def test_every_module_that_computing_imports_is_covered():
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    # packages themselves say nothing; where files arrive is known before anything is computed
    silent = {"models", "pipelines", "pipelines.engine", "pipelines.landing"}
    left = set(json.loads(ended.stdout)) - reached("pipelines.compute") - silent

    assert {name for name in left if not name.startswith("pipelines.places")} <= {
        "pipelines.landing.result"
    }
