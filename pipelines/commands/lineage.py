"""From a fact back to the file and row it was read from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from models.facts import Fact
from models.landing import LandedFile
from pipelines.commands.program import near
from pipelines.commands.published import Row, rows_of
from pipelines.commands.terminal import safe
from pipelines.control_totals import sha256_of
from pipelines.duck import connect
from pipelines.run import lake_of
from pipelines.workspace import Workspace


@dataclass(frozen=True)
class Origin:
    """Where one record came from."""

    source: str
    file: str
    """Below the source's folder; the file id if no landing knows it any more."""
    row: int | None
    """1-based record in the file."""
    sha256: str
    state: str
    """unchanged, changed or gone: whether the file that landed is still in the inbox."""
    path: str
    """Where to look for it."""

    def __str__(self) -> str:
        """One line for people."""
        row = "" if self.row is None else f", row {self.row}"
        still = {"unchanged": "still there", "changed": "it has changed since", "gone": "gone now"}
        return f"{safe(self.path)}{row} ({still[self.state]}; sha256 {self.sha256})"


class Lineage:
    """Finds the files behind facts of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._lake = lake_of(workspace)
        self._folders = {
            source.source: workspace.inbox(source) for source in workspace.settings.sources
        }

    def calls(self, day: date, identity: str) -> list[Row]:
        """Every copy of a call in the lake on a day: `source, call_id, file_id, source_row, ...`.

        Args:
            day: UTC day of the call.
            identity: Its call id, or the id that its gateway or provider gave the request: several
                attempts can share one of those.
        """
        return self._read(
            Fact.CALLS,
            day,
            "select charge_date, source, call_id, file_id, source_row, is_rollup"
            " from read_parquet($paths)"
            " where $identity in (call_id, provider_request_id, parent_call_id)"
            " order by source, started_at, call_id, file_id, source_row",
            {"identity": identity},
        )

    def find_calls(self, identity: str) -> list[Row]:
        """Copies of a call on the newest day that has any."""
        parts = self._lake.parts(Fact.CALLS, date.min, date.max)
        for day in sorted({part.charge_date for part in parts}, reverse=True):
            if copies := self.calls(day, identity):
                return copies
        return []

    def charges(self, day: date, keys: Sequence[str]) -> dict[tuple[str, ...], Row]:
        """File and row of charges, by source, scope, delivery and charge key."""
        rows = self._read(
            Fact.CHARGES,
            day,
            "select source, scope, delivery, charge_key, file_id, source_row"
            " from read_parquet($paths) where list_contains($keys, charge_key)",
            {"keys": list(keys)},
        )
        return {
            (row["source"], row["scope"], row["delivery"], row["charge_key"]): row for row in rows
        }

    def origin(self, row: Row) -> Origin:
        """The file behind a row with `source, file_id, source_row`; is it still there?"""
        source, file_id = row["source"], row["file_id"]
        landed = self._files.get((source, file_id))
        folder = self._folders.get(source)
        if landed is None or folder is None:
            return Origin(source, file_id, row["source_row"], f"{file_id}...", "gone", file_id)
        path = folder / landed.name
        state = "gone"
        if path.is_file():
            state = "unchanged" if sha256_of(path) == landed.sha256 else "changed"
        return Origin(source, landed.name, row["source_row"], landed.sha256, state, near(path))

    @cached_property
    def _files(self) -> dict[tuple[str, str], LandedFile]:
        return {
            (record.source, file.file_id): file
            for record in self._lake.landed()
            for file in record.files
        }

    def _read(self, fact: Fact, day: date, sql: str, bound: Row) -> list[Row]:
        parts = self._lake.parts(fact, day, day + timedelta(days=1))
        paths = [str(self._lake.root / part.path) for part in parts]
        if not paths:
            return []
        with connect() as con:
            return rows_of(con, sql, {**bound, "paths": paths})
