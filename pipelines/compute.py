"""From lake and reference tables to the public tables in the warehouse, day by day.

Days are computed in ranges that fit in memory, then the billing periods they belong to. Everything
is judged before anything counts: the warehouse's index is written once, at the end.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, partial
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from models.columns import Column
from models.facts import MONEY, Fact
from models.quality import QualityResult
from pipelines.code_version import code_version
from pipelines.duck import cores
from pipelines.engine.duckdb import Session
from pipelines.inputs import Inputs, days_of
from pipelines.lake import Lake
from pipelines.landing.doubts import reading_counters
from pipelines.landing.set_aside import files_set_aside
from pipelines.periods import BILL_LINE, Statements
from pipelines.quality import EXPECTATIONS, judge, load_gate, quality_table, require
from pipelines.reference import Reference
from pipelines.transforms import Partition, Transform, leading_to, load_transforms
from pipelines.warehouse import Warehouse, WarehousePart
from pipelines.workspace import Workspace

RANGE_ROWS = 200_000
"""Calls computed in one session, unless a single day holds more."""

ROWS_AT_ONCE = 2 * RANGE_ROWS
"""Calls in all sessions that run side by side: it bounds memory on days of any size."""

Progress = Callable[[str, int, int], None]
Days = tuple[date, ...]
_DIMENSIONS = "all"


@dataclass(frozen=True)
class Computed:
    """What a computation changed."""

    days: Days
    periods: Days
    rows: dict[str, int] = field(default_factory=dict)
    """Rows written per table."""
    quality: tuple[QualityResult, ...] = ()
    judge_seconds: float = 0.0


class TooLargeError(Exception):
    """Amounts that are each possible, and too large for what is made of them."""

    def __init__(self, said: str) -> None:
        super().__init__(
            "A number became too large to be computed exactly. Nothing of this run counts; the "
            f"previous version stays. {said}"
        )


class Computation:
    """One run of the SQL over the days of a workspace."""

    def __init__(
        self, workspace: Workspace, reference: Reference, lake: Lake, warehouse: Warehouse
    ) -> None:
        self._workspace = workspace
        self._settings = workspace.settings
        self._reference = reference
        self._lake = lake
        self._warehouse = warehouse
        self._transforms = load_transforms()
        self._parts: list[WarehousePart] = []
        self._counters: list[pa.Table] = []
        self._inputs = Inputs(workspace, reference, lake)

    def fingerprints(self, days: Iterable[date]) -> dict[date, str]:
        """What each day would be computed from, as one hash: equal hashes, equal results."""
        known = self._lake.fingerprints()
        window = timedelta(days=self._settings.outcome_window_days)
        common = "|".join(
            (self._reference.fingerprint, code_fingerprint(), _settings_text(self._workspace))
        )
        outcomes = self._lake.parts(Fact.OUTCOMES, date.min, date.max)
        hashes = {}
        for day in days:
            around = sorted(
                part.sha256 for part in outcomes if abs(part.charge_date - day) <= window
            )
            text = "|".join((common, known.get(day, ""), *around))
            hashes[day] = hashlib.sha256(text.encode()).hexdigest()
        return hashes

    def pending(self) -> Days:
        """Days whose inputs changed since they were computed, or that never were, in order."""
        stored = self._warehouse.fingerprints()
        days = {
            part.charge_date for fact in Fact for part in self._lake.parts(fact, date.min, date.max)
        }
        days |= {date.fromisoformat(name) for name in stored if len(name) == len("YYYY-MM-DD")}
        wanted = self.fingerprints(sorted(days))
        return tuple(day for day, text in wanted.items() if stored.get(day.isoformat()) != text)

    def run(self, days: Sequence[date], progress: Progress | None = None) -> Computed:
        """Compute days and the billing periods they touch, judge, and make them count.

        Raises:
            QualityError: A blocking check failed; nothing of this run counts.
            AuditFailedError: A table broke a check of its own; likewise.
        """
        load_gate()
        ordered = tuple(sorted(set(days)))
        self._compute_ranges(list(self._ranges(ordered)), progress)
        periods = self._touched_periods(ordered)
        self._compute_periods(periods)
        self._remember_names()
        sources = [source.source for source in self._settings.sources]
        self._counters += [
            self._landing_counters(),
            self._inputs.name_counters(),
            reading_counters(self._lake.landed(), sources),
        ]
        started = time.perf_counter()
        counters = [_with_text(table) for table in self._counters]
        results = judge(pa.concat_tables(counters, promote_options="permissive"))
        require(results)
        seconds = time.perf_counter() - started
        self._write_dimensions(results)
        stamps = {day.isoformat(): text for day, text in self.fingerprints(ordered).items()}
        self._warehouse.commit(stamps, self._parts)
        rows: dict[str, int] = {}
        for part in self._parts:
            rows[part.table] = rows.get(part.table, 0) + part.rows
        return Computed(ordered, periods, dict(sorted(rows.items())), tuple(results), seconds)

    def _select(self, partition: Partition, layers: Sequence[str]) -> list[Transform]:
        return [
            t for t in self._transforms.values() if t.partition == partition and t.layer in layers
        ]

    def _ranges(self, days: Days) -> Iterator[tuple[date, date, int]]:
        """Half-open ranges of neighbouring days for one session each, with their calls."""
        calls: dict[date, int] = {}
        if days:
            for part in self._lake.parts(Fact.CALLS, days[0], days[-1] + timedelta(days=1)):
                calls[part.charge_date] = calls.get(part.charge_date, 0) + part.rows
        start, rows = None, 0
        for day, following in pairwise((*days, date.max)):
            start = start or day
            rows += calls.get(day, 0)
            ends = following != day + timedelta(days=1)
            if ends or rows + calls.get(following, 0) > RANGE_ROWS:
                yield start, day + timedelta(days=1), rows
                start, rows = None, 0

    def _params(self, from_date: date, to_date: date) -> dict[str, object]:
        return {
            "from_date": from_date,
            "to_date": to_date,
            "tolerance_ppm": int(self._settings.metering_tolerance * 1_000_000),
            "reporting_currency": self._settings.reporting_currency,
            "outcome_window_days": self._settings.outcome_window_days,
        }

    def _compute_ranges(
        self, ranges: Sequence[tuple[date, date, int]], progress: Progress | None
    ) -> None:
        """Compute ranges side by side: faster than all cores on one range after another."""
        largest = max((rows for *_, rows in ranges), default=0)
        fitting = ROWS_AT_ONCE // max(largest, 1)
        sessions = max(min(cores(), len(ranges), fitting), 1)
        with ThreadPoolExecutor(sessions) as pool:
            work = [pool.submit(self._compute_days, a, b, sessions) for a, b, _ in ranges]
            for done, one in enumerate(as_completed(work)):
                counters, parts = one.result()
                self._counters.append(counters)
                self._parts += parts
                if progress:
                    progress("compute", done + 1, len(ranges))

    @contextmanager
    def day_tables(self, day: date, tables: Collection[str]) -> Iterator[Session]:
        """Build some tables of one day, and what they are made of, for a look: nothing is kept."""
        wanted = leading_to(tables, self._transforms)
        with self._built(day, day + timedelta(days=1), wanted) as session:
            yield session

    @contextmanager
    def _built(
        self, from_date: date, to_date: date, wanted: Sequence[Transform], sessions: int = 1
    ) -> Iterator[Session]:
        with self._inputs.session(sessions) as session:
            self._inputs.register_days(session, from_date, to_date)
            try:
                session.build(wanted, self._params(from_date, to_date))
            except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
                raise TooLargeError(self._greatest(from_date, to_date)) from error
            yield session

    def _greatest(self, from_date: date, to_date: date) -> str:
        """Where the greatest amount of some days is, and the greatest quantity."""
        parts = self._lake.parts(Fact.CHARGES, from_date, to_date)
        if not parts:
            return f"There is no bill for {from_date}: look at the token counts of its logs."
        names = {
            file.file_id: f"{record.source}: {file.name}"
            for record in self._lake.landed()
            for file in record.files
        }
        said = []
        with self._inputs.session() as session:
            charges = session.con.read_parquet([str(self._lake.sound(part)) for part in parts])
            for column in ("billed_cost", "consumed_quantity"):
                greatest = (
                    charges.filter(f"{column} is not null")
                    .order(f"abs({column}) desc, source, file_id, source_row")
                    .limit(1)
                    .project(f"file_id, source_row, {column}")
                    .fetchall()
                )
                said += [
                    f"{column} {number:f} ({names.get(file_id)}, row {row})"
                    for file_id, row, number in greatest
                ]
        return f"The greatest of these days are {' and '.join(said)}: correct the bill, or ask why."

    def _compute_days(
        self, from_date: date, to_date: date, sessions: int
    ) -> tuple[pa.Table, list[WarehousePart]]:
        """Counters and stored parts of a range of days."""
        wanted = self._select("day", ("staging", "intermediate", "marts"))
        days = [day.isoformat() for day in days_of(from_date, to_date)]
        with self._built(from_date, to_date, wanted, sessions) as session:
            params = self._params(from_date, to_date)
            counters = session.fetch(self._select("day", ("checks",)), params)
            parts = [
                part
                for transform in self._select("day", ("marts",))
                for part in self._stored(session, transform, days)
            ]
        return counters, parts

    def _stored(
        self, session: Session, transform: Transform, partitions: Sequence[str]
    ) -> list[WarehousePart]:
        name = transform.name
        return self._warehouse.write_all(session.con, name, partitions, name, transform.keys)

    def _touched_periods(self, days: Days) -> Days:
        """Billing periods of the lines these days hold now or held before, and of new invoices."""
        named = {day.isoformat() for day in days}
        before = [part for part in self._warehouse.index().parts if part.table == "fct_cost_lines"]
        paths = [
            str(self._warehouse.sound(p))
            for p in (*before, *self._parts)
            if p.table == "fct_cost_lines" and p.partition in named
        ]
        periods = {day.replace(day=1) for day in days}
        if paths:
            with Session(self._workspace.state_dir / "tmp") as session:
                files = session.con.read_parquet(paths)
                rows = files.project("billing_period").distinct().fetchall()
                periods |= {row[0] for row in rows}
        stored = {
            part.partition
            for part in self._warehouse.index().parts
            if part.table == "mart_invoice_tie_out"
        }
        invoiced = set(self._reference.tables["ref_invoices"]["billing_period"].to_pylist())
        periods |= {p for p in invoiced if f"{p:%Y-%m}" not in stored}
        return tuple(sorted(periods))

    def _compute_periods(self, periods: Days) -> None:
        if not periods:
            return
        transforms = self._select("period", ("intermediate", "marts"))
        params = self._params(periods[0], periods[-1])
        with self._inputs.session() as session:
            wanted = pa.table({"billing_period": pa.array(periods, pa.date32())})
            session.register("periods", wanted)
            cost_lines = self._current_parts("fct_cost_lines")
            session.register_parts("all_cost_lines", _cost_line_columns(), cost_lines)
            session.con.execute(
                "create temp table period_cost_lines as "
                "select lines.* from all_cost_lines as lines semi join periods "
                "on lines.billing_period = periods.billing_period"
            )
            session.build([t for t in transforms if t.layer == "intermediate"], params)
            lines = session.con.sql("select * from int_statement_lines").to_arrow_table()
            statements = Statements(
                lines,
                self._reference.tables,
                set(periods),
                partial(self._bill_lines, session),
                self._settings.default_cost_center,
            )
            session.register("rounded_statements", statements.rounded)
            session.register("statement_rounding", statements.rounding)
            session.register("invoice_totals", statements.totals)
            session.build([t for t in transforms if t.layer == "marts"], params)
            self._counters.append(session.fetch(self._select("period", ("checks",)), params))
            for transform in transforms:
                if transform.is_public:
                    partitions = [f"{period:%Y-%m}" for period in periods]
                    self._parts += self._stored(session, transform, partitions)

    def _current_parts(self, table: str) -> list[Path]:
        """Files of every day of a table: those of this run, else those stored."""
        current = {
            p.partition: p
            for p in (*self._warehouse.index().parts, *self._parts)
            if p.table == table
        }
        return [self._warehouse.sound(current[key]) for key in sorted(current)]

    def _bill_lines(self, session: Session) -> pa.Table:
        """The lines of the bills of a session's periods, as the bills name them."""
        columns = _bill_line_columns()
        session.register_parts("all_bill_lines", columns, self._current_parts("fct_bill_lines"))
        names = ", ".join(column.name for column in columns)
        return session.con.sql(
            f"select {names} from all_bill_lines semi join periods"  # noqa: S608 - our own names
            " on all_bill_lines.billing_period = periods.billing_period"
        ).to_arrow_table()

    def _landing_counters(self) -> pa.Table:
        """Per source: do the dispositions of its files balance, and what was set aside."""
        names = ("dispositions_unbalanced", "rows_quarantined", "files_mostly_set_aside")
        shares = {s.source: s.max_set_aside_share for s in self._settings.sources}
        records = self._lake.landed()
        sources = {*shares, *(record.source for record in records)}
        counts = {source: dict.fromkeys(names, 0) for source in sources}
        for record in records:
            for file in record.files:
                known = file.rows_accepted + file.rows_empty + file.rows_quarantined
                counts[record.source]["dispositions_unbalanced"] += file.rows_read != known
        for found in files_set_aside(self._lake):
            share = shares.get(found.source, Decimal(1))
            counts[found.source]["rows_quarantined"] += len(found.rows)
            counts[found.source]["files_mostly_set_aside"] += found.is_more_than(share)
        suites = {"files_mostly_set_aside": "readings"}
        rows = [
            {
                "suite": suites.get(counter, "landing"),
                "partition": source,
                "counter": counter,
                "value": value,
            }
            for source, counters in sorted(counts.items())
            for counter, value in counters.items()
        ]
        return pa.Table.from_pylist(rows)

    def _remember_names(self) -> None:
        """Names of AI models that days which are left alone have met."""
        for path in self._warehouse.paths("dim_models"):
            known = pq.read_table(path, columns=["provider", "model_text"])
            self._inputs.names.update(zip(*(c.to_pylist() for c in known.columns), strict=True))

    def _write_dimensions(self, results: Sequence[QualityResult]) -> None:
        judged = quality_table(results)
        with self._inputs.session() as session:
            self._inputs.register_prices(session, self._inputs.names, is_nearest_told=True)
            session.register("judgements", self._merged(session, judged))
            transforms = self._select("none", ("marts",))
            session.build(transforms, self._params(date.min, date.max))
            for transform in transforms:
                self._parts += self._stored(session, transform, [_DIMENSIONS])

    def _merged(self, session: Session, judged: pa.Table) -> pa.Table:
        """These judgements, and earlier ones of days and periods that were left alone."""
        paths = [str(path) for path in self._warehouse.paths("quality_results")]
        if not paths:
            return judged
        session.register("judged_now", judged)
        session.register("judged_before", session.con.read_parquet(paths).to_arrow_table())
        kept = session.con.sql(
            """
            select * from judged_before
            anti join judged_now
                on
                    judged_before.suite = judged_now.suite
                    and judged_before.partition = judged_now.partition
            """
        ).to_arrow_table()
        return pa.concat_tables([judged, kept.cast(judged.schema)])


