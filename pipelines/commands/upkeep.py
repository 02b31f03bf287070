"""`everycent verify` and `rollback`: care for published versions."""

from pathlib import Path

from pipelines.commands.guard import NOT_GREEN, UserError
from pipelines.commands.published import published_version, reading
from pipelines.commands.terminal import safe, say
from pipelines.publishing.errors import PublishError
from pipelines.publishing.versions import current_version, folder_of, rollback, verify
from pipelines.run import mirror_published


def verify_command(folder: Path) -> int:
    """Re-hash the published version. Returns the exit code: 1 if a byte changed."""
    workspace = reading(folder)
    version = published_version(workspace)
    problems = verify(folder_of(workspace.published_dir, version))
    for problem in problems:
        say(f"[red]Changed[/]: {safe(problem)}. Roll back, or remove the version and run again.")
    if not problems:
        say(f"[green]Good[/]: version {version} is what was published.")
    return NOT_GREEN if problems else 0


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
