"""Codex session files: JSON lines in which `token_count` events tell what each turn used.

An event holds the last request's usage and the sum of the session so far. The former are summed,
the latter never: they only show which events repeat an earlier one. The AI model may be named on a
`turn_context` line before, the price level by the settings in force, and the session on
`session_meta`. Cached and cache-writing tokens are inside the input, reasoning inside the output.
A compaction that no event counts is a call of its own. Instructions, prompts, answers and commands
are never kept.

A fork or a sub-agent repeats the history of the session it was made from, often with new times.
Such copies are passed over and counted; those that kept their times are calls of that session.

Export:
    1. Bring the files below `~/.codex/sessions/` into `location`, with their names: the name is the
       session's id where the file has none. Bring those of the sessions that forks were made from,
       too: a copy with a new time does not stand for its original.
    2. A session that goes on may come again: events that were there before count once.

Settings:
    - source: codex
      kind: codex_sessions
      location: inbox/codex
      task_key: branch

Reads:
    `type` and `timestamp` of a line; of `session_meta` id, time, branch, provider, version and the
    session it was made from; of `turn_context` and `thread_settings_applied` AI model and service
    tier; ids and starts of turns; of `token_count` events `last_token_usage`, `total_token_usage`
    and service tier; of compactions the id and usage of their response.

Never read:
    Instructions, prompts, answers, reasoning, commands and their output, and paths.

Traps:
    - There is no money in it; with a subscription there is none per call.
    - Nobody is named: owners go by feed, provider and branch. Use a feed per team.
    - Where turns tell neither id nor start, only the pace of its lines shows where a fork's own
      part begins; `replay_told_by_pace` counts what was passed over for it.
    - The tier is the one that was asked for; the provider may have served another.
    - A file above 64 MiB is refused: no session is that long.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
from pipelines.sources.codex_compactions import RECORD, compactions_of
from pipelines.sources.codex_replay import History, history_of, is_count

_FORMAT = agent_format(
    "codex_session",
    Totals(INCLUSIVE, INCLUSIVE, "As OpenAI counts; the totals of the session are sums so far."),
)
_COUNTS = {
    "reported_input": "input_tokens",
    "cache_read": "cached_input_tokens",
    "cache_write": "cache_write_input_tokens",
    "reported_output": "output_tokens",
    "reasoning": "reasoning_output_tokens",
    "reported_total": "total_tokens",
}


_TIERS = {"fast": "priority"}
"""What Codex calls a tier otherwise than OpenAI's bill."""
_READ = ("session_meta", "turn_context", "response_item", RECORD)
"""Lines whose usage is read, told again by an event, or a limit."""


@dataclass
class _Rollout:
    """What is known at a line of a session file."""

    session: Session
    history: History
    compactions: set[int]
    about: dict[str, object]
    before: Line = field(default_factory=dict)
    """The sums of the session so far."""

    def read(self, number: int, line: Line) -> None:
        """Take in a line."""
        payload = member(line, "payload")
        kind = line.get("type")
        if kind == "session_meta":
            self._introduce(payload)
        elif kind == "turn_context":
            self.about["model_id"] = payload.get("model")
            self._set_tier(payload)
        elif payload.get("type") == "thread_settings_applied":
            self._set_tier(member(payload, "thread_settings"))
        elif is_count(line):
            self._count(number, line, payload)
        elif number in self.compactions and (teller := self._teller(number, line)):
            response = payload.get("response_id")
            call = self._call(line, member(payload, "usage"), teller, payload)
            ids: Call = {"native_id": response, "provider_request_id": response}
            self.session.calls.append((number, {**call, **ids, "role": "router"}))

    def _introduce(self, payload: Line) -> None:
        # the parent's is among what a fork repeats
        if payload.get("id") in (None, self.about.get("id")) or "version" not in self.about:
            self.about |= {
                "id": payload.get("id") or self.about["id"],
                "branch": member(payload, "git").get("branch"),
                "provider": payload.get("model_provider"),
                "version": payload.get("cli_version"),
            }

    def _set_tier(self, settings: Line) -> None:
        """A setting holds until the next; one that is not said stays."""
        if "service_tier" in settings:
            self.about["tier"] = settings["service_tier"]

    def _count(self, number: int, line: Line, payload: Line) -> None:
        information = member(payload, "info")
        summed = member(information, "total_token_usage")
        used = _used(information, self.before)
        if summed and summed == self.before:
            self.session.counters["repeated_event"] += 1
        elif used and (teller := self._teller(number, line)):
            call = self._call(line, used, teller, payload)
            # the sum so far tells two events of one moment apart, however the file grows
            call["native_id"] = f"{teller}:{line.get('timestamp')}:{summed.get('total_tokens')}"
            call["served_model"] = information.get("model") or call["served_model"]
            if used is not member(information, "last_token_usage") and not self.before:
                call |= self._first_sum()
            self.session.calls.append((number, call))
        self.before = summed or self.before

    def _first_sum(self) -> Call:
        """The first sum of a fork may hold what its parent used."""
        return {"open": "true", "note": "first_sum_of_a_fork"} if self.history.parent else {}

    def _call(
        self, line: Line, used: Mapping[str, object], teller: object, payload: Line
    ) -> dict[str, object]:
        tier = payload.get("service_tier") or self.about.get("tier")
        return {
            "session_id": teller,
            "provider_text": self.about.get("provider") or "openai",
            "served_model": self.about.get("model_id"),
            "tier_text": _TIERS.get(str(tier), tier),
            "started": line.get("timestamp"),
            "metadata": {name: self.about.get(name) for name in ("branch", "version")},
            **{ours: used.get(theirs) for ours, theirs in _COUNTS.items()},
        }

    def _teller(self, number: int, line: Line) -> object:
        """Whose session tells a request; None if it is a copy that no longer has its time."""
        if number >= self.history.own_from:
            return self.about["id"]
        if teller := self.history.teller(line.get("timestamp")):
            return teller
        self.session.counters["replayed_event"] += 1
        self.session.counters["replay_told_by_pace"] += self.history.is_guess
        return None


def _read_session(session: Session) -> None:
    name = PurePosixPath(session.name).name.split(".")[0]
    lines = session.lines
    rollout = _Rollout(session, history_of(lines), compactions_of(lines), {"id": name})
    for number, line in lines.items():
        rollout.read(number, line)
    session.set_aside_unread(_is_read)


def _is_read(line: Line) -> bool:
    return is_count(line) or line.get("type") in _READ


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
