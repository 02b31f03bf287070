"""Land one source: everything new in its location, whole or not at all."""

from collections.abc import Callable
from pathlib import Path

from models.landing import Landed
from models.settings import SourceSettings
from pipelines.lake import Lake
from pipelines.landing.finding import find_files
from pipelines.landing.pieces import one_ahead, pieces
from pipelines.landing.result import LandingProblem, LandingResult
from pipelines.landing.streams import StreamLanding
from pipelines.landing.unpacking import read_lines
from pipelines.sources.base import FoundFile, Source

Progress = Callable[[str, int, int], None]


def land(
    settings: SourceSettings,
    source: Source,
    folder: Path,
    lake: Lake,
    *,
    pseudonym: Callable[[str], str],
    progress: Progress | None = None,
) -> LandingResult:
    """Land what is new in a source's location.

    Args:
        settings: The feed, as the workspace describes it.
        source: The kind of feed it is.
        folder: The feed's location.
        lake: Where facts go.
        pseudonym: Keyed pseudonym of a person's id.
        progress: Called with the source's name, bytes done and bytes to do.

    Returns:
        What landed, what did not and why. A problem with one file never stops another.
    """
    lake.sweep(settings.source)
    found = find_files(folder)
    taken = [file for file in found if _is_taken(file.name, source)]
    known = lake.known_files(settings.source)
    fresh: dict[str, FoundFile] = {}
    duplicates = []
    for file in taken:
        if file.sha256 in known or file.sha256 in fresh:
            duplicates.append(file.name)
        else:
            fresh[file.sha256] = file
    units = list(source.layout(list(fresh.values())))
    files = [file for unit in units for file in unit.files]
    to_do = sum(file.size for file in files)
    landed: list[Landed] = []
    problems: list[LandingProblem] = []
    if source.stream and files:
        stream = StreamLanding(settings, source.stream, lake, pseudonym)
        done = 0
        for record in stream.land(one_ahead(pieces(files, read_lines))):
            landed.append(record)
            done += sum(file.size for file in record.files)
            if progress:
                progress(settings.source, done, to_do)
        problems += [
            LandingProblem(settings.source, file.name, e.rule, e.message, e.next_action)
            for file, e in stream.refused
        ]
    return LandingResult(settings.source, tuple(landed), tuple(problems), tuple(duplicates))


def _is_taken(name: str, source: Source) -> bool:
    base = name.rsplit("/", 1)[-1].lower()
    return any(base.endswith(s) if s else "." not in base for s in source.suffixes)
