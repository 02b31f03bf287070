"""Claude Agent SDK and `claude -p` streams: one JSON message per line, with a result at the end.

A line must carry the time at which it was received, as `timestamp`: the stream itself has none, and
a call without a time has no day. Output tokens of a message are a placeholder until it ends, so
what the result's `modelUsage` has beyond the messages is a call of its own, the rest of the run.
Messages of sub-agents name the tool call that started them. Contents are never kept.

Export:
    1. Where your program receives messages, write each as a line of JSON and add the time:
       `{**message, "timestamp": now}`. For `claude -p --output-format stream-json` pipe through
       `jq -c '. + {timestamp: (now | todate)}'`.
    2. Leave contents out if you can: they are not needed.
    3. Bring the file of a finished run into `location`, with the result as its last line.

Settings:
    - source: agents
      kind: claude_agent_sdk
      location: inbox/agents

Reads:
    `type`, `timestamp`, `session_id`, `uuid`, `parent_tool_use_id`, `message.id`, `message.model`,
    `message.usage`, the ids of tool calls, and of the result `modelUsage`.

Never read:
    Prompts, answers, thoughts, tool inputs and results.

Traps:
    - Without `timestamp` on its lines a file is set aside whole.
    - The result's cost is an estimate and not read.
    - A run that was cut off has no result: output tokens of its messages may be placeholders.
"""

from models.facts import Fact
from models.vocabulary import Delivery
from pipelines.sources.agent_sessions import SUFFIXES, agent_format, read_sessions
from pipelines.sources.base import DeliveryUnit, ReadContext, Reading, Source
from pipelines.sources.claude_messages import TOTALS, read_messages

_FORMAT = agent_format("claude_agent_sdk", TOTALS)


def _read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    return read_sessions(unit, context, _FORMAT, read_messages)


SOURCE = Source(
    name="claude_agent_sdk",
    summary="Claude Agent SDK: streamed messages and results, one per line.",
    facts=(Fact.CALLS,),
    delivery=Delivery.EVENTS,
    money_unit="none",
    token_rules=_FORMAT.token_rules(),
    proof="real files",
    suffixes=SUFFIXES,
    read=_read,
)
