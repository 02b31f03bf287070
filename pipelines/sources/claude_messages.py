"""Messages of Claude Code and the Claude Agent SDK, as one session file holds them.

A message is on one line per block of its content, each with the usage as it was then: 9, 80, 159
output tokens are 159, not 248. So of the lines with one message id and request id the one with the
most output counts, and the others are passed over.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from pipelines.sources.agent_sessions import Call, Line, Session, items, member
from pipelines.sources.call_sql import EXCLUSIVE, INCLUSIVE, Totals

TOTALS = Totals(
    EXCLUSIVE, INCLUSIVE, "As the Messages API counts: cache beside the input, reasoning inside."
)

_USED = {
    "reported_input": ("input_tokens", "inputTokens"),
    "cache_read": ("cache_read_input_tokens", "cacheReadInputTokens"),
    "cache_write": ("cache_creation_input_tokens", "cacheCreationInputTokens"),
    "reported_output": ("output_tokens", "outputTokens"),
    "web_searches": ("web_search_requests", "webSearchRequests"),
}
"""What a message, and the result of a run by its AI models, call the same count."""

Numbered = tuple[int, Line]


def read_messages(session: Session) -> None:
    """Fill in the calls of a session from its messages, and the rest that its result tells."""
    messages: dict[str, list[Numbered]] = defaultdict(list)
    for number, line in session.lines.items():
        if line.get("type", "assistant") == "assistant" and member(line, "message", "usage"):
            messages[_identity(line)].append((number, line))
    tools = {
        str(block.get("id")): identity
        for identity, lines in messages.items()
        for _, line in lines
        for block in items(member(line, "message"), "content")
        if block.get("type") == "tool_use"
    }
    by_uuid = {str(line.get("uuid")): line for line in session.lines.values()}
    for identity, lines in messages.items():
        if str(_message(lines[0]).get("model")).startswith("<"):
            session.counters["made_by_client"] += 1
            continue
        number, call = _call(session, identity, lines)
        parent = _parent(lines[0][1], by_uuid)
        call["parent_call_id"] = tools.get(parent or "", parent)
        session.calls.append((number, call))
    _add_rests(session)


def _message(numbered: Numbered) -> Line:
    return member(numbered[1], "message")


def _identity(line: Line) -> str:
    """Message id and request id; a line without a message id stands for itself."""
    message, request = member(line, "message").get("id"), line.get("requestId")
    return ":".join(str(part) for part in (message or line.get("uuid"), request) if part)


def _call(session: Session, identity: str, lines: Sequence[Numbered]) -> tuple[int, Call]:
    number, line = max(lines, key=lambda n: (_count(_used(n[1]), "output_tokens"), n[0]))
    message, used = member(line, "message"), _used(line)
    lifetimes = member(used, "cache_creation")
    times = sorted(str(t) for _, copy in lines if (t := copy.get("timestamp")))
    name = str(message.get("model") or "")
    return number, {
        "native_id": identity,
        "session_id": _session_id(line),
        "provider_request_id": message.get("id"),
        "provider_text": provider(name),
        "served_model": name,
        "tier_text": used.get("speed") if used.get("speed") == "fast" else used.get("service_tier"),
        "started": times[0] if times else _time_near(session, number),
        "ended": times[-1] if len(times) > 1 else None,
        # a session that goes on tells the message again, with lines and output it did not have
        "updated": times[-1] if times else None,
        "cost_text": line.get("costUSD") and str(line["costUSD"]),
        "metadata": {"branch": line.get("gitBranch"), "version": line.get("version")},
        **{ours: used.get(theirs) for ours, (theirs, _) in _USED.items()},
        "cache_write_5m": lifetimes.get("ephemeral_5m_input_tokens"),
        "cache_write_1h": lifetimes.get("ephemeral_1h_input_tokens"),
        "web_searches": member(used, "server_tool_use").get("web_search_requests"),
        "note": "several_iterations" if len(list(items(used, "iterations"))) > 1 else None,
    }


def provider(name: str) -> str:
    """Who serves a Claude by its id: Bedrock and Vertex write ids in their own way."""
    if "anthropic." in name:
        return "aws"
    return "google" if "@" in name else "anthropic"


def _used(line: Line) -> Line:
    return member(line, "message", "usage")


def _count(counts: Line, name: str) -> int:
    """A count for comparing; whether it is a good one is judged later."""
    value = counts.get(name)
    return value if isinstance(value, int) else 0


def _session_id(line: Line) -> object:
    return line.get("sessionId") or line.get("session_id")


def _time_near(session: Session, number: int) -> str | None:
    """The first time after a line, else the last before it: streams often time only some lines."""
    times = [(n, str(t)) for n, line in session.lines.items() if (t := line.get("timestamp"))]
    after = [time for n, time in times if n > number]
    return after[0] if after else times[-1][1] if times else None


def _parent(line: Line, by_uuid: Mapping[str, Line]) -> str | None:
    """What a sub-agent's message was caused by: a tool call, or the nearest message outside."""
    if tool := line.get("parent_tool_use_id"):
        return str(tool)
    if not line.get("isSidechain"):
        return None
    for _ in range(len(by_uuid)):
        outer = by_uuid.get(str(line.get("parentUuid")))
        if outer is None:
            return None
        if not outer.get("isSidechain") and _used(outer):
            return _identity(outer)
        line = outer
    return None


def _add_rests(session: Session) -> None:
    """What the last result of each run says beyond its messages, by AI model.

    The output of a message is a placeholder until it ends, and a stream may leave messages out; the
    result has the sums. Where it has less than the messages, they are kept and the run is counted.
    """
    results = {
        str(_session_id(line)): (number, line)
        for number, line in session.lines.items()
        if line.get("type") == "result"
    }
    summed: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for _, call in session.calls:
        for name in _USED:
            counted = call[name] if isinstance(call[name], int) else 0
            summed[str(call["session_id"]), str(call["served_model"])][name] += int(str(counted))
    for run, (number, line) in results.items():
        for name, used in _by_model(line):
            known = summed[run, name]
            rest = {ours: _count(used, theirs) - known[ours] for ours, (_, theirs) in _USED.items()}
            if min(rest.values()) < 0:
                session.counters["result_below_messages"] += 1
            elif any(rest.values()):
                session.calls.append((number, _rest(session, number, name, rest)))


def _by_model(line: Line) -> Iterator[tuple[str, Line]]:
    for name, used in member(line, "modelUsage").items():
        if isinstance(used, dict):
            yield name, used


def _rest(session: Session, number: int, name: str, rest: Mapping[str, int]) -> Call:
    line = session.lines[number]
    return {
        "native_id": f"{line.get('uuid') or _session_id(line)}:{name}",
        "session_id": _session_id(line),
        "provider_text": provider(name),
        "served_model": name,
        "started": line.get("timestamp") or _time_near(session, number),
        "role": "unknown",
        "note": "rest_of_run",
        **rest,
    }
