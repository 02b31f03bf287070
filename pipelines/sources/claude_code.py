"""Claude Code: transcripts of sessions, or its OpenTelemetry events as OTLP/JSON lines.

Both tell the same calls under different ids: give each a feed of its own and count one of them
(`is_system_of_record: false` for the other). A transcript may come again when its session went on:
of an answer that was still being written the copy with the latest line counts. A session that is
forked or resumed tells its earlier messages again: they count once, in the session that asked.

Beside a message may stand passes of their own, an advisor of another AI model or a compaction: each
is a call, with the message as its parent. So is a sub-agent's message inside a line of progress.

`costUSD` and `cost_usd` are estimates at list price, and with a subscription no money at all. The
task may be the branch (`task_key: branch`), or of events any attribute. Prompts, answers, paths and
error texts are never kept.

Export:
    1. Events, for a whole company: set `CLAUDE_CODE_ENABLE_TELEMETRY=1` and
       `OTEL_LOGS_EXPORTER=otlp` in the managed settings, send them to a collector, and let its
       `file` exporter write JSON. Bring the rotated files into `location`.
    2. Transcripts, for one machine or a build server: bring finished sessions of
       `~/.claude/projects/<project>/<session>.jsonl` into `location`.
    3. Choose one of the two; or a feed for each, one with `is_system_of_record: false`.

Settings:
    - source: claude_code
      kind: claude_code
      location: inbox/claude_code
      task_key: branch                  # of transcripts; of events any attribute

Reads:
    Of a transcript's lines `type`, `message.id`, `message.model`, `message.stop_reason`,
    `message.usage` with its `iterations`, the ids of tool calls, `requestId`, `uuid`, `parentUuid`,
    `isSidechain`, `sessionId`, `requestSessionId`, `forkedFrom.sessionId`, `timestamp`, `costUSD`,
    `gitBranch` and `version`, also where they lie in a line of progress; of the events
    `api_request` and `api_error` AI model, counts, cost, duration, session, account (as a
    pseudonym), organization, attempt, status, and the attributes in `tag_keys` and `task_key`.

Never read:
    Prompts, answers, thoughts, tool inputs and results, paths, and error texts.

Traps:
    - A message is on one line per block, each with the usage so far: the last counts, never the
      sum.
    - Messages that the client made up itself (`<synthetic>`) are no calls.
    - A message whose every line says that it had not ended (`stop_reason: null`) was cut off: its
      output is an estimate, and unknown where it is the placeholder of one token.
    - A line that tells usage and is none of these, such as exported metrics, is set aside
      (`unread_usage`); events of other names that tell usage are counted (`unread_event`).
    - For API customers the same use is on Anthropic's bill: the calls say who, the bill says how
      much.
    - A file above 64 MiB is refused: no session is that long.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from models.facts import Fact
from models.vocabulary import Delivery
from pipelines.sources.agent_sessions import (
    SUFFIXES,
    Call,
    Line,
    Session,
    agent_format,
    items,
    member,
    read_sessions,
)
from pipelines.sources.base import DeliveryUnit, ReadContext, Reading, Source
from pipelines.sources.claude_messages import provider, read_messages
from pipelines.sources.claude_results import Runs
from pipelines.sources.claude_usage import TOTALS

_FORMAT = agent_format("claude_code", TOTALS)
_EVENTS = ("api_request", "api_error")
_COUNTS = {
    "reported_input": "input_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_creation_tokens",
    "reported_output": "output_tokens",
}
_TELLING = {*_COUNTS.values(), "cost_usd"}
"""What an event says of usage."""


def _read_file(session: Session) -> None:
    read_messages(session)
    Runs().add_rests(session)
    for number, line in session.lines.items():
        for event in _events(line):
            if event["event.name"] in _EVENTS:
                session.calls.append((number, _call(event)))
            elif not _TELLING.isdisjoint(event):
                session.counters["unread_event"] += 1


def _events(line: Line) -> Iterator[dict[str, str]]:
    """Attributes of every event, those of its resource included, as texts."""
    for resource in items(line, "resourceLogs"):
        around = _attributes(member(resource, "resource"))
        for scope in items(resource, "scopeLogs"):
            for record in items(scope, "logRecords"):
                attributes = around | _attributes(record)
                name = attributes.get("event.name") or str(
                    member(record, "body").get("stringValue")
                )
                yield attributes | {"event.name": name.removeprefix("claude_code.")}


def _attributes(holder: Line) -> dict[str, str]:
    """Attributes by name; a nested value is none."""
    found = {
        str(a.get("key")): list(member(a, "value").values()) for a in items(holder, "attributes")
    }
    return {
        key: str(values[0])
        for key, values in found.items()
        if len(values) == 1 and isinstance(values[0], str | int | Decimal)
    }


def _call(event: dict[str, str]) -> Call:
    name = event.get("model", "")
    ended = event.get("event.timestamp")
    is_error = event["event.name"] == "api_error"
    attempt = event.get("attempt", "")
    return {
        "native_id": event.get("request_id") or _own_id(event),
        "session_id": event.get("session.id"),
        "provider_text": provider(name),
        "served_model": name or None,
        "user_id": event.get("user.account_uuid") or event.get("user.id"),
        "org_id": event.get("organization.id"),
        "started": _started(ended, event.get("duration_ms", "")),
        "ended": ended,
        "attempt": attempt or None,
        "tier_text": "fast" if event.get("speed") == "fast" else None,
        "cost_text": event.get("cost_usd"),
        "http_text": event.get("status_code") if is_error else None,
        # the text of an error may hold anything
        "error_text": "api_error" if is_error else None,
        "metadata": event,
        **{ours: event.get(theirs) for ours, theirs in _COUNTS.items()},
    }


def _own_id(event: dict[str, str]) -> str | None:
    """An id for an event without one: session, moment and place in the session."""
    if not event.get("session.id") or not event.get("event.timestamp"):
        return None
    names = ("session.id", "event.timestamp", "event.sequence", "event.name", "model", "attempt")
    told = "|".join(event.get(name, "") for name in names)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _started(ended: str | None, milliseconds: str) -> str | None:
    """An event comes when the call ends; null if that is no time."""
    try:
        end = datetime.fromisoformat(ended or "")
        return (end - timedelta(milliseconds=int(milliseconds or 0))).isoformat()
    except (ValueError, OverflowError):
        return ended


def _read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    return read_sessions(unit, context, _FORMAT, _read_file)


SOURCE = Source(
    name="claude_code",
    summary="Claude Code: session transcripts, or OpenTelemetry events (OTLP/JSON lines).",
    facts=(Fact.CALLS,),
    delivery=Delivery.EVENTS,
    money_unit="dollars, an estimate",
    token_rules=_FORMAT.token_rules(),
    proof="constructed files",
    suffixes=SUFFIXES,
    read=_read,
)
