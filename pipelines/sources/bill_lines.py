"""Bills whose every record stands for itself: from records to facts, keys, scopes and refusals.

A source's module says what one record means; what is the same for all of them is here.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pyarrow as pa

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from models.landing import Rejected
from models.money import MONEY_CONTEXT, SCALE
from models.settings import SourceSettings
from models.vocabulary import ChargeCategory, Meter
from pipelines.sources.base import DeliveryUnit, FoundFile, ReadContext, Reading, SourceError
from pipelines.sources.bill_files import distinct_files
from pipelines.sources.cells import NEXT_ACTIONS, RowError, Values, binary_money, text
from pipelines.sources.pages import DAY, Span
from pipelines.sources.record_files import Records
from pipelines.sources.reports import FactRow, metered, number_keys

ACTIONS: Mapping[str, str] = {
    **NEXT_ACTIONS,
    "customer_type": "Expected api or subscription: check for a newer report format.",
    "record_type": "Expected ORIGINAL, RETRACTION or RESTATEMENT: check for a newer export format.",
    "duplicate_record": "The record is in this delivery twice and counts once: nothing to do.",
}
_KEYS = {Fact.CHARGES: "charge_key", Fact.USAGE: "usage_key", Fact.OUTCOMES: "event_id"}
_RESIDUE_SCALE = 36


@dataclass(frozen=True)
class BillLine:
    """One record, with what its reader may know around it."""

    values: Values
    context: ReadContext
    counters: Counter[str]

    @property
    def settings(self) -> SourceSettings:
        """Settings of the feed."""
        return self.context.settings

    def person(self, column: str) -> str | None:
        """Pseudonym of the person a column names."""
        name = text(self.values, column)
        return None if name is None else self.context.pseudonym(name)

    def name(self, column: str) -> str | None:
        """A name people choose, such as a key's: a pseudonym if it holds an e-mail address."""
        name = text(self.values, column)
        return self.context.pseudonym(name) if name and "@" in name else name

    def money(self, column: str) -> Decimal:
        """An amount of a source that prints binary floats; what quantising took off is booked.

        Raises:
            RowError: Missing, or not a decimal that fits.
        """
        amount, residue = binary_money(self.values, column)
        if residue:
            booked = int(residue.scaleb(_RESIDUE_SCALE, MONEY_CONTEXT))
            self.counters["amount_quantised"] += 1
            self.counters[f"amount_residue_1e-{_RESIDUE_SCALE}"] += booked
        return amount

    def optional_money(self, column: str) -> Decimal | None:
        """As `money`; null where there is none."""
        return None if self.values.get(column) in (None, "") else self.money(column)

    def note(self, name: str, amount: Decimal) -> None:
        """Keep an amount that is not on this bill out of all facts: as a counter of 1e-18 units."""
        self.counters[f"{name}_1e-{SCALE}"] += int(amount.scaleb(SCALE, MONEY_CONTEXT))


@dataclass(frozen=True)
class Made:
    """What one record became; a record that made nothing is empty by its format's contract.

    Rows hold the columns that only the record can tell. Lineage, time, scope, key, issuer and
    account are added to them, the account only where the row does not name it.
    """

    span: Span
    scope: str
    """What a later delivery replaces."""
    key: tuple[object, ...]
    """Natural key of the record in its scope."""
    charges: Sequence[FactRow] = ()
    usage: Sequence[FactRow] = ()
    outcomes: Sequence[FactRow] = ()
    is_identity: bool = False
    """The key names one record: a second one in the delivery is a duplicate."""


@dataclass(frozen=True)
class LineBill:
    """What differs between bills of this shape."""

    issuer: str
    """Id used unless the settings name another."""
    facts: tuple[Fact, ...]
    constants: Mapping[str, str]
    """Columns that are the same on every charge, unless the record says otherwise."""
    records: Callable[[FoundFile], Records]
    """The records of one file. Raises SourceError."""
    read_line: Callable[[BillLine], Made]
    """Raises RowError for a record that cannot be read."""


