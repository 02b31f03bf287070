"""Files of provider reports as records: JSON pages of time buckets, CSV with one row per line.

Decides what belongs to a whole delivery and whether it is complete. Knows no money and no facts.
"""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import PurePosixPath

from pipelines.sources.base import DeliveryUnit, FoundFile, SourceError
from pipelines.sources.cells import RowError, Values

MAX_BYTES = 64 * 2**20
DAY = timedelta(days=1)

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Record:
    """One result of a bucket or one row of a CSV."""

    position: int
    """1-based in its file."""
    start: datetime
    end: datetime
    values: Values


@dataclass(frozen=True)
class Document:
    """One file, parsed."""

    found: FoundFile
    report: str
    """Empty as long as only the neighbours can tell."""
    spans: tuple[Span, ...]
    """Time buckets the file covers, those without results included."""
    records: tuple[Record, ...]
    rejected: tuple[tuple[int, RowError], ...] = ()
    has_more: bool | None = None
    """Null where there is no page envelope: the file stands for itself."""

    @property
    def rows_read(self) -> int:
        """Records of the file, good and bad."""
        return len(self.records) + len(self.rejected)


@dataclass(frozen=True)
class Dialect:
    """How one provider writes its reports."""

    span: Callable[[Values], Span]
    """Start and end (UTC) of a bucket or CSV row. Raises RowError."""
    report_of_result: Callable[[Values], str | None]
    report_of_header: Callable[[Sequence[str], str], str | None]
    """From a CSV's header, and from its name where the header cannot tell."""
    report_of_name: Callable[[str], str | None]
    """From the path of a JSON file without any result."""
    result_of_row: Callable[[str, Values], Values]
    """Brings a CSV row (blank cells null) into the shape of the report's JSON results."""
    has_every_bucket: bool
    """Whether the API also writes buckets without usage, so that a gap is a missing page."""


def folder_layout(files: Sequence[FoundFile]) -> Iterable[DeliveryUnit]:
    """Every folder is one delivery, named by its path; a file outside folders is its own."""
    units: dict[str, list[FoundFile]] = defaultdict(list)
    for found in sorted(files, key=lambda f: f.name):
        parent = str(PurePosixPath(found.name).parent)
        units[found.name if parent == "." else parent].append(found)
    for name in sorted(units):
        yield DeliveryUnit(name, tuple(units[name]))


def span_in_one_day(start: datetime, end: datetime) -> Span:
    """Check that a bucket lies inside one UTC day, so that it has one charge date.

    Raises:
        RowError: It does not, or it is empty.
    """
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if not start < end <= midnight + DAY:
        raise RowError("period_form")
    return start, end


def read_documents(files: Sequence[FoundFile], dialect: Dialect) -> list[Document]:
    """Parse the files of one delivery and prove, as far as files can, that it is whole.

    Args:
        files: Different contents, in name order.
        dialect: How the provider writes.

    Returns:
        One document per file, in the same order.

    Raises:
        SourceError: A file is broken or of no known report, a page is missing, or a bucket is
            there twice.
    """
    parsed = [_read_document(found, dialect) for found in files]
    told = {d.report for d in parsed if d.report}
    only = told.pop() if len(told) == 1 else ""
    documents = [d if d.report else replace(d, report=only) for d in parsed]
    by_report: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        if not document.report:
            raise SourceError(
                f"{document.found.name}: holds no results, so only its name can tell which report "
                "it is. Put the report's name into the file name, such as costs_2026-10-01.json."
            )
        by_report[document.report].append(document)
    for report, group in by_report.items():
        _check_complete(report, group, dialect)
        _check_each_bucket_once(report, group)
    return documents


def text_content(found: FoundFile) -> str:
    """The text of a small file, without a byte order mark.

    Raises:
        SourceError: It is too large, or not UTF-8.
    """
    if found.size > MAX_BYTES:
        raise SourceError(
            f"{found.name}: larger than {MAX_BYTES // 2**20} MiB. Download fewer days."
        )
    try:
        return found.path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{found.name}: not UTF-8. Download the file again.") from error


def _read_document(found: FoundFile, dialect: Dialect) -> Document:
    read = _read_csv if found.name.lower().endswith(".csv") else _read_json
    return read(found, text_content(found), dialect)


def _read_json(found: FoundFile, content: str, dialect: Dialect) -> Document:
    buckets, has_more = _buckets(found, parse_json(found, content))
    spans: list[Span] = []
    results: list[tuple[Span, Values]] = []
    for bucket in buckets:
        span = _bucket_span(found, bucket, dialect)
        if span in spans:
            raise SourceError(
                f"{found.name}: the bucket of {span[0]:%Y-%m-%d %H:%M} is there twice. "
                "Download the report again."
            )
        spans.append(span)
        results += [(span, result) for result in _results(found, bucket)]
    kinds = [dialect.report_of_result(values) for _, values in results]
    report = _one_report(found, kinds) or dialect.report_of_name(found.name) or ""
    numbered = list(enumerate(zip(results, kinds, strict=True), start=1))
    return Document(
        found=found,
        report=report,
        spans=tuple(spans),
        records=tuple(Record(i, *span, values) for i, ((span, values), kind) in numbered if kind),
        rejected=tuple((i, RowError("report_kind")) for i, (_, kind) in numbered if not kind),
        has_more=has_more,
    )


