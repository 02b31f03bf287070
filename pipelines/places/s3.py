"""Bring a bucket's folder here: list it whole, read what is new, hand it on as a local folder.

The work is what the listing has and the copy has not, by ETag and size: never what is newer than
some time. All files handed on are of one moment, since a bill's manifest and parts belong together:
if an object changes after the listing, the bucket is listed again; if one cannot be read, its older
content is not handed on in its place. What was deleted in the bucket stays in the copy, as what
landed from it stays landed.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from models.settings import SourceSettings
from pipelines.landing.result import LandingProblem
from pipelines.places.addresses import read_address
from pipelines.places.cache import Cache, Kept
from pipelines.places.errors import (
    CHANGING,
    NO_FOLDER,
    OLDER,
    UNAVAILABLE,
    VANISHED,
    Cause,
    ChangedError,
    StoreError,
    is_passing,
)
from pipelines.places.names import MEANING, Names, broken_rule, key_hash
from pipelines.places.result import Fetched
from pipelines.places.store import THREADS, Listed, Store

PASSES = 3
"""Listings in a row, before an object that changes after each of them is given up."""
GIVE_UP_AFTER = 20
"""Objects that could not be read for a passing reason, before no more are tried."""
SHOWN_PER_RULE = 20
_BATCH = 1000

Progress = Callable[[str, int, int], None]
_Todo = tuple[str, Listed]


@dataclass(frozen=True)
class _Read:
    """What became of one object: its content, or the reason why there is none."""

    name: str
    kept: Kept | None = None
    prepared: Path | None = None
    cause: Cause | None = None


def fetch_source(
    settings: SourceSettings,
    root: Path,
    wanted: Callable[[str], bool],
    progress: Progress | None = None,
) -> Fetched:
    """Bring the bucket of a source up to date locally; see `fetch_bucket`."""
    try:
        store = _store(settings)
    except StoreError as error:
        return Fetched(None, (_problem(settings.source, settings.location, error.cause),))
    return fetch_bucket(settings.source, root, store, wanted=wanted, progress=progress)


def source_listing(settings: SourceSettings, wanted: Callable[[str], bool]) -> list[str]:
    """One line per usable object, or one that says why there is no listing."""
    try:
        return listing(_store(settings), wanted)
    except StoreError as error:
        return [error.cause.rule]


def _store(settings: SourceSettings) -> Store:
    address = read_address(settings.location)
    return Store(address, endpoint_url=settings.endpoint_url, region=settings.region)


def fetch_bucket(
    source: str,
    root: Path,
    store: Store,
    *,
    wanted: Callable[[str], bool],
    progress: Progress | None = None,
) -> Fetched:
    """Bring a source's bucket up to date locally.

    Args:
        source: Whose it is, for messages.
        root: The folder of its copy.
        store: The bucket.
        wanted: Whether a name is one that the source takes; others are not read.
        progress: Called with a label, bytes done and bytes to do.

    Returns:
        The folder to land from, and a problem per object that is missing in it. No folder if the
        listing was not whole or the store failed altogether: then nothing may land.
    """
    try:
        cache = Cache(root, store.name)
        for _ in range(PASSES):
            objects = store.objects()
            if store.address.prefix and not objects and not cache.kept:
                raise StoreError(NO_FOLDER)
            listed = _named(store, objects, wanted)
            names = Names(listed)
            usable = _usable(listed, names)
            cache.forget_in_the_way_of(names)
            fetching = _Fetching(source, store, cache, progress)
            problems = [*_refusals(source, store, listed, names), *fetching.run(usable)]
            if not fetching.has_changed:
                break
    except StoreError as error:
        return Fetched(None, (_problem(source, str(store.address), error.cause),))
    folder = cache.present(without={*fetching.unread, *(listed.keys() - usable.keys())})
    return Fetched(folder, tuple(_few_of_each(source, problems)), _not_read(store, objects, wanted))


def listing(store: Store, wanted: Callable[[str], bool]) -> list[str]:
    """One line per usable object: name, size and ETag.

    Raises:
        StoreError: The listing did not come whole.
    """
    listed = _named(store, store.objects(), wanted)
    found = _usable(listed, Names(listed))
    return [f"{name}|{one.size}|{one.etag}" for name, one in sorted(found.items())]


def _not_read(
    store: Store, objects: Sequence[Listed], wanted: Callable[[str], bool]
) -> tuple[str, ...]:
    """Names that can be shown and that the source does not take; no folder markers."""
    start = len(store.address.prefix)
    names = sorted(listed.key[start:] for listed in objects)
    return tuple(name for name in names if not wanted(name) and broken_rule(name) is None)


def _named(
    store: Store, objects: Sequence[Listed], wanted: Callable[[str], bool]
) -> dict[str, Listed]:
    """The listing by name below the folder, as far as the source takes it; no folder markers."""
    start = len(store.address.prefix)
    named = {listed.key[start:]: listed for listed in objects}
    return {
        name: listed
        for name, listed in named.items()
        if wanted(name) and (listed.size or not (name == "" or name.endswith("/")))
    }


def _broken(name: str, names: Names) -> str | None:
    return broken_rule(name) or ("name_collides" if names.collides(name) else None)


def _usable(listed: dict[str, Listed], names: Names) -> dict[str, Listed]:
    return {name: one for name, one in listed.items() if not _broken(name, names)}


def _refusals(
    source: str, store: Store, listed: dict[str, Listed], names: Names
) -> Iterator[LandingProblem]:
    for name, one in listed.items():
        if rule := _broken(name, names):
            shown = f"object with the key of sha256 {key_hash(one.key)}"
            action = f"Give the object a plain name of its own in {store.address}"
            yield LandingProblem(source, shown, rule, MEANING[rule], action)


class _Fetching:
    """One run over what a listing has and the copy has not."""

    def __init__(self, source: str, store: Store, cache: Cache, progress: Progress | None) -> None:
        self._source = source
        self._store = store
        self._cache = cache
        self._progress = progress
        self.has_changed = False
        """Whether an object was replaced or deleted after the listing."""
        self.unread: set[str] = set()
        """Names of the objects that could not be read."""
        self._failed = 0
        self._lock = threading.Lock()
        self._fatal: Cause | None = None

    def run(self, usable: dict[str, Listed]) -> list[LandingProblem]:
        """Read what is missing.

        Raises:
            StoreError: It is of no use to go on; what was read so far is kept.
        """
        todo, problems = self._compared(usable)
        self._check_room(todo)
        done, to_do = 0, sum(listed.size for _, listed in todo)
        size = max(_BATCH, len(self._cache.kept) // 4)
        with ThreadPoolExecutor(THREADS) as pool:
            for start in range(0, len(todo), size):
                batch = todo[start : start + size]
                try:
                    for (_, listed), read in zip(batch, pool.map(self._one, batch), strict=True):
                        problems += self._taken(read)
                        done += listed.size
                        if self._progress:
                            self._progress(f"{self._source} download", done, to_do)
                except KeyboardInterrupt:
                    self._fatal = UNAVAILABLE  # those that wait for a thread end at once
                    raise
                self._cache.save()
                if self._fatal:
                    raise StoreError(self._fatal)
        self._cache.save()
        return problems

    def _compared(self, usable: dict[str, Listed]) -> tuple[list[_Todo], list[LandingProblem]]:
        todo, problems = [], []
        for name, listed in usable.items():
            kept = self._cache.kept.get(name)
            if kept and (kept.etag, kept.size) == (listed.etag, listed.size):
                newest = max(kept.modified_at, listed.modified_at)
                self._cache.kept[name] = kept.model_copy(update={"modified_at": newest})
            elif kept and listed.modified_at < kept.modified_at:
                problems.append(_problem(self._source, name, OLDER))
            else:
                todo.append((name, listed))
        return todo, problems

    def _check_room(self, todo: Sequence[_Todo]) -> None:
        needed, free = sum(one.size for _, one in todo), self._cache.free_bytes()
        if needed > free:
            message = f"{needed:,} bytes are to be read, and the disk has room for {free:,}"
            raise StoreError(Cause("disk_full", message, "Make room, then run again"))

    def _one(self, item: _Todo) -> _Read:
        name, listed = item
        if self._fatal:
            return _Read(name)
        prepared = self._cache.temporary()
        try:
            return _Read(name, self._content(name, listed, prepared), prepared)
        except ChangedError:
            cause = CHANGING
        except StoreError as error:
            cause = error.cause
        prepared.unlink()
        self._note(cause)
        return _Read(name, cause=cause)

    def _content(self, name: str, listed: Listed, prepared: Path) -> Kept:
        with prepared.open("r+b") as file:
            content = self._store.read(listed, file)
            file.flush()
            os.fsync(file.fileno())
        return Kept(
            name=name,
            etag=listed.etag,
            version_id=content.version_id,
            size=listed.size,
            modified_at=listed.modified_at,
            sha256=content.sha256,
        )

    def _note(self, cause: Cause) -> None:
        """Decide whether a failure means that all others would fail as well."""
        with self._lock:
            self.has_changed |= cause in (CHANGING, VANISHED)
            self._failed += is_passing(cause)
            if cause.is_everywhere:
                self._fatal = cause
            elif self._failed >= GIVE_UP_AFTER:
                self._fatal = UNAVAILABLE

    def _taken(self, read: _Read) -> list[LandingProblem]:
        if read.kept and read.prepared:
            self._cache.keep(read.kept, read.prepared)
        if read.cause is None:
            return []
        self.unread.add(read.name)
        return [_problem(self._source, read.name, read.cause)]


def _problem(source: str, name: str, cause: Cause) -> LandingProblem:
    return LandingProblem(source, name, cause.rule, cause.message, cause.next_action)


def _few_of_each(source: str, problems: Sequence[LandingProblem]) -> Iterator[LandingProblem]:
    """The first problems of each rule, and how many more there are."""
    counts: dict[str, int] = {}
    for problem in sorted(problems, key=lambda p: (p.rule, p.file_name)):
        counts[problem.rule] = counts.get(problem.rule, 0) + 1
        if counts[problem.rule] <= SHOWN_PER_RULE:
            yield problem
    for rule, count in counts.items():
        if count > SHOWN_PER_RULE:
            text = f"{count - SHOWN_PER_RULE:,} more objects have this problem"
            yield LandingProblem(source, "more objects", rule, text, "Correct the first ones")
