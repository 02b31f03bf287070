"""Logs that come as CSV or Parquet, or many to a line, turned into JSON records one by one."""

import csv
import io
from collections.abc import Iterator, Sequence
from functools import cached_property

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
MAX_HEADER_BYTES = 2**20


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
        except (duckdb.Error, pa.ArrowException, csv.Error, OSError, ValueError) as error:
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
    """Rows of a CSV file as texts, some at a time; an empty value is null."""
    names: list[str] = []
    wanted: list[str] = []
    for rows in _whole_rows(unpacked(file), tables.quote.encode()):
        is_first = not names
        if is_first:
            header = io.StringIO(rows[:MAX_HEADER_BYTES].decode("utf-8-sig", "replace"))
            cells = csv.reader(header, delimiter=tables.delimiter, quotechar=tables.quote)
            names = next(cells, [])
            wanted = _wanted(names, tables)
        table = pa_csv.read_csv(
            pa.BufferReader(rows),
            read_options=pa_csv.ReadOptions(
                use_threads=False,
                block_size=len(rows) + 1,
                column_names=names,
                skip_rows_after_names=int(is_first),
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=tables.delimiter, quote_char=tables.quote, newlines_in_values=True
            ),
            convert_options=pa_csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
        yield from table.to_batches()


def _whole_rows(blocks: Iterator[bytes], quote: bytes) -> Iterator[bytes]:
    """Blocks cut again where a CSV row ends: at a line end that is not inside quotes.

    Arrow can do that too, but reads half a gigabyte ahead.
    """
    rest = b""
    for block in blocks:
        data = rest + block
        end = _end_of_rows(data, quote)
        if end:
            yield data[:end]
        rest = data[end:]
        if len(rest) > MAX_ROW_BYTES:
            raise FileRefusedError(
                "row_too_long",
                f"a row is longer than {MAX_ROW_BYTES // 2**20} MiB, or a quote is not closed",
                "Deliver it again, or without its contents",
            )
    if rest:
        yield rest


def _end_of_rows(data: bytes, quote: bytes) -> int:
    """Where the last whole row of some data ends, which begin with a row; 0 if none does."""
    quotes = np.count_nonzero(np.frombuffer(data, np.uint8) == quote[0])
    end = len(data)
    while (line_end := data.rfind(b"\n", 0, end)) >= 0:
        quotes -= data.count(quote, line_end, end)
        if quotes % 2 == 0:
            return line_end + 1
        end = line_end
    return 0


def _parquet_batches(file: FoundFile, tables: Tables) -> Iterator[pa.RecordBatch]:
    if file.name.lower().endswith(".gz"):
        raise FileRefusedError("wrong_container", "it is Parquet in gzip", "Deliver it plain")
    with pq.ParquetFile(file.path, buffer_size=2**20, page_checksum_verification=True) as table:
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
