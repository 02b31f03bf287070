"""Records set aside, by file, as long as they matter: until their file is replaced and gone."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from models.landing import Landed, LandedFile, Rejected
from pipelines.lake import Lake
from pipelines.landing.finding import hashes_seen
from pipelines.landing.result import LandingProblem, by_number

FEW_REJECTED = 10
"""Bad records from which on their share of a file says something."""


def is_too_many(bad: int, good: int, share: Decimal) -> bool:
    """Whether more of a file's records are bad than may be."""
    return bad >= FEW_REJECTED and bad > share * (bad + good)


@dataclass(frozen=True)
class SetAside:
    """A landed file with records that are in no number."""

    source: str
    file: LandedFile
    rows: tuple[Rejected, ...]
    is_there: bool
    """Whether its content is still in the inbox, as far as that is known."""

    def is_more_than(self, share: Decimal) -> bool:
        """Whether a larger share of its records was set aside, or all of them."""
        good = self.file.rows_accepted
        return not good or is_too_many(len(self.rows), good, share)

    def problem(self) -> LandingProblem:
        """What to tell people until it is corrected."""
        rules = Counter(row.rule for row in self.rows)
        [(most, _)] = rules.most_common(1)
        first = min((row for row in self.rows if row.rule == most), key=lambda row: row.source_row)
        column = f", column {first.column}" if first.column else ""
        total = len(self.rows) + self.file.rows_accepted
        share = f"{len(self.rows):,} of {total:,} records were set aside"
        if not self.file.rows_accepted:
            share = f"every record was set aside ({total:,})"
        return LandingProblem(
            self.source,
            self.file.name,
            "mostly_set_aside",
            f"{share}: {by_number(rules)}; the first is row {first.source_row}{column}",
            first.next_action,
        )


def files_set_aside(lake: Lake, source: str | None = None) -> list[SetAside]:
    """Files of one source, or of all, with set-aside records that still matter.

    They do while the file is in the inbox, and also later if the rest of it counts: then those
    records are missing. They do not once a newer delivery says all that it said, nor when it is
    gone and its name holds something else, or nothing of it counts.
    """
    records = lake.landed() if source is None else lake.landed_by(source)
    by_source: dict[str, list[Landed]] = defaultdict(list)
    for record in records:
        by_source[record.source].append(record)
    winners = lake.best()
    return [
        found for name, mine in by_source.items() for found in _of_source(lake, name, mine, winners)
    ]


def _of_source(
    lake: Lake, source: str, records: list[Landed], winners: set[tuple[str, str, str, str]]
) -> Iterator[SetAside]:
    if not any(record.quarantine for record in records):
        return
    present = hashes_seen(lake.seen(source))
    names = {
        file.name
        for record in records
        for file in record.files
        if present is not None and file.sha256 in present
    }
    for record in records:
        rows: dict[str, list[Rejected]] = defaultdict(list)
        for row in record.quarantine:
            rows[row.file_id].append(row)
        is_replaced = bool(record.scopes) and not any(
            (source, scope.fact, scope.scope, scope.delivery) in winners for scope in record.scopes
        )
        if is_replaced:
            continue
        for file in record.files:
            is_there = present is None or file.sha256 in present
            is_missed = file.rows_accepted > 0 and file.name not in names
            if file.file_id in rows and (is_there or is_missed):
                yield SetAside(source, file, tuple(rows[file.file_id]), is_there)
