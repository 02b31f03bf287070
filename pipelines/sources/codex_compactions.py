"""Requests of Codex that only compacted a context: their usage is in no `token_count` event.

Each response is recorded (`token_usage_record`), and a compaction names the one that made it. Where
an event between the two has already counted it, it is that event's.
"""

from collections.abc import Mapping

from pipelines.sources.agent_sessions import Line, member
from pipelines.sources.codex_replay import is_count

RECORD = "token_usage_record"


def compactions_of(lines: Mapping[int, Line]) -> set[int]:
    """The records of compactions that no event counts, by line."""
    records: dict[str, int] = {}
    ends: dict[str, int] = {}
    for number, line in lines.items():
        payload = member(line, "payload")
        if line.get("type") == RECORD and member(payload, "usage"):
            records[str(payload.get("response_id"))] = number
        elif response := payload.get("compaction_response_id"):
            ends[str(response)] = number
    return {
        number
        for response, number in records.items()
        if response in ends and not _is_counted(lines, number, ends[response])
    }


def _is_counted(lines: Mapping[int, Line], start: int, end: int) -> bool:
    record = member(lines[start], "payload")
    used, summed = member(record, "usage"), member(record, "thread_token_usage")
    between = (line for n, line in lines.items() if start < n < end and is_count(line))
    return any(
        member(line, "payload", "info", "last_token_usage") == used
        or (summed and member(line, "payload", "info", "total_token_usage") == summed)
        for line in between
    )
