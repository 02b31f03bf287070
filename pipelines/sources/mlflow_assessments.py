"""MLflow assessments as outcomes: the feedback inside the traces that `mlflow_traces` reads.

`True` and `yes` are a success, `False` and `no` a failure; what a number means is for whoever reads
it. Expectations are no outcomes. Feedback that was overridden is withdrawn. Rationales, texts and
who gave them are never kept.

Export:
    1. Export traces as for `mlflow_traces`: assessments are inside. Export a trace again after it
       was judged.
    2. Give this feed the same location as the `mlflow_traces` feed: each reads its own part.

Settings:
    - source: mlflow_assessments
      kind: mlflow_assessments
      location: inbox/mlflow

Reads:
    Of each assessment `assessment_id`, `assessment_name`, the `value` of its `feedback`,
    `create_time`, `last_update_time`, `valid` and the `source_type`; of the trace its `trace_id`.

Never read:
    `rationale`, `source_id`, expectations' values, spans, and any other member.

Traps:
    - The outcome's type is `score.` and the assessment's name: say in `outcome_definitions.yaml`
      which of them count.
    - What a judge's own calls cost is in its traces, not here.
"""

from collections.abc import Iterator
from decimal import Decimal

from models.facts import Fact
from models.vocabulary import Delivery
from pipelines.sources.base import DeliveryUnit, ReadContext, Reading, Source
from pipelines.sources.cells import RowError
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

_RESULTS = {"true": "success", "yes": "success", "false": "failure", "no": "failure"}
_CONFIDENCE = {"HUMAN": "confirmed", "LLM_JUDGE": "judged", "AI_JUDGE": "judged"}


def _assessments(record: Record) -> Iterator[Record]:
    traces = record.get("traces")
    for trace in traces if isinstance(traces, list) else [record]:
        info = trace.get("info") if isinstance(trace, dict) else None
        if isinstance(info, dict):
            for assessment in info.get("assessments") or ():
                yield {"trace_id": info.get("trace_id"), **assessment}


def _outcome(assessment: Record, context: ReadContext) -> Outcome | None:
    feedback = assessment.get("feedback")
    if not isinstance(feedback, dict):
        return None
    identity = [
        str(assessment.get(name) or "") for name in ("trace_id", "assessment_id", "assessment_name")
    ]
    if not all(identity):
        raise RowError("missing_identity")
    trace_id, native_id, name = identity
    value = feedback.get("value")
    source = assessment.get("source")
    source_type = source.get("source_type") if isinstance(source, dict) else None
    is_score = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return {
        **dated(
            f"mlflow:{trace_id}:{native_id}",
            instant(assessment, "create_time"),
            instant(assessment, "last_update_time"),
        ),
        "outcome_type": type_of(name),
        "is_withdrawn": assessment.get("valid") is False,
        "result": _RESULTS.get(str(value).lower(), "unknown"),
        "confidence": _CONFIDENCE.get(str(source_type)),
        "quality_score": number(value) if is_score else None,
        "ref_trace_id": reference(trace_id.removeprefix("tr-"), context),
    }


def _read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    return read_outcomes(unit, context, _assessments, _outcome)


SOURCE = Source(
    name="mlflow_assessments",
    summary="MLflow assessments: feedback of people and judges inside traces.",
    facts=(Fact.OUTCOMES,),
    delivery=Delivery.EVENTS,
    money_unit="none",
    token_rules=(),
    proof="real files",
    beside="mlflow_traces",
    suffixes=(".jsonl", ".json", ".jsonl.gz", ".json.gz"),
    read=_read,
)
