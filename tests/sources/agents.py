"""Lines of coding agents, as tests make them up."""

from typing import Any

Line = dict[str, Any]


def message(
    message_id: str, at: str = "2026-10-05T08:00:00Z", session: str = "s", **changes: Any
) -> Line:
    """A line of a transcript; `usage` and `message` add to what it has there."""
    usage = {"input_tokens": 100, "output_tokens": 20} | changes.pop("usage", {})
    inner = {"id": message_id, "model": "claude-sonnet-4-6", "usage": usage}
    return {
        "type": "assistant",
        "timestamp": at,
        "sessionId": session,
        "requestId": f"req-{message_id}",
        "message": inner | changes.pop("message", {}),
        **changes,
    }


def streamed(message_id: str, at: str, session: str = "s", **usage: int) -> Line:
    """A message of a stream, whose output is still the placeholder."""
    return {
        "type": "assistant",
        "session_id": session,
        "timestamp": at,
        "message": {
            "id": message_id,
            "model": "claude-sonnet-4-6",
            "stop_reason": None,
            "usage": {"input_tokens": 100, "output_tokens": 1} | usage,
        },
    }


def result(name: str, at: str, summed: Line, own: Line | None = None, session: str = "s") -> Line:
    """The result of a run: what its session used so far, and what the run did."""
    line = {
        "type": "result",
        "uuid": name,
        "session_id": session,
        "timestamp": at,
        "modelUsage": summed,
    }
    return line if own is None else line | {"model_usage_since_last_result": own}


def used(input_tokens: int, output_tokens: int, **more: Any) -> Line:
    """One AI model's usage in a result."""
    return {"inputTokens": input_tokens, "outputTokens": output_tokens, **more}


def meta(session: str, at: str, **payload: Any) -> Line:
    """The head of a Codex session."""
    return {"timestamp": at, "type": "session_meta", "payload": {"id": session, **payload}}


def turn(at: str, **payload: Any) -> Line:
    """The settings of a Codex turn."""
    return {"timestamp": at, "type": "turn_context", "payload": {"model": "gpt-5.6", **payload}}


def announced(at: str, **payload: Any) -> Line:
    """The start of a Codex turn."""
    return {"timestamp": at, "type": "event_msg", "payload": {"type": "task_started", **payload}}


def both(tokens: int) -> Line:
    """As many tokens in as out."""
    return {"input_tokens": tokens, "output_tokens": tokens, "total_tokens": 2 * tokens}


def counted(at: str, last: int | None, total: int, **payload: Any) -> Line:
    """What a Codex request used, as much output as input, and the session so far."""
    information: Line = {"total_token_usage": both(total)}
    if last is not None:
        information["last_token_usage"] = both(last)
    return {
        "timestamp": at,
        "type": "event_msg",
        "payload": {"type": "token_count", "info": information, **payload},
    }
