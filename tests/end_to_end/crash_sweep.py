"""`kill -9` at every numbered write of a demo run, then run again: `make crashes`.

Too long for the tests, which kill at a spread of them. Exits with 1 if a workspace is then not that
of a run never killed.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from pipelines import durable
from tests.end_to_end.company import Company
from tests.end_to_end.killing import KILLED, everything_written, run_side_by_side

PROCESSES = 2


def sweep(sample: Path, folder: Path) -> Iterator[tuple[int, int, str]]:
    """Kill at each write of a first run; yields its number, how many there are, what went wrong."""
    company = Company(sample)
    whole = company.copy(folder / "whole")
    steps: list[str] = []
    with patch.object(durable, "step", steps.append):
        whole.run()
    wanted, last = everything_written(whole), len(steps)
    for first in range(1, last + 1, PROCESSES):
        numbers = range(first, min(first + PROCESSES, last + 1))
        companies = [company.copy(folder / str(number)) for number in numbers]
        killed = run_side_by_side(companies, numbers)
        again = run_side_by_side(companies, [None] * len(companies))
        for number, one, *codes in zip(numbers, companies, killed, again, strict=True):
            problem = "" if codes == [KILLED, 0] else f"exit codes {codes}"
            if not problem and everything_written(one) != wanted:
                problem = "other bytes than the run never killed"
            yield number, last, problem
            shutil.rmtree(one.root)


def main() -> int:
    """Sweep the sample company acme; prints what goes wrong, and the number of writes."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, last, problem in sweep(Path("data_samples/acme"), Path(folder)):
            wrong += bool(problem)
            if problem or number % 20 == 0 or number == last:
                print(f"{number} of {last}: {problem or 'as if nothing had happened'}", flush=True)
    print(f"killed at {last} of {last} writes: {wrong} wrong")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
