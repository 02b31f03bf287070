"""What a landing says it did."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from models.landing import Landed

_SHOWN = 3


@dataclass(frozen=True)
class LandingProblem:
    """A file or delivery that did not land, and what to do about it."""

    source: str
    file_name: str
    rule: str
    message: str
    next_action: str
    files: tuple[str, ...] = ()
    """Names of the files that it is about."""

    def __str__(self) -> str:
        text = f"{self.source}: {self.file_name}: {self.rule}: {self.message}"
        return f"{text.removesuffix('.')}. {self.next_action}".rstrip()


@dataclass(frozen=True)
class Again:
    """What landed again, because it would be read differently today."""

    files: int = 0
    why: tuple[str, ...] = ()
    """What has changed since, in words."""
    left: tuple[str, ...] = ()
    """Files that stay as they were read: their delivery is gone, or not there whole."""
    days: frozenset[date] = frozenset()
    """Days that the replaced landings held."""

    def notes(self, source: str) -> tuple[str, ...]:
        """What to tell people about it, a sentence each."""
        why = " and ".join(self.why)
        told = []
        if self.files:
            told.append(f"{source}: {_files(self.files)} landed again: {why}.")
        if self.left:
            told.append(left_as_read(source, self.left, why))
        return tuple(told)


def left_as_read(source: str, names: Sequence[str], why: str) -> str:
    """What to tell people about files that would be read differently, and are not there."""
    return (
        f"{source}: {_files(len(names))} ({some(names)}) stay as they were read before, although "
        f"{why}: put them back into the inbox, as they were delivered."
    )


def some(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def by_number(rules: Counter[str]) -> str:
    """Rules and how many records broke each, the most frequent first."""
    return some([f"{rule} ({count:,})" for rule, count in rules.most_common()])


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


@dataclass(frozen=True)
class LandingResult:
    """What became of every file in a source's location.

    `duplicates` are files whose content landed before, whatever their name; `ignored` are files
    the source does not take.
    """

    source: str
    landed: tuple[Landed, ...] = ()
    problems: tuple[LandingProblem, ...] = ()
    duplicates: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    again: Again = Again()
    unverified: tuple[str, ...] = ()
    """Parquet files that landed now and have no page checksums."""
    mostly_set_aside: tuple[LandingProblem, ...] = ()
    """Files that landed, in this run or before, and of which hardly anything counts."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What to tell people besides problems, a sentence each."""
        told = list(self.again.notes(self.source))
        if self.unverified:
            told.append(
                f"{self.source}: {_files(len(self.unverified))} ({some(self.unverified)}) without "
                "page checksums: a damaged byte in them would not be noticed. Write Parquet with "
                "checksums if you can."
            )
        return tuple(told)

    @property
    def rows_accepted(self) -> int:
        """Records that became facts in this landing."""
        return sum(f.rows_accepted for record in self.landed for f in record.files)

    @property
    def rows_quarantined(self) -> int:
        """Records set aside in this landing; each is in its commit record with rule and shape."""
        return sum(f.rows_quarantined for record in self.landed for f in record.files)


class FileRefusedError(Exception):
    """One file cannot be taken whole. The text says what is wrong, without any content."""

    def __init__(self, rule: str, message: str, next_action: str) -> None:
        super().__init__(f"{rule}: {message}. {next_action}")
        self.rule = rule
        self.message = message
        self.next_action = next_action


class LandingDefectError(Exception):
    """Rows in and rows out differ: a defect of everycent, never of the data."""
