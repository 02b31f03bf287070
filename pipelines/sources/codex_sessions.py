"""Codex session files: JSON lines in which `token_count` events tell what each turn used.

An event holds the last request's usage and the sum of the session so far. The former are summed,
the latter never: they only show which events repeat an earlier one. The AI model may be named on a
`turn_context` line before, and the session on `session_meta`. Cached tokens are inside the input,
reasoning is inside the output. Instructions, prompts, answers and commands are never kept.

Export:
    1. Bring the files below `~/.codex/sessions/` into `location`, with their names: the name is the
       session's id where the file has none.
    2. A session that goes on may come again: events that were there before count once.

Settings:
    - source: codex
      kind: codex_sessions
      location: inbox/codex
      task_key: branch

Reads:
    `type` and `timestamp` of a line; of `session_meta` id, branch, provider and version; of
    `turn_context` the AI model; of `token_count` events `last_token_usage` and
    `total_token_usage`.

Never read:
    Instructions, prompts, answers, reasoning, commands and their output, and paths.

Traps:
    - There is no money in it; with a subscription there is none per call.
    - Nobody is named: owners go by feed, provider and branch. Use a feed per team.
    - A file above 64 MiB is refused: no session is that long.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath

from models.facts import Fact
from models.vocabulary import Delivery
from pipelines.sources.agent_sessions import (
    SUFFIXES,
    Call,
    Line,
    Session,
    agent_format,
    member,
    read_sessions,
)
from pipelines.sources.base import DeliveryUnit, ReadContext, Reading, Source
from pipelines.sources.call_sql import INCLUSIVE, Totals

_FORMAT = agent_format(
    "codex_session",
    Totals(INCLUSIVE, INCLUSIVE, "As OpenAI counts; the totals of the session are sums so far."),
)
_COUNTS = {
    "reported_input": "input_tokens",
    "cache_read": "cached_input_tokens",
    "reported_output": "output_tokens",
    "reasoning": "reasoning_output_tokens",
    "reported_total": "total_tokens",
}


def _read_session(session: Session) -> None:
    about: dict[str, object] = {"id": PurePosixPath(session.name).name.split(".")[0]}
    before: Line = {}
    for number, line in session.lines.items():
        payload = member(line, "payload")
        kind = line.get("type")
        if kind == "session_meta":
            branch = member(payload, "git").get("branch")
            about |= {"id": payload.get("id") or about["id"], "branch": branch}
            about |= {"provider": payload.get("model_provider")}
            about |= {"version": payload.get("cli_version")}
        elif kind == "turn_context":
            about["model_id"] = payload.get("model")
        elif payload.get("type") == "token_count":
            information = member(payload, "info")
            summed = member(information, "total_token_usage")
            used = _used(information, before)
            if summed and summed == before:
                session.counters["repeated_event"] += 1
            elif used:
                session.calls.append((number, _call(line, information, about, used)))
            before = summed or before


def _used(information: Line, before: Line) -> Mapping[str, object]:
    """What the last request used; told by itself, or as the growth of the session's sums."""
    if last := member(information, "last_token_usage"):
        return last
    summed = member(information, "total_token_usage")
    return {
        name: count - earlier
        for name, count in summed.items()
        if isinstance(count, int) and isinstance(earlier := before.get(name, 0), int)
    }


def _call(
    line: Line, information: Line, about: Mapping[str, object], used: Mapping[str, object]
) -> Call:
    summed = member(information, "total_token_usage").get("total_tokens")
    return {
        # the sum so far tells two events of one moment apart, however the file grows
        "native_id": f"{about['id']}:{line.get('timestamp')}:{summed}",
        "session_id": about["id"],
        "provider_text": about.get("provider") or "openai",
        "served_model": information.get("model") or about.get("model_id"),
        "started": line.get("timestamp"),
        "metadata": {"branch": about.get("branch"), "version": about.get("version")},
        **{ours: used.get(theirs) for ours, theirs in _COUNTS.items()},
    }


def _read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    return read_sessions(unit, context, _FORMAT, _read_session)


SOURCE = Source(
    name="codex_sessions",
    summary="Codex session files: what each turn used.",
    facts=(Fact.CALLS,),
    delivery=Delivery.EVENTS,
    money_unit="none",
    token_rules=_FORMAT.token_rules(),
    proof="constructed files",
    suffixes=SUFFIXES,
    read=_read,
)
