"""From the records of provider reports to facts: lineage, scopes, keys and refusals.

A provider's module says what one record means; everything that is the same for all is here.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import pyarrow as pa

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from models.landing import Rejected
from models.settings import SourceSettings
from models.vocabulary import ChargeCategory, Meter
from pipelines.sources.base import DeliveryUnit, FoundFile, ReadContext, Reading, SourceError
from pipelines.sources.bill_files import distinct_files
from pipelines.sources.cells import NEXT_ACTIONS, RowError, Values
from pipelines.sources.pages import Dialect, Document, Record, read_documents

FactRow = dict[str, object]

COSTS = "costs"
_KEYS = {Fact.CHARGES: "charge_key", Fact.USAGE: "usage_key"}
_LINEAGE = ("source", "file_id", "source_row", "scope", "delivery")


@dataclass(frozen=True)
class ReportLine:
    """One record of a report, with what the reader of a record may know around it."""

    report: str
    start: datetime
    end: datetime
    values: Values
    told: frozenset[str]
    """Fields that are not null somewhere in the delivery's report."""
    settings: SourceSettings
    counters: Counter[str]


@dataclass(frozen=True)
class Provider:
    """What differs between providers."""

    issuer: str
    """Id used unless the settings name another."""
    constants: Mapping[str, str]
    """Columns that are the same on every charge."""
    dialect: Dialect
    read_charge: Callable[[ReportLine], FactRow | None]
    """One line of the `costs` report; null if it is empty by contract. Raises RowError."""
    read_usage: Callable[[ReportLine], Sequence[FactRow]]
    """One line of any other report, a row per meter; none if empty. Raises RowError.

    Either puts the parts of the natural key, without its day, under `key` as a tuple of text.
    """


def metered(
    common: FactRow, quantities: Mapping[Meter, int], request_count: int | None
) -> list[FactRow]:
    """One usage row per meter that counted something; the request count on the first only.

    Requests that metered nothing keep their count on a row of the first meter.
    """
    used = {meter: n for meter, n in quantities.items() if n}
    if not used and request_count:
        used = dict.fromkeys(list(quantities)[:1], 0)
    rows: list[FactRow] = [
        {
            **common,
            "key": (common["key"], meter.value),
            "meter": meter.value,
            "quantity": Decimal(n),
        }
        for meter, n in used.items()
    ]
    if rows:
        rows[0]["request_count"] = request_count
    return rows


def read_reports(unit: DeliveryUnit, context: ReadContext, provider: Provider) -> Reading:
    """Read one delivery of a provider's cost and usage reports.

    Copies of the same content count once; each bucket's day is a scope, empty days included.

    Raises:
        SourceError: The delivery is broken, incomplete, holds a bucket twice, or its paying
            account is unknown.
    """
    files, copies = distinct_files(unit.files)
    documents = read_documents(files, provider.dialect)
    told = _told_fields(documents)
    counters: Counter[str] = Counter(duplicate_files=len(copies))
    rows: dict[Fact, list[FactRow]] = {Fact.CHARGES: [], Fact.USAGE: []}
    scopes: dict[Fact, set[str]] = defaultdict(set)
    rejected: list[Rejected] = []
    rows_empty = {}
    for document in documents:
        fact = _fact(document.report)
        scopes[fact].update(_scope(document.report, start) for start, _ in document.spans)
        bad = dict(document.rejected)
        empty = 0
        for record in document.records:
            line = _line(document, record, told, context.settings, counters)
            try:
                made = _fact_rows(line, provider)
            except RowError as error:
                bad[record.position] = error
                continue
            empty += not made
            lineage = _lineage(unit, document, record, context)
            rows[fact] += [_whole(row, lineage, line, provider) for row in made]
        rejected += [_rejected(document.found, *item) for item in sorted(bad.items())]
        if empty:
            rows_empty[document.found.name] = empty
    for fact, made in rows.items():
        number_keys(made, _KEYS[fact])
    return Reading(
        facts={f: pa.Table.from_pylist(made, arrow_schema(FACTS[f])) for f, made in rows.items()},
        rows_read={d.found.name: d.rows_read for d in documents} | dict.fromkeys(copies, 0),
        scopes={fact: tuple(sorted(found)) for fact, found in scopes.items()},
        rejected=tuple(rejected),
        rows_empty=rows_empty,
        counters={name: n for name, n in counters.items() if n},
    )


