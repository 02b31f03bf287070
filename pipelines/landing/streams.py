"""Logs of any size into the lake: pieces of lines, one SQL statement, parts by day.

A unit is what lands at once: some whole files, or one large file. If a file turns out to be torn
after some of it was read, nothing of it lands.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from models.facts import CALL, Fact
from models.landing import LakePart, Landed, LandedFile, Rejected
from pipelines.duck import connect
from pipelines.lake import Lake
from pipelines.landing.parts import write_parts
from pipelines.landing.pieces import Piece
from pipelines.landing.privacy import Presentable
from pipelines.landing.result import FileRefusedError, LandingDefectError
from pipelines.sources.base import FoundFile, ReadContext, StreamReader
from pipelines.sources.cells import redacted

UNIT_BYTES = 256 * 2**20
MAX_REJECTED = 1_000
"""A file with more bad records than this is not a log of its kind, and is refused whole."""


@dataclass
class _Unit:
    """What will land at once, as far as it is read."""

    files: list[tuple[FoundFile, int]] = field(default_factory=list)
    large: FoundFile | None = None
    is_staged: bool = False
    is_refused: bool = False
    size: int = 0
    parts: list[LakePart] = field(default_factory=list)
    accepted: Counter[str] = field(default_factory=Counter)
    empty: Counter[str] = field(default_factory=Counter)
    rejected: list[tuple[str, int, str, str]] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)


class StreamLanding:
    """One source's log files on their way into the lake, unit by unit."""

    def __init__(self, context: ReadContext, reader: StreamReader, lake: Lake) -> None:
        settings = context.settings
        self.refused: list[tuple[FoundFile, FileRefusedError]] = []
        self._settings = settings
        self._reader = reader
        self._lake = lake
        self._bound = {
            "task_path": _pointer(settings.task_key) if settings.task_key else None,
            "tag_paths": [_pointer(key) for key in settings.tag_keys],
        }
        self._con = connect(temp_dir=lake.root / ".spill")
        # parts are ordered when they are written; keeping order before that takes one thread
        self._con.execute("set preserve_insertion_order = false")
        self._con.register("feed", pa.table({"source": [settings.source]}))
        self._presentable = Presentable(self._con, settings.tag_keys, context.pseudonym)
        self._unit = _Unit()

    def land(self, pieces: Iterable[Piece]) -> Iterator[Landed]:
        """Land pieces as they come; yields each commit record once it counts."""
        with self._con:
            for piece in pieces:
                self.refused += piece.refused
                yield from self._take(piece)
            yield from self._commit()

    def _take(self, piece: Piece) -> Iterator[Landed]:
        if piece.part_of and not self._unit.large:
            yield from self._commit()
            self._unit.large = piece.part_of
        unit = self._unit
        is_end = piece.part_of is None
        if unit.large and is_end and piece.refused:
            self._forget_parts()
            self._reset()
        elif unit.is_refused:
            if is_end:
                self._reset()
        else:
            self._add(piece)
            is_full = unit.size >= UNIT_BYTES
            if is_end and (is_full or unit.large):
                yield from self._commit()
            elif is_full:
                self._flush()

    def _add(self, piece: Piece) -> None:
        unit = self._unit
        unit.files += piece.whole
        unit.size += piece.size
        self._con.register("lines", piece.table())
        into = "insert into staged " if unit.is_staged else "create temp table staged as "
        self._con.execute(into + self._reader.sql, self._bound)
        self._con.unregister("lines")
        unit.is_staged = True

    def _flush(self) -> None:
        """Turn what is staged into parts that do not count yet."""
        unit = self._unit
        if not unit.is_staged:
            return
        self._pass_over_empty()
        self._refuse_hopeless_files()
        self._count()
        self._presentable.prepare(unit.counters)
        self._con.execute(_FACTS)
        unit.parts += write_parts(
            self._con,
            self._lake,
            fact=Fact.CALLS,
            landing_id=self._landing_id(),
            first_number=len(unit.parts),
        )
        self._con.execute("drop view facts")
        self._con.execute("drop table staged")
        unit.is_staged, unit.size = False, 0

    def _pass_over_empty(self) -> None:
        """Count the records that are no calls by their format's contract, and let them go."""
        if not self._reader.empty:
            return
        bound = {"empty": list(self._reader.empty)}
        where = "where list_contains($empty, rule)"
        self._unit.empty.update(
            self._counts(f"select file_id, count(*) from staged {where} group by file_id", bound)  # noqa: S608 - our own text
        )
        self._unit.counters.update(
            self._counts(f"select rule, count(*) from staged {where} group by rule", bound)  # noqa: S608 - our own text
        )
        self._con.execute(f"delete from staged {where}", bound)  # noqa: S608 - our own text

    def _refuse_hopeless_files(self) -> None:
        """Refuse files that are not logs of this kind: most likely something else altogether."""
        unit = self._unit
        bad = Counter(file_id for file_id, *_ in unit.rejected)
        bad.update(self._counts("select file_id, count(rule) from staged group by file_id"))
        hopeless = {file_id for file_id, rows in bad.items() if rows > MAX_REJECTED}
        if not hopeless:
            return
        self._con.execute(
            "delete from staged where list_contains($ids, file_id)", {"ids": sorted(hopeless)}
        )
        if unit.large and unit.large.file_id in hopeless:
            unit.is_refused = True
            self._forget_parts()
        files = {file.file_id: file for file in [*(f for f, _ in unit.files), unit.large] if file}
        self.refused += [(files[file_id], _not_this_format()) for file_id in sorted(hopeless)]
        unit.files = [(file, rows) for file, rows in unit.files if file.file_id not in hopeless]
        unit.rejected = [row for row in unit.rejected if row[0] not in hopeless]

    def _count(self) -> None:
        unit = self._unit
        unit.accepted.update(
            self._counts("select file_id, count(*) from staged where rule is null group by file_id")
        )
        unit.rejected += self._con.execute(
            "select file_id, source_row, rule, rejected_text from staged where rule is not null"
            " order by file_id, source_row"
        ).fetchall()
        unit.counters.update(
            self._counts(
                "select note, count(*) from (select unnest(notes) as note from staged"
                " where rule is null) where note is not null group by note"
            )
        )

    def _counts(self, sql: str, bound: Mapping[str, object] | None = None) -> dict[str, int]:
        return dict(self._con.execute(sql, bound).fetchall())

    def _commit(self) -> Iterator[Landed]:
        self._flush()
        if self._unit.files:
            record = self._record()
            self._lake.commit(record)
            yield record
        self._reset()

    def _record(self) -> Landed:
        unit = self._unit
        bad = Counter(file_id for file_id, *_ in unit.rejected)
        names = {file.file_id: file.name for file, _ in unit.files}
        files = tuple(
            LandedFile(
                file_id=file.file_id,
                sha256=file.sha256,
                size=file.size,
                name=file.name,
                rows_read=rows,
                rows_accepted=unit.accepted[file.file_id],
                rows_empty=unit.empty[file.file_id],
                rows_quarantined=bad[file.file_id],
            )
            for file, rows in unit.files
        )
        for file in files:
            if file.rows_read != file.rows_accepted + file.rows_empty + file.rows_quarantined:
                raise LandingDefectError(f"{file.name}: records read and records kept differ")
        return Landed(
            landing_id=self._landing_id(),
            source=self._settings.source,
            kind=self._settings.kind,
            files=files,
            parts=tuple(unit.parts),
            quarantine=tuple(
                Rejected(
                    file_id=file_id,
                    file_name=names[file_id],
                    source_row=row,
                    rule=rule,
                    next_action=self._reader.rules.get(rule, "Deliver the record again"),
                    shape=redacted(text.strip()),
                )
                for file_id, row, rule, text in unit.rejected
            ),
            counters=dict(sorted(unit.counters.items())),
        )

    def _forget_parts(self) -> None:
        for part in self._unit.parts:
            (self._lake.root / part.path).unlink()
        self._unit.parts = []

    def _reset(self) -> None:
        self._con.execute("drop table if exists staged")
        self._unit = _Unit()

    def _landing_id(self) -> str:
        unit = self._unit
        files = [unit.large] if unit.large else [file for file, _ in unit.files]
        hashes = [file.sha256 for file in files]
        digest = hashlib.sha256("\n".join(hashes).encode()).hexdigest()
        return f"{self._settings.source}.{digest[:16]}"


def _not_this_format() -> FileRefusedError:
    return FileRefusedError(
        "not_this_format",
        f"more than {MAX_REJECTED} of its records are not records of this kind",
        "Check what it is, and move it out of this location",
    )


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
