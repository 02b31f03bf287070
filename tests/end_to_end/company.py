"""A simulated company in a folder of its own, the pipeline run on it, and its published marts."""

import hashlib
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines import run
from pipelines.run import RunSummary
from pipelines.truth import simulate
from pipelines.workspace import Workspace, load_workspace

ENVIRONMENT = {"EVERYCENT_PSEUDONYM_KEY": hashlib.sha256(b"only for tests").hexdigest()}


class Company:
    """A workspace on disk. Running it again is running it for real."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def simulated(
        cls,
        root: Path,
        *,
        seed: int = 7,
        days: int = 3,
        calls: int = 600,
        faults: Collection[str] = (),
    ) -> "Company":
        simulate(root, seed=seed, days=days, calls=calls, faults=faults)
        return cls(root)

    def copy(self, root: Path, *, with_state: bool = False) -> "Company":
        ignored = () if with_state else (".everycent", "published")
        shutil.copytree(self.root, root, symlinks=True, ignore=shutil.ignore_patterns(*ignored))
        return Company(root)

    @property
    def workspace(self) -> Workspace:
        return load_workspace(self.root, ENVIRONMENT)

    def run(self) -> RunSummary:
        return run.run(self.workspace)

    @property
    def current(self) -> Path:
        return (self.root / "published" / "current").resolve()

    @contextmanager
    def marts(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The published DuckDB file, with the simulator's truth beside it as views."""
        with duckdb.connect() as con:
            con.execute("set TimeZone = 'UTC'")
            con.execute(f"attach '{self.current / 'marts.duckdb'}' as marts (read_only)")
            con.execute("use marts")
            for path in sorted((self.root / "truth").glob("*.parquet")):
                con.execute(f"create temp view truth_{path.stem} as from read_parquet('{path}')")
            yield con

    def rows(self, sql: str) -> list[tuple]:
        with self.marts() as con:
            return con.execute(sql).fetchall()

    def published_bytes(self) -> dict[str, bytes]:
        """Every published file that is promised to be byte-identical, by path."""
        return {
            path.relative_to(self.current).as_posix(): path.read_bytes()
            for path in sorted(self.current.rglob("*"))
            if path.suffix in {".parquet", ".csv", ".html"}
        }

    def inbox(self, source: str) -> list[Path]:
        return sorted(p for p in (self.root / "inbox" / source).rglob("*") if p.is_file())
