"""`everycent explain`: from a call, a cost line or a statement back to where it is from."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.commands import terminal
from pipelines.commands.explain_call import explain_calls, show_call
from pipelines.commands.explain_line import explain_line, show_line
from pipelines.commands.explain_statement import (
    StatementExplanation,
    explain_statement,
    show_statement,
)
from pipelines.commands.guard import UserError
from pipelines.commands.program import near, program
from pipelines.commands.published import opened
from pipelines.commands.terminal import safe, say
from pipelines.commands.views import Views
from pipelines.workspace import Workspace, load_workspace

_STATEMENT = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2]))/([^/]+)/([^/]+)", re.ASCII)
_COST_LINE = re.compile(r"[0-9a-f]{32}", re.ASCII)
_FORMS = (
    "Give a call id (or the gateway's or provider's id of the request), a cost line id (32 hex "
    "digits, in fct_cost_lines), or a line of a statement as PERIOD/ISSUER/COST-CENTRE-OR-CAUSE, "
    "such as 2026-09/openai/unallocated."
)


def explain_command(identity: str, folder: Path, *, as_json: bool) -> None:
    """Explain what an id stands for."""
    workspace = load_workspace(folder)
    with opened(workspace) as data:
        found, show = _explained(Views(workspace, data), identity)
    if as_json:
        terminal.say_json(found)
        return
    for explanation in found:
        show(explanation)
        if isinstance(explanation, StatementExplanation):
            _show_next(explanation, workspace)


def _show_next(statement: StatementExplanation, workspace: Workspace) -> None:
    """Say how to go on from a statement: with its largest cost line."""
    ids = [cost["cost_line_id"] for line in statement.lines for cost in line.lines]
    if ids:
        place = shlex.quote(near(workspace.root))
        say(f"Go on with:  {safe(program())} explain {ids[0]} {safe(place)}")


def _explained(views: Views, identity: str) -> tuple[Sequence[Any], Any]:
    if statement := _STATEMENT.fullmatch(identity):
        return [explain_statement(views, *statement.groups())], show_statement
    if _COST_LINE.fullmatch(identity) and (line := explain_line(views, identity)):
        return [line], show_line
    calls = explain_calls(views, identity)
    if not calls:
        raise UserError(f"Nothing has the id {identity!r}. {_FORMS}")
    return calls, show_call
