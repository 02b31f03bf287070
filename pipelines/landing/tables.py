"""Logs that come as CSV or Parquet, or many to a line, turned into JSON records one by one."""

import csv
import io
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import cast

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from pipelines.duck import connect
from pipelines.landing.result import FileRefusedError
from pipelines.landing.unpacking import Lines, read_lines, unpacked
from pipelines.sources.base import FoundFile, StreamReader, Tables

ROWS = 8192
MAX_ROW_BYTES = 16 * 2**20
"""A CSV row is never longer; it is also how much of a file is read at once."""


class LogReader:
    """Reads a log file of any of a source's shapes.

    Args:
        stream: Says how tables become lines, and lines become records.
    """

    def __init__(self, stream: StreamReader) -> None:
        self._tables = stream.tables
        self._unfold = stream.unfold

    def __call__(self, file: FoundFile) -> Iterator[Lines]:
        """Read a file as JSON records.

        Raises:
            FileRefusedError: The file cannot be read whole.
        """
        name = file.name.lower().removesuffix(".gz")
        if self._tables and name.endswith(self._tables.suffixes):
            return self._rows(file, self._tables)
        lines = read_lines(file)
        return self._unfolded(lines, self._unfold) if self._unfold else lines

    @cached_property
    def _con(self) -> duckdb.DuckDBPyConnection:
        con = connect()
        con.execute("set threads = 1")
        return con

    def _rows(self, file: FoundFile, tables: Tables) -> Iterator[Lines]:
        is_csv = file.name.lower().removesuffix(".gz").endswith(".csv")
        batches = _csv_batches(file, tables) if is_csv else _parquet_batches(file, tables)
        first = 1
        try:
            for batch in batches:
                names = [tables.name_of(name) or name for name in batch.schema.names]
                texts = self._lines(batch.rename_columns(names))
                numbers = pa.array(np.arange(first, first + len(texts), dtype=np.int64))
                first += len(texts)
                yield Lines(texts, numbers, pa.nulls(len(texts), pa.string()), texts.nbytes)
        except (duckdb.Error, pa.ArrowException, OSError, ValueError) as error:
            raise FileRefusedError(
                "unreadable_table",
                f"reading it ended in {type(error).__name__}",
                "Deliver it again",
            ) from None

    def _lines(self, batch: pa.RecordBatch) -> pa.Array:
        self._con.register("rows", batch)
        found = self._con.sql("select to_json(rows) as line from rows").to_arrow_table()
        self._con.unregister("rows")
        return pa.concat_arrays(found["line"].chunks)

    def _unfolded(self, blocks: Iterator[Lines], sql: str) -> Iterator[Lines]:
        """The records inside lines, numbered through the file in their order."""
        first = 1
        for lines in blocks:
            numbers = pa.array(np.arange(len(lines.texts)))
            self._con.register("lines", pa.table({"number": numbers, "line": lines.texts}))
            found = self._con.sql(
                f"select number, line from ({sql}) order by number, part"  # noqa: S608 - our own text
            ).to_arrow_table()
            self._con.unregister("lines")
            texts = pa.concat_arrays(found["line"].chunks) if len(found) else lines.texts
            yield Lines(
                texts,
                pa.array(np.arange(first, first + len(texts), dtype=np.int64)),
                lines.problems.take(pa.array(found["number"].to_numpy())),
                texts.nbytes,
            )
            first += len(texts)


def _csv_batches(file: FoundFile, tables: Tables) -> Iterator[pa.RecordBatch]:
    """Rows of a CSV file as texts, block by block; an empty value is null."""
    content = io.BufferedReader(_Blocks(unpacked(file)), MAX_ROW_BYTES)
    header = content.peek(1).split(b"\n", 1)[0].decode("utf-8-sig").rstrip("\r")
    names = next(csv.reader([header], delimiter=tables.delimiter, quotechar=tables.quote), [])
    wanted = _wanted(names, tables)
    with pa_csv.open_csv(
        content,
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=MAX_ROW_BYTES),
        parse_options=pa_csv.ParseOptions(
            delimiter=tables.delimiter, quote_char=tables.quote, newlines_in_values=True
        ),
        convert_options=pa_csv.ConvertOptions(
            include_columns=wanted,
            column_types=dict.fromkeys(wanted, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
        ),
    ) as reader:
        yield from reader


def _parquet_batches(file: FoundFile, tables: Tables) -> Iterator[pa.RecordBatch]:
    if file.name.lower().endswith(".gz"):
        raise FileRefusedError("wrong_container", "it is Parquet in gzip", "Deliver it plain")
    with pq.ParquetFile(file.path, buffer_size=2**20) as table:
        wanted = _wanted(table.schema_arrow.names, tables)
        yield from table.iter_batches(ROWS, columns=wanted, use_threads=False)


def _wanted(names: Sequence[str], tables: Tables) -> list[str]:
    """The columns to read.

    Raises:
        FileRefusedError: It lacks columns without which it is not such a log.
    """
    wanted = list(filter(tables.name_of, names))
    missing = sorted(tables.required.difference(map(tables.name_of, wanted)))
    if missing or not wanted:
        lacking = ", ".join(missing) or "that its kind has"
        raise FileRefusedError(
            "missing_columns",
            f"it has no column {lacking}",
            "Check what it is, or correct the settings",
        )
    return wanted


class _Blocks(io.RawIOBase):
    """Blocks of bytes as a file."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._block = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        if not self._block:
            self._block = memoryview(next(self._blocks, b""))
        into = cast("memoryview", buffer)
        size = min(len(into), len(self._block))
        into[:size] = self._block[:size]
        self._block = self._block[size:]
        return size
