"""From one log file to Arrow arrays of JSON texts: gunzipped, checked, cut at line ends.

Nothing here looks inside a record. Whatever a file holds, memory stays within a few blocks.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, cast

import numpy as np
import pyarrow as pa
from isal import igzip, isal_zlib

from pipelines.landing.result import FileRefusedError
from pipelines.sources.base import FoundFile

BLOCK_BYTES = 4 * 2**20
MAX_LINE_BYTES = 16 * 2**20
MAX_DOCUMENT_BYTES = 64 * 2**20
MAX_UNPACKED_BYTES = 64 * 2**30
MAX_RATIO = 1000
"""Times a file may grow when unpacked. JSON logs stay below 100."""

_IsalError = cast("type[Exception]", isal_zlib.error)
_GZIP = b"\x1f\x8b"
_CONTAINERS = {b"PK\x03\x04": "a ZIP archive", b"\x28\xb5\x2f\xfd": "Zstandard", b"BZh": "bzip2"}


@dataclass(frozen=True)
class Lines:
    """Some records of one file.

    `texts` are JSON texts; where `problems` names a rule the text is empty, because it could not
    be read at all. `numbers` are 1-based positions in the file.
    """

    texts: pa.Array
    numbers: pa.Array
    problems: pa.Array
    size: int


def read_lines(file: FoundFile) -> Iterator[Lines]:
    """Read a file as JSON records: one per line, one per file, or the elements of an array.

    Raises:
        FileRefusedError: The file is torn, truncated, in a wrong container or a bomb.
    """
    blocks = unpacked(file)
    first = next(blocks, b"")
    if _is_document(first):
        content = _whole(first, blocks)
        document = _document(content)
        if document:
            yield document
            return
        first = content
    splitter = _Splitter()
    while first:
        yield splitter.feed(first)
        first = next(blocks, b"")
    yield splitter.end()


def unpacked(file: FoundFile) -> Iterator[bytes]:
    """Content of a file, gunzipped if it is gzip, block by block and under the caps.

    Raises:
        FileRefusedError: The file is torn, truncated, in a wrong container or a bomb.
    """
    size = 0
    with _opened(file) as stream:
        while True:
            try:
                block = stream.read(BLOCK_BYTES)
            except EOFError:
                raise FileRefusedError(
                    "truncated_gzip", "the compressed file ends early", "Deliver it again"
                ) from None
            except (OSError, _IsalError):
                raise FileRefusedError(
                    "torn_gzip", "the compressed file is damaged", "Deliver it again"
                ) from None
            if not block:
                return
            size += len(block)
            if size > max(MAX_RATIO * file.size, BLOCK_BYTES) or size > MAX_UNPACKED_BYTES:
                raise FileRefusedError(
                    "too_large_unpacked",
                    f"it unpacks to more than {MAX_RATIO} times its size or "
                    f"{MAX_UNPACKED_BYTES // 2**30} GiB",
                    "Check where it comes from, or deliver it in smaller files",
                )
            yield block


@contextmanager
def _opened(file: FoundFile) -> Iterator[IO[bytes]]:
    with file.path.open("rb") as raw:
        magic = raw.peek(4)[:4]
        for container_magic, container in _CONTAINERS.items():
            if magic.startswith(container_magic):
                raise FileRefusedError(
                    "wrong_container", f"it is {container}", "Deliver it plain or gzipped"
                )
        if magic.startswith(_GZIP):
            yield cast("IO[bytes]", igzip.IGzipFile(fileobj=raw))  # type: ignore[no-untyped-call]
        elif file.name.lower().endswith(".gz"):
            raise FileRefusedError(
                "wrong_container", "it is named .gz and is not gzip", "Deliver it again"
            )
        else:
            yield raw


class _Splitter:
    """Cuts blocks into lines, keeping the unfinished line for the next block."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._rest_size = 0
        self._is_skipping = False
        self._line_number = 0

    def feed(self, block: bytes) -> Lines:
        """Cut one block; returns the lines that it ends."""
        end = block.rfind(b"\n") + 1
        if not end:
            self._keep(block)
            return self._lines(b"")
        whole = self._joined(block, end)
        lines = self._lines(whole)
        self._keep(block[end:])
        return lines

    def end(self) -> Lines:
        """The last line, where the file does not end with a line end."""
        has_rest = bool(self._rest_size) or self._is_skipping
        return self._lines(self._joined(b"\n", 1) if has_rest else b"")

    def _joined(self, block: bytes, end: int) -> bytes:
        rest, self._rest, self._rest_size = self._rest, [], 0
        if self._is_skipping:
            # what is left of a line that was too long already: only its end counts
            self._is_skipping = False
            return _TOO_LONG + block[block.find(b"\n") : end]
        return b"".join([*rest, memoryview(block)[:end]])

    def _keep(self, block: bytes) -> None:
        if self._is_skipping:
            return
        self._rest.append(block)
        self._rest_size += len(block)
        if self._rest_size > MAX_LINE_BYTES:
            self._rest, self._rest_size, self._is_skipping = [], 0, True

    def _lines(self, data: bytes) -> Lines:
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10) + 1
        offsets = np.concatenate([[0], ends]).astype(np.int32)
        first = self._line_number + 1
        self._line_number += len(ends)
        lengths = np.diff(offsets)
        texts = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data))
        is_plain = _is_utf8(texts) and not data.startswith(_TOO_LONG)
        if len(ends) and (not is_plain or lengths.min() <= 2 or lengths.max() > MAX_LINE_BYTES):
            return _careful(data, first)
        numbers = pa.array(np.arange(first, first + len(ends), dtype=np.int64))
        return Lines(texts, numbers, pa.nulls(len(ends), pa.string()), len(data))


