"""`everycent verify` and `rollback`: care for published versions."""

from pathlib import Path

from pipelines.commands.guard import NOT_GREEN, UserError
from pipelines.commands.published import published_version, reading
from pipelines.commands.terminal import safe, say
from pipelines.lake import LakeDamagedError
from pipelines.publishing.errors import PublishError
from pipelines.publishing.versions import current_version, folder_of, rollback, verify
from pipelines.run import lake_of, mirror_published


def verify_command(folder: Path) -> int:
    """Re-hash the published version and the lake. Returns the exit code: 1 if a byte changed."""
    workspace = reading(folder)
    version = published_version(workspace)
    problems = verify(folder_of(workspace.published_dir, version))
    for problem in problems:
        say(f"[red]Changed[/]: {safe(problem)}. Roll back, or remove the version and run again.")
    damaged = lake_of(workspace).damaged()
    for part in damaged:
        say(f"[red]Changed[/]: {safe(str(LakeDamagedError(part)))}")
    if not problems and not damaged:
        say(f"[green]Good[/]: version {version} is what was published, and the lake what landed.")
    return NOT_GREEN if problems or damaged else 0


def rollback_command(folder: Path, version: str) -> None:
    """Point readers to a kept version."""
    workspace = reading(folder)
    out_dir = workspace.published_dir
    before = current_version(out_dir)
    try:
        rollback(out_dir, version)
    except PublishError as error:
        raise UserError(str(error)) from error
    say(f"Readers see version {version} now; before it was {before or 'none'}.")
    say("The next `everycent run` publishes what is computed by then.")
    if behind := mirror_published(workspace):
        raise UserError("\n".join(behind))
