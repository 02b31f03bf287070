"""Which texts may be kept as they are: ids and names that tell no person, secret or content.

Logs have fields that anybody may fill: a session may be named after its user, a model field may
hold a prompt. What does not look like what the column is for becomes a keyed pseudonym, the same
one wherever the text stands, so that joins keep working. Ids as machines make them, and the names
of AI models, stay readable.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum

from models.facts import Fact
from pipelines.pseudonyms import holds_email

MAX_ID = 256
MAX_NAME = 64
_MAX_WORDS = 4

_KEYS = (
    r"(?:sk[-_][A-Za-z0-9_-]{6}|pk_live_|AKIA[0-9A-Z]{8}|ASIA[0-9A-Z]{8}"
    r"|gh[opsru]_[A-Za-z0-9]{8}|github_pat_|glpat-|xox[abeprs]-|AIza[0-9A-Za-z_-]{8}"
    r"|eyJ[A-Za-z0-9_-]{8}|hf_[A-Za-z0-9]{16})"
)
"""The beginning of a key or token."""

_PERSONAL_PLACE = r"(?i:[/\\](?:home|users)[/\\])"
"""A path below the home of somebody."""

UNLIKE_AN_ID = (
    r"[^A-Za-z0-9_.:/=,~|#+*()\[\]!$&;?-]"
    rf"|(?:^|[^A-Za-z0-9]){_KEYS}|{_PERSONAL_PLACE}"
)
"""What no id has: blanks, quotes, an at sign, letters beyond ASCII, a secret. RE2 reads it, too."""

_ADDRESS = re.compile(r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9.])|^\+[0-9]{8,}$")
_UNLIKE_AN_ID = re.compile(UNLIKE_AN_ID)
_UNLIKE_A_NAME = re.compile(
    rf"[\x00-\x1f\x7f-\x9f<>{{}}\"]|%40|[?!](?:\s|$)"
    rf"|(?<![A-Za-z0-9]){_KEYS}|{_PERSONAL_PLACE}"
)
# a version, or a place in the catalogue of a gateway
_MODEL_AT = re.compile(r"(?:^|/)@[A-Za-z0-9]|@(?:[0-9]{3,}|v[0-9]|default|latest)")
_SPOKEN_MODEL = re.compile(
    r"(?i)(?:gpt|chatgpt|claude|gemini|gemma|llama|mistral|mixtral|command|nova|titan|deepseek|qwen"
    r"|grok|phi|kimi|glm|jamba|sonar|whisper|dall-e|imagen|veo|codex|embedding|text|amazon|azure"
    r"|openai|anthropic|google|meta|cohere)(?=[ -])[A-Za-z0-9 .:()+-]*[0-9][A-Za-z0-9 .:()+-]*"
)
_HIDDEN_IN_TEXT = re.compile(
    rf"[^\s@\"'<>,;]+@[^\s@\"'<>,;]+\.[A-Za-z]{{2,}}"
    rf"|(?<![A-Za-z0-9]){_KEYS}[^\s\"',;]*|{_PERSONAL_PLACE}[^\s\"',;]*"
)


class Kind(StrEnum):
    """What a text of a fact is, by which it is judged."""

    ID = "id"
    """Made by a machine."""
    NAME = "name"
    """Given by people to a team, project, key or deployment: a few words."""
    MODEL = "model"
    """Of an AI model."""
    TEXT = "text"
    """A description: what tells somebody is cut out of it, the rest stays."""


KINDS: Mapping[Fact, Mapping[str, Kind]] = {
    Fact.CALLS: {
        **dict.fromkeys(
            (
                "call_id",
                "task_id",
                "trace_id",
                "parent_call_id",
                "session_id",
                "provider_request_id",
            ),
            Kind.ID,
        ),
        **dict.fromkeys(
            (
                "provider",
                "deployment_id",
                "region",
                "inference_geo",
                "api_key_id",
                "team_id",
                "org_id",
                "project_id",
                "error_class",
            ),
            Kind.NAME,
        ),
        **dict.fromkeys(("requested_model", "served_model"), Kind.MODEL),
    },
    Fact.OUTCOMES: {
        **dict.fromkeys(
            (
                "outcome_id",
                "reverses",
                "ref_task_id",
                "ref_trace_id",
                "ref_session_id",
                "ref_request_id",
                "ref_external_id",
            ),
            Kind.ID,
        ),
        **dict.fromkeys(("application_hint", "quality_scale", "value_currency"), Kind.NAME),
        "event_id": Kind.TEXT,
    },
    # a bill is written by its issuer; of what customers name there nothing is a prompt
    Fact.CHARGES: dict.fromkeys(
        (
            "charge_key",
            "sub_account_id",
            "api_key_id",
            "resource_id",
            "charge_description",
            "service_name",
            "sku_id",
            "sku_price_id",
            "sku_meter",
            "model_text",
            "commitment_discount_id",
            "tags",
        ),
        Kind.TEXT,
    ),
    Fact.USAGE: dict.fromkeys(
        ("usage_key", "sub_account_id", "api_key_id", "model_text"), Kind.TEXT
    ),
}
"""Texts of facts that a source takes from a file, by column. Pseudonyms of people, closed
vocabularies and what names a bill (issuer, account, invoice) are not among them."""


def is_unsafe(kind: Kind, text: str) -> bool:
    """Whether a text may tell who somebody is, hold a secret or content, or is not of its kind."""
    if kind is Kind.ID:
        return len(text) > MAX_ID or bool(_UNLIKE_AN_ID.search(text) or _ADDRESS.search(text))
    if kind is Kind.TEXT:
        return holds_email(text) or _HIDDEN_IN_TEXT.search(text) is not None
    if len(text) > MAX_ID or _UNLIKE_A_NAME.search(text):
        return True
    if "@" in text and not _MODEL_AT.search(text):
        return True
    words = text.split()
    if kind is Kind.MODEL:
        is_spoken = len(words) <= _MAX_WORDS and _SPOKEN_MODEL.fullmatch(text)
        return not text.isascii() or (len(words) > 1 and not is_spoken)
    return len(words) > 1 and (len(words) > _MAX_WORDS or len(text) > MAX_NAME)


def kept(kind: Kind, text: str, pseudonym: Callable[[str], str]) -> str:
    """The text as it may be kept: itself, or a pseudonym for it or for what is hidden in it."""
    if not is_unsafe(kind, text):
        return text
    if kind is Kind.TEXT:
        cleaned = _HIDDEN_IN_TEXT.sub(lambda found: pseudonym(found[0]), text)
        return pseudonym(text) if holds_email(cleaned) else cleaned
    return pseudonym(text)
