"""Langfuse scores as outcomes: the `scores` table of blob exports, or the scores inside a trace.

A boolean score says success or failure; what a number or a category means is for whoever reads it,
so its result is unknown. A score by an evaluator is judged, one by a person confirmed. Comments are
never read.

Export:
    1. Set up the blob-storage export as for `langfuse`: it writes the table `scores` too.
    2. Give this feed the same location as the `langfuse` feed: each reads its own tables.
    3. Of traces exported by API or UI it reads the scores, and the other feed the observations.

Settings:
    - source: langfuse_scores
      kind: langfuse_scores
      location: inbox/langfuse

Reads:
    `id`, `project_id`, `name`, `value`, `data_type`, `source`, `timestamp`, `created_at`,
    `updated_at`, `trace_id`, `observation_id` and `session_id`, in either spelling.

Never read:
    `comment`, `string_value`, `author_user_id`, `metadata`, and any other field.

Traps:
    - The outcome's type is `score.` and the score's name: say in `outcome_definitions.yaml` which
      of them count.
    - A score is joined to calls by trace, session or observation: the calls must be there, too.
    - Of a score that changed the revision updated last counts.
"""

from collections.abc import Iterable, Iterator, Sequence

from models.facts import Fact
from models.vocabulary import Delivery
from pipelines.sources.base import (
    DeliveryUnit,
    FoundFile,
    ReadContext,
    Reading,
    Source,
    each_file_alone,
)
from pipelines.sources.cells import RowError
from pipelines.sources.langfuse import windows
from pipelines.sources.trace_outcomes import (
    Outcome,
    Record,
    dated,
    instant,
    number,
    read_outcomes,
    reference,
    type_of,
)

_CONFIDENCE = {"EVAL": "judged", "ANNOTATION": "confirmed"}


def _scores(record: Record) -> Iterator[Record]:
    """Scores of an exported trace, or the row itself."""
    trace = record.get("trace")
    if not isinstance(trace, dict):
        yield record
        return
    yield from trace.get("scores") or ()


def _outcome(score: Record, context: ReadContext) -> Outcome:
    values = {_snake(name): value for name, value in score.items()}
    identity = [str(values.get(name) or "") for name in ("project_id", "id", "name")]
    if not all(identity):
        raise RowError("missing_identity")
    project, native_id, name = identity
    kind = values.get("data_type")
    value = number(values.get("value")) if kind in ("NUMERIC", "BOOLEAN") else None
    is_flag = kind == "BOOLEAN" and value is not None
    observation = values.get("observation_id")
    return {
        **dated(
            f"langfuse:{project}:{native_id}",
            instant(values, "timestamp"),
            instant(values, "updated_at"),
        ),
        "recorded_at": instant(values, "created_at"),
        "outcome_type": type_of(name),
        "result": ("success" if value else "failure") if is_flag else "unknown",
        "confidence": _CONFIDENCE.get(str(values.get("source"))),
        "quality_score": value,
        "quality_scale": "0-1" if is_flag else None,
        "ref_trace_id": reference(values.get("trace_id"), context),
        "ref_session_id": reference(values.get("session_id"), context),
        "ref_request_id": reference(observation and f"{project}:{observation}", context),
    }


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    return read_outcomes(unit, context, _scores, _outcome)


def _layout(files: Sequence[FoundFile]) -> Iterable[DeliveryUnit]:
    return each_file_alone([w.file for w in windows(files) if w.table in ("", "scores")])


SOURCE = Source(
    name="langfuse_scores",
    summary="Langfuse scores: the scores table of blob exports, or scores inside exported traces.",
    facts=(Fact.OUTCOMES,),
    delivery=Delivery.EVENTS,
    money_unit="none",
    token_rules=(),
    proof="real files, blob exports constructed",
    beside="langfuse",
    suffixes=(".jsonl", ".json", ".csv", ".jsonl.gz", ".json.gz", ".csv.gz"),
    layout=_layout,
    read=_read,
)
