"""What is wrong with a workspace, said so that a person can fix it in one go.

A message names file, line, column, rule and next action. It never repeats free text from a file:
only names of our own, and ids that look like ids.
"""

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SHOWN_PER_KIND = 20
_SAFE_ID = re.compile(r"[\w.:/ -]{1,64}")
_MAX_OPTIONS = 2000


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and what to do about it."""

    file: str
    """Path below the workspace."""
    line: int | None
    column: str | None
    """Column of a table, or path of a setting such as `sources[0].kind`."""
    rule: str
    message: str
    fix: str

    def __str__(self) -> str:
        """One line: place, what is wrong, what to do, and the name of the rule."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        column = f" {self.column}" if self.column else ""
        return f"{place}{column}: {self.message} {self.fix} [{self.rule}]"


class WorkspaceError(Exception):
    """A workspace that cannot be used; `problems` holds everything that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__("\n".join(map(str, self.problems)))


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort problems by place, and count those of one kind beyond the first twenty."""

    def place(problem: Problem) -> tuple[str, bool, int, str, str]:
        line = problem.line
        return problem.file, line is None, line or 0, problem.column or "", problem.rule

    kinds: dict[tuple[str, str, str | None], list[Problem]] = defaultdict(list)
    for problem in sorted(set(problems), key=place):
        kinds[problem.file, problem.rule, problem.column].append(problem)
    shown: list[Problem] = []
    for (file, rule, column), found in kinds.items():
        shown += found[:SHOWN_PER_KIND]
        if len(found) > SHOWN_PER_KIND:
            text = f"{len(found) - SHOWN_PER_KIND} more like the {SHOWN_PER_KIND} shown."
            shown.append(Problem(file, None, column, rule, text, "Fix those first."))
    return sorted(shown, key=place)


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """A suggestion as a sentence, or nothing when no option is close."""
    known: Sequence[str] = sorted(set(options))
    if len(known) > _MAX_OPTIONS:
        return ""
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean '{close[0]}'?" if close else ""


def shown(identifier: str) -> str:
    """An id as it may stand in a message: quoted, or hidden when it does not look like an id."""
    return f"'{identifier}'" if _SAFE_ID.fullmatch(identifier) else "(an unusual id)"
