"""What a source must say about itself, and the two ways in which it can read.

A source never fetches and never writes: landing hands it files and takes back facts. A *document*
source reads one delivery at a time (bills, usage reports: small). A *stream* source says in SQL how
one line becomes one call (logs: large), so that landing can run it over files of any size.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from models.facts import Fact
from models.landing import Rejected
from models.settings import SourceSettings
from models.vocabulary import Delivery, TokenSemantics


class SourceError(Exception):
    """A delivery that cannot be read as a whole. The text names file, rule and next action."""


@dataclass(frozen=True)
class FoundFile:
    """One file as it lies in the source's location."""

    name: str
    """Path below the location, with forward slashes."""
    path: Path
    size: int
    sha256: str
    arrived_at: datetime | None = None
    """When its content came to lie there; null if nobody knows."""

    @property
    def file_id(self) -> str:
        """Short content identity, as stored in lineage columns."""
        return self.sha256[:16]


@dataclass(frozen=True)
class DeliveryUnit:
    """Files that only make sense together: landed whole or not at all."""

    delivery: str
    """Sortable name: among snapshots of the same scope the greatest counts."""
    files: tuple[FoundFile, ...]


@dataclass(frozen=True)
class Reading:
    """What one delivery holds.

    `facts` are Arrow tables with the columns of the fact's contract, minus nothing: landing checks
    the schema. `rows_read` counts records per file name; each is in a fact, empty or rejected.
    """

    facts: Mapping[Fact, pa.Table]
    rows_read: Mapping[str, int]
    scopes: Mapping[Fact, Sequence[str]] = field(default_factory=dict)
    """Every scope the delivery covers, those it covers with no rows included."""
    rejected: Sequence[Rejected] = ()
    rows_empty: Mapping[str, int] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadContext:
    """What a reader may know besides its files."""

    settings: SourceSettings
    pseudonym: Callable[[str], str]
    """Keyed pseudonym of a person's id; the only way an identity may leave a reader."""
    read_as: str = ""
    """How this landing reads, as it is written down with each file."""
    arrival_tolerance: timedelta | None = None
    """How long after its file's arrival a record may be dated; null if nobody minds."""
    again: str = ""
    """What sets landings that take the place of earlier ones apart from those."""


@dataclass(frozen=True)
class TokenRule:
    """What a format's totals mean, for one provider or all: a row of the published table."""

    source_format: str
    provider: str
    input_totals: TokenSemantics
    output_totals: TokenSemantics
    note: str
    versions: str = ""
    """Of what writes the format, as `in_versions` reads them; empty for all."""


@dataclass(frozen=True)
class SettingProblem:
    """What a kind of feed finds wrong with the settings of one feed."""

    path: tuple[str, ...]
    """The setting, below the feed's own."""
    rule: str
    message: str
    fix: str


def each_file_alone(files: Sequence[FoundFile]) -> Iterable[DeliveryUnit]:
    """The plainest layout: every file is a delivery of its own, named by its path."""
    for found in sorted(files, key=lambda f: f.name):
        yield DeliveryUnit(found.name, (found,))


@dataclass(frozen=True)
class Source:
    """A kind of feed: what it is called, how its files lie, how one delivery is read."""

    name: str
    summary: str
    facts: tuple[Fact, ...]
    delivery: Delivery
    money_unit: str
    """Unit of its money column: dollars, cents, billing currency, none."""
    token_rules: tuple[TokenRule, ...]
    proof: str
    """Honest: `real files`, `documented examples` or `constructed files`."""
    suffixes: tuple[str, ...]
    """File name endings it takes, lower case; others are reported and left alone."""
    layout: Callable[[Sequence[FoundFile]], Iterable[DeliveryUnit]] = each_file_alone
    read: Callable[[DeliveryUnit, ReadContext], Reading] | None = None
    """Document sources: one delivery to facts. Raises SourceError if it is not whole."""
    stream: "StreamReader | None" = None
    """Stream sources: instead of `read`."""
    feed: "Callable[[SourceSettings], Source] | None" = None
    """Kinds whose feeds differ: what one feed is, from its settings."""
    beside: str | None = None
    """The kind whose folder it may share, because it reads what that kind leaves."""
    check: Callable[[SourceSettings], Iterable[SettingProblem]] | None = None
    """What settings must say for this kind, beyond their contract."""

    def takes(self, name: str) -> bool:
        """Whether a name ends as its files do; an empty suffix means a name without a dot."""
        base = name.rsplit("/", 1)[-1].lower()
        return any(base.endswith(s) if s else "." not in base for s in self.suffixes)

    def of(self, settings: SourceSettings) -> "Source":
        """This kind as one feed is."""
        return self.feed(settings) if self.feed else self


@dataclass(frozen=True)
class Tables:
    """How a log comes as a table: each row is read as the JSON object of its columns.

    Attributes:
        name_of: By which name a column is read; None if it is not, and never becomes text.
        required: Names without which a file is not taken.
        suffixes: Which shapes it comes in.
        delimiter: Between the values of a CSV row.
        quote: Around a CSV value; doubled inside one.
    """

    name_of: Callable[[str], str | None]
    required: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = (".csv", ".parquet")
    delimiter: str = ","
    quote: str = '"'


@dataclass(frozen=True)
class StreamReader:
    """How records of a log become calls, in SQL over the relation `lines`.

    `lines(file_id, source_row, line, problem)` holds one JSON text per record; `problem` names the
    rule of a record that could not be read at all, and its `line` is empty.

    Attributes:
        sql: One `select` from `lines`. It yields every column of `CALL` but `source`, with
            `user_id` and `end_user_id` still *raw* and `tags` as a JSON array of raw texts: first
            the list of `key:value` tags, then the value of each of `$tag_paths` (landing makes
            them presentable by distinct value before anything is written). Also `rule`: null for a
            good record, else the rule it broke; and `notes`, a list of names to count. It may yield
            `cost_test`, see `cost_test_sql`: readings that the record's own cost decides; and
            `unread_cost`, what a record says that something costs which nobody counts. It binds
            `$tag_paths`, JSON pointers of the metadata keys that may be kept, and `$task_path`.
        rules: What to do next about each rule, by its name.
        tables: For logs that also come as tables, how those become lines.
        unfold: For logs whose lines hold several records each: one `select` from
            `lines(number, line)` that yields `number, part, line`, where `line` is now one record
            and `part` its place in the line. A line with nothing to unfold yields itself, once.
        bound: What else `sql` binds, by name.
        empty: Rules of records that are no calls by their format's contract: they are counted, not
            quarantined.
    """

    sql: str
    rules: Mapping[str, str]
    tables: Tables | None = None
    unfold: str | None = None
    bound: Mapping[str, str] = field(default_factory=dict)
    empty: tuple[str, ...] = ()
