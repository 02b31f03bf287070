"""What to type for `everycent`, as it can be typed here. Imports nothing, for the first help."""

import re
import shlex
import shutil
import sys
from pathlib import Path

NAME = "everycent"
_COMMAND = re.compile(rf"`{NAME}(?= )")


def program() -> str:
    """The program as it was called: by its name where the shell finds it so, else by its path."""
    called = Path(sys.argv[0])
    found = shutil.which(NAME)
    if called.stem != NAME or (found and called.exists() and called.samefile(found)):
        return NAME
    return shlex.quote(near(called))


def typed(text: str) -> str:
    """A text whose commands, as in `everycent run`, can be typed here."""
    return _COMMAND.sub(lambda _: f"`{program()}", text)


def near(path: Path) -> str:
    """A path as one would type it here: relative to the current folder if it is below it."""
    here = Path.cwd()
    path = path.absolute()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
