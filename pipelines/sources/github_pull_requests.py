"""GitHub pull requests as outcomes: webhook payloads, or objects of the API, as JSON or JSON lines.

A pull request that is closed is not merged: only `merged_at` says so. Closed without it is a
failure, opened again takes that back, and an open one is open work: its calls are attempts. A
merged pull request that reverts another is an outcome of its own type, which reverses the other.

The task is the branch; or, where the source has a `task_key`, all that labels `key:value` and lines
`key: value` of the description name. Titles, descriptions and names of people are never kept.

Export:
    1. Each day, page through `GET /repos/<owner>/<repo>/pulls?state=all&sort=updated` and save
       every answer unchanged (`gh api --paginate` does it).
    2. Or write the payload of every `pull_request` webhook as a line of JSON: only these tell that
       a pull request was opened again.
    3. Put each file into `location` under a name of its own. A pull request may come again: the
       revision updated last counts.

Settings:
    - source: pull_requests
      kind: github_pull_requests
      location: inbox/pull_requests
      # task_key: ticket                # else the branch is the task

Reads:
    `number`, `state`, `created_at`, `updated_at`, `closed_at`, `merged_at`, the base's repository,
    `head.ref`, `user.login` (as a pseudonym), labels, a webhook's `action`; of the description the
    lines of the `task_key`, and `Reverts #...`.

Never read:
    Titles, comments, commits, diffs, other people, and any other field.

Traps:
    - Calls join by task: agents must log the branch, or the key, with their calls.
    - A list with `state=closed` leaves open work out of the cost.
    - A list does not say that an open pull request was closed before: it is open work until it is
      closed again.
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
    reference,
    references,
)

_REVERT_BRANCH = re.compile(r"revert-(\d+)-.+", re.ASCII)
_REVERTS = re.compile(r"^Reverts (?:[\w.-]+/[\w.-]+)?#(\d+)\s*$", re.ASCII | re.MULTILINE)
_ACTIONS = {
    **ACTIONS,
    "not_a_pull_request": "Deliver webhooks of the event pull_request, or pull requests of the API",
}


def _pull_requests(record: Record) -> Iterator[Record]:
    """The pull request of a webhook, with what happened to it; or the record itself."""
    inner = record.get("pull_request")
    # an issue that is a pull request only links to it
    if isinstance(inner, dict) and "action" in record:
        yield {**inner, "action": record["action"]}
    else:
        yield record


def _outcome(pull_request: Record, context: ReadContext) -> Outcome | tuple[Outcome, ...]:
    repository = _below(pull_request, "base", "repo")
    number, state = pull_request.get("number"), pull_request.get("state")
    if not repository or not number or state not in ("open", "closed"):
        raise RowError("not_a_pull_request", "base" if not repository else "number")
    is_reopened = pull_request.get("action") == "reopened"
    is_open = is_reopened or state == "open"
    merged_at = instant(pull_request, "merged_at")
    updated_at = instant(pull_request, "updated_at")
    created_at = instant(pull_request, "created_at")
    ended_at = merged_at or instant(pull_request, "closed_at")
    reverted = _reverted(pull_request) if merged_at else None
    # the number of a renamed or transferred repository stays
    home = f"github:{repository.get('id')}"
    login = _below(pull_request, "user").get("login")
    outcome: Outcome = {
        **dated(
            f"{home}#{number}",
            updated_at or created_at if is_open else ended_at,
            updated_at,
            created_at,
        ),
        "is_withdrawn": is_reopened,
        "outcome_type": "revert_merged" if reverted else "pr_merged",
        "result": "open" if is_open else "success" if merged_at else "failure",
        "confidence": "confirmed",
        "recorded_at": updated_at,
        "reverses": f"{home}#{reverted}" if reverted else None,
        "ref_external_id": reference(f"{repository.get('full_name')}#{number}", context),
        "ref_task_id": references(_tasks(pull_request, context.settings.task_key), context),
        "ref_user_id": context.pseudonym(str(login)) if login else None,
    }
    return opened(outcome, created_at) if is_open and not is_reopened else outcome


def _below(record: Record, *names: str) -> Record:
    """A member of a member; an empty record where there is none."""
    for name in names:
        value = record.get(name)
        record = value if isinstance(value, dict) else {}
    return record


def _reverted(pull_request: Record) -> str | None:
    """Number of the pull request that this one reverts, as GitHub's own button writes it down."""
    branch = _REVERT_BRANCH.fullmatch(_branch(pull_request))
    text = branch or _REVERTS.search(str(pull_request.get("body") or ""))
    return text[1] if text else None


def _branch(pull_request: Record) -> str:
    return str(_below(pull_request, "head").get("ref") or "")


def _tasks(pull_request: Record, key: str | None) -> list[object]:
    if key is None:
        return [_branch(pull_request)]
    labels = pull_request.get("labels")
    names = [
        str(label.get("name"))
        for label in (labels if isinstance(labels, list) else [])
        if isinstance(label, dict)
    ]
    lines = str(pull_request.get("body") or "").splitlines()
    named = re.compile(rf"{re.escape(key)}\s*[:=]\s*(\S+)\s*", re.IGNORECASE)
    return [match[1] for line in [*names, *lines] if (match := named.fullmatch(line.strip()))]


def _read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    return read_outcomes(unit, context, _pull_requests, _outcome, _ACTIONS)


SOURCE = Source(
    name="github_pull_requests",
    summary="GitHub pull requests: merged, closed without a merge, reopened, reverted.",
    facts=(Fact.OUTCOMES,),
    delivery=Delivery.EVENTS,
    money_unit="none",
    token_rules=(),
    proof="documented examples",
    suffixes=(".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz"),
    read=_read,
)
