"""Another pseudonym key: every person gets another name, so every file is landed again."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.alone import only_writer
from pipelines.known_key import (
    ENV_FILE,
    known_key,
    new_key,
    replace_known_key,
    stored_key,
    write_key,
)
from pipelines.landing.finding import find_files
from pipelines.problems import WorkspaceError
from pipelines.pseudonyms import read_key
from pipelines.run import lake_of
from pipelines.workspace import Workspace, open_workspace


class KeyRefusedError(Exception):
    """No key was made or replaced. The text says why, and what to do."""


@dataclass(frozen=True)
class Rotated:
    """What a rotation did."""

    written: Path | None
    """The file that holds the new key; null where the environment holds it."""
    files: int
    """Files that the next run lands again."""
    gone: tuple[str, ...]
    """Files that had landed and are not in their folders any more: they drop out of the numbers."""


def make_key(folder: Path, env: Mapping[str, str] | None = None) -> Path:
    """Write the first key of a workspace into its `.env`.

    Raises:
        KeyRefusedError: There is a key, or there was one when files were landed.
        WorkspaceError: The workspace cannot be opened.
    """
    env = os.environ if env is None else env
    workspace = _opened(folder, env)
    settings = workspace.settings.pseudonyms
    if settings.key_env in env:
        raise KeyRefusedError(
            f"{settings.key_env} is set in the environment, which wins over {ENV_FILE}: that is "
            "the key. Unset it to have one made."
        )
    if not read_key(workspace.root, settings, env)[1]:
        raise KeyRefusedError(
            f"There is a key in {ENV_FILE} already. `everycent new-key --rotate` replaces it."
        )
    if stored_key(workspace.state_dir):
        raise KeyRefusedError(
            "Files of this workspace were landed with a key that is not here any more. Put it "
            f"into {ENV_FILE}; if it is lost, `everycent new-key --rotate` lands everything again."
        )
    return write_key(workspace.root, settings.key_env, new_key())


def rotate_key(
    folder: Path, env: Mapping[str, str] | None = None, *, without_gone: bool = False
) -> Rotated:
    """Replace the key, and forget all that was landed with the one before.

    The new key is made and written into `.env`. Where the environment holds the key, or `.env` has
    another than files were landed with, that one is taken. The next run lands every file again.

    Args:
        folder: The workspace.
        env: The environment; the process's own by default.
        without_gone: Go on without the files that are not in their folders any more.

    Raises:
        KeyRefusedError: The environment still holds the earlier key, or landed files are gone.
        WorkspaceError: The workspace cannot be opened, or the key in place is no good.
        BusyError: Another run is writing to the workspace.
    """
    env = os.environ if env is None else env
    workspace = _opened(folder, env)
    settings = workspace.settings.pseudonyms
    lake = lake_of(workspace)
    with only_writer(workspace.state_dir):
        gone = _gone(workspace)
        landed = sum(len(record.files) for record in lake.landed())
        if gone and not without_gone:
            raise KeyRefusedError(
                f"{len(gone):,} of {landed:,} landed files are not in their folders any more, as "
                f"they were, such as {gone[0]}: they could not be landed again. Put them back, or "
                "say --without-gone to go on without them."
            )
        before = stored_key(workspace.state_dir)
        key, problem = read_key(workspace.root, settings, env)
        is_new = before is not None and not problem and known_key(key, settings.tenant) != before
        written = None
        if settings.key_env in env:
            if problem:
                raise WorkspaceError([problem])
            if not is_new:
                raise KeyRefusedError(
                    f"{settings.key_env} in the environment is the key in use. Put the new one "
                    "there, or unset it to have one made; then run this again."
                )
        elif not is_new:
            text = new_key()
            written, key = write_key(workspace.root, settings.key_env, text), bytes.fromhex(text)
        # the fingerprint comes last: until then every command asks to finish this
        if lake.root.exists():
            shutil.rmtree(lake.root)
        replace_known_key(workspace.state_dir, known_key(key, settings.tenant))
    return Rotated(written, landed - len(gone), gone)


def _opened(folder: Path, env: Mapping[str, str]) -> Workspace:
    """A workspace in which nothing but the key may be wrong."""
    workspace, problems = open_workspace(folder, env)
    wrong = [problem for problem in problems if not problem.rule.startswith("key_")]
    if workspace is None or wrong:
        raise WorkspaceError(wrong)
    return workspace


def _gone(workspace: Workspace) -> tuple[str, ...]:
    """Landed files whose content is in their source's folder no more."""
    lake = lake_of(workspace)
    there = {
        source.source: {
            file.sha256 for file in find_files(workspace.inbox(source), lake.seen(source.source))
        }
        for source in workspace.settings.sources
    }
    return tuple(
        f"{record.source}: {file.name}"
        for record in lake.landed()
        for file in record.files
        if file.sha256 not in there.get(record.source, set())
    )
