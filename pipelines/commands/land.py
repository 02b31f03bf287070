"""`everycent land`: bring files into the lake without computing anything from them yet."""

from pathlib import Path

from pipelines.commands.guard import NOT_GREEN
from pipelines.commands.program import near, program
from pipelines.commands.terminal import progress, safe, say
from pipelines.run import LandingSummary, land_source, land_sources
from pipelines.workspace import load_workspace


def land_command(folder: Path, again: str | None) -> int:
    """Land new files, or one source's files again. Returns the exit code: 1 if one was refused."""
    workspace = load_workspace(folder)
    with progress() as note:
        landings: tuple[LandingSummary, ...]
        if again is None:
            landings = land_sources(workspace, note)
        else:
            landings = (land_source(workspace, again, note, is_asked_again=True),)
    files = sum(landing.files for landing in landings)
    rows = sum(landing.rows_accepted for landing in landings)
    say(f"Landed {files:,} {'file' if files == 1 else 'files'} with {rows:,} rows.")
    show_notes(landings)
    problems = [problem for landing in landings for problem in landing.problems]
    for problem in problems:
        say(f"[red]Refused[/]: {safe(problem.removesuffix('.'))}.")
    if any(landing.days for landing in landings):
        say(f"`{safe(program())} run {safe(near(folder))}` computes the days they touch.")
    return NOT_GREEN if problems else 0


def show_notes(landings: tuple[LandingSummary, ...]) -> None:
    """Say what landed again and why, what could not, and what could not be verified."""
    for landing in landings:
        for note in landing.notes:
            say(f"[yellow]Note[/]: {safe(note)}")
