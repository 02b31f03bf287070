"""Measure everycent against plain ways of doing the same: `python -m benchmarks --help`."""

import argparse
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from benchmarks.formats import FORMATS
from benchmarks.measure import Measured, WorkFailedError, measure

ROOT = Path(__file__).parents[1]
START = date(2026, 9, 1)
STATE = (".everycent", "published")
LOGS = ("gateway_eu", "gateway_us")


@dataclass(frozen=True)
class Bench:
    """One size of input and the folder that everything happens in."""

    work: Path
    calls: int
    days: int
    sample: int
    lines: int = 0

    @property
    def workspace(self) -> Path:
        """The simulated company, kept between runs of the same size."""
        return self.work / f"company-{self.calls}-{self.days}"

    @property
    def scratch(self) -> Path:
        """What the yardsticks write."""
        return self.work / "scratch"

    @property
    def held(self) -> Path:
        """The logs of the day after the month, until it is their turn."""
        return self.work / f"held-{self.calls}-{self.days}"

    @property
    def last_day(self) -> str:
        """The day after the month."""
        return (START + timedelta(days=self.days)).isoformat()

    def piece(self, name: str, *more: str, workspace: Path | None = None) -> Measured:
        """Run one piece of `benchmarks.work` in a fresh process."""
        facts = self.work / "facts.json"
        argv = (sys.executable, "-m", "benchmarks.work", name)
        given = workspace or self.workspace
        places = ("--workspace", given, "--scratch", self.scratch, "--facts", facts)
        return measure(name, [str(a) for a in (*argv, *places, *more)], facts=facts, cwd=ROOT)

    def simulate(self) -> Measured | None:
        """Write the month and one day more, and put that day's logs aside. None: already there."""
        if self.held.is_dir():
            return None
        shutil.rmtree(self.workspace, ignore_errors=True)
        days = self.days + 1
        calls = self.calls * days // self.days
        measured = self.piece(
            "simulate", "--days", str(days), "--calls", str(calls), "--start", START.isoformat()
        )
        self.hold_last_day()
        return measured

    def hold_last_day(self) -> None:
        """Take the logs of the last day out of the inbox."""
        self._move_last_day(self.workspace / "inbox", self.held)

    def release_last_day(self) -> None:
        """Let the logs of the last day arrive."""
        self._move_last_day(self.held, self.workspace / "inbox")

    def _move_last_day(self, source: Path, target: Path) -> None:
        for gateway in LOGS:
            for path in sorted((source / gateway).glob(f"*{self.last_day}*")):
                (target / gateway).mkdir(parents=True, exist_ok=True)
                path.rename(target / gateway / path.name)

    def log_files(self) -> list[Path]:
        """Every log file of the month."""
        return sorted(p for g in LOGS for p in (self.workspace / "inbox" / g).rglob("*.gz"))

    def gzip(self) -> Measured:
        """Unpack the logs to nowhere."""
        return measure("gzip", ["gzip", "-dc", *map(str, self.log_files())])

    def read(self) -> Measured:
        """Unpack and write the bare lines."""
        return self.piece("read")

    def plain(self) -> Measured:
        """The plain script."""
        return self.piece("plain")

    def loop(self) -> Measured:
        """Call by call with the price library."""
        return self.piece("loop", "--sample", str(self.sample))

    def price(self) -> Measured:
        """Pricing as a join."""
        return self.piece("price")

    def start_up(self) -> Measured:
        """Importing the pipeline."""
        return self.piece("start_up")

    def ours(self) -> Measured:
        """The month, from nothing."""
        for name in STATE:
            shutil.rmtree(self.workspace / name, ignore_errors=True)
        return self.piece("ours")

    def one_day(self) -> Measured:
        """One more day of logs arrives after the month."""
        self.release_last_day()
        try:
            return self.piece("ours")
        finally:
            self.hold_last_day()

    def formats(self) -> Measured:
        """Landing each format, beside a plain read of the same files."""
        runs, rows = [], []
        for name in FORMATS:
            inbox = self.work / "format"
            chosen = ("--format", name, "--lines", str(self.lines))
            written = self.piece("write_format", *chosen, workspace=inbox)
            floor, landed = (
                self.piece(piece, *chosen, workspace=inbox)
                for piece in ("floor_format", "land_format")
            )
            runs += [floor, landed]
            rows.append({"format": name, **written.facts, **landed.facts, "floor": floor.facts})
            shutil.rmtree(inbox)
        return Measured(
            "formats",
            seconds=sum(run.seconds for run in runs),
            cpu_seconds=sum(run.cpu_seconds for run in runs),
            peak_mib=max(run.peak_mib for run in runs),
            facts={"formats": rows},
        )


STAGES: dict[str, Callable[[Bench], Measured]] = {
    "gzip": Bench.gzip,
    "read": Bench.read,
    "plain": Bench.plain,
    "loop": Bench.loop,
    "price": Bench.price,
    "start_up": Bench.start_up,
    "ours": Bench.ours,
    "one_day": Bench.one_day,
    "formats": Bench.formats,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, measure, report. Returns 1 if something could not be measured."""
    args = _arguments(argv)
    bench = Bench(args.work.resolve(), args.calls, args.days, args.sample, args.lines)
    bench.work.mkdir(parents=True, exist_ok=True)
    done: dict[str, Measured] = {}
    missing: dict[str, str] = {}
    if set(args.stages) != {"formats"}:
        print(f"simulate: {args.calls:,} calls in {args.days} days", file=sys.stderr)
        written = bench.simulate()
        if written:
            done["simulate"] = written
    for name in args.stages:
        print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
        try:
            runs = [STAGES[name](bench) for _ in range(args.repeat)]
        except WorkFailedError as error:
            missing[name] = str(error)
            print("failed", file=sys.stderr)
        else:
            done[name] = min(runs, key=lambda run: run.seconds)
            print(f"{done[name].seconds:.1f} s", file=sys.stderr)
    from benchmarks.report import as_json, show

    result = as_json(bench.calls, bench.log_files(), done, missing)
    result["machine"] = {"cpus": _cpus(), "python": platform.python_version(), "commit": _commit()}
    show(result)
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n")
    return 1 if missing else 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000, help="logged calls of the month")
    parser.add_argument("--days", type=int, default=30, help="days of the month")
    parser.add_argument("--sample", type=int, default=20_000, help="calls of the Python loop")
    parser.add_argument("--lines", type=int, default=0, help="of each format, instead of its own")
    parser.add_argument("--repeat", type=int, default=1, help="runs per stage; the fastest counts")
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / "work")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    return parser.parse_args(argv)


def _cpus() -> int:
    import os

    return len(os.sched_getaffinity(0))


def _commit() -> str | None:
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or None


if __name__ == "__main__":
    sys.exit(main())
