"""From measurements to speeds, ratios and verdicts, as JSON and as a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.format_report import format_rows, show_formats
from benchmarks.measure import Measured

Seen = Mapping[str, Measured]

TITLES = {
    "simulate": "simulate the company",
    "gzip": "floor: gzip -dc",
    "read": "floor: bare lines to Parquet",
    "plain": "plain DuckDB script",
    "loop": "Python loop, price library",
    "price": "everycent: pricing join",
    "start_up": "everycent: start-up",
    "ours": "everycent: month",
    "one_day": "everycent: one more day",
    "formats": "everycent: every format, with floors",
}


@dataclass(frozen=True)
class Target:
    """What a number must be. `value` is null where it could not be measured.

    `cpu_value` is the same ratio in CPU time, which other work on the machine blurs less.
    """

    name: str
    value: float | None
    limit: float
    cpu_value: float | None = None
    is_floor: bool = False
    unit: str = "x"

    @property
    def verdict(self) -> str:
        """Met, missed, or not measured."""
        if self.value is None:
            return "not measured"
        is_met = self.value >= self.limit if self.is_floor else self.value <= self.limit
        return "met" if is_met else "MISSED"


def as_json(
    calls: int,
    files: Sequence[Path],
    done: Seen,
    missing: Mapping[str, str],
) -> dict[str, Any]:
    """Everything that was found, as plain JSON values.

    Args:
        calls: Calls in the month, about; the plain script counts them.
        files: Log files of the month.
        done: What was measured, by stage.
        missing: What could not be, and why.
    """
    rows = done["plain"].facts["rows"] if "plain" in done else calls
    targets = _targets(done)
    return {
        "input": {
            "calls": rows,
            "log_files": len(files),
            "packed_bytes": sum(f.stat().st_size for f in files),
            "unpacked_bytes": sum(_unpacked_size(f) for f in files),
        },
        "stages": {name: one.to_json() for name, one in done.items()},
        "missing": dict(missing),
        "doubts": _doubts(done),
        "formats": format_rows(done),
        "targets": [{**vars(t), "verdict": t.verdict} for t in targets],
    }


def _doubts(done: Seen) -> list[str]:
    """Why a ratio may compare different work: the plain script and the month count equal calls."""
    if not {"plain", "ours"} <= done.keys():
        return []
    expected, counted = done["plain"].facts["rows"], done["ours"].facts["rows"]
    if expected == counted:
        return []
    set_aside = done["ours"].facts["quarantined"]
    return [
        f"The month counted {counted:,} of {expected:,} calls and set {set_aside:,} records aside: "
        "its ratios do not hold."
    ]


def _unpacked_size(path: Path) -> int:
    """Length of a gzip file's content, from its trailer: right below 4 GiB."""
    with path.open("rb") as file:
        file.seek(-4, 2)
        return int.from_bytes(file.read(4), "little")


def _targets(done: Seen) -> list[Target]:
    def of(compute: Callable[[Seen], float]) -> float | None:
        try:
            return compute(done)
        except KeyError:
            return None

    return [
        Target("month / plain script", *_times(done, "plain", 1.5)),
        Target("month / gzip -dc", *_times(done, "gzip", 2.5)),
        Target(
            "pricing join / Python loop",
            of(lambda d: _calls_per_second(d["price"]) / _calls_per_second(d["loop"])),
            50,
            is_floor=True,
        ),
        Target("peak memory", of(lambda d: d["ours"].peak_mib), 1500, unit=" MiB"),
        Target(
            "one day / (month / 15 + start-up)",
            of(lambda d: d["one_day"].seconds / (d["ours"].seconds / 15 + d["start_up"].seconds)),
            1,
        ),
        Target(
            "fct_calls on disk per call",
            of(lambda d: d["ours"].facts["fct_calls_bytes"] / d["ours"].facts["rows"]),
            120,
            unit=" bytes",
        ),
    ]


def _times(done: Seen, yardstick: str, limit: float) -> tuple[float | None, float, float | None]:
    """The month over a yardstick: by wall time, the limit, by CPU time."""
    if not {yardstick, "ours"} <= done.keys():
        return None, limit, None
    month, other = done["ours"], done[yardstick]
    return month.seconds / other.seconds, limit, month.cpu_seconds / other.cpu_seconds


def _calls_per_second(one: Measured) -> float:
    return float(one.facts["calls_per_second"])


def show(result: Mapping[str, Any]) -> None:
    """Print the result as tables."""
    console = Console()
    given = result["input"]
    if given["log_files"]:
        console.print(
            f"{given['calls']:,} calls, {given['log_files']:,} log files, "
            f"{given['packed_bytes'] / 1e6:,.0f} MB packed, "
            f"{given['unpacked_bytes'] / 1e6:,.0f} MB unpacked"
        )
    table = Table("work", *_RIGHT, title="Measured", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, one in result["stages"].items():
        table.add_row(TITLES.get(name, name), *_speeds(name, one, given))
        for stage, seconds in one["facts"].get("stages", {}).items():
            table.add_row(f"  {stage}", f"{seconds:,.2f}", *[""] * 4)
    console.print(table)
    verdicts = Table(
        "ratio", "measured", "by CPU", "target", "verdict", title="Targets", title_justify="left"
    )
    for target in result["targets"]:
        unit = target["unit"]
        verdicts.add_row(
            target["name"],
            _shown(target["value"], unit),
            _shown(target["cpu_value"], unit),
            f"{'at least' if target['is_floor'] else 'at most'} {target['limit']:g}{unit}",
            target["verdict"],
        )
    console.print(verdicts)
    if result["formats"]:
        show_formats(console, result["formats"])
    for doubt in result["doubts"]:
        console.print(doubt, highlight=False)
    for name, why in result["missing"].items():
        console.print(f"{TITLES.get(name, name)} could not be measured. {why}", highlight=False)


def _shown(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:,.2f}{unit}"


_RIGHT = ("seconds", "CPU s", "peak MiB", "calls/s", "MB/s")


def _speeds(name: str, one: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    seconds = one["seconds"]
    cells = [f"{seconds:,.2f}", f"{one['cpu_seconds']:,.2f}", f"{one['peak_mib']:,.0f}"]
    if "calls_per_second" in one["facts"]:
        return [*cells, f"{one['facts']['calls_per_second']:,.0f}", ""]
    if name in {"start_up", "one_day", "simulate", "formats"}:
        return [*cells, "", ""]
    return [
        *cells,
        f"{given['calls'] / seconds:,.0f}",
        f"{given['unpacked_bytes'] / 1e6 / seconds:,.0f}",
    ]
