"""What kinds of work traces tell apart, whichever tracer wrote them.

Only leaves count: a wrapper (agent, chain, workflow, ...) may repeat the tokens of what ran inside
it, so it is kept as a roll-up and never counted, even where nothing is known to have run inside.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """What a span of one kind is as a call."""

    operation: str
    role: str
    is_leaf: bool = True


_CHAT = Kind("chat", "primary")
_TOOL = Kind("tool", "tool")
_WRAPPER = Kind("other", "unknown", is_leaf=False)

KINDS = {
    "chat": _CHAT,
    "chat_model": _CHAT,
    "generate_content": _CHAT,
    "generation": _CHAT,
    "llm": _CHAT,
    "text_completion": Kind("completion", "primary"),
    "completion": Kind("completion", "primary"),
    "embeddings": Kind("embedding", "embedding"),
    "embedding": Kind("embedding", "embedding"),
    "rerank": Kind("rerank", "rerank"),
    "reranker": Kind("rerank", "rerank"),
    "execute_tool": _TOOL,
    "tool": _TOOL,
    "retrieval": _TOOL,
    "retriever": _TOOL,
    "search_memory": _TOOL,
    "create_memory": _TOOL,
    "update_memory": _TOOL,
    "upsert_memory": _TOOL,
    "delete_memory": _TOOL,
    "memory": _TOOL,
    "guardrail": Kind("moderation", "guardrail", is_leaf=False),
    "evaluator": Kind("other", "judge", is_leaf=False),
    "create_agent": Kind("other", "management", is_leaf=False),
    "invoke_agent": _WRAPPER,
    "invoke_workflow": _WRAPPER,
    "plan": _WRAPPER,
    "agent": _WRAPPER,
    "chain": _WRAPPER,
    "workflow": _WRAPPER,
    "task": _WRAPPER,
    "span": _WRAPPER,
    "event": _WRAPPER,
    "parser": _WRAPPER,
    "prompt": _WRAPPER,
    "unknown": _WRAPPER,
    "ai.dogenerate": _CHAT,
    "ai.dostream": _CHAT,
    "ai.doembed": Kind("embedding", "embedding"),
    "ai.dorerank": Kind("rerank", "rerank"),
    "ai.toolcall": _TOOL,
    "ai": _WRAPPER,
}
"""Kinds by their names in lower case: OpenTelemetry operations, then the span kinds of others.

The Vercel AI SDK names the function that was called and, below, what that asked the provider for:
`ai.streamText.doStream` is `ai.dostream`, and what has no such part is `ai`.
"""

TIERS = {
    "default": "standard",
    "auto": "standard",
    "standard_only": "standard",
    "standard": "standard",
    "batch": "batch",
    "flex": "flex",
    "priority": "priority",
    "fast": "fast",
}
"""Service tiers as ours; another is unknown."""

PURPOSES = {
    "llm_as_a_judge_guardrail": "judge",
    "shadow_eval_judge": "judge",
    "shadow_eval_router": "shadow",
    "autorouter_classifier": "router",
    "autorouter_compaction": "router",
    "background_response_status_poll": "management",
}
"""Role of calls that a gateway made itself."""
