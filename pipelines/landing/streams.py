"""Logs of any size into the lake: files in batches side by side, each in pieces of lines.

A batch is staged piece by piece by one SQL statement, and written as parts by day. If a large file
turns out to be torn after some of it was read, nothing of it lands.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache

from models.landing import Landed
from pipelines.duck import cores
from pipelines.lake import Lake
from pipelines.landing.pieces import Piece, one_ahead, pieces
from pipelines.landing.result import FileRefusedError
from pipelines.landing.tables import LogReader
from pipelines.landing.unit import Unit
from pipelines.sources.base import FoundFile, ReadContext, StreamReader

Refused = tuple[FoundFile, FileRefusedError]

BATCH_BYTES = 128 * 2**20
"""About so many bytes of records are landed at once."""

GROWTH = 10
"""Times a compressed log grows, as a guess: batches are made before anything is unpacked."""

MOST_AT_ONCE = 4
"""Batches side by side; more would leave each too little memory."""


def land_streams(
    files: Sequence[FoundFile],
    context: ReadContext,
    reader: StreamReader,
    lake: Lake,
    commit: Callable[[Landed], None],
) -> Generator[tuple[list[Landed], list[Refused]]]:
    """Land log files; yields what became of each batch, in the order of the files.

    Each landing is handed to `commit` as soon as its parts are written, whatever becomes of others.

    Raises:
        LandingDefectError: Records read and records kept differ: a defect of everycent.
    """
    shared = replace(context, pseudonym=lru_cache(maxsize=200_000)(context.pseudonym))
    batches = list(_batches(files))
    at_once = max(min(len(batches), cores(), MOST_AT_ONCE), 1)

    def landed(number: int, batch: list[FoundFile]) -> tuple[list[Landed], list[Refused]]:
        found = pieces(batch, LogReader(reader))
        spill = lake.spill(context.settings.source) / str(number)
        with Batch(Unit(shared, reader, lake, spill, at_once)) as work:
            # a batch that has the machine to itself is read while it is staged
            records = []
            for record in work.land(one_ahead(found) if at_once == 1 else found):
                commit(record)
                records.append(record)
            return records, work.refused

    with ThreadPoolExecutor(at_once) as pool:
        try:
            yield from pool.map(landed, range(len(batches)), batches)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _batches(files: Iterable[FoundFile]) -> Iterator[list[FoundFile]]:
    batch: list[FoundFile] = []
    size = 0
    for file in files:
        is_packed = file.name.lower().endswith((".gz", ".parquet"))
        weight = file.size * GROWTH if is_packed else file.size
        if batch and size + weight > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += weight
    if batch:
        yield batch


class Batch:
    """Some files on their way into the lake, as one unit and one more per large file."""

    def __init__(self, unit: Unit) -> None:
        self.refused: list[Refused] = []
        self._unit = unit

    def __enter__(self) -> "Batch":
        return self

    def __exit__(self, *_: object) -> None:
        self._unit.close()

    def land(self, pieces: Iterable[Piece]) -> Iterator[Landed]:
        """Take pieces as they come; yields what to commit, once its parts are written."""
        for piece in pieces:
            self.refused += piece.refused
            yield from self._take(piece)
        yield from self._finish()

    def _take(self, piece: Piece) -> Iterator[Landed]:
        unit = self._unit
        if piece.part_of and not unit.large:
            yield from self._finish()
            unit.large = piece.part_of
        is_end = piece.part_of is None
        if unit.large and is_end and piece.refused:
            unit.forget_parts()
            unit.reset()
        elif unit.is_refused:
            if is_end:
                yield from self._finish()
        else:
            unit.stage(piece)
            if unit.large and is_end:
                yield from self._finish()
            elif unit.size >= BATCH_BYTES:
                unit.flush()

    def _finish(self) -> Iterator[Landed]:
        record = self._unit.finish()
        self.refused += self._unit.refused
        self._unit.reset()
        if record:
            yield record
