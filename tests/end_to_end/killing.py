"""Runs of the pipeline that die at a numbered durable action, each a process of its own."""

import hashlib
import multiprocessing
import os
import signal
from collections.abc import Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pyarrow.parquet as pq

from pipelines import durable
from tests.end_to_end.company import Company

KILLED = -signal.SIGKILL

# a server that has imported everything, has run nothing, and forks a process per run
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["pipelines.run", "great_expectations", "genai_prices.data", "polars", "jinja2"]
)


def everything_written(company: Company) -> dict[str, str]:
    """Every file the pipeline has made, with its hash; of DuckDB files, which differ, the name.

    What landing remembers of files, by their times, is left out.
    """
    files = [
        path
        for folder in (".everycent", "published")
        for path in (company.root / folder).rglob("*")
        if path.is_file() and path.parent.name != "seen"
    ]
    return {
        path.relative_to(company.root).as_posix(): (
            "" if "marts.duckdb" in path.name else hashlib.sha256(path.read_bytes()).hexdigest()
        )
        for path in files
    }


def run_process(company: Company, *, kill_at: int | None = None, tear_table: int = 0) -> int:
    """Run in a process of its own; returns its exit code, negative if a signal ended it.

    Args:
        company: Whose workspace.
        kill_at: Durable action to die at.
        tear_table: Parquet file, counted from 1, to die in the middle of.
    """
    return _ended([_started(company, kill_at, tear_table)])[0]


def run_side_by_side(companies: Sequence[Company], kill_at: Sequence[int | None]) -> list[int]:
    """Run each company in a process of its own, all at once; returns their exit codes."""
    return _ended([_started(*pair, 0) for pair in zip(companies, kill_at, strict=True)])


def _started(company: Company, kill_at: int | None, tear_table: int) -> ForkServerProcess:
    process = _PROCESSES.Process(target=_run, args=(company.root, kill_at, tear_table))
    process.start()
    return process


def _ended(processes: Sequence[ForkServerProcess]) -> list[int]:
    # only ever from one thread: two would take each other's exit codes
    codes = []
    for process in processes:
        process.join()
        assert process.exitcode is not None
        codes.append(process.exitcode)
    return codes


def _run(root: Path, kill_at: int | None, tear_table: int) -> None:
    os.environ.pop(durable.KILL_AT, None)
    if kill_at is not None:
        os.environ[durable.KILL_AT] = str(kill_at)
    if tear_table:
        _tear(tear_table)
    Company(root).run()


def _tear(number: int) -> None:
    class Torn(pq.ParquetWriter):
        written = 0

        def __init__(self, where: Path, *args: object, **options: object) -> None:
            self.path = where
            super().__init__(where, *args, **options)

        def close(self) -> None:
            if not self.is_open:
                return
            super().close()
            Torn.written += 1
            if Torn.written == number:
                os.truncate(self.path, self.path.stat().st_size // 2)
                os.kill(os.getpid(), signal.SIGKILL)

    pq.ParquetWriter = Torn
