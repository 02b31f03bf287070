"""One writer at a time: a lock the system releases when its process ends, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class BusyError(Exception):
    """Another process is writing here."""


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, making the folder if there is none.

    Raises:
        BusyError: Another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(
                f"{folder}: another run is writing here; try again when it has ended"
            ) from error
        yield
    finally:
        os.close(descriptor)
