"""What a Codex session file repeats of the session it was made from.

A fork or a sub-agent may begin with the history of its parent, written again at the time of the
fork or with the times it had. Its own part begins with the first turn that is younger than the
session: by the time inside the turn's id, else by `started_at`. Where turns have neither, the first
turn that is announced after usage begins it, or else a request that took its time: copies are
written in a burst. All of this is in the file itself; the parent's need not be there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from pipelines.sources.agent_sessions import Line, member

_UUID_7 = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_BURST_MS = 1_000
"""No request is answered so fast, and no two copied lines are so far apart."""
_STARTS = ("task_started", "turn_started")


@dataclass(frozen=True)
class History:
    """Which lines of a file are its parent's."""

    own_from: int = 0
    """The first line of the session's own part."""
    is_guess: bool = False
    """Only the pace of its lines told where the own part begins."""
    born: int | None = None
    ancestors: tuple[tuple[int, str], ...] = ()
    """Sessions that it was made from, with their birth in ms, the youngest first."""
    parent: str | None = None

    def teller(self, time: object) -> str | None:
        """Whose call a copy is that kept its time; None if it was written again with another."""
        at = _moment(time)
        if at is None or self.born is None or at >= self.born:
            return None
        return next((name for born, name in self.ancestors if born <= at), self.parent)


def history_of(lines: Mapping[int, Line]) -> History:
    """What a file repeats, and until where; nothing if it is the file of a session of its own."""
    metas = [line for line in lines.values() if line.get("type") == "session_meta"]
    if not metas:
        return History()
    own = member(metas[0], "payload")
    others = [m for meta in metas if (m := member(meta, "payload")).get("id") != own.get("id")]
    parent = (
        own.get("forked_from_id")
        or member(own, "source", "subagent", "thread_spawn").get("parent_thread_id")
        or own.get("parent_thread_id")
        or (others[0].get("id") if others else None)
    )
    if not parent:
        return History()
    born = _moment(own.get("timestamp")) or _moment(metas[0].get("timestamp"))
    ancestors = sorted(
        ((at, str(meta["id"])) for meta in others if (at := _moment(meta.get("timestamp")))),
        reverse=True,
    )
    own_from, is_guess = _own_part(lines, own, born)
    return History(own_from, is_guess, born, tuple(ancestors), str(parent))


def is_count(line: Line) -> bool:
    """Whether a line says what a request used."""
    return member(line, "payload").get("type") == "token_count"


def _own_part(lines: Mapping[int, Line], own: Line, born: int | None) -> tuple[int, bool]:
    """Where the own part begins, and whether nothing but its pace tells."""
    last_old, has_counts, is_announced = 0, False, False
    for number, line in lines.items():
        payload = member(line, "payload")
        has_counts = has_counts or is_count(line)
        is_start = payload.get("type") in _STARTS
        if _is_before(line, born):
            last_old = number
        elif is_start or line.get("type") == "turn_context":
            is_own = _is_younger(payload, own, born)
            if is_own or (is_own is None and is_start and has_counts and not is_announced):
                return number, False
            last_old = last_old if is_own is None else number
            is_announced = is_announced or is_start
    after = {number: line for number, line in lines.items() if number >= last_old}
    return _paced_part(after), True


def _is_before(line: Line, born: int | None) -> bool:
    at = _moment(line.get("timestamp"))
    return born is not None and at is not None and at < born


def _paced_part(lines: Mapping[int, Line]) -> int:
    pace = 0
    for (_, before), (number, line) in pairwise(lines.items()):
        times = [_moment(one.get("timestamp")) for one in (before, line)]
        pace = max(pace, (times[1] or 0) - (times[0] or times[1] or 0))
        if is_count(line):
            if pace >= _BURST_MS:
                return number
            pace = 0
    return max(lines) + 1


def _is_younger(turn: Line, own: Line, born: int | None) -> bool | None:
    """Whether a turn began after its session was made; None if it does not say when it began."""
    began, made = _time_in(turn.get("turn_id")), _time_in(own.get("id")) or born
    if began is not None and made is not None:
        return began >= made
    started = turn.get("started_at")
    if isinstance(started, int) and born is not None:
        return started >= born // 1000
    return None


def _time_in(text: object) -> int | None:
    """Milliseconds since 1970 inside an id that was made with the time."""
    match = _UUID_7.fullmatch(str(text).lower())
    return int(match[1] + match[2], 16) if match else None


def _moment(text: object) -> int | None:
    """Milliseconds since 1970; None if it is no time."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
