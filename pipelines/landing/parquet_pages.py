"""Checksums of the pages of Parquet files: most readers pass over them, and a flipped bit is money.

A writer may leave them out. Then nothing can be verified, and that can be said.
"""

from pathlib import Path

import pyarrow.parquet as pq

from pipelines.landing.result import FileRefusedError
from pipelines.sources.base import FoundFile

_ROWS = 65_536
_HEADER_BYTES = 64
_INTEGER = 0x15
"""How the compact Thrift protocol writes that the next field follows the last, a 32-bit integer."""


def is_parquet(name: str) -> bool:
    """Whether a file's name says that it is Parquet."""
    return name.lower().endswith(".parquet")


def verify_pages(file: FoundFile) -> None:
    """Read every page of a file that has checksums.

    Raises:
        FileRefusedError: A page is not what was written.
    """
    if not has_checksums(file.path):
        return
    try:
        with pq.ParquetFile(file.path, page_checksum_verification=True) as table:
            for _ in table.iter_batches(_ROWS, use_threads=False):
                pass
    except OSError as error:
        raise FileRefusedError(
            "damaged_page",
            f"a page of {file.name} is not what was written: its checksum differs",
            "Fetch it again; if that does not help, its disk or its writer is at fault",
        ) from error


def has_checksums(path: Path) -> bool:
    """Whether the pages of a file have checksums, by the first page of each column.

    A file that cannot be read has none.
    """
    try:
        with pq.ParquetFile(path) as table:
            metadata = table.metadata
        if not metadata.num_rows:
            return True
        group = metadata.row_group(0)
        columns = [group.column(number) for number in range(metadata.num_columns)]
        with path.open("rb") as file:
            for column in columns:
                first = column.dictionary_page_offset
                file.seek(column.data_page_offset if first is None else first)
                if not _has_checksum(file.read(_HEADER_BYTES)):
                    return False
    except (OSError, ValueError):
        return False
    return True


def _has_checksum(header: bytes) -> bool:
    """Whether a page header names a checksum: its fourth integer, after type and two sizes."""
    place = 0
    for _ in range(3):
        if header[place : place + 1] != bytes([_INTEGER]):
            return False
        place += 1
        while header[place : place + 1] and header[place] & 0x80:
            place += 1
        place += 1
    return header[place : place + 1] == bytes([_INTEGER])
