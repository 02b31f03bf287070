"""Results of Claude runs: what a run used beyond its messages, by AI model.

The output of a message is a placeholder until it ends, and a stream may leave messages out; the
result of a run has the sums. `modelUsage` sums since the session began: earlier results are in it,
also those of other files, and `/clear` starts it anew. `model_usage_since_last_result` is the
result's own. What is left of either after the messages is a call of its own, the rest of the run.
"""

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pipelines.sources.agent_sessions import Call, Line, Session, member
from pipelines.sources.claude_messages import provider, session_of, time_near
from pipelines.sources.claude_usage import counted

_SUMS = {
    "reported_input": "inputTokens",
    "cache_read": "cacheReadInputTokens",
    "cache_write": "cacheCreationInputTokens",
    "reported_output": "outputTokens",
    "web_searches": "webSearchRequests",
}
_LIFETIMES = {
    "cache_write_5m": "cacheCreationEphemeral5mInputTokens",
    "cache_write_1h": "cacheCreationEphemeral1hInputTokens",
}
_NAMES = _SUMS | _LIFETIMES
_OWN_USAGE = "model_usage_since_last_result"
_PROVIDERS = {"firstParty": "anthropic", "bedrock": "aws", "vertex": "google", "foundry": "azure"}
_DECORATION = re.compile(r"^.*anthropic[./]|\[[^]]*\]$|-v\d+(:\d+)?$|[@-]\d{8}$")

Sums = Mapping[str, int]
Usage = Mapping[str, Sums]
"""Counts by our names, by AI model as the result names it."""


@dataclass
class _Ledger:
    """What the results of a run have told so far, and what its calls have, by AI model."""

    told: dict[str, Sums] = field(default_factory=dict)
    spent: dict[str, Sums] = field(default_factory=dict)
    messages: dict[str, tuple[str, Sums]] = field(default_factory=dict)
    served: dict[str, set[tuple[object, object]]] = field(default_factory=lambda: defaultdict(set))
    """Tiers and geographies of the messages of an AI model."""

    def count(self, call: Call) -> None:
        """Count a message; one that a later file tells again is the same."""
        identity, name = str(call["native_id"]), _plain(str(call["served_model"]))
        used = {ours: counted(call, ours) for ours in _NAMES}
        known_as, known = self.messages.get(identity, (name, {}))
        self.spent[known_as] = _sum(self.spent.get(known_as, {}), known, -1)
        self.spent[name] = _sum(self.spent.get(name, {}), used)
        self.messages[identity] = (name, used)
        self.served[name].add((call.get("tier_text"), call.get("geo_text")))

    def rest(self, name: str) -> Sums:
        """What results tell of an AI model beyond its calls."""
        return _sum(self.told.get(name, {}), self.spent.get(name, {}), -1)


