"""What lands at once: some whole files, or one large file, on a DuckDB of its own."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from models.facts import CALL, Fact
from models.landing import LakePart, Landed, LandedFile, Rejected
from pipelines.control_totals import columns_of
from pipelines.duck import connect
from pipelines.lake import Lake
from pipelines.landing.dates import AFTER_ARRIVAL, EARLIEST, TOO_EARLY, latest_times
from pipelines.landing.dates import RULES as DATE_RULES
from pipelines.landing.identity import id_of_landing
from pipelines.landing.own_costs import read_by_own_cost
from pipelines.landing.parts import write_parts
from pipelines.landing.pieces import Piece
from pipelines.landing.privacy import Presentable
from pipelines.landing.result import FileRefusedError, LandingDefectError, by_number
from pipelines.landing.set_aside import is_too_many
from pipelines.sources.base import FoundFile, ReadContext, StreamReader
from pipelines.sources.cells import redacted

MAX_REJECTED = 1_000
"""A file with more bad records than this is not a log of its kind, and is refused whole."""

UNREADABLE = "unreadable_value"
"""The rule of a record with a value that no column can hold."""

_BEYOND_A_COLUMN = (duckdb.DataError, duckdb.InvalidInputException)


class Unit:
    """Files on their way into the lake: staged, made presentable, written, committed."""

    def __init__(
        self, context: ReadContext, reader: StreamReader, lake: Lake, spill: Path, sessions: int = 1
    ) -> None:
        settings = context.settings
        self._context = context
        self._settings = settings
        self._reader = reader
        self._lake = lake
        self._bound = {
            **reader.bound,
            "task_path": _pointer(settings.task_key) if settings.task_key else None,
            "tag_paths": [_pointer(key) for key in settings.tag_keys],
        }
        self._con = connect(temp_dir=spill, sessions=sessions)
        # parts are ordered when they are written; keeping order before that takes one thread
        self._con.execute("set preserve_insertion_order = false")
        self._con.register("feed", pa.table({"source": [settings.source]}))
        self._presentable = Presentable(self._con, settings.tag_keys, context.pseudonym)
        self.reset()

    def reset(self) -> None:
        """Start anew, with nothing staged."""
        self._con.execute("drop table if exists staged")
        self.files: list[tuple[FoundFile, int]] = []
        self.large: FoundFile | None = None
        self.is_refused = False
        self.size = 0
        self.refused: list[tuple[FoundFile, FileRefusedError]] = []
        self._is_staged = False
        self._unreadable = 0
        self._parts: list[LakePart] = []
        self._accepted: Counter[str] = Counter()
        self._empty: Counter[str] = Counter()
        self._rejected: list[tuple[str, int, str, str]] = []
        self._counters: Counter[str] = Counter()

    def close(self) -> None:
        """Give back the memory."""
        self._con.close()

    def stage(self, piece: Piece) -> None:
        """Read the records of a piece."""
        self.files += piece.whole
        self.size += piece.size
        self._stage(piece.table())

    def _stage(self, lines: pa.Table) -> None:
        """Read some records; those that cannot be read at all are found by halving, and named."""
        try:
            self._insert(lines)
        except _BEYOND_A_COLUMN:
            middle = lines.num_rows // 2
            if middle and self._unreadable < MAX_REJECTED:
                self._stage(lines.slice(0, middle))
                self._stage(lines.slice(middle))
            else:
                self._unreadable += lines.num_rows
                self._insert(_without_texts(lines))

    def _insert(self, lines: pa.Table) -> None:
        self._con.register("lines", lines)
        into = "insert into staged by name " if self._is_staged else "create temp table staged as "
        try:
            self._con.execute(
                f"{into}select {self._columns} from ({self._reader.sql})",  # noqa: S608 - our own text
                self._bound,
            )
        finally:
            self._con.unregister("lines")
        if not self._is_staged:
            self._add_unsaid()
        self._is_staged = True

    @cached_property
    def _columns(self) -> str:
        """What a reader yields, in the types of the contract: what does not fit shows at once."""
        said = self._con.execute(f"describe {self._reader.sql}", self._bound).fetchall()
        names = {name for name, *_ in said}
        cast = [
            f"cast({c.name} as {c.type}) as {c.name}"
            for c in CALL
            if c.name in names and c.type.startswith(("INTEGER", "BIGINT", "DECIMAL"))
        ]
        return f"* replace ({', '.join(cast)})" if cast else "*"

    def _add_unsaid(self) -> None:
        """Give the calls the columns of the contract that their format does not have: null."""
        said = columns_of(self._con, "staged")
        for column in CALL:
            if column.nullable and column.name not in said:
                self._con.execute(f"alter table staged add column {column.name} {column.type}")

    def flush(self) -> None:
        """Turn what is staged into parts that do not count yet."""
        if not self._is_staged:
            return
        self._pass_over_empty()
        self._set_aside_misdated()
        self._refuse_hopeless_files()
        read_by_own_cost(self._con)
        self._count()
        self._presentable.prepare(self._counters)
        self._con.execute(_FACTS)
        self._parts += write_parts(
            self._con,
            self._lake,
            fact=Fact.CALLS,
            landing_id=self._landing_id(),
            first_number=len(self._parts),
        )
        self._con.execute("drop view facts")
        self._con.execute("drop table staged")
        self._is_staged, self.size = False, 0

    def _pass_over_empty(self) -> None:
        """Count the records that are no calls by their format's contract, and let them go."""
        if not self._reader.empty:
            return
        bound = {"empty": list(self._reader.empty)}
        where = "where list_contains($empty, rule)"
        self._empty.update(
            self._counts(f"select file_id, count(*) from staged {where} group by file_id", bound)  # noqa: S608 - our own text
        )
        self._counters.update(
            self._counts(f"select rule, count(*) from staged {where} group by rule", bound)  # noqa: S608 - our own text
        )
        self._con.execute(f"delete from staged {where}", bound)  # noqa: S608 - our own text

    def _set_aside_misdated(self) -> None:
        """Set calls aside that are dated after their file arrived, or before there were any."""
        files = [file for file in [*(f for f, _ in self.files), self.large] if file]
        latest = latest_times(files, self._context)
        spans = self._con.execute(
            "select file_id, min(started_at), max(started_at) from staged where rule is null"
            " group by file_id"
        ).fetchall()
        wrong = [
            (file_id, latest.get(file_id))
            for file_id, first, last in spans
            if first < EARLIEST or (file_id in latest and last > latest[file_id])
        ]
        if not wrong:
            return
        ids, times = zip(*wrong, strict=True)
        instants = pa.array(times, pa.timestamp("us", "UTC"))
        self._con.register("limits", pa.table({"file_id": ids, "latest": instants}))
        self._con.execute(
            "update staged set rule = if(started_at > limits.latest, $after, $early),"
            " rejected_text = '' from limits where staged.file_id = limits.file_id"
            " and rule is null and (started_at > limits.latest or started_at < $earliest)",
            {"after": AFTER_ARRIVAL, "early": TOO_EARLY, "earliest": EARLIEST},
        )
        self._con.unregister("limits")

    def _refuse_hopeless_files(self) -> None:
        """Refuse files that are not logs of this kind: most likely something else altogether."""
        bad: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for file_id, _, rule, _ in self._rejected:
            bad[file_id][rule] += 1
        good = Counter(self._accepted)
        for file_id, rule, rows in self._con.execute(
            "select file_id, rule, count(*) from staged group by file_id, rule"
        ).fetchall():
            (good if rule is None else bad[file_id])[rule or file_id] += rows
        hopeless = {
            file_id: rules
            for file_id, rules in bad.items()
            if self._is_hopeless(rules.total(), good[file_id])
        }
        if not hopeless:
            return
        self._con.execute(
            "delete from staged where list_contains($ids, file_id)", {"ids": sorted(hopeless)}
        )
        if self.large and self.large.file_id in hopeless:
            self.is_refused = True
            self.forget_parts()
        files = {file.file_id: file for file in [*(f for f, _ in self.files), self.large] if file}
        self.refused += [
            (files[file_id], self._not_this_format(hopeless[file_id], good[file_id]))
            for file_id in sorted(hopeless)
        ]
        self.files = [(file, rows) for file, rows in self.files if file.file_id not in hopeless]
        self._rejected = [row for row in self._rejected if row[0] not in hopeless]

    def _is_hopeless(self, bad: int, good: int) -> bool:
        share = self._settings.max_set_aside_share
        return bad > MAX_REJECTED or is_too_many(bad, good, share)

    def _not_this_format(self, rules: Counter[str], good: int) -> FileRefusedError:
        [(most, _)] = rules.most_common(1)
        known = self._next_action(most)
        return FileRefusedError(
            "not_this_format",
            f"{rules.total():,} of the first {rules.total() + good:,} of its records cannot be "
            f"read: {by_number(rules)}",
            f"{known}; if it is something else, move it out of this location",
        )

    def _next_action(self, rule: str) -> str:
        known = {
            **DATE_RULES,
            UNREADABLE: "Look at the numbers of the record: one is too large to be right",
            **self._reader.rules,
        }
        return known.get(rule, "Deliver the record again")

    def _count(self) -> None:
        self._accepted.update(
            self._counts("select file_id, count(*) from staged where rule is null group by file_id")
        )
        self._rejected += self._con.execute(
            "select file_id, source_row, rule, rejected_text from staged where rule is not null"
            " order by file_id, source_row"
        ).fetchall()
        self._counters.update(
            self._counts(
                "select note, count(*) from (select unnest(notes) as note from staged"
                " where rule is null) where note is not null group by note"
            )
        )
        if "unread_cost" in self._con.table("staged").columns:
            self._counters.update(
                self._counts(
                    "select 'unread_cost_picos', cast(sum(unread_cost) * 1000000000000 as hugeint)"
                    " from staged where rule is null having sum(unread_cost) > 0"
                )
            )

    def _counts(self, sql: str, bound: Mapping[str, object] | None = None) -> dict[str, int]:
        return dict(self._con.execute(sql, bound).fetchall())

    def finish(self) -> Landed | None:
        """Write what is staged; what to commit, or None if no file of the unit is left."""
        self.flush()
        return self._record() if self.files else None

    def _record(self) -> Landed:
        bad = Counter(file_id for file_id, *_ in self._rejected)
        names = {file.file_id: file.name for file, _ in self.files}
        files = tuple(
            LandedFile(
                file_id=file.file_id,
                sha256=file.sha256,
                size=file.size,
                name=file.name,
                rows_read=rows,
                rows_accepted=self._accepted[file.file_id],
                rows_empty=self._empty[file.file_id],
                rows_quarantined=bad[file.file_id],
                read_as=self._context.read_as,
            )
            for file, rows in self.files
        )
        for file in files:
            if file.rows_read != file.rows_accepted + file.rows_empty + file.rows_quarantined:
                raise LandingDefectError(f"{file.name}: records read and records kept differ")
        return Landed(
            landing_id=self._landing_id(),
            source=self._settings.source,
            kind=self._settings.kind,
            files=files,
            parts=tuple(self._parts),
            quarantine=tuple(
                Rejected(
                    file_id=file_id,
                    file_name=names[file_id],
                    source_row=row,
                    rule=rule,
                    next_action=self._next_action(rule),
                    shape=redacted(text.strip()),
                )
                for file_id, row, rule, text in self._rejected
            ),
            counters=dict(sorted(self._counters.items())),
        )

    def forget_parts(self) -> None:
        """Remove the parts of a large file that does not land after all."""
        for part in self._parts:
            (self._lake.root / part.path).unlink()
        self._parts = []

    def _landing_id(self) -> str:
        files = [self.large] if self.large else [file for file, _ in self.files]
        return id_of_landing(self._context, [file.sha256 for file in files])


def _without_texts(lines: pa.Table) -> pa.Table:
    """Records that cannot be read, each with the rule that says so and nothing of its text."""
    rules = pc.if_else(pc.is_null(lines["problem"]), UNREADABLE, lines["problem"])
    texts = pa.array([""] * lines.num_rows, pa.string())
    return lines.set_column(2, "line", texts).set_column(3, "problem", rules)


_ELSEWHERE = {
    "source": "feed.source",
    "user_id": "users.pseudonym",
    "end_user_id": "end_users.pseudonym",
    "tags": "tag_names.canonical",
}
_FACTS = (
    "create temp view facts as select "  # noqa: S608 - contract names
    + ", ".join(f"{_ELSEWHERE.get(c.name, 'staged.' + c.name)} as {c.name}" for c in CALL)
    + " from staged cross join feed"
    " left join people as users on staged.user_id = users.raw"
    " left join people as end_users on staged.end_user_id = end_users.raw"
    " left join tag_names on staged.tags = tag_names.raw"
    " where staged.rule is null"
)
"""Good calls with presentable people and tags, in the columns of the contract."""


def _pointer(key: str) -> str:
    """The JSON pointer of a key, whatever characters it has."""
    return "/" + key.replace("~", "~0").replace("/", "~1")
