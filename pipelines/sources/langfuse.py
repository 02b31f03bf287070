"""Langfuse observations: blob-storage exports, legacy or enriched, and API or UI exports.

Only generations and embeddings count; every other type may repeat what ran inside it. The keys of
`usage_details` are free, so each row decides by its own total whether details are inside `input`
and `output`; without one an input as large as its cache holds it. What a client provided counts
where the server has nothing. Boundary rows come in two windows, and exports are repeated: of the
copies of an observation the one updated last counts. Inputs, outputs, comments and status messages
are never kept.

A server that exports both ways writes the same spend twice: from the first enriched window on,
legacy observations are left alone and reported as such. Where windows have manifests, a window
later than the newest manifest is not complete yet.

Export:
    1. In the project's settings, Integrations, Blob storage: export every hour or day, enriched
       observations, JSONL or Parquet, without the groups that hold inputs and outputs.
    2. Keep the tree `<project>/observations_v2/<window>.jsonl` with `<project>/manifests/`: point
       `location` at the bucket's prefix, or sync it.
    3. Or save traces as the API or the UI exports them, one JSON document each:
       `{trace, observations}`.
    4. Is the same call also in a gateway's log? Then one feed counts it: the two meet by the
       provider's response id, and the feed named first is the record; else set
       `is_system_of_record: false`.
    5. Judgements are a feed of their own: `langfuse_scores`.

Settings:
    - source: langfuse
      kind: langfuse
      location: inbox/langfuse
      tag_keys: [app, environment]      # of metadata, tags, environment, release or trace_name
      task_key: ticket

Reads:
    Ids, type, parent, times, level, AI model, `usage_details` and `provided_usage_details`, total
    cost and provided cost, user (as a pseudonym), session; of `metadata` the provider, tier and
    response id where the data came over OpenTelemetry; of
    metadata, tags, environment, release and trace name the keys in `tag_keys` and `task_key`.

Never read:
    `input`, `output`, tool calls, prompts, comments, `status_message`, and any other field.

Traps:
    - Where a client sent no usage, the server counts tokens of the text itself and does not say so.
    - An observation that was still open when its window was exported is not exported again.
    - LangChain puts the tiers flex and priority into the names of the keys (`input_flex`).
    - `total_cost` is an estimate of the server, 0 or null where it knows no price.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from models.facts import Fact
from models.vocabulary import Delivery, TokenSemantics
from pipelines.sources.base import (
    DeliveryUnit,
    FoundFile,
    Source,
    StreamReader,
    Tables,
    TokenRule,
    each_file_alone,
)
from pipelines.sources.langfuse_fields import COLUMNS
from pipelines.sources.langfuse_sql import SQL, UNFOLD
from pipelines.sources.trace_sql import RULES

SUFFIXES = (".jsonl", ".json", ".csv", ".parquet", ".jsonl.gz", ".json.gz", ".csv.gz")
_ENRICHED = "observations_v2"
_LEGACY = "observations"
TABLES = (_ENRICHED, _LEGACY, "scores", "traces", "manifests")


@dataclass(frozen=True)
class Window:
    """Where one file of a blob export belongs; `table` is empty for any other file."""

    file: FoundFile
    project: str
    table: str
    end: str
    """As in the file's name: sorts by time."""


def windows(files: Sequence[FoundFile]) -> list[Window]:
    """The files of an export's complete windows, and every file that is no part of an export."""
    found = [_window(file) for file in files]
    manifests: dict[str, str] = {}
    for window in found:
        if window.table == "manifests":
            manifests[window.project] = max(manifests.get(window.project, ""), window.end)
    return [
        window
        for window in found
        if not window.table or window.end <= manifests.get(window.project, window.end)
    ]


def _window(file: FoundFile) -> Window:
    path = PurePosixPath(file.name)
    table = path.parent.name if path.parent.name in TABLES else ""
    return Window(file, str(path.parent.parent), table, path.name.split(".")[0])


def _layout(files: Sequence[FoundFile]) -> Iterable[DeliveryUnit]:
    complete = windows(files)
    enriched: dict[str, str] = {}
    for window in complete:
        if window.table == _ENRICHED:
            enriched[window.project] = min(enriched.get(window.project, window.end), window.end)
    return each_file_alone(
        [
            window.file
            for window in complete
            if window.table in ("", _ENRICHED)
            or (window.table == _LEGACY and window.end < enriched.get(window.project, "~"))
        ]
    )


SOURCE = Source(
    name="langfuse",
    summary="Langfuse observations: blob-storage exports, or traces exported by API or UI.",
    facts=(Fact.CALLS,),
    delivery=Delivery.EVENTS,
    money_unit="dollars, an estimate",
    token_rules=tuple(
        TokenRule(
            source_format=source_format,
            provider="*",
            input_totals=TokenSemantics.UNKNOWN,
            output_totals=TokenSemantics.UNKNOWN,
            note="Each row decides: input + output = total means inside, all keys = total beside.",
        )
        for source_format in ("langfuse_observations_v2", "langfuse_observations", "langfuse_api")
    ),
    proof="real files, blob exports constructed",
    suffixes=SUFFIXES,
    layout=_layout,
    stream=StreamReader(
        sql=SQL,
        rules={**RULES, "not_an_observation": "Keep other tables in folders of their own names"},
        tables=Tables(lambda c: c if c in COLUMNS else None),
        unfold=UNFOLD,
    ),
)
