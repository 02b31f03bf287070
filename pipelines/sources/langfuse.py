"""Langfuse observations: blob-storage exports, legacy or enriched, and API or UI exports.

Only generations and embeddings count; every other type may repeat what ran inside it. The keys of
`usage_details` are free, so each row decides by its own total whether details are inside `input`
and `output`. Boundary rows come in two windows: of the copies that are landed together the one
updated last is taken. Inputs, outputs, comments and status messages are never kept.

A server that exports both ways writes the same spend twice: from the first enriched window on,
legacy observations are left alone and reported as such. Where windows have manifests, a window
later than the newest manifest is not complete yet.
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
    TokenRule,
    each_file_alone,
)
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
    proof="real files",
    suffixes=SUFFIXES,
    layout=_layout,
    stream=StreamReader(
        sql=SQL,
        rules={**RULES, "not_an_observation": "Keep other tables in folders of their own names"},
        to_lines={
            ".csv": (
                "select to_json(t) as line from"
                " read_csv($path, all_varchar = true, header = true, max_line_size = 16777216) as t"
            ),
            ".parquet": "select to_json(t) as line from read_parquet($path) as t",
        },
        unfold=UNFOLD,
        empty=("superseded",),
    ),
)