@dataclass
class Runs:
    """The results of a session, whose files are read in the order of time."""

    ledgers: dict[str, _Ledger] = field(default_factory=lambda: defaultdict(_Ledger))
    sums: dict[str, Usage] = field(default_factory=dict)
    """The `modelUsage` of each session's last result."""
    made: dict[str, list[Call]] = field(default_factory=dict)
    """The rests of each result: another file may tell it again."""
    waiting: deque[tuple[int, Call]] = field(default_factory=deque)
    """Calls of earlier files that no result has followed yet."""

    def add_rests(self, session: Session) -> None:
        """Add what the results of a file tell beyond its messages to the calls of the file.

        Where they tell less than the messages, the messages are kept and the run is counted.
        """
        results = list(_results(session))
        own = {run for _, run, line in results if _is_own(line)}
        # such a run says nothing of what was before it
        ledgers = {run: _Ledger() if run in own else self.ledgers[run] for _, run, _ in results}
        before, told = self.waiting, deque(sorted(session.calls, key=_number))
        for number, run, _ in results:
            while before:
                self._count(before.popleft()[1], {})
            while told and told[0][0] < number:
                self._count(told.popleft()[1], ledgers)
            session.calls += [(number, r) for r in self._rests(session, number, run, ledgers[run])]
        if results:
            while told:
                self._count(told.popleft()[1], ledgers)
        self.waiting += told
        session.counters["result_below_messages"] += sum(
            min(_billed(ledger.rest(name))) < 0
            for ledger in ledgers.values()
            for name in ledger.told
        )

    def _count(self, call: Call, ledgers: Mapping[str, _Ledger]) -> None:
        run = str(call["session_id"])
        (ledgers.get(run) or self.ledgers[run]).count(call)

    def _rests(self, session: Session, number: int, run: str, ledger: _Ledger) -> list[Call]:
        line = session.lines[number]
        at = line.get("timestamp") or time_near(session, number)
        result = str(line.get("uuid") or f"{run}:{at}")
        if result not in self.made:
            usage = self._usage(run, line)
            names: dict[str, str] = {}
            for name, used in usage.items():
                plain = _plain(name)
                names.setdefault(plain, name)
                ledger.told[plain] = _sum(ledger.told.get(plain, {}), used)
            common: Call = {"session_id": run, "started": at}
            self.made[result] = [
                {**common, **rest, "native_id": f"{result}:{name}", "served_model": name}
                for plain, name in names.items()
                if (rest := _rest(ledger, plain, _model(line, name), name))
            ]
        return self.made[result]

    def _usage(self, run: str, line: Line) -> Usage:
        """What a result tells that no earlier one of its session has told."""
        summed = _by_model(member(line, "modelUsage"))
        before = self.sums.get(run, {})
        # the result of a crash tells nothing, and is not the start of new sums
        if any(sum(used.values()) for used in summed.values()):
            self.sums[run] = summed
        if _is_own(line):
            return _by_model(member(line, _OWN_USAGE))
        grown = {name: _sum(used, before.get(name, {}), -1) for name, used in summed.items()}
        is_started_anew = not before.keys() <= summed.keys() or any(
            min(_billed(used)) < 0 for used in grown.values()
        )
        return summed if is_started_anew else grown


def _number(numbered: tuple[int, Call]) -> int:
    return numbered[0]


def _results(session: Session) -> Iterator[tuple[int, str, Line]]:
    for number, line in session.lines.items():
        if line.get("type") == "result":
            yield number, str(session_of(line)), line


def _is_own(line: Line) -> bool:
    return isinstance(line.get(_OWN_USAGE), dict)


def _by_model(usage: Line) -> Usage:
    return {
        name: {ours: counted(used, theirs) for ours, theirs in _NAMES.items() if theirs in used}
        for name, used in usage.items()
        if isinstance(used, dict)
    }


def _model(line: Line, name: str) -> Line:
    return member(line, _OWN_USAGE, name) or member(line, "modelUsage", name)


def _rest(ledger: _Ledger, plain: str, told: Line, name: str) -> Call | None:
    """What is left of an AI model, which is then spent; None if nothing is, or less than that."""
    rest = ledger.rest(plain)
    if min(_billed(rest)) < 0 or not any(_billed(rest)):
        return None
    ledger.spent[plain] = _sum(ledger.spent.get(plain, {}), rest)
    # the messages that it completes were served alike
    served = ledger.served[plain]
    tier, geo = next(iter(served)) if len(served) == 1 else (None, None)
    return {
        "provider_text": _PROVIDERS.get(str(told.get("provider")), provider(name)),
        "tier_text": tier,
        "geo_text": geo,
        "role": "unknown",
        # it may have no input, and be of several calls
        "operation": "other",
        "note": "rest_of_run",
        **{ours: rest.get(ours, 0) for ours in _SUMS},
        **_lifetimes(rest, told),
    }


def _lifetimes(rest: Sums, told: Line) -> Sums:
    """What is known of the lifetimes of the cache writes: answers that say none are in neither."""
    split = {ours: rest.get(ours, 0) for ours, theirs in _LIFETIMES.items() if theirs in told}
    if min(split.values(), default=-1) < 0:
        return {}
    if sum(split.values()) == rest.get("cache_write", 0):
        return split
    some = {ours: count for ours, count in split.items() if count}
    return some if len(some) == 1 else {}


def _billed(used: Sums) -> list[int]:
    return [used.get(ours, 0) for ours in _SUMS]


def _sum(left: Sums, right: Sums, sign: int = 1) -> Sums:
    return {name: left.get(name, 0) + sign * right.get(name, 0) for name in {**left, **right}}


def _plain(name: str) -> str:
    """A model id without what clients and clouds put around it: a result may name it otherwise."""
    while (bare := _DECORATION.sub("", name)) != name:
        name = bare
    return name
