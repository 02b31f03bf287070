"""The lake: Parquet facts by day, and the commit records that make them count.

    <fact>/charge_date=YYYY-MM-DD/<landing_id>-<n>.parquet
    landed/<source>/<landing_id>.json
    landed/<source>/again/<id>.json
    seen/<source>.json
    accepted/<source>.json

A part without a commit record does not exist: what an interrupted landing left is never read, and
swept away by the next landing of that source. So is what was landed again: a record in `again/`
holds its landings and names those that they replace, so that both change in one write.
"""

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa

from models.facts import Fact
from models.landing import HeldBack, LakePart, Landed, LandedAgain, Scope
from pipelines import durable
from pipelines.control_totals import sha256_of

_AGAIN = "again"


class LakeDamagedError(Exception):
    """A part of the lake is gone, or not what landed: nothing may be computed from it."""

    def __init__(self, part: LakePart) -> None:
        source = part.path.rsplit("/", 1)[-1].partition(".")[0]
        super().__init__(
            f"The stored file {part.path} is not what landed: a byte of it changed, or it is gone. "
            "Nothing is computed from it. Restore it from a backup, or land its source again from "
            f"the files in its inbox: `everycent land --again {source}`."
        )
        self.part = part


class Lake:
    """Facts of one workspace, as landed. Opening it reads nothing and writes nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._records: dict[Path, LandedAgain] = {}
        self._sound: set[str] = set()

    def landed(self) -> list[Landed]:
        """Every landing that counts, ordered by source and landing id."""
        commits = self._commits().values()
        replaced = {landing_id for commit in commits for landing_id in commit.replaces}
        records = [record for commit in commits for record in commit.landed]
        return sorted(
            (record for record in records if record.landing_id not in replaced),
            key=lambda record: (record.source, record.landing_id),
        )

    def _commits(self) -> dict[Path, LandedAgain]:
        """What each record says, those of one landing as if it replaced nothing."""
        folder = self.root / "landed"
        found = {}
        for path in [*folder.glob("*/[!.]*.json"), *folder.glob(f"*/{_AGAIN}/[!.]*.json")]:
            if path not in self._records:
                text = path.read_bytes()
                self._records[path] = (
                    LandedAgain.model_validate_json(text)
                    if path.parent.name == _AGAIN
                    else LandedAgain(landed=(Landed.model_validate_json(text),), replaces=())
                )
            found[path] = self._records[path]
        return found

    def landed_by(self, source: str) -> list[Landed]:
        """The landings of one source that count."""
        return [record for record in self.landed() if record.source == source]

    def known_files(self, source: str) -> set[str]:
        """SHA-256 of every file that a source has landed."""
        return {file.sha256 for record in self.landed_by(source) for file in record.files}

    def parts(self, fact: Fact, from_date: date, to_date: date) -> list[LakePart]:
        """Committed parts of a fact for the days `from_date <= day < to_date`, in a fixed order."""
        return [
            part
            for record in self.landed()
            for part in record.parts
            if part.fact == fact and from_date <= part.charge_date < to_date
        ]

    def sound(self, part: LakePart) -> Path:
        """Where a part is, once its bytes are known to be those that landed.

        Read once per lake that is opened, however often it is asked for.

        Raises:
            LakeDamagedError: It is gone, or a byte of it changed.
        """
        path = self.root / part.path
        if part.path not in self._sound:
            if not path.is_file() or sha256_of(path) != part.sha256:
                raise LakeDamagedError(part)
            self._sound.add(part.path)
        return path

    def damaged(self) -> list[LakePart]:
        """Committed parts that are gone or changed since they landed. Reads every byte."""
        found = []
        for record in self.landed():
            for part in record.parts:
                try:
                    self.sound(part)
                except LakeDamagedError:
                    found.append(part)
        return found

    def winners(self, fact: Fact) -> pa.Table:
        """The delivery that counts per source and scope: columns `source, scope, delivery`.

        It is the newest that is not held back. Only snapshot sources have scopes; rows without a
        scope always count.
        """
        best = self._best(fact)
        return pa.table(
            {
                "source": pa.array([source for source, _ in best], pa.string()),
                "scope": pa.array([scope for _, scope in best], pa.string()),
                "delivery": pa.array(list(best.values()), pa.string()),
            }
        )

    def best(self) -> set[tuple[str, str, str, str]]:
        """Source, fact, scope and delivery of every delivery that counts for a scope."""
        return {
            (source, fact, scope, delivery)
            for fact in Fact
            for (source, scope), delivery in self._best(fact).items()
        }

    def fresh_delivery(self, source: str, delivery: str) -> str:
        """A delivery's name that no landing has yet: a file overwritten in place is a later one.

        The order is that of arrival, because a place holds one content at a time.
        """
        known = {scope.delivery for record in self.landed_by(source) for scope in record.scopes}
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
            for record in self.landed_by(source)
            if {file.sha256 for file in record.files} == sha256s
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

    def refused(self, source: str) -> Path:
        """Where a source's landing remembers why files did not land."""
        return self.root / "seen" / f"{source}.refused.json"

    def commit(self, record: Landed) -> None:
        """Make a landing count. Its parts must be durable already."""
        path = self.root / "landed" / record.source / f"{record.landing_id}.json"
        durable.write_bytes(path, record.model_dump_json(indent=1).encode())

    def replace(self, source: str, replaced: Iterable[Landed], landed: Iterable[Landed]) -> None:
        """Make landings of a source count in the place of earlier ones, in one step."""
        commits = self._commits().values()
        stored = {record.landing_id for commit in commits for record in commit.landed}
        # what the replaced landings replaced must not count again when their record is swept
        before = {name for commit in commits for name in commit.replaces if name in stored}
        again = LandedAgain(
            landed=tuple(landed),
            replaces=tuple(sorted(before | {record.landing_id for record in replaced})),
        )
        made_of = _digest([*again.replaces, *(record.landing_id for record in again.landed)])
        path = self.root / "landed" / source / _AGAIN / f"{source}.{made_of[:16]}.json"
        durable.write_bytes(path, again.model_dump_json(indent=1).encode())

    def sweep(self, source: str) -> int:
        """Remove what landings of a source left behind; returns how many parts and records."""
        shutil.rmtree(self.spill(source), ignore_errors=True)
        swept = self._replaced_records(source)
        for path in swept:
            path.unlink()
        committed = {part.path for record in self.landed() for part in record.parts}
        removed = len(swept)
        for path in [*self.root.glob(f"*/charge_date=*/*{source}.*"), *self._half_records(source)]:
            name = path.name.removeprefix(durable.TEMPORARY)
            mine = name.startswith(f"{source}.")
            if mine and path.relative_to(self.root).as_posix() not in committed:
                path.unlink()
                removed += 1
        return removed

    def _half_records(self, source: str) -> Iterator[Path]:
        return (self.root / "landed" / source).rglob(f"{durable.TEMPORARY}*")

    def _replaced_records(self, source: str) -> list[Path]:
        """Records of a source that hold no landing which counts."""
        counting = {record.landing_id for record in self.landed()}
        return [
            path
            for path, commit in self._commits().items()
            if path.is_relative_to(self.root / "landed" / source)
            and counting.isdisjoint(record.landing_id for record in commit.landed)
        ]

    def _scopes(self) -> Iterator[tuple[str, Scope]]:
        for record in self.landed():
            for scope in record.scopes:
                yield record.source, scope

    def _best(self, fact: Fact) -> dict[tuple[str, str], str]:
        return {key: scope.delivery for key, scope in self._compared(fact)[0].items()}

    def _compared(
        self, fact: Fact
    ) -> tuple[dict[tuple[str, str], Scope], list[tuple[str, Scope, Scope, str]]]:
        """What counts per source and scope, and which later deliveries lost too much to count.

        Decided in the order of their names, whatever the order in which they landed.
        """
        best: dict[tuple[str, str], Scope] = {}
        held = []
        for source, scope in sorted(
            (found for found in self._scopes() if found[1].fact == fact),
            key=lambda found: (found[0], found[1].scope, found[1].delivery),
        ):
            earlier = best.get((source, scope.scope))
            lost = earlier and scope.lost_beside(earlier)
            if earlier and lost and scope.delivery not in self._accepted(source):
                held.append((source, earlier, scope, lost))
            else:
                best[source, scope.scope] = scope
        return best, held

    def held_back(self) -> list[HeldBack]:
        """Snapshots that landed and do not count, because they lost too much; see `accept`.

        One that a later delivery has replaced in the meantime is no longer held.
        """
        found = []
        for fact in Fact:
            best, held = self._compared(fact)
            found += [
                HeldBack(
                    source=source,
                    fact=fact,
                    scope=scope.scope,
                    delivery=scope.delivery,
                    instead=earlier.delivery,
                    lost=lost,
                )
                for source, earlier, scope, lost in held
                if best[source, scope.scope].delivery < scope.delivery
            ]
        return found

    def accept(self, source: str, delivery: str) -> None:
        """Let a delivery that is held back count, for good."""
        names = sorted(self._accepted(source) | {delivery})
        durable.write_bytes(self._accepted_path(source), json.dumps(names, indent=1).encode())

    def _accepted(self, source: str) -> set[str]:
        path = self._accepted_path(source)
        return set(json.loads(path.read_bytes())) if path.is_file() else set()

    def _accepted_path(self, source: str) -> Path:
        return self.root / "accepted" / f"{source}.json"


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(set(lines))).encode()).hexdigest()
