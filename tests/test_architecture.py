"""Rules of the house that no single module can keep: where arrows point, and what never appears."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sorted([*(ROOT / "pipelines").rglob("*.py"), *(ROOT / "models").rglob("*.py")])


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def of(*folders: str) -> list[Path]:
    return [p for p in PYTHON if any(p.is_relative_to(ROOT / folder) for folder in folders)]


def importing(paths: list[Path], *modules: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in sorted(imports(path))
        if any(name == module or name.startswith(f"{module}.") for module in modules)
    ]


def test_only_defs_and_the_entry_point_know_dagster():
    others = [p for p in PYTHON if p not in of("pipelines/defs") and p.stem != "definitions"]

    assert importing(others, "dagster") == []


def test_contracts_know_nothing_of_the_pipeline_or_of_engines():
    assert importing(of("models"), "pipelines", "duckdb", "polars", "boto3", "dagster") == []


def test_sources_read_and_do_nothing_else():
    above = ["landing", "lake", "engine", "transforms", "publishing", "run", "cli", "compute"]

    assert importing(of("pipelines/sources"), *(f"pipelines.{name}" for name in above)) == []
    assert importing(of("pipelines/sources"), "boto3", "requests", "urllib", "httpx") == []


def test_landing_does_not_know_what_comes_after_it():
    above = ["engine", "transforms", "publishing", "run", "cli", "compute", "warehouse"]

    assert importing(of("pipelines/landing"), *(f"pipelines.{name}" for name in above)) == []


def test_publishing_does_not_know_landing():
    assert importing(of("pipelines/publishing"), "pipelines.landing") == []


def test_what_computes_does_not_know_who_publishes():
    computing = [p for p in PYTHON if p.stem in {"compute", "periods", "statements", "warehouse"}]

    assert importing([*computing, *of("pipelines/engine")], "pipelines.publishing") == []


def test_one_factory_makes_every_duckdb_connection():
    direct = [
        path.relative_to(ROOT).as_posix()
        for path in PYTHON
        if re.search(r"\bduckdb\.connect\(", path.read_text("utf-8"))
    ]

    assert direct == ["pipelines/duck.py"]


def test_heavy_libraries_are_imported_where_they_are_used():
    at_start = subprocess.run(
        [
            __import__("sys").executable,
            "-c",
            "import pipelines.cli, sys; print(sorted({'great_expectations', 'dagster', 'polars', "
            "'duckdb', 'boto3'} & set(sys.modules)))",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )

    assert at_start.stdout.strip() == "[]"


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
        cwd=ROOT,
    ).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "forbidden",
    [
        r"files\.pythonhosted|pypi\.org|registry\.npmjs",
        r"BEGIN (RSA|EC|OPENSSH) PRIVATE KEY",
        r"AKIA[0-9A-Z]{16}",
    ],
)
def test_no_index_address_and_no_secret_is_in_the_repository(forbidden):
    pattern = re.compile(forbidden.encode())
    here = Path(__file__)
    found = [
        path.relative_to(ROOT).as_posix()
        for path in tracked()
        if path != here and pattern.search(path.read_bytes())
    ]

    assert found == []


def test_no_binary_float_computes_money_in_sql():
    money = re.compile(r"\bavg\s*\(|(::|\bas)\s*(double|float|real)\b", re.IGNORECASE)
    found = [
        f"{path.name}:{number}"
        for path in sorted((ROOT / "sql").rglob("*.sql"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if money.search(line) and not line.lstrip().startswith("--")
    ]

    assert found == []
