"""What people and machines say in the payloads: made-up text full of canaries.

A canary is a string that must never leave the inbox. `CANARY` is part of each of them, so that
one search finds every leak: prompts, e-mail addresses, secrets, names of customers.
"""

import json

CANARY = "CANARY"

_SYSTEM = "You are the assistant of Acme. Never mention CANARY-HELIOTROPE."
_PROMPTS = (
    "Why was I charged twice in October? My order is CANARY-ORDER-77120 and I want my money back.",
    "Summarise clause 14.2 of the CANARY-MERIDIAN agreement and list what we owe on termination.",
    "Rewrite this mail to jane.canary@customer.example, she has asked three times already.",
    "def settle(batch):  # CANARY-SOURCE\n    return sorted(batch, key=lambda row: row.amount)",
    "Here is the key you asked for: sk-CANARY-0f1e2d3c4b5a69788796a5b4c3d2e1f0, do not lose it.",
    "Compare our CANARY-PRICING with last year's and tell me where we lost margin.",
    "Ma tarjeta es 4111 1111 1111 1111 CANARY, ¿por qué no funciona el pago?",
    "Call the tool `lookup_customer` with CANARY-CUSTOMER-5521 and tell me the balance.",
)
_ANSWERS = (
    "The second charge is a pre-authorisation (CANARY-ANSWER-1). It drops off within five days.",
    "Clause 14.2 asks for ninety days' notice and CANARY-ANSWER-2 as compensation.",
    "Dear Jane Canary, thank you for your patience. We have found the CANARY-ANSWER-3 issue.",
    "```python\ndef settle(batch):\n    batch.sort(key=CANARY_ANSWER_4)\n    return batch\n```",
)
_ERRORS = (
    "litellm.RateLimitError: 429 for prompt 'CANARY-ERROR-1', key sk-CANARY-ffee. Retry later.",
    "litellm.RateLimitError: too many tokens; the request was: CANARY-ERROR-2",
)


def _messages(prompt: str) -> str:
    messages = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": prompt}]
    return json.dumps(messages, ensure_ascii=False, separators=(",", ":"))


def _choices(answer: str) -> str:
    message = {"content": answer, "role": "assistant", "tool_calls": None, "function_call": None}
    choice = {"finish_reason": "stop", "index": 0, "message": message}
    return json.dumps([choice], separators=(",", ":"))


MESSAGES = tuple(_messages(prompt) for prompt in _PROMPTS)
CHOICES = tuple(_choices(answer) for answer in _ANSWERS)
ERRORS = tuple(json.dumps(error) for error in _ERRORS)
HOSTILE_TAGS = (
    "app:'; drop table calls; --",
    "app:../../etc/passwd",
    '=HYPERLINK("https://canary.invalid","CANARY")',
    "<script>alert('CANARY')</script>",
    "app:bell\u0007tab\tline\nend",
    "app:" + "x" * 5000,
    "app:\u202eadmin",
)
"""Values of tags that try to become SQL, a path, a formula, markup, or another line."""
PLANTED_TAGS = (
    "email:jane.canary@customer.example",
    "app-secret:sk-CANARY-9d8c7b6a",
    "jane.canary@customer.example",
)
"""People and secrets where a tag should be."""
