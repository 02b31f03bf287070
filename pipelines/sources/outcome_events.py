"""Business outcomes: CloudEvents as JSON lines, or a plain CSV with one outcome per row.

An event names an outcome, says what came of it and how it joins to calls. Revisions share the
outcome's id and the greatest counts; a withdrawn outcome stays, marked. Times need a zone.

CSV columns: `outcome_id`, `outcome_type`, `occurred_at` and `result` are required. Optional are
`event_id`, `recorded_at`, `revision`, `is_withdrawn`, `confidence`, `quantity`, `value_amount`,
`value_currency`, `quality_score`, `quality_scale`, `reverses`, `task_id`, `trace_id`, `session_id`,
`request_id`, `user_id`, `external_id`, `attribution_window_s` and `application`.

Export:
    1. From any system of record, write a CSV with the columns above: one row per outcome, `result`
       one of `success`, `failure`, `partial`, `open`, `unknown`; join it to calls by `task_id`,
       `trace_id`, `session_id` or `request_id` (the call's id, or the provider's). An outcome of
       several tasks has a row for each, alike in all else.
    2. Or send CloudEvents 1.0, one JSON object per line, `type` `ai.outcome.recorded.v1` (or
       `revised`, `withdrawn`), `time` when it happened, and in `data` the `outcome_id`,
       `outcome_type`, `result`, `recorded_at`, `revision` and `refs`, a list of
       `{"kind": "task_id", "value": "..."}`: several of one kind all join.
    3. Put each file into `location` under a name of its own. What comes twice counts once; a
       greater `revision` of the same `outcome_id` replaces the smaller.
    4. Name in `outcome_definitions.yaml` which types count as success of which application.

Settings:
    - source: outcomes
      kind: outcome_events
      location: inbox/outcomes

Reads:
    The columns above; of events `specversion`, `id`, `source`, `type`, `subject`, `time` and the
    same names in `data`, with every `refs` of these kinds, and the application in `owner_hint`.

Never read:
    Any other column or member, `evaluator` among them. `user_id`, and an id that holds an e-mail
    address, become pseudonyms.

Traps:
    - A time without a zone is set aside: nobody knows which day it is.
    - One outcome of many tasks has all their cost; many outcomes of one task share it.
    - Work that nobody finished is in the cost only if it is told: send it with the result `open`.
    - `user_id` and `attribution_window_s` are kept and join nothing.
"""

import csv
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import pyarrow as pa

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from models.landing import Rejected
from models.vocabulary import Delivery
from pipelines.sources.base import (
    DeliveryUnit,
    FoundFile,
    ReadContext,
    Reading,
    Source,
    SourceError,
)
from pipelines.sources.cells import RowError, Values, redacted
from pipelines.sources.outcome_records import (
    ACTIONS,
    COLUMNS,
    REQUIRED,
    flat_event,
    outcome,
    spread,
)

MAX_FILE_BYTES = 512 * 2**20