_TOO_LONG = b"\x00line_too_long"


def _is_utf8(texts: pa.Array) -> bool:
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _careful(data: bytes, first: int) -> Lines:
    """Line by line: passes over blank lines, names lines that cannot be read."""
    records = [
        (number, *_checked(line))
        for number, line in enumerate(data.split(b"\n")[:-1], start=first)
        if line.strip()
    ]
    numbers, texts, problems = zip(*records, strict=True) if records else ((), (), ())
    return Lines(
        pa.array(texts, pa.string()),
        pa.array(numbers, pa.int64()),
        pa.array(problems, pa.string()),
        len(data),
    )


def _checked(line: bytes) -> tuple[str, str | None]:
    if line.startswith(_TOO_LONG) or len(line) > MAX_LINE_BYTES:
        return "", "line_too_long"
    try:
        return line.decode(), None
    except UnicodeDecodeError:
        return "", "not_utf8"


def _is_document(first: bytes) -> bool:
    """Whether a file is a JSON array, or one object over several lines."""
    start = first.lstrip()
    if start.startswith(b"["):
        return True
    line_end = start.find(b"\n")
    return start.startswith(b"{") and line_end > 0 and not start[:line_end].rstrip().endswith(b"}")


def _whole(first: bytes, blocks: Iterator[bytes]) -> bytes:
    content, size = [first], len(first)
    for block in blocks:
        content.append(block)
        size += len(block)
        if size > MAX_DOCUMENT_BYTES:
            raise FileRefusedError(
                "document_too_large",
                f"one JSON document of more than {MAX_DOCUMENT_BYTES // 2**20} MiB",
                "Deliver one JSON object per line",
            )
    return b"".join(content)


def _document(content: bytes) -> Lines | None:
    """The elements of a document; None if it is not one after all, but lines that are odd."""
    try:
        texts = list(_elements(content.decode()))
    except (ValueError, RecursionError):
        if content.lstrip().startswith(b"{"):
            return None
        raise FileRefusedError(
            "not_json", "it is neither JSON lines nor a whole JSON document", "Deliver it again"
        ) from None
    return Lines(
        pa.array(texts, pa.string()),
        pa.array(range(1, len(texts) + 1), pa.int64()),
        pa.nulls(len(texts), pa.string()),
        len(content),
    )


def _elements(text: str) -> Iterator[str]:
    """The verbatim texts of the values in a document: of an array, its elements."""
    decoder = json.JSONDecoder(parse_float=str, parse_int=str)
    position, end = 0, len(text)
    is_array = text.lstrip().startswith("[")
    if is_array:
        position = text.index("[") + 1
    while True:
        while position < end and text[position] in " \t\r\n,":
            position += 1
        if position == end and not is_array:
            return
        if text[position : position + 1] == "]" and is_array:
            if text[position + 1 :].strip():
                raise ValueError("more than one document")
            return
        _, stop = decoder.raw_decode(text, position)
        yield text[position:stop]
        position = stop
