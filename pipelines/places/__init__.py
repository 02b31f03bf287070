"""Where files arrive: a folder of the workspace or a bucket. Landing only ever sees a folder."""

from collections.abc import Callable
from pathlib import Path

from models.settings import SourceSettings
from pipelines.places.addresses import is_remote, read_address
from pipelines.places.local import folder_listing
from pipelines.places.result import Fetched

Progress = Callable[[str, int, int], None]
Wanted = Callable[[str], bool]


def fetch(
    settings: SourceSettings, folder: Path, wanted: Wanted, progress: Progress | None = None
) -> Fetched:
    """Make a source's files local.

    Args:
        settings: The feed.
        folder: Where its files lie when they are local: see `Workspace.inbox`.
        wanted: Whether a name is one that the source takes.
        progress: Called with a label, bytes done and bytes to do.

    Returns:
        The folder to land from and what is missing in it. Nothing is raised for a store that fails.
    """
    if not is_remote(settings.location):
        return Fetched(folder)
    # loaded only if there is a bucket: the client library takes a second
    from pipelines.places.s3 import fetch_source

    return fetch_source(settings, folder.parent, wanted, progress)


def listing(settings: SourceSettings, folder: Path, wanted: Wanted) -> list[str]:
    """What a source's place holds now, one line per file that changes with its content.

    A store that fails is a line too: it changes the listing, and the landing then says why.
    """
    if not is_remote(settings.location):
        return folder_listing(folder)
    from pipelines.places.s3 import source_listing

    return source_listing(settings, wanted)


__all__ = ["Fetched", "fetch", "is_remote", "listing", "read_address"]
