"""Zendesk tickets as outcomes: pages of the incremental export with metric sets, JSON lines, CSV.

A ticket that is solved or closed is a success at the moment its metrics call `solved_at`, never at
`updated_at`, which every later change moves. The same ticket is exported again whenever it changes:
of its revisions the one updated last counts. A ticket that is open again or deleted is withdrawn,
so that what was solved and reopened is not counted. One that was never solved is open work: its
calls are attempts, on the day it was made and the day it changed last. One that was merged into
another is closed without a success: the other one counts.

The task of a ticket is its `external_id`, or the custom field whose id is the source's `task_key`.
Subjects, descriptions, comments, requesters and free fields are never kept.

Export:
    1. Each day, page through `GET /api/v2/incremental/tickets/cursor.json?include=metric_sets` from
       the last cursor on, and save every page unchanged.
    2. Or a CSV with the columns `id`, `status`, `created_at`, `updated_at`, `solved_at`, `reopens`,
       `external_id` and `tags`.
    3. Put each file into `location` under a name of its own. A ticket may come again: the revision
       updated last counts.

Settings:
    - source: zendesk
      kind: zendesk
      location: inbox/zendesk
      # task_key: "360001234567"        # the id of a custom field; else external_id is the task

Reads:
    `id`, `status`, `external_id`, `created_at`, `updated_at`, the custom field of the `task_key`
    (every value of it); of the metrics `ticket_id`, `solved_at` and `reopens`; of the tags whether
    `closed_by_merge` is one.

Never read:
    Subjects, descriptions, comments, requesters, other fields, and other tags.

Traps:
    - Without metric sets nobody knows when a ticket was solved: such tickets are set aside.
    - `closed` follows `solved` by itself, days later: it is the same outcome.
    - Export open tickets too: without them their calls are in no cost per outcome.
    - A merge is known by the tag `closed_by_merge`, which a rule of yours must not remove.
"""

import re
from collections.abc import Iterator

from models.facts import Fact
from models.vocabulary import Delivery
from pipelines.sources.base import DeliveryUnit, ReadContext, Reading, Source
from pipelines.sources.cells import RowError
from pipelines.sources.trace_outcomes import (
    ACTIONS,
    Outcome,
    Record,
    dated,
    instant,
    opened,
    read_outcomes,
    references,
)

_SOLVED = ("solved", "closed")
_METRICS = "metric_set"
_MERGED = "closed_by_merge"
_ACTIONS = {
    **ACTIONS,
    "not_a_ticket": "Export tickets with include=metric_sets, not their metrics alone",
    "no_solve_time": "Export tickets with include=metric_sets: they tell when one was solved",
}


def _tickets(record: Record) -> Iterator[Record]:
    """The tickets of a page, each with its own metrics; or the ticket itself."""
    tickets = record.get("tickets")
    if not isinstance(tickets, list):
        yield record
        return
    sets = record.get("metric_sets")
    metrics = {
        str(found.get("ticket_id")): found
        for found in (sets if isinstance(sets, list) else [])
        if isinstance(found, dict)
    }
    for ticket in tickets:
        known = isinstance(ticket, dict) and metrics.get(str(ticket.get("id")))
        yield {**ticket, _METRICS: known} if known else ticket


def _outcome(ticket: Record, context: ReadContext) -> Outcome | tuple[Outcome, ...]:
    status, native_id = ticket.get("status"), ticket.get("id")
    if not status or not native_id:
        raise RowError("not_a_ticket", "status" if native_id else "id")
    # flat columns of a CSV are metrics too
    nested = ticket.get(_METRICS)
    metrics = nested if isinstance(nested, dict) else ticket
    solved_at = instant(metrics, "solved_at")
    updated_at = instant(ticket, "updated_at")
    is_solved = str(status).lower() in _SOLVED
    if is_solved and solved_at is None:
        raise RowError("no_solve_time", "solved_at")
    created_at = instant(ticket, "created_at")
    is_deleted = status == "deleted"
    is_never_solved = not is_solved and not is_deleted and str(metrics.get("reopens")) == "0"
    is_success = is_solved and not _is_merged(ticket)
    outcome: Outcome = {
        **dated(
            f"zendesk:ticket/{native_id}",
            solved_at if is_solved else updated_at or created_at,
            updated_at,
            created_at,
        ),
        "is_withdrawn": not is_solved and not is_never_solved,
        "outcome_type": "ticket_resolved",
        "result": "success" if is_success else "unknown" if is_solved or is_deleted else "open",
        "confidence": "confirmed" if is_success else None,
        "recorded_at": updated_at,
        "ref_external_id": f"zendesk:ticket/{native_id}",
        "ref_task_id": references(_tasks(ticket, context.settings.task_key), context),
    }
    return opened(outcome, created_at) if is_never_solved else outcome


def _is_merged(ticket: Record) -> bool:
    """Whether another ticket took this one over: a list of tags, or one text in a CSV."""
    tags = ticket.get("tags")
    words = tags if isinstance(tags, list) else re.split(r"[\s,]+", str(tags or ""))
    return _MERGED in words


def _tasks(ticket: Record, key: str | None) -> list[object]:
    """The ids of the tasks: the external id, or what the chosen custom field holds."""
    if key is None:
        return [ticket.get("external_id")]
    fields = ticket.get("custom_fields")
    for field in fields if isinstance(fields, list) else ():
        if isinstance(field, dict) and str(field.get("id")) == key:
            value = field.get("value")
            return value if isinstance(value, list) else [value]
    return [ticket.get(key)]


def _read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    return read_outcomes(unit, context, _tickets, _outcome, _ACTIONS)


SOURCE = Source(
    name="zendesk",
    summary="Zendesk tickets with their metrics: what was solved, and what was reopened.",
    facts=(Fact.OUTCOMES,),
    delivery=Delivery.EVENTS,
    money_unit="none",
    token_rules=(),
    proof="constructed files",
    suffixes=(".json", ".jsonl", ".csv", ".json.gz", ".jsonl.gz", ".csv.gz"),
    read=_read,
)
