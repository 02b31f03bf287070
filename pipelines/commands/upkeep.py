"""`everycent verify`, `rollback` and `accept`: care for what is published and what counts."""

from pathlib import Path

from pipelines.alone import only_writer
from pipelines.commands.guard import NOT_GREEN, UserError
from pipelines.commands.program import near, program
from pipelines.commands.published import published_version, reading
from pipelines.commands.terminal import safe, say
from pipelines.lake import LakeDamagedError
from pipelines.publishing.errors import PublishError
from pipelines.publishing.versions import current_version, folder_of, rollback, verify
from pipelines.run import lake_of, mirror_published
from pipelines.workspace import load_workspace


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


def accept_command(folder: Path, source: str, delivery: str) -> None:
    """Let a delivery that is held back count from the next run on.

    Raises:
        UserError: No such delivery is held back.
    """
    workspace = load_workspace(folder)
    lake = lake_of(workspace)
    held = lake.held_back()
    if (source, delivery) not in {(found.source, found.delivery) for found in held}:
        names = ", ".join(sorted({f"{found.source} '{found.delivery}'" for found in held}))
        raise UserError(
            f"{source} has no delivery '{delivery}' that is held back; "
            + (f"held back are: {names}." if names else "nothing is.")
        )
    with only_writer(workspace.state_dir):
        lake.accept(source, delivery)
    say(
        f"{safe(source)}: {safe(delivery)} counts from now on. "
        f"`{safe(program())} run {safe(near(folder))}` computes the days it touches."
    )


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
