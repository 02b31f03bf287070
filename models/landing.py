"""What landing writes down about a delivery: the record that makes it count."""

from datetime import date

from pydantic import Field

from models.facts import Fact
from models.record import Record


class Rejected(Record):
    """One record that did not become a fact. Holds its position and shape, never its content."""

    file_id: str
    file_name: str
    source_row: int
    rule: str
    column: str | None = None
    next_action: str
    shape: str
    """Redacted: letters as `a`, digits as `9`, everything cut at 64 characters."""


class LandedFile(Record):
    """One input file, by content, and what became of its records."""

    file_id: str
    sha256: str
    size: int
    name: str
    rows_read: int
    rows_accepted: int
    rows_empty: int = 0
    """Records that carry nothing by their format's contract, such as a day without usage."""
    rows_quarantined: int
    read_as: str = ""
    """With which settings, and by which code, it was read; see `pipelines.landing.identity`."""


class LakePart(Record):
    """One Parquet file of the lake: one fact, one day."""

    fact: Fact
    charge_date: date
    path: str
    """Relative to the lake's root."""
    rows: int
    sha256: str
    shape: str = ""
    """Short hash of the columns it was written with."""


class Scope(Record):
    """What a snapshot delivery replaces, and the days it holds rows for."""

    fact: Fact
    scope: str
    delivery: str
    days: tuple[date, ...]


class Landed(Record):
    """The commit record of one landed delivery or batch of log files: written last, whole."""

    landing_id: str
    source: str
    kind: str
    files: tuple[LandedFile, ...]
    parts: tuple[LakePart, ...]
    scopes: tuple[Scope, ...] = ()
    quarantine: tuple[Rejected, ...] = ()
    counters: dict[str, int] = Field(default_factory=dict)
    """Repairs, conflicts and dropped fields, by name."""
    amounts: dict[str, str] = Field(default_factory=dict)
    """Billed cost of the accepted charges by currency, as exact text."""


class LandedAgain(Record):
    """Landings that take the place of earlier ones, all of them in one step."""

    landed: tuple[Landed, ...]
    replaces: tuple[str, ...]
    """Landing ids that count no more."""
