"""Logs that come as CSV or Parquet, or many to a line, turned into JSON records one by one."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.duck import connect
from pipelines.durable import TEMPORARY
from pipelines.landing.result import FileRefusedError
from pipelines.landing.unpacking import Lines, read_lines, unpacked
from pipelines.sources.base import FoundFile, StreamReader

ROWS = 8192


class LogReader:
    """Reads a log file of any of a source's shapes.

    Args:
        stream: Says how tables become lines, and lines become records.
        spill: A folder for the unpacked copy of a compressed table.
    """

    def __init__(self, stream: StreamReader, spill: Path) -> None:
        self._to_lines = stream.to_lines
        self._unfold = stream.unfold
        self._spill = spill

    def __call__(self, file: FoundFile) -> Iterator[Lines]:
        """Read a file as JSON records.

        Raises:
            FileRefusedError: The file cannot be read whole.
        """
        name = file.name.lower().removesuffix(".gz")
        for suffix, sql in self._to_lines.items():
            if name.endswith(suffix):
                return self._table(file, sql)
        lines = read_lines(file)
        return _unfolded(lines, self._unfold) if self._unfold else lines

    def _table(self, file: FoundFile, sql: str) -> Iterator[Lines]:
        copy = self._spill / f"{TEMPORARY}{file.file_id}"
        try:
            if file.name.lower().endswith(".gz"):
                self._spill.mkdir(parents=True, exist_ok=True)
                with copy.open("wb") as plain:
                    plain.writelines(unpacked(file))
            path = copy if copy.exists() else file.path
            with connect() as con:
                # rows in file order on several threads are gathered in memory, however many
                con.execute("set threads = 1")
                yield from _records(con, sql, path)
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise FileRefusedError(
                "unreadable_table",
                f"reading it ended in {type(error).__name__}",
                "Deliver it again",
            ) from None
        finally:
            copy.unlink(missing_ok=True)


def _records(con: duckdb.DuckDBPyConnection, sql: str, path: Path) -> Iterator[Lines]:
    first = 1
    reader: pa.RecordBatchReader = con.sql(sql, params={"path": str(path)}).to_arrow_reader(ROWS)
    for batch in reader:
        texts = batch.column(0)
        numbers = pa.array(np.arange(first, first + len(texts), dtype=np.int64))
        first += len(texts)
        yield Lines(texts, numbers, pa.nulls(len(texts), pa.string()), texts.nbytes)


def _unfolded(blocks: Iterator[Lines], sql: str) -> Iterator[Lines]:
    """The records inside lines, numbered through the file in their order."""
    first = 1
    with connect() as con:
        for lines in blocks:
            numbers = pa.array(np.arange(len(lines.texts)))
            con.register("lines", pa.table({"number": numbers, "line": lines.texts}))
            found = con.sql(
                f"select number, line from ({sql}) order by number, part"  # noqa: S608 - our own text
            ).to_arrow_table()
            con.unregister("lines")
            texts = pa.concat_arrays(found["line"].chunks) if len(found) else lines.texts
            yield Lines(
                texts,
                pa.array(np.arange(first, first + len(texts), dtype=np.int64)),
                lines.problems.take(pa.array(found["number"].to_numpy())),
                texts.nbytes,
            )
            first += len(texts)
