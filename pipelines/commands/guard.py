"""How commands end: which exit code, and which words instead of a trace."""

import sys
import traceback
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import typer
from typer.core import TyperGroup

from pipelines.commands.program import typed

NOT_GREEN = 1
"""The run finished, but a figure is not what it says; or a published byte changed."""
MISTAKE = 2
"""Settings, reference tables or the command line must be corrected."""
NOT_PUBLISHED = 3
"""A blocking check failed: nothing was published, the previous version stays."""
INTERNAL = 4
"""A defect of everycent."""
INTERRUPTED = 130

# by class name, so that nothing is imported for errors that did not happen
_CODES: Mapping[str, int] = {
    "UserError": MISTAKE,
    "WorkspaceError": MISTAKE,
    "UnknownSourceError": MISTAKE,
    "PublishError": NOT_PUBLISHED,
    "QualityError": NOT_PUBLISHED,
    "AuditFailedError": NOT_PUBLISHED,
    "StatementError": NOT_PUBLISHED,
    "BusyError": NOT_PUBLISHED,
    "LakeDamagedError": NOT_PUBLISHED,
    "WarehouseDamagedError": NOT_PUBLISHED,
    "TooLargeError": NOT_PUBLISHED,
}
_OUR_CODE = Path(__file__).resolve().parent.parent


class UserError(Exception):
    """Something the person at the terminal can correct. The text says what and how."""


class Guarded(TyperGroup):
    """Runs a command; turns whatever it raises into a message and an exit code."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        """Run the command under the guard."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException, typer.BadParameter):
            raise
        except KeyboardInterrupt:
            _say("Interrupted. What was finished counts; run the command again to go on.")
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:  # noqa: BLE001 - the last resort: a message, not a trace
            if ctx.params.get("debug"):
                traceback.print_exc()
            code, message = _explained(error)
            _say(message)
            raise typer.Exit(code) from None


def _explained(error: Exception) -> tuple[int, str]:
    code = _CODES.get(type(error).__name__)
    if code is not None:
        return code, str(error)
    if isinstance(error, OSError) and error.strerror is not None:
        where = f"{error.filename}: " if error.filename is not None else ""
        return MISTAKE, f"{where}{error.strerror}. Correct that, then run the command again."
    # the text of any other error may hold values of a row: only its kind and place are shown
    return INTERNAL, (
        f"Internal error: {type(error).__name__} at {_place(error)}, everycent "
        f"{version('everycent')}. Nothing half-done counts. Please report this line; "
        "`everycent --debug ...` shows the trace, which may hold values from your files."
    )


def _place(error: Exception) -> str:
    """Module and line of our own code in which the error came up."""
    place = "an unknown place"
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename).resolve()
        if path.is_relative_to(_OUR_CODE):
            place = f"{path.relative_to(_OUR_CODE.parent).as_posix()}:{frame.lineno}"
    return place


def _say(message: str) -> None:
    sys.stderr.write(f"{typed(message)}\n")
