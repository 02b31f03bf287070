"""Landing again: files that would be read differently today, in the place of what they landed as.

What a file became stays as it is while its content lies no longer in the inbox, or is refused now.
"""

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

import pyarrow as pa

from models.facts import FACTS
from models.landing import LakePart, Landed, LandedFile
from pipelines.duck import connect
from pipelines.lake import Lake
from pipelines.landing.documents import land_document
from pipelines.landing.identity import id_of_landing, what_changed
from pipelines.landing.parts import shape_of, write_parts
from pipelines.landing.result import FileRefusedError
from pipelines.landing.streams import land_streams
from pipelines.sources.base import DeliveryUnit, ReadContext, Source

Refused = tuple[DeliveryUnit, FileRefusedError]
Delivered = TypeVar("Delivered", DeliveryUnit, Landed)


@dataclass(frozen=True)
class Outdated:
    """What a source has landed in another way than it would today."""

    records: tuple[Landed, ...]
    """Landings with such a file."""
    files: Mapping[str, LandedFile]
    """Those files, by the hash of their content."""
    why: tuple[str, ...]
    """What has changed since, in words."""


def outdated(lake: Lake, source_id: str, read_as: str, *, is_asked: bool = False) -> Outdated:
    """Files of a source that would be read differently now; all of them if somebody asked."""
    records: list[Landed] = []
    files: dict[str, LandedFile] = {}
    why: set[str] = set()
    for record in lake.landed_by(source_id):
        mine = [file for file in record.files if is_asked or file.read_as != read_as]
        if mine:
            records.append(record)
            files |= {file.sha256: file for file in mine}
            why |= {"you asked for it"} if is_asked else _why(mine, read_as)
    return Outdated(tuple(records), files, tuple(sorted(why)))


def _why(files: Iterable[LandedFile], read_as: str) -> set[str]:
    ways = {file.read_as for file in files}
    return {reason for way in ways for reason in what_changed(way, read_as)}


class Relanding:
    """Reads again what is outdated. Nothing of it counts before `commit`."""

    def __init__(self, before: Outdated, source: Source, context: ReadContext, lake: Lake) -> None:
        ids = "\n".join(record.landing_id for record in before.records)
        self._context = replace(context, again=hashlib.sha256(ids.encode()).hexdigest()[:16])
        self._before = before
        self._records = lake.landed_by(context.settings.source)
        self._source = source
        self._lake = lake
        self._landed: list[Landed] = []
        self.refused: list[Refused] = []

    def read(self, units: Sequence[DeliveryUnit]) -> Generator[Landed]:
        """Read what is outdated and in the inbox; yields each landing when its parts are written.

        Args:
            units: What the inbox holds.
        """
        return self._read_logs(units) if self._source.stream else self._read_deliveries(units)

    def _read_logs(self, units: Iterable[DeliveryUnit]) -> Generator[Landed]:
        files = {file.sha256: file for unit in units for file in unit.files}
        wanted = [file for sha256, file in files.items() if sha256 in self._before.files]
        if not self._source.stream or not wanted:
            return
        reader, keep = self._source.stream, self._landed.append
        with closing(land_streams(wanted, self._context, reader, self._lake, keep)) as batches:
            for landed, refused in batches:
                self.refused += [
                    (DeliveryUnit(file.name, (file,)), error) for file, error in refused
                ]
                yield from landed

    def _read_deliveries(self, units: Iterable[DeliveryUnit]) -> Generator[Landed]:
        if self._source.read is None:
            return
        mine = (unit for unit in units if not _hashes(unit).isdisjoint(self._before.files))
        by_content = {frozenset(_hashes(unit)): unit for unit in mine}
        for unit in _covering(by_content.values(), self._records):
            for delivery in self._names(unit):
                named = replace(unit, delivery=delivery)
                try:
                    landed = land_document(named, self._source.read, self._context, self._lake)
                except FileRefusedError as error:
                    self.refused.append((unit, error))
                else:
                    self._landed.append(landed)
                    yield landed

    def _names(self, unit: DeliveryUnit) -> list[str]:
        """The names under which a delivery landed; content that came back has several."""
        same = [record for record in self._records if _hashes(record) == _hashes(unit)]
        names = {scope.delivery for record in same for scope in record.scopes}
        source_id = self._context.settings.source
        return sorted(names) or [self._lake.fresh_delivery(source_id, unit.delivery)]

    def commit(self) -> tuple[Landed, ...]:
        """Let what was read take the place of what it was read from; returns what is replaced.

        Files of a replaced landing that were not read, and landings in columns of an earlier
        version, are carried over as they are.
        """
        landed = self._landed if self._source.stream else _covering(self._landed, self._records)
        read = {sha256 for record in landed for sha256 in _hashes(record)}
        replaced = [
            record
            for record in self._records
            if not read.isdisjoint(_hashes(record)) or _has_old_columns(record)
        ]
        left = [(r, [file for file in r.files if file.sha256 not in read]) for r in replaced]
        carried = [self._carried(record, files) for record, files in left if files]
        if replaced:
            self._lake.replace(self._context.settings.source, replaced, [*landed, *carried])
        return tuple(replaced)

    def _carried(self, record: Landed, files: Sequence[LandedFile]) -> Landed:
        """A landing with some of its files only, in the columns of today."""
        landing_id = id_of_landing(self._context, ["carried", record.landing_id])
        kept = {file.file_id for file in files}
        is_whole = len(files) == len(record.files)
        return record.model_copy(
            update={
                "landing_id": landing_id,
                "files": tuple(files),
                "parts": tuple(self._carried_parts(record, landing_id, sorted(kept))),
                "quarantine": tuple(row for row in record.quarantine if row.file_id in kept),
                # they are not known file by file
                "counters": record.counters if is_whole else {},
            }
        )

    def _carried_parts(
        self, record: Landed, landing_id: str, file_ids: list[str]
    ) -> Iterator[LakePart]:
        number = 0
        with connect(temp_dir=self._lake.spill(record.source) / "carried") as con:
            for part in record.parts:
                stored = con.read_parquet(str(self._lake.sound(part)))
                stored.create_view("stored", replace=True)
                columns = [
                    c.name if c.name in stored.columns else f"cast(null as {c.type}) as {c.name}"
                    for c in FACTS[part.fact]
                ]
                con.register("kept", pa.table({"file_id": file_ids}))
                con.execute(
                    f"create or replace temp view facts as select {', '.join(columns)}"  # noqa: S608 - contract names
                    " from stored semi join kept using (file_id)"
                )
                for written in write_parts(
                    con, self._lake, fact=part.fact, landing_id=landing_id, first_number=number
                ):
                    number += 1
                    yield written


def _hashes(files: DeliveryUnit | Landed) -> set[str]:
    return {file.sha256 for file in files.files}


def _has_old_columns(record: Landed) -> bool:
    return any(part.shape != shape_of(part.fact) for part in record.parts)


def _covering(deliveries: Iterable[Delivered], records: Iterable[Landed]) -> list[Delivered]:
    """Those deliveries that together hold every file of the landings that they touch.

    Of a landing that is only partly there nothing is read again: its other files would be lost, or
    those that are there counted twice.
    """
    left, hashes = list(deliveries), [_hashes(record) for record in records]
    while True:
        held = {sha256 for delivery in left for sha256 in _hashes(delivery)}
        torn = [h for h in hashes if not h.isdisjoint(held) and not h <= held]
        whole = [d for d in left if all(_hashes(d).isdisjoint(h) for h in torn)]
        if len(whole) == len(left):
            return whole
        left = whole