def _with_text(counters: pa.Table) -> pa.Table:
    """Counters whose values are text: counts and exact amounts have no other type in common."""
    at = counters.column_names.index("value")
    return counters.set_column(at, "value", counters["value"].cast(pa.string()))


def _cost_line_columns() -> tuple[Column, ...]:
    """Columns of `fct_cost_lines` that periods are computed from."""
    names = "billing_period issuer billing_account_id billing_currency cost_center_id cause"
    text = {name: "DATE" if name == "billing_period" else "VARCHAR" for name in names.split()}
    kinds = {
        **text,
        "shared_rule_id": "VARCHAR",
        "cost_basis": "VARCHAR",
        "meter": "VARCHAR",
        "billed_cost": MONEY,
        "quantity": "DECIMAL(38,9)",
        "call_count": "BIGINT",
    }
    return tuple(Column(name, kind, "") for name, kind in kinds.items())


def _bill_line_columns() -> tuple[Column, ...]:
    """Columns of `fct_bill_lines` that say what an invoice may have rounded."""
    kinds = {
        "charge_date": "DATE",
        "billing_period": "DATE",
        "issuer": "VARCHAR",
        "billing_account_id": "VARCHAR",
        "billing_currency": "VARCHAR",
        "sub_account_id": "VARCHAR",
        **dict.fromkeys(BILL_LINE, "VARCHAR"),
        "billed_cost": MONEY,
    }
    return tuple(Column(name, kind, "") for name, kind in kinds.items())


def _settings_text(workspace: Workspace) -> str:
    settings = workspace.settings
    sources = [
        (s.source, s.is_system_of_record, sorted(s.record_for.items())) for s in settings.sources
    ]
    return repr(
        (
            str(settings.metering_tolerance),
            settings.reporting_currency,
            settings.required_tags,
            settings.outcome_window_days,
            settings.default_cost_center,
            sources,
        )
    )


@cache
def code_fingerprint() -> str:
    """What the numbers depend on besides inputs: our SQL and Python, and what runs them."""
    digest = hashlib.sha256(code_version(__name__).encode())
    for name, transform in sorted(load_transforms().items()):
        digest.update(f"{name}\n{transform.sql}\n".encode())
    for path in sorted(EXPECTATIONS.glob("*.yaml")):
        digest.update(path.read_bytes())
    for library in ("duckdb", "genai-prices", "everycent"):
        digest.update(f"{library} {version(library)}\n".encode())
    return digest.hexdigest()