def _fact(report: str) -> Fact:
    return Fact.CHARGES if report == COSTS else Fact.USAGE


def _told_fields(documents: Iterable[Document]) -> dict[str, frozenset[str]]:
    told: dict[str, set[str]] = defaultdict(set)
    for document in documents:
        for record in document.records:
            told[document.report].update(k for k, v in record.values.items() if v is not None)
    return {report: frozenset(fields) for report, fields in told.items()}


def _line(
    document: Document,
    record: Record,
    told: Mapping[str, frozenset[str]],
    settings: SourceSettings,
    counters: Counter[str],
) -> ReportLine:
    return ReportLine(
        report=document.report,
        start=record.start,
        end=record.end,
        values=record.values,
        told=told[document.report],
        settings=settings,
        counters=counters,
    )


def _fact_rows(line: ReportLine, provider: Provider) -> Sequence[FactRow]:
    if _fact(line.report) is Fact.USAGE:
        return provider.read_usage(line)
    charge = provider.read_charge(line)
    return [] if charge is None else [{**provider.constants, **charge}]


def _lineage(
    unit: DeliveryUnit, document: Document, record: Record, context: ReadContext
) -> FactRow:
    return {
        "source": context.settings.source,
        "file_id": document.found.file_id,
        "source_row": record.position,
        "scope": _scope(document.report, record.start),
        "delivery": unit.delivery,
    }


def _whole(row: FactRow, lineage: FactRow, line: ReportLine, provider: Provider) -> FactRow:
    account = row.get("billing_account_id") or line.settings.billing_account_id
    if account is None:
        raise SourceError(
            f"{lineage['delivery']}: the report does not name the paying account. "
            f"Set billing_account_id of source {line.settings.source} in everycent.yaml."
        )
    day = line.start.date()
    whole: FactRow = {
        **row,
        **lineage,
        "charge_date": day,
        "issuer": line.settings.issuer or provider.issuer,
        "billing_account_id": account,
        "key": (line.report, line.start.isoformat(), row["key"]),
    }
    if line.report == COSTS:
        whole["billing_period"] = day.replace(day=1)
        whole["charge_period_start"], whole["charge_period_end"] = line.start, line.end
        whole["effective_cost"] = row["billed_cost"]
        is_usage = row["charge_category"] == ChargeCategory.USAGE.value
        whole["charge_frequency"] = "Usage-Based" if is_usage else "One-Time"
    return whole


def number_keys(rows: Iterable[FactRow], column: str) -> None:
    """Give each row its natural key; equals are numbered by what they say, not by their place."""
    equals: dict[object, list[FactRow]] = defaultdict(list)
    for row in rows:
        equals[row.pop("key")].append(row)
    for key, group in equals.items():
        parts = list(_leaves(key))
        for number, row in enumerate(sorted(group, key=_said), start=1):
            row[column] = json.dumps([*parts, number], ensure_ascii=False, separators=(",", ":"))


def _said(row: FactRow) -> str:
    return repr(sorted((k, str(v)) for k, v in row.items() if k not in _LINEAGE))


def _leaves(parts: object) -> Iterable[object]:
    if isinstance(parts, tuple):
        for part in parts:
            yield from _leaves(part)
    else:
        yield parts


def _scope(report: str, start: datetime) -> str:
    return f"{report}:{start:%Y-%m-%d}"


def _rejected(found: FoundFile, position: int, error: RowError) -> Rejected:
    return Rejected(
        file_id=found.file_id,
        file_name=found.name,
        source_row=position,
        rule=error.rule,
        column=error.column,
        next_action=NEXT_ACTIONS[error.rule],
        shape=error.shape,
    )
