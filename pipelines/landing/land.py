"""Land one source: everything new in its location, each delivery whole or not at all."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from models.landing import Landed
from models.settings import SourceSettings
from models.vocabulary import Delivery
from pipelines.lake import Lake
from pipelines.landing.again import Relanding, outdated
from pipelines.landing.documents import land_document
from pipelines.landing.finding import find_files
from pipelines.landing.identity import read_as
from pipelines.landing.parquet_pages import has_checksums, is_parquet
from pipelines.landing.result import Again, FileRefusedError, LandingProblem, LandingResult
from pipelines.landing.set_aside import files_set_aside
from pipelines.landing.streams import land_streams
from pipelines.landing.waiting import remember_refusals
from pipelines.sources.base import DeliveryUnit, ReadContext, Source

_LEFT_OVER = (
    "no manifest beside it names it",
    "Remove it if it is left over from an earlier export, else deliver its manifest",
)

Progress = Callable[[str, int, int], None]


def land(
    settings: SourceSettings,
    source: Source,
    folder: Path,
    lake: Lake,
    *,
    pseudonym: Callable[[str], str],
    progress: Progress | None = None,
    is_asked_again: bool = False,
    arrival_tolerance: timedelta | None = None,
) -> LandingResult:
    """Land what is new in a source's location, and again what would be read differently today.

    Args:
        settings: The feed, as the workspace describes it.
        source: The kind of feed it is.
        folder: The feed's location.
        lake: Where facts go.
        pseudonym: Keyed pseudonym of a person's id.
        progress: Called with the source's name, bytes done and bytes to do.
        is_asked_again: Land everything again that the location holds.
        arrival_tolerance: How long after its file's arrival a call may be dated; any time if null.

    Returns:
        What landed, what did not and why. A problem with one file never stops another.

    Raises:
        LandingDefectError: Records read and records kept differ: a defect of everycent.
    """
    source = source.of(settings)
    lake.sweep(settings.source)
    found = find_files(folder, lake.seen(settings.source))
    taken = [file for file in found if source.takes(file.name)]
    units = list(source.layout(taken))
    read = read_as(settings, arrival_tolerance)
    context = ReadContext(settings, pseudonym, read, arrival_tolerance)
    before = outdated(lake, settings.source, context.read_as, is_asked=is_asked_again)
    used = {file.name: file for unit in units for file in unit.files}
    known = lake.known_files(settings.source) - before.files.keys()
    done, to_do = 0, sum(file.size for file in used.values() if file.sha256 not in known)

    def note(records: Generator[Landed]) -> list[Landed]:
        nonlocal done
        landed = []
        # whatever ends this, nothing of it goes on writing
        with closing(records):
            for record in records:
                landed.append(record)
                done += sum(file.size for file in record.files)
                if progress:
                    progress(settings.source, done, to_do)
        return landed

    problems: list[LandingProblem] = []
    relanding = Relanding(before, source, context, lake)
    again = note(relanding.read(units))
    replaced = relanding.commit()
    problems += [_problem(context, unit, error) for unit, error in relanding.refused]
    duplicates: list[str] = []
    fresh = _fresh(units, settings.source, source, lake, duplicates)
    landings = (_streamed if source.stream else _read)(fresh, source, context, lake, problems)
    landed = note(landings)
    lake.sweep(settings.source)
    left_over = [file.name for file in taken if file.name not in used]
    remember_refusals(
        lake,
        settings.source,
        dict.fromkeys(left_over, _LEFT_OVER)
        | {
            name: (f"it was refused: {problem.rule}", problem.next_action.removesuffix("."))
            for problem in problems
            for name in problem.files
        },
    )
    told = {file.sha256 for record in again for file in record.files}
    told |= {file.sha256 for unit, _ in relanding.refused for file in unit.files}
    return LandingResult(
        source=settings.source,
        landed=(*again, *landed),
        problems=tuple(problems),
        duplicates=tuple(duplicates),
        ignored=tuple(file.name for file in found if file.name not in used),
        unverified=tuple(
            name
            for record in (*again, *landed)
            for name in (file.name for file in record.files)
            if is_parquet(name) and name in used and not has_checksums(used[name].path)
        ),
        mostly_set_aside=tuple(
            found.problem()
            for found in files_set_aside(lake, settings.source)
            if found.is_there and found.is_more_than(settings.max_set_aside_share)
        ),
        again=Again(
            files=sum(len(record.files) for record in again),
            why=before.why,
            left=tuple(f.name for sha256, f in before.files.items() if sha256 not in told),
            days=frozenset(part.charge_date for record in replaced for part in record.parts),
        ),
    )


def _fresh(
    units: Iterable[DeliveryUnit],
    source_id: str,
    source: Source,
    lake: Lake,
    duplicates: list[str],
) -> Iterator[DeliveryUnit]:
    """Deliveries that say something new, each looked at when those before it have landed.

    The names of the files of the others are added to `duplicates`.
    """
    seen = lake.known_files(source_id)
    replaces = source.delivery is Delivery.SNAPSHOT
    for unit in units:
        hashes = {file.sha256 for file in unit.files}
        if hashes <= seen and not (replaces and lake.is_back(source_id, hashes, unit.delivery)):
            duplicates += [file.name for file in unit.files]
        else:
            seen |= hashes
            yield unit


def _streamed(
    units: Iterable[DeliveryUnit],
    source: Source,
    context: ReadContext,
    lake: Lake,
    problems: list[LandingProblem],
) -> Generator[Landed]:
    files = [file for unit in units for file in unit.files]
    if not source.stream:
        return
    with closing(land_streams(files, context, source.stream, lake, lake.commit)) as batches:
        for landed, refused in batches:
            problems += [
                _problem(context, DeliveryUnit(file.name, (file,)), error)
                for file, error in refused
            ]
            yield from landed


def _read(
    units: Iterable[DeliveryUnit],
    source: Source,
    context: ReadContext,
    lake: Lake,
    problems: list[LandingProblem],
) -> Generator[Landed]:
    if source.read is None:
        raise ValueError(f"source kind {source.name} says neither how to read nor how to stream")
    for unit in units:
        name = lake.fresh_delivery(context.settings.source, unit.delivery)
        try:
            record = land_document(replace(unit, delivery=name), source.read, context, lake)
        except FileRefusedError as error:
            problems.append(_problem(context, unit, error))
        else:
            if earlier := _held(record, source, lake):
                lake.replace(record.source, earlier, [record])
            else:
                lake.commit(record)
            yield record


def _held(record: Landed, source: Source, lake: Lake) -> list[Landed]:
    """Landings of the same events that a delivery which has grown holds whole: it replaces them."""
    if source.delivery is not Delivery.EVENTS or len(record.files) == 1:
        return []
    hashes = {file.sha256 for file in record.files}
    landed = lake.landed_by(record.source)
    return [one for one in landed if {file.sha256 for file in one.files} <= hashes and one.files]


def _problem(context: ReadContext, unit: DeliveryUnit, error: FileRefusedError) -> LandingProblem:
    return LandingProblem(
        source=context.settings.source,
        file_name=unit.delivery,
        rule=error.rule,
        message=error.message,
        next_action=error.next_action,
        files=tuple(file.name for file in unit.files),
    )
