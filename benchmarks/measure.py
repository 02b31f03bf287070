"""Runs one piece of work in a fresh process and says what it took.

The process that measures imports nothing heavy: a child's peak memory counts what it inherits.
"""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


class WorkFailedError(Exception):
    """A child ended with an error. The text ends with what it said last."""


@dataclass(frozen=True)
class Measured:
    """One piece of work: times in seconds, memory in MiB, and what the work says about itself."""

    name: str
    seconds: float
    cpu_seconds: float
    peak_mib: float
    facts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return asdict(self)


def measure(
    name: str, argv: Sequence[str], *, facts: Path | None = None, cwd: Path | None = None
) -> Measured:
    """Run a command to its end.

    Args:
        name: What the work is called in reports.
        argv: The command. Its output is thrown away, its errors are kept for the message.
        facts: JSON file the command writes about itself; read back into `Measured.facts`.
        cwd: Where it runs.

    Returns:
        Wall time, CPU time of all threads and waited-for children, peak memory of the largest.

    Raises:
        WorkFailedError: The command ended with a code other than 0.
    """
    if facts is not None:
        facts.parent.mkdir(parents=True, exist_ok=True)
        facts.unlink(missing_ok=True)
    errors = os.memfd_create(name)
    try:
        started = time.perf_counter()
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, cwd=cwd
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said = os.pread(errors, 1 << 20, 0).decode(errors="replace").strip().splitlines()
            raise WorkFailedError(f"{name} ended with {process.returncode}: " + " ".join(said[-1:]))
    finally:
        os.close(errors)
    return Measured(
        name=name,
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss / 1024,
        facts=json.loads(facts.read_text()) if facts is not None and facts.exists() else {},
    )
