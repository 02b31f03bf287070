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