@dataclass
class _Harvest:
    """Facts and rejects of one delivery, as they are read."""

    context: ReadContext
    outcomes: list[dict[str, object]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    rows_read: Counter[str] = field(default_factory=Counter)
    counters: Counter[str] = field(default_factory=Counter)

    def take(self, file: FoundFile, row: int, record: object) -> None:
        """Turn one record into an outcome, or set it aside."""
        self.rows_read[file.name] += 1
        try:
            if isinstance(record, RowError):
                raise record
            values = record if _is_csv(file) else flat_event(record, self.counters)
            found = outcome(_checked(values), self.context.pseudonym)
        except RowError as error:
            self.rejected.append(
                Rejected(
                    file_id=file.file_id,
                    file_name=file.name,
                    source_row=row,
                    rule=error.rule,
                    column=error.column,
                    next_action=ACTIONS[error.rule],
                    shape=error.shape,
                )
            )
            return
        lineage = {"source": self.context.settings.source, "file_id": file.file_id}
        self.outcomes += [{**lineage, "source_row": row, **one} for one in spread(found)]


def _checked(values: object) -> Values:
    if not isinstance(values, dict):
        raise RowError("not_an_event")
    return values


def _is_csv(file: FoundFile) -> bool:
    """Whether a file holds rows; otherwise it holds events."""
    return file.name.lower().removesuffix(".gz").endswith(".csv")


def _content(file: FoundFile) -> bytes:
    if file.size > MAX_FILE_BYTES:
        raise SourceError(f"{file.name}: too large. Deliver it in smaller files.")
    raw = file.path.read_bytes()
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        with gzip.open(io.BytesIO(raw)) as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except (EOFError, OSError, zlib.error):
        raise SourceError(f"{file.name}: damaged or truncated gzip. Deliver it again.") from None
    if len(content) > MAX_FILE_BYTES:
        raise SourceError(f"{file.name}: too large unpacked. Deliver it in smaller files.")
    return content


def _events(content: bytes) -> Iterator[tuple[int, object]]:
    """Records with their 1-based positions; what is not JSON is a `RowError` in its place."""
    whole = _parsed(content)
    if isinstance(whole, dict | list):
        yield from enumerate(whole if isinstance(whole, list) else [whole], start=1)
        return
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            yield number, _parsed(line)


def _parsed(content: bytes) -> object:
    try:
        return json.loads(content.decode(), parse_float=Decimal, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return RowError("not_json", None, redacted(content[:64].decode(errors="replace")))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _rows(file: FoundFile, content: bytes, counters: Counter[str]) -> Iterator[tuple[int, object]]:
    try:
        sheet = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        header = next(sheet, [])
        missing = [name for name in REQUIRED if name not in header]
        if missing or len(set(header)) != len(header):
            raise SourceError(
                f"{file.name}: its header lacks {', '.join(missing) or 'unique names'}."
                " Name the columns as documented."
            )
        counters["dropped_columns"] += len(set(header) - COLUMNS)
        for number, row in enumerate(sheet, start=1):
            if not any(row):
                continue
            if len(row) != len(header):
                yield number, RowError("row_width")
            else:
                yield number, _named(dict(zip(header, row, strict=True)))
    except (csv.Error, UnicodeDecodeError):
        raise SourceError(f"{file.name}: not a whole UTF-8 CSV. Deliver it again.") from None


def _named(row: dict[str, str]) -> dict[str, str]:
    """A CSV row names its event by outcome and revision where it has no id of its own."""
    return {"event_id": f"csv {row['outcome_id']} {row.get('revision') or 0}"} | {
        name: value for name, value in row.items() if value
    }


def read(unit: DeliveryUnit, context: ReadContext) -> Reading:
    """Read the outcomes of one delivery.

    Raises:
        SourceError: A file is damaged, or a CSV lacks a column.
    """
    harvest = _Harvest(context)
    for file in unit.files:
        content = _content(file)
        records = _rows(file, content, harvest.counters) if _is_csv(file) else _events(content)
        for row, record in records:
            harvest.take(file, row, record)
    table = pa.Table.from_pylist(harvest.outcomes, schema=arrow_schema(FACTS[Fact.OUTCOMES]))
    return Reading(
        facts={Fact.OUTCOMES: table},
        rows_read=harvest.rows_read,
        rejected=harvest.rejected,
        counters=+harvest.counters,
    )


SOURCE = Source(
    name="outcome_events",
    summary="Business outcomes as CloudEvents (JSON lines), or as a plain CSV.",
    facts=(Fact.OUTCOMES,),
    delivery=Delivery.EVENTS,
    money_unit="value_currency of the event",
    token_rules=(),
    proof="documented examples",
    suffixes=(
        ".jsonl",
        ".ndjson",
        ".json",
        ".csv",
        ".jsonl.gz",
        ".ndjson.gz",
        ".json.gz",
        ".csv.gz",
    ),
    read=read,
)
