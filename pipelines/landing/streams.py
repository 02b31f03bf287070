"""Logs of any size into the lake: pieces of lines, one SQL statement, parts by day.

While one unit is written, the next is read. If a file turns out to be torn after some of it was
read, nothing of it lands.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache

from models.landing import Landed
from pipelines.lake import Lake
from pipelines.landing.pieces import Piece
from pipelines.landing.result import FileRefusedError
from pipelines.landing.unit import Unit
from pipelines.sources.base import FoundFile, ReadContext, StreamReader

UNIT_BYTES = 256 * 2**20


class StreamLanding:
    """One source's log files on their way into the lake, unit by unit."""

    def __init__(self, context: ReadContext, reader: StreamReader, lake: Lake) -> None:
        self.refused: list[tuple[FoundFile, FileRefusedError]] = []
        shared = replace(context, pseudonym=lru_cache(maxsize=200_000)(context.pseudonym))
        spill = lake.spill(context.settings.source)
        self._unit = Unit(shared, reader, lake, spill / "one")
        self._idle = Unit(shared, reader, lake, spill / "other")
        self._writer = ThreadPoolExecutor(max_workers=1)
        self._writing: Future[Landed | None] | None = None

    def land(self, pieces: Iterable[Piece]) -> Iterator[Landed]:
        """Land pieces as they come; yields each commit record once it counts."""
        with self._writer:
            for piece in pieces:
                self.refused += piece.refused
                yield from self._take(piece)
            yield from self._commit()
            yield from self._settle()
        self._unit.close()
        self._idle.close()

    def _take(self, piece: Piece) -> Iterator[Landed]:
        if piece.part_of and not self._unit.large:
            yield from self._commit()
            self._unit.large = piece.part_of
        unit = self._unit
        is_end = piece.part_of is None
        if unit.large and is_end and piece.refused:
            unit.forget_parts()
            unit.reset()
        elif unit.is_refused:
            if is_end:
                yield from self._commit()
        else:
            unit.stage(piece)
            is_full = unit.size >= UNIT_BYTES
            if is_end and (is_full or unit.large):
                yield from self._commit()
            elif is_full:
                yield from self._settle()
                unit.flush()

    def _commit(self) -> Iterator[Landed]:
        """Hand the unit to the writer, and go on with the other one."""
        yield from self._settle()
        self._writing = self._writer.submit(self._unit.commit)
        self._unit, self._idle = self._idle, self._unit

    def _settle(self) -> Iterator[Landed]:
        """Wait for the unit that is being written."""
        if self._writing is None:
            return
        record = self._writing.result()
        self._writing = None
        self.refused += self._idle.refused
        self._idle.reset()
        if record:
            yield record
