"""Session files of coding agents: what all of them share.

A session is small, and what a line means depends on the lines around it, so a file is read whole:
its lines become plain records, of which the shared SQL of gateway logs makes calls.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from models.landing import Rejected
from pipelines.duck import connect
from pipelines.sources.base import DeliveryUnit, FoundFile, ReadContext, Reading, SourceError
from pipelines.sources.call_facts import RULES
from pipelines.sources.call_sql import CallFormat, Totals, calls_sql, instant
from pipelines.sources.cells import RowError, redacted
from pipelines.sources.trace_outcomes import ACTIONS, records

MAX_FILE_BYTES = 64 * 2**20
FEW_UNREAD = 10
"""A file with as many records whose usage nobody reads, and not a single call, is refused."""
SUFFIXES = (".jsonl", ".json", ".ndjson", ".jsonl.gz", ".json.gz", ".ndjson.gz")

Line = Mapping[str, object]
Call = dict[str, object]
Row = dict[str, Any]

_LINE = ["file_id", "source_row"]

_PLAIN = (
    "native_id session_id parent_call_id provider_request_id provider_text served_model tier_text"
    " geo_text user_id org_id http_text error_text cost_text metadata note reported_input"
    " reported_output reported_total cache_read cache_write cache_write_5m cache_write_1h reasoning"
    " web_searches"
)
_PATHS = {name: f"$.{name}" for name in _PLAIN.split()}
_SCHEMA = pa.schema(
    [
        ("file_id", pa.string()),
        ("source_row", pa.int64()),
        ("line", pa.string()),
        ("problem", pa.string()),
    ]
)


_HOLDERS = ("message", "payload", "data", "event")
"""Members of a line that may hold usage."""
_USAGE = {"usage", "modelUsage", "total_cost_usd", "costUSD", "cost_usd", "resourceMetrics"}
_RULES = {
    **ACTIONS,
    **RULES,
    "unread_usage": "Report the record's shape: it tells usage, and nobody reads such records",
}


@dataclass
class Session:
    """One file: its lines by number, and what becomes of them."""

    name: str
    lines: dict[int, Line]
    calls: list[tuple[int, Call]] = field(default_factory=list)
    """Calls, each with the number of the line that tells it. A line may tell several."""
    broken: dict[int, RowError] = field(default_factory=dict)
    counters: Counter[str] = field(default_factory=Counter)

    def set_aside_unread(self, is_read: Callable[[Line], bool]) -> None:
        """Set aside the lines that tell usage, and that are not of those that are read."""
        for number, line in list(self.lines.items()):
            if not is_read(line) and _tells_usage(line):
                self.broken[number] = RowError("unread_usage", None, line)
                del self.lines[number]


def _tells_usage(line: Line) -> bool:
    return any(
        value and (name in _USAGE or name.lower().endswith("tokens"))
        for holder in (line, *(member(line, name) for name in _HOLDERS))
        for name, value in holder.items()
    )


def agent_format(source_format: str, totals: Totals) -> CallFormat:
    """The format of records as `Session.calls` has them."""
    return CallFormat(
        source_format=source_format,
        paths={
            **_PATHS,
            "start_text": "$.started",
            "ended_text": "$.ended",
            "updated_text": "$.updated",
            "attempt": "$.attempt",
            "role_text": "$.role",
            "operation_text": "$.operation",
            "open_text": "$.open",
        },
        columns={
            "started": instant("start_text"),
            "ended": instant("ended_text"),
            "updated": instant("updated_text"),
            "attempt_no": "try_cast(attempt as integer)",
            "own_operation": "coalesce(operation_text, 'chat')",
            "own_role": "role_text",
            "is_failed": "error_text is not null or http_text is not null",
            "is_incomplete": "open_text is not null",
        },
        totals={"*": totals},
    )


def read_sessions(
    unit: DeliveryUnit,
    context: ReadContext,
    form: CallFormat,
    read: Callable[[Session], None],
) -> Reading:
    """Read the sessions of one delivery.

    Args:
        unit: The delivery.
        context: Settings and pseudonyms.
        form: From `agent_format`.
        read: Fills in the calls of a session. Several files are read in their order.

    Raises:
        SourceError: A file is damaged, too large, or tells usage of another kind only.
    """
    rows: list[tuple[str, int, str, str | None]] = []
    read_counts, counters = Counter[str](), Counter[str]()
    for file in unit.files:
        session = _session(file)
        read(session)
        read_counts[file.name] = len(session.lines) + len(session.broken)
        counters.update(session.counters)
        if not session.calls:
            _refuse_other_kind(session)
            # most lines of a session are no calls; a file of none may be something else
            counters["file_without_calls"] += 1
        rows += [
            (file.file_id, n, json.dumps(call, default=str), None) for n, call in session.calls
        ]
        rows += [(file.file_id, n, e.shape, e.rule) for n, e in session.broken.items()]
    found = _calls(rows, form, context)
    names = {file.file_id: file.name for file in unit.files}
    broken = found.filter(pc.is_valid(found["rule"])).to_pylist()
    rejected = {(row["file_id"], row["source_row"]): row for row in reversed(broken)}
    good = _without(found, rejected)
    counters.update(pc.drop_null(pc.list_flatten(good["notes"])).to_pylist())
    told = Counter(found.select(_LINE).group_by(_LINE).aggregate([])["file_id"].to_pylist())
    return Reading(
        facts={Fact.CALLS: _table(good, context)},
        rows_read=read_counts,
        rows_empty={name: read_counts[name] - told[file_id] for file_id, name in names.items()},
        rejected=[_rejected(row, names) for _, row in sorted(rejected.items())],
        counters=dict(+counters),
    )


def _without(found: pa.Table, lines: Collection[tuple[str, int]]) -> pa.Table:
    """The calls of all but some lines."""
    if not lines:
        return found
    told = zip(*(found[name].to_pylist() for name in _LINE), strict=True)
    return found.filter(pa.array([line not in lines for line in told], pa.bool_()))


def _session(file: FoundFile) -> Session:
    if file.size > MAX_FILE_BYTES:
        raise SourceError(
            f"{file.name}: larger than {MAX_FILE_BYTES // 2**20} MiB, which no session is."
            " Deliver it in smaller files."
        )
    lines: dict[int, Line] = {}
    broken: dict[int, RowError] = {}
    for number, found in enumerate(records(file), start=1):
        if isinstance(found, dict):
            lines[number] = found
        else:
            broken[number] = (
                found if isinstance(found, RowError) else RowError("not_an_object", None, found)
            )
    return Session(file.name, lines, broken=broken)


def _refuse_other_kind(session: Session) -> None:
    unread = sum(error.rule == "unread_usage" for error in session.broken.values())
    if unread >= FEW_UNREAD:
        raise SourceError(
            f"{session.name}: {unread} of its records tell usage, none in the form of this kind."
            " Check what it is, and move it out of this location."
        )


def _calls(
    rows: Sequence[tuple[str, int, str, str | None]], form: CallFormat, context: ReadContext
) -> pa.Table:
    """What the shared SQL makes of the records, people and tags still raw."""
    settings = context.settings
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    with connect() as con:
        con.register("lines", pa.table(list(map(pa.array, columns, _SCHEMA.types)), schema=_SCHEMA))
        return con.sql(
            f"select * from ({calls_sql(form)}) order by file_id, source_row, call_id",  # noqa: S608 - our own text
            params={
                "task_path": _pointer(settings.task_key) if settings.task_key else None,
                "tag_paths": [_pointer(key) for key in settings.tag_keys],
            },
        ).to_arrow_table()


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _rejected(row: Mapping[str, object], names: Mapping[str, str]) -> Rejected:
    rule = str(row["rule"])
    return Rejected(
        file_id=str(row["file_id"]),
        file_name=names[str(row["file_id"])],
        source_row=int(str(row["source_row"])),
        rule=rule,
        next_action=_RULES[rule],
        shape=redacted(str(row["rejected_text"] or "")),
    )


def _table(calls: pa.Table, context: ReadContext) -> pa.Table:
    """Good calls in the columns of the contract, with pseudonyms for people."""
    settings = context.settings

    def safe(value: str) -> str:
        return context.pseudonym(value) if "@" in value else value

    def column(field: pa.Field) -> pa.ChunkedArray | pa.Array:
        if field.name == "source":
            return pa.repeat(pa.scalar(settings.source, field.type), calls.num_rows)
        values = calls[field.name]
        if field.name == "user_id":
            values = _mapped(values, lambda user: context.pseudonym(user) if user else None)
        elif field.name == "tags":
            values = _mapped(values, lambda raw: _tags(raw, settings.tag_keys, safe))
        elif field.name != "served_model" and pa.types.is_string(field.type):
            is_told = pc.any(pc.match_substring(values, "@")).as_py()
            values = _mapped(values, safe) if is_told else values
        return values.cast(field.type)

    schema = arrow_schema(FACTS[Fact.CALLS])
    return pa.table([column(field) for field in schema], schema=schema)


def _mapped(values: pa.ChunkedArray, change: Callable[[str], str | None]) -> pa.ChunkedArray:
    """Texts changed, each distinct one once."""
    changed = {text: change(text) for text in values.unique().to_pylist() if text is not None}
    if not changed:
        return values
    told = values.to_pylist()
    return pa.chunked_array([pa.array(map(changed.get, told), pa.string())])


def _tags(raw: str, keys: Sequence[str], safe: Callable[[str], str]) -> str | None:
    values = zip(keys, json.loads(raw)[1:], strict=False)
    tags = {key: safe(value) for key, value in values if value}
    return json.dumps(tags, sort_keys=True, ensure_ascii=False) if tags else None


def member(line: Line, *names: str) -> Line:
    """A member of a member; an empty record where there is none."""
    for name in names:
        value = line.get(name)
        line = value if isinstance(value, dict) else {}
    return line


def items(line: Line, name: str) -> Iterator[Line]:
    """The records of a list; nothing where there is none."""
    values = line.get(name)
    yield from (
        (value for value in values if isinstance(value, dict)) if isinstance(values, list) else ()
    )
