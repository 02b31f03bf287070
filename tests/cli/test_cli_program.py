"""Commands are printed as they can be typed."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.commands.program import program, typed


@pytest.fixture
def installed(tmp_path, monkeypatch) -> Path:
    """A virtual environment's program below the current folder, which no PATH names."""
    path = tmp_path / ".venv" / "bin" / "everycent"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n", "utf-8")
    path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(path)])
    return path


def test_a_program_that_the_shell_does_not_find_is_told_by_its_path(installed):
    assert program() == ".venv/bin/everycent"
    assert typed("Run `everycent run` first.") == "Run `.venv/bin/everycent run` first."


def test_a_program_that_the_shell_finds_is_told_by_its_name(installed, monkeypatch):
    monkeypatch.setenv("PATH", str(installed.parent))

    assert program() == "everycent"


def test_another_program_of_the_same_name_is_not_this_one(installed, tmp_path, monkeypatch):
    other = tmp_path / "bin" / "everycent"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n", "utf-8")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(other.parent))

    assert program() == ".venv/bin/everycent"


def test_called_in_another_way_it_has_its_name(installed, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["cli.py"])

    assert program() == "everycent"


def test_errors_of_every_module_say_what_can_be_typed(installed):
    code = "import sys; sys.argv = ['.venv/bin/everycent', 'run', 'nowhere']\n"
    code += "from pipelines.cli import main; main()"
    root = Path(__file__).resolve().parents[2]
    said = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PATH": str(installed.parents[2]), "PYTHONPATH": str(root)},
        check=False,
    )

    assert said.returncode == 2
    assert "`.venv/bin/everycent init FOLDER`" in said.stderr
