"""Intercom conversations as outcomes: what its AI agent resolved. API pages, objects or webhooks.

`confirmed_resolution` and `assumed_resolution` are successes, of different confidence; an assumed
one is taken back when the customer returns, and the conversation is exported again: of its
revisions the one updated last counts. A conversation whose state is empty (again) is open: its
calls are attempts. Previews are tests and no outcomes, and neither are conversations without an AI
agent.

Times are Unix seconds. The task is the custom attribute that the source's `task_key` names; the
conversation's id is the session. Messages, titles, remarks and contacts' names are never kept.

Export:
    1. Each day, search conversations whose `updated_at` is of the last days (`POST
       /conversations/search`), and save every page unchanged.
    2. Or write the payload of every conversation webhook as a line of JSON.
    3. Put each file into `location` under a name of its own. A conversation may come again: the
       revision updated last counts.

Settings:
    - source: intercom
      kind: intercom
      location: inbox/intercom
      # task_key: ticket                # a custom attribute

Reads:
    `id`, `created_at`, `updated_at`, `last_close_at` and `last_contact_reply_at` of `statistics`,
    `resolution_state`, `source_type` and `rating` of `ai_agent`, the first contact's `external_id`
    (as a pseudonym), and the custom attribute of the `task_key`.

Never read:
    Parts, titles, bodies, remarks, contacts' names and addresses, and any other field.

Traps:
    - An assumed resolution may be taken back days later: keep fetching what was updated.
    - Resolution states differ by API version: a new one is set aside, not guessed.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from models.facts import Fact
from models.vocabulary import Delivery
from pipelines.sources.base import DeliveryUnit, ReadContext, Reading, Source
from pipelines.sources.cells import RowError
from pipelines.sources.trace_outcomes import (
    ACTIONS,
    Outcome,
    Record,
    dated,
    number,
    read_outcomes,
    reference,
)

_STATES = {
    "confirmed_resolution": ("success", "confirmed"),
    "assumed_resolution": ("success", "assumed"),
    "routed_to_team": ("failure", "confirmed"),
    "escalated": ("failure", "confirmed"),
    "negative_feedback": ("failure", "confirmed"),
    "procedure_handoff": ("failure", "confirmed"),
    "abandoned": ("unknown", None),
}
_ACTIONS = {
    **ACTIONS,
    "not_a_conversation": "Export conversations with their id and creation time",
    "unknown_state": "Look for a newer version of everycent: this resolution state is new",
}
_LATEST = 4_102_444_800
"""Unix seconds of the year 2100: more is not seconds."""


def _conversations(record: Record) -> Iterator[Record]:
    """The conversations of a page, the one of a webhook, or the record itself."""
    listed, data = record.get("conversations"), record.get("data")
    if isinstance(listed, list):
        yield from listed
    elif isinstance(data, dict) and isinstance(data.get("item"), dict):
        yield data["item"]
    else:
        yield record


def _outcome(conversation: Record, context: ReadContext) -> Outcome | None:
    native_id = conversation.get("id")
    created_at = _seconds(conversation, "created_at")
    if not native_id or created_at is None:
        raise RowError("not_a_conversation", "created_at" if native_id else "id")
    agent = conversation.get("ai_agent")
    if not isinstance(agent, dict) or str(agent.get("source_type")).endswith("_preview"):
        return None
    state = agent.get("resolution_state")
    if state and state not in _STATES:
        raise RowError("unknown_state", "resolution_state", state)
    result, confidence = _STATES.get(str(state), ("open", None))
    statistics = conversation.get("statistics")
    told = statistics if isinstance(statistics, dict) else {}
    updated_at = _seconds(conversation, "updated_at")
    # not `updated_at`: a tag that is added a month later would move the day
    occurred_at = (
        _seconds(told, "last_close_at") or _seconds(told, "last_contact_reply_at") or created_at
    )
    attributes = conversation.get("custom_attributes")
    key = context.settings.task_key
    return {
        **dated(f"intercom:conversation/{native_id}", occurred_at, updated_at, created_at),
        "is_withdrawn": not state,
        "outcome_type": "conversation_resolved",
        "result": result,
        "confidence": confidence,
        "recorded_at": updated_at,
        "quality_score": _rating(agent),
        "quality_scale": "1-5" if _rating(agent) is not None else None,
        "ref_external_id": f"intercom:conversation/{native_id}",
        "ref_session_id": reference(native_id, context),
        "ref_task_id": reference(
            attributes.get(key) if key and isinstance(attributes, dict) else None, context
        ),
        "ref_user_id": _contact(conversation, context),
    }


def _seconds(record: Record, name: str) -> datetime | None:
    value = record.get(name)
    if value is None or value == "":
        return None
    if not str(value).isdecimal() or int(str(value)) > _LATEST:
        raise RowError("bad_time", name, value)
    return datetime.fromtimestamp(int(str(value)), UTC)


def _rating(agent: Record) -> Decimal | None:
    rating = agent.get("rating")
    return None if rating is None else number(rating)


def _contact(conversation: Record, context: ReadContext) -> str | None:
    """Keyed pseudonym of the customer, by the id that the company itself gave."""
    contacts = conversation.get("contacts")
    listed = contacts.get("contacts") if isinstance(contacts, dict) else None
    first = listed[0] if isinstance(listed, list) and listed else None
    person = first.get("external_id") if isinstance(first, dict) else None
    return context.pseudonym(str(person)) if person else None


def _read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    return read_outcomes(unit, context, _conversations, _outcome, _ACTIONS)


SOURCE = Source(
    name="intercom",
    summary="Intercom conversations: what the AI agent resolved, confirmed or assumed.",
    facts=(Fact.OUTCOMES,),
    delivery=Delivery.EVENTS,
    money_unit="none",
    token_rules=(),
    proof="constructed files",
    suffixes=(".json", ".jsonl", ".json.gz", ".jsonl.gz"),
    read=_read,
)
