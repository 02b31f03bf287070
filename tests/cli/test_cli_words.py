import re
import subprocess
import sys

import pytest
import typer

from pipelines.cli import app
from pipelines.truth import Fault

COMMANDS = typer.main.get_command(app).commands
HEAVY = {"dagster", "great_expectations", "duckdb", "polars", "pyarrow", "genai_prices", "numpy"}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_teaches_every_option_and_one_example(everycent, name):
    result = everycent(name, "--help")
    assert result.exit_code == 0
    for param in COMMANDS[name].params:
        for option in param.opts if param.param_type_name == "option" else ():
            assert option in result.stdout
        assert param.name == "help" or param.help
    assert f"Example: everycent {name}" in result.stdout


def test_the_first_help_names_every_command_and_exit_code(everycent):
    text = everycent("--help").stdout
    assert all(name in text for name in COMMANDS)
    assert all(f"{code} " in text for code in range(5))


def test_the_version_is_told(everycent):
    result = everycent("--version")
    assert result.exit_code == 0
    assert re.fullmatch(r"everycent \d+\.\d+\.\d+\n", result.stdout)


def test_the_help_of_simulate_names_every_fault(everycent):
    text = everycent("simulate", "--help").stdout
    assert [fault for fault in Fault if fault not in text] == []


def test_help_starts_without_heavy_libraries():
    code = "import sys, pipelines.cli; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert HEAVY.intersection(loaded) == set()


@pytest.mark.parametrize(
    "words",
    [
        ("run", "a", "--workspace", "b"),
        ("run", "--from", "yesterday"),
        ("run", "--from", "2026-09-02", "--to", "2026-09-02"),
        ("simulate", "x", "--company", "initech"),
        ("export", ".", "--to", "x", "--period", "2026-9-1"),
        ("export", ".", "--to", "x", "--format", "xlsx"),
        ("explain",),
        ("bogus",),
    ],
)
def test_words_that_make_no_sense_are_a_mistake_without_a_trace(everycent, words):
    result = everycent(*words)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_an_internal_error_shows_its_place_but_not_its_text(everycent, ran, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("row value 4711")

    monkeypatch.setattr("pipelines.commands.status.status_of", broken)
    result = everycent("status", ran)
    assert result.exit_code == 4
    assert "ZeroDivisionError" in result.stderr
    assert "4711" not in result.output
    assert "Traceback" not in result.output
    debugged = everycent("--debug", "status", ran)
    assert debugged.exit_code == 4
    assert "Traceback" in debugged.stderr


@pytest.mark.parametrize("error", ["QualityError", "AuditFailedError", "PublishError"])
def test_a_check_that_stops_publication_has_its_own_exit_code(everycent, ran, monkeypatch, error):
    def stopped(*_: object) -> None:
        raise type(error, (Exception,), {})("a check failed: do this next")

    monkeypatch.setattr("pipelines.commands.run.run", stopped)
    result = everycent("run", ran)
    assert result.exit_code == 3
    assert result.stderr == "a check failed: do this next\n"


def test_an_interrupted_command_says_that_it_can_go_on(everycent, ran, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.commands.run.run", interrupted)
    result = everycent("run", ran)
    assert result.exit_code == 130
    assert "again" in result.stderr


def test_a_place_that_cannot_be_read_is_named(everycent, ran, monkeypatch):
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "inbox/openai")

    monkeypatch.setattr("pipelines.commands.run.run", refused)
    result = everycent("run", ran)
    assert result.exit_code == 2
    assert "inbox/openai: Permission denied" in result.stderr
