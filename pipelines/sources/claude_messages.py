"""Messages of Claude Code and the Claude Agent SDK, as one session file holds them.

A message is on one line per block of its content, each with the usage as it was then: 9, 80, 159
output tokens are 159, not 248. So of the lines with one message id and request id the one with the
most output counts, and the others are passed over. A sub-agent's message may also lie inside a line
of progress. Passes beside a message are calls of their own.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from pipelines.sources.agent_sessions import Call, Line, Session, items, member
from pipelines.sources.claude_usage import Pass, counted, counts, passes_beside, tier

Numbered = tuple[int, Line]

PLACEHOLDER_TOKENS = 1
"""What a message says of its output when it begins."""

_READ = ("assistant", "progress", "result", "user", "system", "stream_event", "attachment")
"""Lines that tell messages and results, or repeat what these tell."""


def read_messages(session: Session) -> None:
    """Fill in the calls of a session from its messages."""
    messages: dict[str, list[Numbered]] = defaultdict(list)
    for number, line in session.lines.items():
        if (told := _told(line)) and _is_call(member(told, "message")):
            messages[_identity(told)].append((number, told))
    by_uuid = _by_uuid(session)
    ended = {session_of(r) for r in session.lines.values() if r.get("type") == "result"}
    callers = {identity: _parent(lines[0][1], by_uuid) for identity, lines in messages.items()}
    tools = _tools(messages) if any(callers.values()) else {}
    for identity, lines in messages.items():
        if str(_message(lines[0]).get("model")).startswith("<"):
            session.counters["made_by_client"] += 1
            continue
        parent = callers[identity]
        session.calls += _calls(session, identity, tools.get(parent or "", parent), lines, ended)
    session.set_aside_unread(_is_read)


def _by_uuid(session: Session) -> Mapping[str, Line]:
    """Lines by their id, where a sub-agent's may name one of them."""
    lines = session.lines.values()
    if not any(line.get("isSidechain") for line in lines):
        return {}
    return {str(line.get("uuid")): line for line in lines}


def _tools(messages: Mapping[str, Sequence[Numbered]]) -> Mapping[str, str]:
    """The messages that called tools, by the id of the call."""
    return {
        str(block.get("id")): identity
        for identity, lines in messages.items()
        for _, line in lines
        for block in items(member(line, "message"), "content")
        if block.get("type") == "tool_use"
    }


def _told(line: Line) -> Line | None:
    """A line that tells a message; of a line of progress the sub-agent's message inside it."""
    kind = line.get("type", "assistant")
    if kind == "progress" and (inner := member(line, "data", "message")).get("type") == "assistant":
        return {
            "sessionId": line.get("sessionId"),
            "gitBranch": line.get("gitBranch"),
            "version": line.get("version"),
            "parent_tool_use_id": line.get("parentToolUseID"),
            "progressAt": line.get("timestamp"),
            **inner,
        }
    return line if kind == "assistant" else None


def _is_call(message: Line) -> bool:
    return bool(message.get("usage") or message.get("model"))


def _is_read(line: Line) -> bool:
    """Whether a line's usage is read, here or by who reads the file besides."""
    if "type" in line:
        return line["type"] in _READ
    return "resourceLogs" in line or _is_call(member(line, "message"))


def _message(numbered: Numbered) -> Line:
    return member(numbered[1], "message")


def _identity(line: Line) -> str:
    """Message id and request id; a line without a message id stands for itself."""
    message, request = member(line, "message").get("id"), line.get("requestId")
    return ":".join(str(part) for part in (message or line.get("uuid"), request) if part)


def _calls(
    session: Session,
    identity: str,
    caller: str | None,
    lines: Sequence[Numbered],
    ended: set[object],
) -> Iterator[tuple[int, Call]]:
    """The call of a message, and those of the passes beside it."""
    number, line = max(lines, key=_completeness)
    message, used = member(line, "message"), _used(line)
    times = sorted(str(t) for _, copy in lines if (t := copy.get("timestamp")))
    started = times[0] if times else line.get("progressAt") or time_near(session, number)
    name = str(message.get("model") or "")
    beside, note = passes_beside(used)
    common: Call = {
        "session_id": session_of(line),
        "geo_text": used.get("inference_geo"),
        "started": started,
        # a session that goes on tells the message again, with lines and output it did not have
        "updated": times[-1] if times else None,
        "metadata": {"branch": line.get("gitBranch"), "version": line.get("version")},
    }
    call: Call = {
        **common,
        "native_id": identity,
        "parent_call_id": caller,
        "provider_request_id": message.get("id"),
        "provider_text": provider(name),
        "served_model": name,
        "tier_text": tier(used),
        "ended": times[-1] if len(times) > 1 else None,
        "cost_text": line.get("costUSD") and str(line["costUSD"]),
        "note": note,
        **counts(used),
    }
    # the result of a run has what its messages had not yet counted
    if common["session_id"] not in ended and _is_open(lines):
        call |= {"open": "true", "note": note or "answer_without_end"}
        if counted(used, "output_tokens") <= PLACEHOLDER_TOKENS:
            call["reported_output"] = None
    yield number, call
    for one in beside:
        yield number, {**common, **_pass(identity, name, used, one)}


def _completeness(numbered: Numbered) -> tuple[bool, int, int]:
    line = numbered[1]
    return (
        bool(member(line, "message").get("stop_reason")),
        counted(_used(line), "output_tokens"),
        numbered[0],
    )


def _is_open(lines: Sequence[Numbered]) -> bool:
    """Whether every line says that the message had not ended; one that says nothing may have."""
    return all(_message(line).get("stop_reason", "unsaid") is None for line in lines)


def _pass(identity: str, name: str, used: Line, one: Pass) -> Call:
    model_name = str(one.used.get("model") or name)
    return {
        "native_id": f"{identity}:{one.name}",
        "parent_call_id": identity,
        "provider_text": provider(model_name),
        "served_model": model_name,
        # another AI model has no fast mode of this one
        "tier_text": tier(used) if model_name == name else used.get("service_tier"),
        "role": one.role,
        **counts(one.used),
    }


def provider(name: str) -> str:
    """Who serves a Claude by its id: Bedrock and Vertex write ids in their own way."""
    if "anthropic." in name:
        return "aws"
    return "google" if "@" in name else "anthropic"


def _used(line: Line) -> Line:
    return member(line, "message", "usage")


def session_of(line: Line) -> object:
    """The session that made the request: a copy in a session made from it still names it."""
    return (
        line.get("requestSessionId")
        or member(line, "forkedFrom").get("sessionId")
        or line.get("sessionId")
        or line.get("session_id")
    )


def time_near(session: Session, number: int) -> str | None:
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