def read_lines(unit: DeliveryUnit, context: ReadContext, bill: LineBill) -> Reading:
    """Read one delivery; copies of the same content count once.

    Raises:
        SourceError: A file is broken or of another kind, or its paying account is unknown.
    """
    files, copies = distinct_files(unit.files)
    counters: Counter[str] = Counter(duplicate_files=len(copies))
    facts: dict[Fact, list[FactRow]] = {fact: [] for fact in bill.facts}
    rejected: list[Rejected] = []
    rows_read: Counter[str] = Counter(dict.fromkeys(copies, 0))
    rows_empty: Counter[str] = Counter()
    seen: set[tuple[str, object]] = set()
    scopes: set[str] = set()
    for found in files:
        for position, values in enumerate(bill.records(found), start=1):
            rows_read[found.name] += 1
            try:
                made = _made(values, context, counters, bill, seen)
            except RowError as error:
                rejected.append(_rejected(found, position, error))
                continue
            lineage: FactRow = {
                "source": context.settings.source,
                "file_id": found.file_id,
                "source_row": position,
                "issuer": context.settings.issuer or bill.issuer,
            }
            scopes.add(made.scope)
            whole = _whole(made, lineage, unit, context, bill)
            for fact, rows in whole.items():
                facts[fact] += rows
            rows_empty[found.name] += not any(whole.values())
        rows_read.setdefault(found.name, 0)
    for fact, made_rows in facts.items():
        number_keys(made_rows, _KEYS[fact])
    return Reading(
        facts={f: pa.Table.from_pylist(made, arrow_schema(FACTS[f])) for f, made in facts.items()},
        rows_read=rows_read,
        # a line that is no charge any more takes the place of the charge it was
        scopes={fact: tuple(sorted(scopes)) for fact in bill.facts if fact is not Fact.OUTCOMES},
        rejected=tuple(rejected),
        rows_empty=+rows_empty,
        counters={name: n for name, n in counters.items() if n},
    )


def _made(
    values: Values | RowError,
    context: ReadContext,
    counters: Counter[str],
    bill: LineBill,
    seen: set[tuple[str, object]],
) -> Made:
    if isinstance(values, RowError):
        raise values
    told: Counter[str] = Counter()
    made = bill.read_line(BillLine(values, context, told))
    if made.is_identity:
        identity = (made.scope, made.key)
        if identity in seen:
            raise RowError("duplicate_record")
        seen.add(identity)
    # what a refused record said counts nowhere
    counters.update(told)
    return made


def _whole(
    made: Made, lineage: FactRow, unit: DeliveryUnit, context: ReadContext, bill: LineBill
) -> dict[Fact, list[FactRow]]:
    start, end = made.span
    placed = {
        **lineage,
        "scope": made.scope,
        "delivery": unit.delivery,
        "charge_date": start.date(),
        "billing_account_id": context.settings.billing_account_id,
    }
    charged = {
        **bill.constants,
        "charge_category": ChargeCategory.USAGE.value,
        "charge_frequency": "Usage-Based",
        "billing_period": start.date().replace(day=1),
        "charge_period_start": start,
        "charge_period_end": end,
    }
    key = (start.isoformat(), made.key)
    whole = {
        Fact.CHARGES: [
            {**placed, **charged, "effective_cost": row["billed_cost"], "key": key, **_told(row)}
            for row in made.charges
        ],
        Fact.USAGE: [
            {**placed, **_told(row), "key": (key, row.get("key", row["meter"]))}
            for row in made.usage
        ],
        Fact.OUTCOMES: [
            {**placed, **_told(row), "key": (key, row["outcome_type"], row["revision"])}
            for row in made.outcomes
        ],
    }
    for row in (*whole[Fact.CHARGES], *whole[Fact.USAGE]):
        if row["billing_account_id"] is None:
            raise SourceError(
                f"{unit.delivery}: the bill does not name the paying account. "
                f"Set billing_account_id of source {context.settings.source} in everycent.yaml."
            )
    return {fact: rows for fact, rows in whole.items() if fact in bill.facts}


def _told(row: FactRow) -> FactRow:
    return {column: value for column, value in row.items() if value is not None}


def _rejected(found: FoundFile, position: int, error: RowError) -> Rejected:
    return Rejected(
        file_id=found.file_id,
        file_name=found.name,
        source_row=position,
        rule=error.rule,
        column=error.column,
        next_action=ACTIONS[error.rule],
        shape=error.shape,
    )


def usage_of(
    common: FactRow, counted: Mapping[Meter, int], request_count: int | None
) -> Sequence[FactRow]:
    """One usage row per meter that counted something; the request count on the first only."""
    return metered({"key": (), **common}, counted, request_count)


def instant(values: Values, column: str) -> datetime:
    """An instant in UTC, which is also what a time without offset means.

    Raises:
        RowError: Missing, or not an ISO 8601 time.
    """
    written = text(values, column)
    try:
        at = datetime.fromisoformat(written or "")
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RowError("period_form", column, written) from None


def day_of(day: date) -> Span:
    """Start and end of a UTC day.

    Raises:
        RowError: The last day of the calendar, which ends outside it.
    """
    try:
        midnight = datetime.combine(day, time(), UTC)
        return midnight, midnight + DAY
    except OverflowError:
        raise RowError("period_form") from None


def day_span(values: Values, column: str) -> Span:
    """The UTC day that a column names as `2026-10-01`.

    Raises:
        RowError: Missing, or not a day.
    """
    written = text(values, column)
    try:
        return day_of(date.fromisoformat(written or ""))
    except ValueError:
        raise RowError("period_form", column, written) from None


def no_less(column: str, total: int, *parts: int) -> int:
    """What is left of a total without its parts.

    Raises:
        RowError: The parts are more than the total.
    """
    left = total - sum(parts)
    if left < 0:
        raise RowError("token_identity", column)
    return left
