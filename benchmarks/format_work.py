"""Landing, format by format: sample records repeated under new ids, beside a plain read of them."""

import argparse
import csv
import gzip
import importlib
import io
import json
import shutil
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.formats import FORMATS, Format

Facts = dict[str, Any]

SAMPLES = Path(__file__).parents[1] / "data_samples"
MAX_BYTES = 128 * 10**6
"""Unpacked size at which a format has been repeated enough, however few its records."""
MARK = "<<{:04}>>"


def repeat(one: Format, folder: Path, lines: int | None = None) -> Facts:
    """Write a format's sample again and again, each time with ids of its own.

    Args:
        one: The format.
        folder: Where the files go; replaced.
        lines: Instead of the format's own number.

    Returns:
        Number of lines and unpacked bytes.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    template, ids = _template(_records(SAMPLES / one.sample), one)
    wanted, written, size, files = lines or one.lines, 0, 0, 0
    head, *body = template if ".csv" in one.suffix else ["", *template]
    copies = _copies("".join(body), ids)
    while written < wanted and size < MAX_BYTES:
        files += 1
        limit = min(wanted, written + one.per_file)
        with _opened(folder / f"part-{files:04}{one.suffix}") as file:
            size += file.write(head.encode())
            while written < limit and size < MAX_BYTES:
                size += file.write(next(copies).encode())
                written += len(body)
    return {"lines": written, "bytes": size}


def _records(path: Path) -> list[dict[str, Any]]:
    text = path.read_text("utf-8-sig")
    if path.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(text, newline="")))
    try:
        return [json.loads(text)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def _template(records: list[dict[str, Any]], one: Format) -> tuple[list[str], int]:
    """Lines with a mark in the place of each id's last eight characters, and the number of ids."""
    found: dict[str, int] = {}
    marked = [{k: _marked_field(k, v, one.ids, found) for k, v in r.items()} for r in records]
    if ".csv" not in one.suffix:
        return [json.dumps(record) + "\n" for record in marked], len(found)
    lines = [_csv_line(list(marked[0]))]
    for record in marked:
        cells = record.values()
        lines.append(_csv_line([json.dumps(c) if isinstance(c, dict | list) else c for c in cells]))
    return lines, len(found)


def _csv_line(cells: list[Any]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _marked_field(key: str, value: object, ids: tuple[str, ...], found: dict[str, int]) -> object:
    """The value with marks in place of the ids it holds, or is."""
    if key in ids and isinstance(value, str) and value:
        return value[:-8] + MARK.format(found.setdefault(value, len(found)))
    if isinstance(value, list):
        return [_marked_field("", inner, ids, found) for inner in value]
    if isinstance(value, dict):
        return {k: _marked_field(k, inner, ids, found) for k, inner in value.items()}
    return value


def _copies(text: str, ids: int) -> Iterator[str]:
    """The text with other ids each time: hexadecimal and of the length they had."""
    number = 0
    while True:
        copy = text
        for i in range(ids):
            copy = copy.replace(MARK.format(i), f"{number:08x}")
            number += 1
        yield copy


def _opened(path: Path) -> gzip.GzipFile | io.BufferedWriter:
    return gzip.open(path, "wb", compresslevel=6) if path.suffix == ".gz" else path.open("wb")


def land(one: Format, inbox: Path, scratch: Path) -> Facts:
    """Land the files as `everycent` does, into a lake of its own."""
    source = importlib.import_module("pipelines.sources").all_sources()[one.kind]
    land_files = importlib.import_module("pipelines.landing.land").land
    lake = importlib.import_module("pipelines.lake").Lake(scratch / "lake")
    settings = importlib.import_module("models.settings").SourceSettings.model_validate(
        {"source": one.kind, "kind": one.kind, "location": "inbox"}
    )
    shutil.rmtree(scratch / "lake", ignore_errors=True)
    with _Clock() as clock:
        result = land_files(settings, source, inbox, lake, pseudonym=_pseudonym)
    if result.problems:
        raise SystemExit(f"{one.name} did not land: {result.problems[0]}")
    files = [file for landed in result.landed for file in landed.files]
    return clock.facts() | {
        "rows": sum(file.rows_read for file in files),
        "accepted": sum(file.rows_accepted for file in files),
        "quarantined": sum(file.rows_quarantined for file in files),
    }


def _pseudonym(person: str) -> str:
    return "u_" + sha256(person.encode()).hexdigest()[:16]


def floor(one: Format, inbox: Path, scratch: Path) -> Facts:
    """Read the files as DuckDB likes to read them, and write all columns to Parquet."""
    import duckdb

    reader = (
        "read_csv($files, union_by_name = true, max_line_size = 16777216)"
        if ".csv" in one.suffix
        else "read_json($files, format = 'newline_delimited', maximum_object_size = 134217728)"
    )
    files = sorted(str(path) for path in inbox.iterdir())
    target = scratch / "floor.parquet"
    con = duckdb.connect(config={"temp_directory": str(scratch / "spill")})
    query = f"copy (select * from {reader}) to '{target}' (format parquet, compression zstd)"
    with _Clock() as clock:
        con.execute(query, {"files": files})
    con.close()
    return clock.facts()


class _Clock:
    """Wall and CPU time of a block, all threads, in seconds."""

    def __enter__(self) -> "_Clock":
        self._started = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = time.perf_counter(), time.process_time()

    def facts(self) -> Facts:
        """The times by name."""
        wall, cpu = (end - start for end, start in zip(self._ended, self._started, strict=True))
        return {"seconds": wall, "cpu_seconds": cpu}


def write_format(args: argparse.Namespace) -> Facts:
    """Write the files of one format."""
    return repeat(FORMATS[args.format], args.workspace, args.lines or None)


def land_format(args: argparse.Namespace) -> Facts:
    """Land the files of one format."""
    return land(FORMATS[args.format], args.workspace, args.scratch)


def floor_format(args: argparse.Namespace) -> Facts:
    """Read the files of one format plainly."""
    return floor(FORMATS[args.format], args.workspace, args.scratch)


PIECES: dict[str, Callable[[argparse.Namespace], Facts]] = {
    work.__name__: work for work in (write_format, land_format, floor_format)
}
