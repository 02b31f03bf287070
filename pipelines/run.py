"""The whole job as plain functions: land, compute, publish. Dagster and the CLI call them.

Each can be run again at any time: what is done already is not done twice.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from threading import Event

import pyarrow as pa

from models.quality import QualityResult
from models.settings import SourceSettings
from pipelines.alone import only_writer
from pipelines.compute import Computation, Computed
from pipelines.duck import connect
from pipelines.known_key import remember_key
from pipelines.lake import Lake
from pipelines.landing.identity import read_as
from pipelines.landing.land import land
from pipelines.landing.result import LandingResult, some
from pipelines.places import fetch, listing, read_address
from pipelines.places.errors import StoreError
from pipelines.places.store import Store
from pipelines.publishing.mirror import MirrorError, mirror
from pipelines.publishing.period_files import period_files
from pipelines.publishing.publish import Published, publish
from pipelines.publishing.versions import current_version, folder_of, versions
from pipelines.reference import load_reference
from pipelines.sources import source_of
from pipelines.transforms import load_transforms
from pipelines.warehouse import Warehouse
from pipelines.workspace import Workspace

PERIOD_FILE_TABLES = (
    "mart_chargeback_monthly",
    "mart_invoice_tie_out",
    "mart_attribution_coverage_daily",
    "fct_cost_lines",
)

Progress = Callable[[str, int, int], None]


class StoppedError(Exception):
    """Landing was stopped, because landing of another source failed or somebody stopped the run."""


class UnknownSourceError(Exception):
    """A source id that the workspace does not name."""


@dataclass(frozen=True)
class LandingSummary:
    """One source's landing."""

    source: str
    files: int
    rows_accepted: int
    rows_quarantined: int
    days: tuple[date, ...]
    problems: tuple[str, ...]
    duplicates: int = 0
    notes: tuple[str, ...] = ()
    """What landed again and why, what could not, what could not be verified: a sentence each."""


@dataclass(frozen=True)
class ComputeSummary:
    """What was computed."""

    days: tuple[date, ...]
    periods: tuple[date, ...]
    tables: dict[str, int]
    quality: tuple[QualityResult, ...]


@dataclass(frozen=True)
class PublishSummary:
    """What was published."""

    version: str
    path: Path
    changed: bool
    tables: tuple[str, ...]
    problems: tuple[str, ...] = ()
    """Why the mirror, if there is one, does not show this version."""


@dataclass(frozen=True)
class RunSummary:
    """A whole run, with the seconds each stage took."""

    landings: tuple[LandingSummary, ...]
    computed: ComputeSummary
    published: PublishSummary | None
    """Null while no file has arrived at all."""
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def problems(self) -> list[str]:
        """What was not done: files that did not land, a mirror that is behind. Never green."""
        landing = [problem for landing in self.landings for problem in landing.problems]
        return [*landing, *(self.published.problems if self.published else ())]


def lake_of(workspace: Workspace) -> Lake:
    """The workspace's lake."""
    return Lake(workspace.state_dir / "lake")


def warehouse_of(workspace: Workspace) -> Warehouse:
    """The workspace's warehouse."""
    return Warehouse(workspace.state_dir / "warehouse")


def land_source(
    workspace: Workspace,
    source_id: str,
    progress: Progress | None = None,
    *,
    is_asked_again: bool = False,
) -> LandingSummary:
    """Land the new files of one source, after bringing them here if they are in a bucket.

    Args:
        workspace: Whose files.
        source_id: The feed.
        progress: Called with the source's name, bytes done and bytes to do.
        is_asked_again: Land those again that landed before, too.

    Raises:
        UnknownSourceError: The workspace has no such source.
        WorkspaceError: Files were landed with another pseudonym key meanwhile.
        BusyError: Another run is writing to the workspace.
    """
    settings = _source(workspace, source_id)
    with _landing(workspace):
        return _land(workspace, settings, progress, is_asked_again=is_asked_again)


