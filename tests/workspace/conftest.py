"""A small workspace to break."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.problems import Problem
from pipelines.reference import CheckReport, Reference, check_workspace, load_reference
from pipelines.scaffold import init_workspace
from pipelines.workspace import load_workspace

ENV = {"EVERYCENT_PSEUDONYM_KEY": hashlib.sha256(b"only for tests").hexdigest()}


@dataclass(frozen=True)
class Bench:
    """A fresh workspace whose files a test replaces."""

    root: Path
    env = ENV

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="utf-8", newline="")

    def reference(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            self.write(f"reference/{name}", text)

    def check(self) -> CheckReport:
        return check_workspace(self.root, ENV)

    def load(self) -> Reference:
        return load_reference(load_workspace(self.root, ENV))

    def found(self) -> list[tuple[str, str, int | None, str | None]]:
        """Every problem as rule, file, line and column."""
        return [place(problem) for problem in self.check().problems]


def place(problem: Problem) -> tuple[str, str, int | None, str | None]:
    return problem.rule, problem.file.removeprefix("reference/"), problem.line, problem.column


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    init_workspace(tmp_path / "acme", ENV)
    return Bench(tmp_path / "acme")


@pytest.fixture
def company(bench: Bench) -> Bench:
    """A workspace with two cost centres, a team and two applications."""
    bench.reference(
        {
            "cost_centers.csv": "cost_center_id,cost_center_name\ncc-1,One\ncc-2,Two\n",
            "teams.csv": "team_id,team_name\nt-1,One\n",
            "applications.csv": (
                "application_id,application_name,team_id,cost_center_id\n"
                "bot,Bot,t-1,cc-1\nsearch,Search,t-1,cc-2\n"
            ),
        }
    )
    return bench
