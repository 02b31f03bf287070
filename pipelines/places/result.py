"""What a place hands to landing."""

from dataclasses import dataclass
from pathlib import Path

from pipelines.landing.result import LandingProblem


@dataclass(frozen=True)
class Fetched:
    """A source's files, here."""

    folder: Path | None
    """Where to land from; null if nothing may land now."""
    problems: tuple[LandingProblem, ...] = ()
    not_read: tuple[str, ...] = ()
    """Names of files of the place that the source does not take; those of a bucket only."""