def land_sources(
    workspace: Workspace, progress: Progress | None = None
) -> tuple[LandingSummary, ...]:
    """Land the new files of every source: logs one after another, and all else beside them.

    Raises:
        WorkspaceError: Files were landed with another pseudonym key meanwhile.
        BusyError: Another run is writing to the workspace.
    """
    logs, others = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
    is_stopped = Event()

    def note(stage: str, done: int, total: int) -> None:
        if is_stopped.is_set():
            raise StoppedError
        if progress:
            progress(stage, done, total)

    with _landing(workspace), logs, others:
        work = [
            (logs if source_of(settings).stream else others).submit(
                _land, workspace, settings, note
            )
            for settings in workspace.settings.sources
        ]
        try:
            return tuple(landing.result() for landing in work)
        except BaseException:
            # Ctrl-C among others: what is landing stops after its batch, the rest does not begin
            is_stopped.set()
            for lane in (logs, others):
                lane.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _landing(workspace: Workspace) -> Iterator[None]:
    """Hold the workspace, with the key that its people were named with from the first file on."""
    with only_writer(workspace.state_dir):
        remember_key(workspace.state_dir, workspace.settings.pseudonyms, workspace.key)
        yield


def _land(
    workspace: Workspace,
    settings: SourceSettings,
    progress: Progress | None,
    *,
    is_asked_again: bool = False,
) -> LandingSummary:
    lake = lake_of(workspace)
    fetched = fetch(settings, workspace.inbox(settings), _wanted(settings), progress)
    result = LandingResult(settings.source)
    if fetched.folder:
        result = land(
            settings,
            source_of(settings),
            fetched.folder,
            lake,
            pseudonym=workspace.pseudonym,
            progress=progress,
            is_asked_again=is_asked_again,
            arrival_tolerance=timedelta(days=workspace.settings.arrival_tolerance_days),
        )
    summary = _landing_summary(
        replace(result, problems=(*fetched.problems, *result.problems)), lake
    )
    if not fetched.not_read:
        return summary
    kinds = ", ".join(suffix or "names without a dot" for suffix in source_of(settings).suffixes)
    note = (
        f"{settings.source}: {some(fetched.not_read)} in {settings.location} are never read: "
        f"{settings.kind} reads {kinds}. Export them as one of those, or move them elsewhere."
    )
    return replace(summary, notes=(*summary.notes, note))


def reading_of(workspace: Workspace, settings: SourceSettings) -> str:
    """How a source's files are read now; see `pipelines.landing.identity`."""
    return read_as(settings, timedelta(days=workspace.settings.arrival_tolerance_days))


def pending_days(workspace: Workspace) -> list[date]:
    """Days whose inputs changed since they were computed."""
    return list(pending_inputs(workspace))


def pending_inputs(workspace: Workspace) -> dict[date, str]:
    """Days whose inputs changed since they were computed, each with a hash of what it has now.

    A day that a check stopped stays here; its hash tells whether something was corrected since.
    """
    computation = _computation(workspace)
    return computation.fingerprints(computation.pending())


def compute_days(
    workspace: Workspace,
    from_date: date | None = None,
    to_date: date | None = None,
    *,
    days: Sequence[date] | None = None,
    progress: Progress | None = None,
) -> ComputeSummary:
    """Compute the days `from_date <= day < to_date`, or the given days, and their periods.

    Raises:
        QualityError: A blocking check failed; nothing of it counts.
        BusyError: Another run is writing to the workspace.
    """
    if days is None:
        if from_date is None or to_date is None:
            raise ValueError("give both ends of the range, or the days")
        days = [from_date + timedelta(days=n) for n in range((to_date - from_date).days)]
    with only_writer(workspace.state_dir):
        computed = _computation(workspace).run(days, progress)
    return _compute_summary(computed)


def publish_workspace(workspace: Workspace) -> PublishSummary:
    """Publish what is computed as a new version, if anything changed.

    Raises:
        PublishError: Nothing was published; the previous version stays.
    """
    settings = workspace.settings
    warehouse = warehouse_of(workspace)
    transforms = load_transforms()
    published: Published = publish(
        warehouse,
        transforms,
        workspace.published_dir,
        company=settings.company,
        calls_table_max_rows=settings.publish.calls_table_max_rows,
        keep_versions=settings.publish.keep_versions,
        extra_files=_period_files(warehouse, settings.company),
    )
    tables = tuple(name for name, transform in transforms.items() if transform.is_public)
    problems = mirror_published(workspace)
    return PublishSummary(published.version, published.path, published.changed, tables, problems)


