"""Writes that are there or not there after a crash, never half: the only place that renames.

Every durable action calls `step`, which numbers it. A crash test sets `EVERYCENT_COUNT_STEPS` to a
file that receives the number of actions, and then `EVERYCENT_KILL_AT` to each number in turn.
"""

import os
import signal
from pathlib import Path
from threading import Lock

KILL_AT = "EVERYCENT_KILL_AT"
COUNT_STEPS = "EVERYCENT_COUNT_STEPS"
TEMPORARY = ".tmp-"
"""Prefix of files that are not there yet: whoever lists a directory skips them."""

_steps = 0
_counting = Lock()


def step(name: str) -> None:
    """Number one durable action, and die at it if a crash test asks for that.

    Args:
        name: What is about to become durable; for the reader of a crash test.
    """
    global _steps
    with _counting:
        _steps += 1
        count_file = os.environ.get(COUNT_STEPS)
        if count_file:
            Path(count_file).write_text(f"{_steps} {name}\n", encoding="utf-8")
        if os.environ.get(KILL_AT) == str(_steps):
            os.kill(os.getpid(), signal.SIGKILL)


def temporary(path: Path) -> Path:
    """The name, in the same directory, under which `path` is prepared."""
    return path.with_name(f"{TEMPORARY}{path.name}")


def sync(path: Path) -> None:
    """Force a file or a directory to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(prepared: Path, path: Path) -> None:
    """Give a prepared file or directory its final name: durably, and in one step.

    Args:
        prepared: Complete, on the same file system, and no longer written to.
        path: Its final name; a file there is replaced.
    """
    step(f"write {path.name}")
    sync(prepared)
    step(f"rename {path.name}")
    prepared.replace(path)
    sync(path.parent)
    step(f"renamed {path.name}")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file: readers see the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    prepared = temporary(path)
    prepared.write_bytes(content)
    replace(prepared, path)


def keep(path: Path, content: bytes) -> None:
    """Write a file that may be lost: never half, but neither durable nor numbered."""
    path.parent.mkdir(parents=True, exist_ok=True)
    prepared = temporary(path)
    prepared.write_bytes(content)
    prepared.replace(path)


def point(link: Path, target: str) -> None:
    """Swap a symbolic link to another version in one step.

    Args:
        link: The pointer readers resolve.
        target: Where it leads, relative to the link's directory.
    """
    prepared = temporary(link)
    prepared.unlink(missing_ok=True)
    prepared.symlink_to(target)
    step(f"swap {link.name}")
    prepared.replace(link)
    sync(link.parent)
    step(f"swapped {link.name}")
