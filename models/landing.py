"""What landing writes down about a delivery: the record that makes it count."""

from datetime import date
from decimal import Decimal

from pydantic import Field

from models.facts import Fact
from models.record import Record

_FEW_ROWS = 10
"""Of fewer rows, half is soon gone."""


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
    rows: int | None = None
    """Null in records of landings before this was kept: nothing is compared with them."""
    amounts: dict[str, str] = Field(default_factory=dict)
    """Billed cost by currency, as exact text."""
    tells: tuple[str, ...] = ()
    """Dimensions that at least one row of it names."""

    def lost_beside(self, earlier: "Scope") -> str | None:
        """What is suspiciously less than in an earlier delivery of the same; null if nothing is.

        A snapshot replaces what came before it. One that holds less than half of the money or of
        the rows, or no longer tells a dimension, is more often a part, a correction or another cut
        than the whole.
        """
        if self.rows is None or earlier.rows is None:
            return None
        for currency, text in sorted(earlier.amounts.items()):
            before, now = Decimal(text), Decimal(self.amounts.get(currency, "0"))
            if before > 0 and now * 2 < before:
                return f"{now.normalize():f} {currency} instead of {before.normalize():f}"
        if earlier.rows >= _FEW_ROWS and self.rows * 2 < earlier.rows:
            return f"{self.rows:,} lines instead of {earlier.rows:,}"
        if self.rows <= earlier.rows and set(self.tells) < set(earlier.tells):
            untold = ", ".join(sorted(set(earlier.tells) - set(self.tells)))
            return f"no {untold} any more"
        return None


class HeldBack(Record):
    """A snapshot that landed and does not count: it would replace more than it brings."""

    source: str
    fact: Fact
    scope: str
    delivery: str
    instead: str
    """The delivery that counts meanwhile."""
    lost: str

    def __str__(self) -> str:
        return (
            f"{self.source}: {self.delivery} is held back: for {self.fact} of {self.scope} it has "
            f"{self.lost}, of {self.instead}, which counts meanwhile. If it is whole and right: "
            f"everycent accept {self.source} '{self.delivery}'. If it is a part or a correction, "
            "deliver the whole."
        )


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