def mirror_published(workspace: Workspace) -> tuple[str, ...]:
    """Make the mirror, if there is one, show the version readers see here; why not, if it fails.

    Raises:
        BusyError: Another process is publishing.
    """
    settings = workspace.settings.publish
    out_dir = workspace.published_dir
    if settings.mirror is None:
        return ()
    try:
        store = Store(
            read_address(settings.mirror),
            endpoint_url=settings.mirror_endpoint_url,
            region=settings.mirror_region,
        )
        with only_writer(out_dir):
            if version := current_version(out_dir):
                mirror(store, folder_of(out_dir, version), versions(out_dir))
    except (StoreError, MirrorError) as error:
        return (f"mirror {settings.mirror}: {error}",)
    return ()


def run(
    workspace: Workspace,
    from_date: date | None = None,
    to_date: date | None = None,
    progress: Progress | None = None,
) -> RunSummary:
    """Land every source, compute what changed, publish.

    Args:
        workspace: Whose files.
        from_date: Compute no day before this one; all that changed by default.
        to_date: Compute no day from this one on.
        progress: Called with stage, done and total.

    Raises:
        WorkspaceError: A reference table is wrong; nothing was read.
    """
    # a mistake people can correct at once is told before hours of landing, not after
    load_reference(workspace)
    seconds: dict[str, float] = {}
    clock = _Clock(seconds)
    landings = land_sources(workspace, progress)
    # what reading logs held is given back before computing needs its own
    pa.default_memory_pool().release_unused()
    clock.note("landing")
    days = [
        day
        for day in pending_days(workspace)
        if (from_date is None or day >= from_date) and (to_date is None or day < to_date)
    ]
    clock.note("pending")
    computed = (
        compute_days(workspace, days=days, progress=progress)
        if days
        else ComputeSummary((), (), {}, ())
    )
    clock.note("compute")
    is_computed = bool(warehouse_of(workspace).index().parts)
    published = publish_workspace(workspace) if is_computed else None
    clock.note("publish")
    return RunSummary(landings, computed, published, seconds)


def new_files(workspace: Workspace) -> dict[str, list[str]]:
    """Per source, what lies in its inbox: name, size and modification time of each file.

    Cheap enough for a sensor: nothing is opened. In a bucket, an ETag stands for the time.
    """
    return {
        source.source: listing(source, workspace.inbox(source), _wanted(source))
        for source in workspace.settings.sources
    }


class _Clock:
    """Notes how long each stage took."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._last = time.perf_counter()

    def note(self, stage: str) -> None:
        now = time.perf_counter()
        self._seconds[stage] = now - self._last
        self._last = now


def _period_files(warehouse: Warehouse, company: str) -> dict[str, bytes]:
    with connect() as con:
        for table in PERIOD_FILE_TABLES:
            paths = [str(path) for path in warehouse.paths(table)]
            if not paths:
                return {}
            con.read_parquet(paths).create_view(table)
        return period_files(con, company)


def _computation(workspace: Workspace) -> Computation:
    return Computation(
        workspace, load_reference(workspace), lake_of(workspace), warehouse_of(workspace)
    )


def _wanted(settings: SourceSettings) -> Callable[[str], bool]:
    """Which names of a place a source takes; the others need not be brought here."""
    return source_of(settings).takes


def _source(workspace: Workspace, source_id: str) -> SourceSettings:
    for source in workspace.settings.sources:
        if source.source == source_id:
            return source
    known = ", ".join(source.source for source in workspace.settings.sources)
    raise UnknownSourceError(f"{source_id}: no such source in everycent.yaml; there are: {known}")


def _landing_summary(result: LandingResult, lake: Lake) -> LandingSummary:
    return LandingSummary(
        source=result.source,
        files=sum(len(record.files) for record in result.landed),
        rows_accepted=result.rows_accepted,
        rows_quarantined=result.rows_quarantined,
        days=tuple(sorted(lake.days_touched(result.landed) | result.again.days)),
        problems=(
            *map(str, (*result.problems, *result.mostly_set_aside)),
            *(str(held) for held in lake.held_back() if held.source == result.source),
        ),
        duplicates=len(result.duplicates),
        notes=result.notes,
    )


def _compute_summary(computed: Computed) -> ComputeSummary:
    return ComputeSummary(computed.days, computed.periods, computed.rows, computed.quality)
