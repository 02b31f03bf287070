"""The lake: Parquet facts by day, and the commit records that make them count.

    <fact>/charge_date=YYYY-MM-DD/<landing_id>-<n>.parquet
    landed/<source>/<landing_id>.json
    seen/<source>.json

A part without a commit record does not exist: what an interrupted landing left is never read, and
swept away by the next landing of that source.
"""

import hashlib
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa

from models.facts import Fact
from models.landing import LakePart, Landed, Scope
from pipelines import durable


class Lake:
    """Facts of one workspace, as landed. Opening it reads nothing and writes nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._records: dict[Path, Landed] = {}

    def landed(self) -> list[Landed]:
        """Every committed landing, ordered by source and landing id."""
        paths = sorted((self.root / "landed").glob("*/[!.]*.json"))
        for path in paths:
            if path not in self._records:
                self._records[path] = Landed.model_validate_json(path.read_bytes())
        return [self._records[path] for path in paths]

    def known_files(self, source: str) -> set[str]:
        """SHA-256 of every file that a source has landed."""
        return {
            f.sha256 for record in self.landed() if record.source == source for f in record.files
        }

    def parts(self, fact: Fact, from_date: date, to_date: date) -> list[LakePart]:
        """Committed parts of a fact for the days `from_date <= day < to_date`, in a fixed order."""
        return [
            part
            for record in self.landed()
            for part in record.parts
            if part.fact == fact and from_date <= part.charge_date < to_date
        ]

    def winners(self, fact: Fact) -> pa.Table:
        """The delivery that counts per source and scope: columns `source, scope, delivery`.

        Only snapshot sources have scopes; rows without a scope always count.
        """
        best = self._best(fact)
        return pa.table(
            {
                "source": pa.array([source for source, _ in best], pa.string()),
                "scope": pa.array([scope for _, scope in best], pa.string()),
                "delivery": pa.array(list(best.values()), pa.string()),
            }
        )

    def fresh_delivery(self, source: str, delivery: str) -> str:
        """A delivery's name that no landing has yet: a file overwritten in place is a later one.

        The order is that of arrival, because a place holds one content at a time.
        """
        known = {
            scope.delivery
            for record in self.landed()
            if record.source == source
            for scope in record.scopes
        }
        name, count = delivery, 1
        while name in known:
            count += 1
            name = f"{delivery}#{count:04}"
        return name

    def is_back(self, source: str, sha256s: set[str], delivery: str) -> bool:
        """Whether content that landed before was replaced since, and now comes again as the latest.

        Args:
            source: The feed.
            sha256s: The content of a delivery, file by file.
            delivery: Its name.
        """
        fresh = self.fresh_delivery(source, delivery)
        same = [
            scope
            for record in self.landed()
            if record.source == source and {file.sha256 for file in record.files} == sha256s
            for scope in record.scopes
        ]
        held = {scope.delivery for scope in same}
        winners = {self._best(scope.fact)[source, scope.scope] for scope in same}
        return any(winner not in held and winner < fresh for winner in winners)

    def days_touched(self, landed: Iterable[Landed]) -> set[date]:
        """Days that a rebuild must visit because of these landings.

        For a snapshot that is also every day of the deliveries it competes with: a day that a
        newer delivery no longer holds must lose its rows.
        """
        records = list(landed)
        days = {part.charge_date for record in records for part in record.parts}
        replaced = {
            (record.source, scope.fact, scope.scope)
            for record in records
            for scope in record.scopes
        }
        for source, scope in self._scopes():
            if (source, scope.fact, scope.scope) in replaced:
                days.update(scope.days)
        return days

    def fingerprints(self) -> dict[date, str]:
        """What each day's facts are made of, as one hash: equal hashes, equal facts.

        Made of the parts' hashes and of the winning delivery of each scope that has ever held rows
        for that day, in an order of its own.
        """
        made_of: defaultdict[date, list[str]] = defaultdict(list)
        for record in self.landed():
            for part in record.parts:
                made_of[part.charge_date].append(f"part {part.fact} {part.sha256}")
        best = {fact: self._best(fact) for fact in Fact}
        for source, scope in self._scopes():
            winner = best[scope.fact][source, scope.scope]
            for day in scope.days:
                made_of[day].append(f"scope {scope.fact} {source} {scope.scope} {winner}")
        return {day: _digest(lines) for day, lines in made_of.items()}

    def fingerprint(self, day: date) -> str:
        """The hash of one day; see `fingerprints`. A day without facts has one too."""
        return self.fingerprints().get(day, _digest(()))

    def part_path(self, fact: Fact, day: date, landing_id: str, number: int) -> Path:
        """Where a part goes."""
        return self.root / fact / f"charge_date={day}" / f"{landing_id}-{number}.parquet"

    def spill(self, source: str) -> Path:
        """Where a source's landing may keep what does not fit in memory, until it ends."""
        return self.root / ".spill" / source

    def seen(self, source: str) -> Path:
        """Where a source's landing remembers the hashes of the files that it has seen."""
        return self.root / "seen" / f"{source}.json"

    def commit(self, record: Landed) -> None:
        """Make a landing count. Its parts must be durable already."""
        path = self.root / "landed" / record.source / f"{record.landing_id}.json"
        durable.write_bytes(path, record.model_dump_json(indent=1).encode())

    def sweep(self, source: str) -> int:
        """Remove what landings of a source left behind; returns how many parts and records."""
        shutil.rmtree(self.spill(source), ignore_errors=True)
        committed = {part.path for record in self.landed() for part in record.parts}
        removed = 0
        for path in [*self.root.glob(f"*/charge_date=*/*{source}.*"), *self._half_records(source)]:
            name = path.name.removeprefix(durable.TEMPORARY)
            mine = name.startswith(f"{source}.")
            if mine and path.relative_to(self.root).as_posix() not in committed:
                path.unlink()
                removed += 1
        return removed

    def _half_records(self, source: str) -> Iterator[Path]:
        return (self.root / "landed" / source).glob(f"{durable.TEMPORARY}*")

    def _scopes(self) -> Iterator[tuple[str, Scope]]:
        for record in self.landed():
            for scope in record.scopes:
                yield record.source, scope

    def _best(self, fact: Fact) -> dict[tuple[str, str], str]:
        best: dict[tuple[str, str], str] = {}
        for source, scope in self._scopes():
            if scope.fact == fact:
                key = (source, scope.scope)
                best[key] = max(best.get(key, ""), scope.delivery)
        return dict(sorted(best.items()))


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(set(lines))).encode()).hexdigest()
