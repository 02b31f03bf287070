"""Claude Agent SDK and `claude -p` streams: one JSON message per line, with a result at the end.

A line must carry the time at which it was received, as `timestamp`: older streams have none, and a
call without a time has no day. Output tokens of a message are a placeholder until it ends, so what
the result has beyond the messages is a call of its own, the rest of the run. Its `modelUsage` sums
since the session began: files of one session are read together, and a result is what it has beyond
earlier ones, or what `model_usage_since_last_result` says. Passes beside a message (an advisor, a
compaction) are calls of their own. Messages of sub-agents name the tool call that started them.
Contents are never kept.

Export:
    1. Where your program receives messages, write each as a line of JSON and add the time:
       `{**message, "timestamp": now}`. For `claude -p --output-format stream-json` pipe through
       `jq -c '. + {timestamp: (now | todate)}'`.
    2. Leave contents out if you can: they are not needed.
    3. Bring the file of a finished run into `location`, with the result as its last line, and leave
       it there while its session may be resumed.

Settings:
    - source: agents
      kind: claude_agent_sdk
      location: inbox/agents

Reads:
    `type`, `timestamp`, `session_id`, `uuid`, `parent_tool_use_id`, `message.id`, `message.model`,
    `message.stop_reason`, `message.usage` with its `iterations`, the ids of tool calls, and of the
    result `modelUsage` and `model_usage_since_last_result`.

Never read:
    Prompts, answers, thoughts, tool inputs and results.

Traps:
    - Without `timestamp` on its lines a file is set aside whole.
    - The result's cost is an estimate and not read.
    - A run that was cut off has no result: what its messages say of their output is an estimate,
      and unknown where it is the placeholder.
    - The sums of a session made by `--fork-session` begin with those of the session it was made
      from. Only `model_usage_since_last_result` tells them apart; releases without it count them
      again.
    - One damaged file holds up the other files of its session.
"""

import gzip
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence

from models.facts import Fact
from models.vocabulary import Delivery
from pipelines.sources.agent_sessions import SUFFIXES, Session, agent_format, read_sessions
from pipelines.sources.base import DeliveryUnit, FoundFile, ReadContext, Reading, Source
from pipelines.sources.claude_messages import read_messages
from pipelines.sources.claude_results import Runs
from pipelines.sources.claude_usage import TOTALS

_FORMAT = agent_format("claude_agent_sdk", TOTALS)
_HEAD_BYTES = 64 * 2**10
_SESSION = re.compile(rb'"session_?[iI]d"\s*:\s*"([^"]+)"')
_TIME = re.compile(rb'"timestamp"\s*:\s*"([^"]+)"')


def _by_session(files: Sequence[FoundFile]) -> Iterator[DeliveryUnit]:
    """Files of one session together, in the order of time: the sums began in the first."""
    sessions: dict[str, list[tuple[str, FoundFile]]] = defaultdict(list)
    for found in sorted(files, key=lambda f: f.name):
        head = _head(found)
        session = _SESSION.search(head)
        time = _TIME.search(head)
        name = session[1].decode(errors="replace") if session else f"file {found.name}"
        sessions[name].append((time[1].decode(errors="replace") if time else "", found))
    for told in sessions.values():
        told.sort(key=lambda one: (one[0], one[1].name))
        yield DeliveryUnit(told[0][1].name, tuple(found for _, found in told))


def _head(found: FoundFile) -> bytes:
    try:
        opened = gzip.open if found.name.lower().endswith(".gz") else open
        with opened(found.path, "rb") as file:
            return bytes(file.read(_HEAD_BYTES))
    except (OSError, EOFError, zlib.error):
        return b""  # reading it will tell


def _read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    runs = Runs()

    def read(session: Session) -> None:
        read_messages(session)
        runs.add_rests(session)

    return read_sessions(unit, context, _FORMAT, read)


SOURCE = Source(
    name="claude_agent_sdk",
    summary="Claude Agent SDK: streamed messages and results, one per line.",
    facts=(Fact.CALLS,),
    delivery=Delivery.EVENTS,
    money_unit="none",
    token_rules=_FORMAT.token_rules(),
    proof="real files",
    suffixes=SUFFIXES,
    layout=_by_session,
    read=_read,
)