def parse_json(found: FoundFile, content: str) -> object:
    """A whole JSON text, its numbers as `int` or `Decimal` in full.

    Raises:
        SourceError: It is cut off, too deep or names a member twice.
    """

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise ValueError("duplicate key")
        return members

    try:
        # NaN and its kin stay words: the row that has one is refused, not the file
        return json.loads(
            content, parse_float=Decimal, parse_constant=str, object_pairs_hook=unique
        )
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise SourceError(
            f"{found.name}: not whole JSON (cut off, duplicate keys or too deep). "
            "Download the file again."
        ) from error


def _buckets(found: FoundFile, top: object) -> tuple[list[object], bool | None]:
    if isinstance(top, list):
        return top, None
    if isinstance(top, dict):
        data, has_more = top.get("data"), top.get("has_more")
        if isinstance(data, list) and isinstance(has_more, bool):
            return data, has_more
    raise SourceError(
        f"{found.name}: neither a page (`data` and `has_more`) nor a list of buckets. "
        "Save the API's answer unchanged."
    )


def _bucket_span(found: FoundFile, bucket: object, dialect: Dialect) -> Span:
    if isinstance(bucket, dict):
        try:
            return dialect.span(bucket)
        except RowError:
            pass
    raise SourceError(
        f"{found.name}: a bucket without start and end inside one UTC day. This report cannot be "
        "read here: request daily buckets, or move the file out of this location."
    )


def _results(found: FoundFile, bucket: object) -> list[Values]:
    results = bucket.get("results") if isinstance(bucket, dict) else None
    if not isinstance(results, list):
        raise SourceError(f"{found.name}: a bucket without `results`. Download the file again.")
    return [result if isinstance(result, dict) else {} for result in results]


def _one_report(found: FoundFile, kinds: Sequence[str | None]) -> str | None:
    known = {kind for kind in kinds if kind}
    if len(known) > 1:
        raise SourceError(f"{found.name}: mixes {', '.join(sorted(known))}. Keep one per file.")
    if kinds and not known:
        raise SourceError(
            f"{found.name}: its results are of no report that is read here. "
            "Move the file out of this location."
        )
    return known.pop() if known else None


def _read_csv(found: FoundFile, content: str, dialect: Dialect) -> Document:
    try:
        lines = [line for line in csv.reader(io.StringIO(content, newline=""), strict=True) if line]
    except csv.Error as error:
        raise SourceError(f"{found.name}: broken quoting. Download the file again.") from error
    header, rows = (lines[0], lines[1:]) if lines else ([], [])
    report = dialect.report_of_header(header, found.name)
    if not report or len(set(header)) != len(header):
        raise SourceError(
            f"{found.name}: its header is of no report that is read here. Download the file again, "
            "keep its name, or move it out of this location."
        )
    if rows and len(rows[-1]) < len(header):
        raise SourceError(f"{found.name}: the last row is cut off. Download the file again.")
    records: list[Record] = []
    rejected: list[tuple[int, RowError]] = []
    for position, row in enumerate(rows, start=1):
        try:
            records.append(_csv_record(position, header, row, report, dialect))
        except RowError as error:
            rejected.append((position, error))
    spans = tuple(sorted({(r.start, r.end) for r in records}))
    return Document(found, report, spans, tuple(records), tuple(rejected))


def _csv_record(
    position: int, header: Sequence[str], row: Sequence[str], report: str, dialect: Dialect
) -> Record:
    if len(row) != len(header):
        raise RowError("row_width")
    values = {name: cell or None for name, cell in zip(header, row, strict=True)}
    return Record(position, *dialect.span(values), dialect.result_of_row(report, values))


def _check_complete(report: str, documents: Sequence[Document], dialect: Dialect) -> None:
    pages = [d for d in documents if d.has_more is not None]
    ends = [d for d in pages if not d.has_more]
    if pages and len(ends) != 1:
        raise SourceError(
            f"{pages[0].found.name}: {report} has {len(pages)} page(s) here, of which {len(ends)} "
            "say that nothing follows; expected exactly one. Download all pages of one query into "
            "a folder of their own."
        )
    if not pages:
        return
    spans = sorted(span for d in pages for span in d.spans)
    is_gap = (
        dialect.has_every_bucket
        and len(pages) > 1
        and any(before[1] < after[0] for before, after in pairwise(spans))
    )
    if is_gap or (spans and ends[0].spans and spans[-1] not in ends[0].spans):
        raise SourceError(
            f"{ends[0].found.name}: a page of {report} is missing before or after it. "
            "Download all pages of one query again."
        )


def _check_each_bucket_once(report: str, documents: Sequence[Document]) -> None:
    spans = sorted((*span, d.found.name) for d in documents for span in d.spans)
    for (_, end, first), (start, _, second) in pairwise(spans):
        if start < end:
            raise SourceError(
                f"{second}: {report} of {start:%Y-%m-%d} is also in {first}, perhaps grouped "
                "differently: the same usage twice. Keep one of them in this delivery."
            )
