"""Log files gathered into pieces of a size that fits in memory, one ahead of who uses them."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow as pa

from pipelines.landing.result import FileRefusedError
from pipelines.landing.unpacking import Lines
from pipelines.sources.base import FoundFile

PIECE_BYTES = 48 * 2**20
ROWS_PER_TASK = 2048


@dataclass
class Piece:
    """Records of some whole files, or of a part of one file that is larger than a piece.

    `whole` are the files that end in this piece, with the number of records each holds in all;
    `refused` those that cannot be taken, of which no record may count. `part_of` is the one file
    of a piece that goes on in the next.
    """

    lines: list[pa.RecordBatch] = field(default_factory=list)
    whole: list[tuple[FoundFile, int]] = field(default_factory=list)
    refused: list[tuple[FoundFile, FileRefusedError]] = field(default_factory=list)
    size: int = 0
    part_of: FoundFile | None = None

    def absorb(self, other: "Piece") -> None:
        """Take in the records of other whole files."""
        self.lines += other.lines
        self.whole += other.whole
        self.refused += other.refused
        self.size += other.size

    def table(self) -> pa.Table:
        """The records as `lines(file_id, source_row, line, problem)`.

        In batches of a size that suits DuckDB, whose threads take one at a time.
        """
        gathered = pa.Table.from_batches(self.lines, _SCHEMA)
        if gathered.num_rows < len(self.lines) * ROWS_PER_TASK // 4:
            gathered = gathered.combine_chunks()
        return pa.Table.from_batches(gathered.to_batches(ROWS_PER_TASK), _SCHEMA)


_SCHEMA = pa.schema(
    [
        ("file_id", pa.string()),
        ("source_row", pa.int64()),
        ("line", pa.string()),
        ("problem", pa.string()),
    ]
)


def pieces(
    files: Iterable[FoundFile], read: Callable[[FoundFile], Iterator[Lines]]
) -> Iterator[Piece]:
    """Read files in order and gather their records."""
    gathered = Piece()
    for file in files:
        own = Piece()
        rows = 0
        try:
            for lines in read(file):
                if own.size + lines.size > PIECE_BYTES and own.lines:
                    if gathered.whole or gathered.refused:
                        yield gathered
                        gathered = Piece()
                    own.part_of = file
                    yield own
                    own = Piece()
                own.lines.append(_batch(file, lines))
                own.size += lines.size
                rows += len(lines.texts)
            own.whole.append((file, rows))
        except FileRefusedError as error:
            own = Piece(refused=[(file, error)])
        if gathered.size + own.size > PIECE_BYTES:
            yield gathered
            gathered = own
        else:
            gathered.absorb(own)
    yield gathered


def _batch(file: FoundFile, lines: Lines) -> pa.RecordBatch:
    file_ids = pa.repeat(file.file_id, len(lines.texts))
    return pa.record_batch([file_ids, lines.numbers, lines.texts, lines.problems], schema=_SCHEMA)


def one_ahead(items: Iterator[Piece]) -> Iterator[Piece]:
    """Prepare the next piece in a thread while the caller works on this one."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        upcoming = pool.submit(next, items, None)
        while (piece := upcoming.result()) is not None:
            upcoming = pool.submit(next, items, None)
            yield piece
