"""What went wrong on purpose: faults planted in files, and a note of each with its amount."""

import gzip
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipelines.truth.catalogue import DEPLOYMENT_IDS
from pipelines.truth.labels import BYPASS, MISSING_HOUR, TORN_HOUR
from pipelines.truth.output import dollars, pack, write
from pipelines.truth.plan import Fault, Plan

EFFECTS: Mapping[Fault, str] = {
    Fault.DUPLICATE_FILES: "nothing changes: the same calls lie in more than one file",
    Fault.DUPLICATE_LINES: "nothing changes: the same calls stand in one file twice",
    Fault.LATE_FILES: "nothing changes once the late folder is there; before, its calls are "
    "unlogged usage",
    Fault.RESTATED_BILL: "nothing changes: the later delivery replaces the earlier one",
    Fault.MISSING_LOGS: "these calls become unlogged usage",
    Fault.TORN_FILE: "the file is refused whole; its calls become unlogged usage",
    Fault.MALFORMED_LINES: "the lines are quarantined; no amount changes",
    Fault.WRONG_GATEWAY_COST: "no amount changes; the gateway's own figure is three times the bill",
    Fault.CACHE_SEMANTICS: "no amount changes; these calls report totals without their cache part",
    Fault.UNKNOWN_OWNER: "these calls are unallocated",
    Fault.UNKNOWN_PRICE: "these calls have no contract and no list price, only a bill",
    Fault.OVERLOGGED: "logged and never billed: their pools are flagged, the bill is unchanged",
    Fault.PLANTED_CANARIES: "no amount changes; nothing that holds CANARY may leave the inbox",
    Fault.HOSTILE_TAGS: "no amount changes; the tag values are data and never code",
}

_MALFORMED = (
    '{"id": "cut-CANARY", "startTime": 17',
    "this is not JSON, CANARY",
    '["an", "array"]',
    '{"id": "no-time", "status": "success"}',
)
DUPLICATED_FILES = 3
REDELIVERED = "redelivered"


@dataclass
class Note:
    """What one fault planted, so far."""

    calls: int = 0
    picos: int = 0
    files: list[str] = field(default_factory=list)
    lines: int = 0


def _touched() -> dict[Fault, pl.Expr]:
    """The attempts a fault touches, by fault. Faults that live in files alone are not here."""
    is_logged = pl.col("gateway") != BYPASS
    is_torn = pl.col("is_written") & ~pl.col("is_logged")
    return {
        Fault.LATE_FILES: pl.col("folder") != "",
        Fault.MISSING_LOGS: is_logged & ~pl.col("is_written"),
        Fault.TORN_FILE: is_torn,
        Fault.WRONG_GATEWAY_COST: pl.col("is_written") & (pl.col("logged_picos") > 0),
        Fault.CACHE_SEMANTICS: pl.col("is_exclusive"),
        Fault.UNKNOWN_OWNER: pl.col("is_orphan"),
        Fault.UNKNOWN_PRICE: pl.col("deployment") == DEPLOYMENT_IDS.index("eu-tuned-data"),
        Fault.OVERLOGGED: ~pl.col("is_billed"),
        Fault.PLANTED_CANARIES: pl.col("is_planted"),
        Fault.HOSTILE_TAGS: pl.col("is_hostile"),
    }


class FaultLog:
    """Plants the faults of a plan into files and keeps count of all of them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._notes = {fault: Note() for fault in Fault if plan.has(fault)}

    def count(self, attempts: pl.DataFrame) -> None:
        """Count the attempts of a day that each fault touched, and what they are worth."""
        for fault, touched in _touched().items():
            if fault in self._notes:
                worth = "value_picos" if fault is Fault.OVERLOGGED else "cost_picos"
                rows = attempts.filter(touched)
                self._notes[fault].calls += rows.height
                self._notes[fault].picos += int(rows[worth].sum())

    def plant(self, inbox: Path, *, restated_picos: int) -> None:
        """Damage, repeat and add files of the European gateway, after all are written.

        Args:
            inbox: The workspace's inbox.
            restated_picos: What the first delivery of a restated bill left out.
        """
        if Fault.RESTATED_BILL in self._notes:
            self._notes[Fault.RESTATED_BILL].picos = restated_picos
        day_folder = inbox / "gateway_eu" / self._plan.fault_day.isoformat()
        files = sorted(day_folder.rglob("*.gz"))
        whole = [f for f in files if f.parent.name not in (f"{TORN_HOUR}", f"{MISSING_HOUR}")]
        actions: dict[Fault, Callable[[], _Planted]] = {
            Fault.DUPLICATE_FILES: lambda: _repeat_files(inbox, whole[:DUPLICATED_FILES]),
            Fault.DUPLICATE_LINES: lambda: _repeat_lines(whole[-1:]),
            Fault.MALFORMED_LINES: lambda: _add_lines(whole[:1]),
            Fault.TORN_FILE: lambda: _tear(f for f in files if f.parent.name == f"{TORN_HOUR}"),
        }
        for fault, action in actions.items():
            if fault in self._notes:
                planted = action()
                note = self._notes[fault]
                note.files = sorted(p.relative_to(inbox).as_posix() for p in planted.files)
                note.lines = planted.lines

    @property
    def notes(self) -> list[dict[str, object]]:
        """The content of truth/faults.json."""
        return [
            {
                "fault": str(fault),
                "calls": note.calls,
                "amount_usd": f"{dollars(note.picos):f}",
                "files": note.files,
                "lines": note.lines,
                "effect": EFFECTS[fault],
            }
            for fault, note in sorted(self._notes.items())
        ]


@dataclass(frozen=True)
class _Planted:
    files: list[Path]
    lines: int = 0


def _repeat_files(inbox: Path, files: Iterable[Path]) -> _Planted:
    """Deliver files again: the first with the same bytes, the others packed anew."""
    made = []
    for position, file in enumerate(files):
        content = file.read_bytes()
        if position:
            content = pack(gzip.decompress(content), level=0)
        copy = inbox / "gateway_eu" / REDELIVERED / file.relative_to(inbox / "gateway_eu")
        write(copy, content)
        made.append(copy)
    return _Planted(made)


def _repeat_lines(files: Iterable[Path]) -> _Planted:
    """Write every second line of the files once more, at their end."""
    made, count = [], 0
    for file in files:
        lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
        again = lines[::2]
        write(file, pack(b"".join([*lines, *again])))
        made.append(file)
        count += len(again)
    return _Planted(made, count)


def _add_lines(files: Iterable[Path]) -> _Planted:
    """Add lines that are no calls."""
    made, count = [], 0
    for file in files:
        added = "".join(f"{line}\n" for line in _MALFORMED).encode("ascii")
        write(file, pack(gzip.decompress(file.read_bytes()) + added))
        made.append(file)
        count += len(_MALFORMED)
    return _Planted(made, count)


def _tear(files: Iterable[Path]) -> _Planted:
    """Cut files in the middle."""
    made = list(files)
    for file in made:
        content = file.read_bytes()
        write(file, content[: len(content) // 2])
    return _Planted(made)
