"""Records of other systems (scores, assessments, tickets) as outcomes: what such sources share.

A record that says nothing about success has result `unknown` and keeps its score. Comments,
rationales and free texts are never read.
"""

import csv
import gzip
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import pyarrow as pa

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from models.landing import Rejected
from pipelines.identities import Kind, kept
from pipelines.sources.base import DeliveryUnit, FoundFile, ReadContext, Reading, SourceError
from pipelines.sources.cells import RowError, redacted
from pipelines.sources.outcome_records import spread

MAX_FILE_BYTES = 512 * 2**20

Record = Mapping[str, object]
Outcome = dict[str, object]

ACTIONS = {
    "not_json": "Check whether the file was cut; deliver it again",
    "not_an_object": "Point the location at exports of this kind only",
    "missing_identity": "Deliver records with their id, name and time",
    "bad_time": "Deliver times as the server exports them",
    "bad_value": "Look at the value of the record in the tracer",
}
"""What to do next about each rule."""

_JSON = json.JSONDecoder(parse_float=Decimal)
_COLUMNS = [column.name for column in FACTS[Fact.OUTCOMES]]


def read_outcomes(
    unit: DeliveryUnit,
    context: ReadContext,
    judgements: Callable[[Record], Iterator[Record]],
    outcome: Callable[[Record, ReadContext], Outcome | tuple[Outcome, ...] | None],
    actions: Mapping[str, str] = ACTIONS,
) -> Reading:
    """Read the judgements of one delivery.

    Args:
        unit: The delivery.
        context: Names the source.
        judgements: The judgements inside one line, document or row.
        outcome: One judgement as an outcome, or as what it says of several days; None if it is
            none by its format's contract. A join key of several values is a tuple.
        actions: What to do next about each rule.

    Raises:
        SourceError: A file is damaged.
    """
    rows: list[Outcome] = []
    rejected: list[Rejected] = []
    read, empty = Counter[str](), Counter[str]()
    for file in unit.files:
        for found in _judgements(file, judgements):
            read[file.name] += 1
            row = read[file.name]
            try:
                values = outcome(_object(found), context)
            except RowError as error:
                rejected.append(
                    Rejected(
                        file_id=file.file_id,
                        file_name=file.name,
                        source_row=row,
                        rule=error.rule,
                        column=error.column,
                        next_action=actions[error.rule],
                        shape=error.shape,
                    )
                )
                continue
            if values is None:
                empty[file.name] += 1
            else:
                lineage = {"source": context.settings.source, "file_id": file.file_id}
                blank = dict.fromkeys(_COLUMNS) | lineage | {"source_row": row}
                told = values if isinstance(values, tuple) else (values,)
                rows += [blank | one for value in told for one in spread(value)]
    table = pa.Table.from_pylist(rows, schema=arrow_schema(FACTS[Fact.OUTCOMES]))
    return Reading({Fact.OUTCOMES: table}, read, rejected=rejected, rows_empty=empty)


def instant(record: Record, *names: str) -> datetime | None:
    """The first time among some fields: with a zone, or without one and then in UTC.

    Raises:
        RowError: It is there and is no time.
    """
    for name in names:
        if value := record.get(name):
            try:
                time = datetime.fromisoformat(str(value))
            except ValueError:
                raise RowError("bad_time", name, value) from None
            return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    return None


def number(value: object) -> Decimal | None:
    """A finite number that fits a score, with nine fractional digits; None if it is none.

    Raises:
        RowError: It is a number that does not fit.
    """
    if isinstance(value, bool):
        return Decimal(value)
    try:
        score = Decimal(str(value))
    except InvalidOperation:
        return None
    if not score.is_finite() or abs(score) >= 10**18:
        raise RowError("bad_value", "value", value)
    return score.quantize(Decimal("1e-9"))


def reference(value: object, context: ReadContext) -> str | None:
    """An id that joins to calls: as landing writes it there, with people hidden."""
    text = str(value or "")
    return kept(Kind.ID, text, context.pseudonym) or None


def references(values: list[object], context: ReadContext) -> object:
    """Ids that join to calls: none, one, or a tuple of several."""
    found = [kept for value in values if (kept := reference(value, context))]
    return tuple(found) if len(found) > 1 else next(iter(found), None)


def opened(outcome: Outcome, since: datetime | None) -> tuple[Outcome, ...]:
    """Work that has not ended, on the day it was last known to go on and on the day it began.

    Calls are joined to what is said of their task within the outcome window: without the first day
    those at the beginning of long work would be joined to nothing.

    Args:
        outcome: As of its last change.
        since: When it began.
    """
    begun = {**outcome, **dated(str(outcome["outcome_id"]), since, since)} if since else outcome
    return (outcome,) if begun["charge_date"] == outcome["charge_date"] else (begun, outcome)


def type_of(name: str) -> str:
    """The name of a score as an outcome type: lower case, `score.` before it."""
    return f"score.{re.sub('[^a-z0-9]+', '_', name.lower()).strip('_')[:57]}"


def dated(
    outcome_id: str,
    occurred: datetime | None,
    updated: datetime | None,
    since: datetime | None = None,
) -> Outcome:
    """Identity and dates of an outcome. Its revision is the seconds until it was last updated.

    Args:
        outcome_id: Its id.
        occurred: When it happened.
        updated: When its record was last changed.
        since: What the seconds are counted from, where the time it happened may move.

    Raises:
        RowError: It has no time.
    """
    if occurred is None:
        raise RowError("missing_identity", "time")
    revision = max(0, int(((updated or occurred) - (since or occurred)).total_seconds()))
    return {
        "event_id": f"{outcome_id} {revision}",
        "outcome_id": outcome_id,
        "charge_date": occurred.date(),
        "occurred_at": occurred,
        "revision": revision,
        "is_withdrawn": False,
        "quantity": Decimal(1),
    }


def _object(found: object) -> Record:
    if isinstance(found, RowError):
        raise found
    if not isinstance(found, dict):
        raise RowError("not_an_object", None, found)
    return found


def _judgements(
    file: FoundFile, judgements: Callable[[Record], Iterator[Record]]
) -> Iterator[object]:
    for record in records(file):
        if isinstance(record, dict):
            yield from judgements(record)
        else:
            yield record


def records(file: FoundFile) -> Iterator[object]:
    """Records of one file: rows of a CSV, lines of JSON, or a whole document; or a `RowError`.

    Raises:
        SourceError: It is damaged.
    """
    content = _content(file)
    if file.name.lower().removesuffix(".gz").endswith(".csv"):
        try:
            yield from csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        except (csv.Error, UnicodeDecodeError):
            raise SourceError(f"{file.name}: not a whole UTF-8 CSV. Deliver it again.") from None
        return
    whole = _parsed(content)
    if isinstance(whole, list):
        yield from whole
    elif isinstance(whole, dict):
        yield whole
    else:
        yield from (_parsed(line) for line in content.split(b"\n") if line.strip())


def _parsed(content: bytes) -> object:
    try:
        return _JSON.decode(content.decode(json.detect_encoding(content), "surrogatepass"))
    except (ValueError, RecursionError):
        return RowError("not_json", None, redacted(content[:64].decode(errors="replace")))


def _content(file: FoundFile) -> bytes:
    opener = gzip.open if file.name.lower().endswith(".gz") else open
    try:
        with opener(file.path, "rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except (EOFError, OSError, zlib.error):
        raise SourceError(f"{file.name}: damaged or truncated. Deliver it again.") from None
    if len(content) > MAX_FILE_BYTES:
        raise SourceError(f"{file.name}: too large. Deliver it in smaller files.")
    return content
