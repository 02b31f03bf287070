"""What a landing says it did."""

from dataclasses import dataclass

from models.landing import Landed


@dataclass(frozen=True)
class LandingProblem:
    """A file or delivery that did not land, and what to do about it."""

    source: str
    file_name: str
    rule: str
    message: str
    next_action: str

    def __str__(self) -> str:
        text = f"{self.source}: {self.file_name}: {self.rule}: {self.message}"
        return f"{text.removesuffix('.')}. {self.next_action}".rstrip()


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
