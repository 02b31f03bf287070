"""Runs transforms in one embedded DuckDB session over a range of days."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from models.columns import Column, ddl
from pipelines.duck import connect
from pipelines.meter_sql import create_meter_type
from pipelines.quoting import identifier
from pipelines.transforms import Transform

Params = Mapping[str, object]


class AuditFailedError(Exception):
    """A table breaks a check of its own header: nothing of the run is kept."""


class Session:
    """Tables of one range of days. Inputs are registered first, then transforms build on them."""

    def __init__(self, temp_dir: Path, sessions: int = 1) -> None:
        """Open a session; `sessions` is how many of this process work side by side."""
        self.con: duckdb.DuckDBPyConnection = connect(temp_dir=temp_dir, sessions=sessions)
        create_meter_type(self.con)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.con.close()

    def register(self, name: str, table: pa.Table) -> None:
        """Make a small Arrow table readable under a name."""
        self.con.register(name, table)

    def register_parts(self, name: str, columns: Sequence[Column], paths: Sequence[Path]) -> None:
        """Make Parquet files readable under a name: only the given columns, empty without files."""
        if not paths:
            self.con.execute(f"create table {identifier(name)} ({ddl(columns)})")
            return
        names = ", ".join(identifier(column.name) for column in columns)
        files = self.con.read_parquet([str(path) for path in paths])
        files.project(names).create_view(name)

    def build(self, transforms: Iterable[Transform], params: Params) -> None:
        """Build tables in the given order and audit each by its header's checks.

        Raises:
            AuditFailedError: A row breaks a check. The text names table and check.
        """
        for transform in transforms:
            bound = {name: params[name] for name in transform.params}
            kind = "view" if transform.is_view else "table"
            self.con.execute(
                f"create or replace temp {kind} {identifier(transform.name)} as {transform.sql}",
                bound,
            )
            self._audit(transform)

    def fetch(self, transforms: Iterable[Transform], params: Params) -> pa.Table:
        """Run check queries and put their counters under each other, every value as text."""
        answers = [
            self.con.sql(transform.sql, params={name: params[name] for name in transform.params})
            .project("* replace (cast(value as varchar) as value)")
            .to_arrow_table()
            for transform in transforms
        ]
        return pa.concat_tables(answers, promote_options="permissive")

    def _audit(self, transform: Transform) -> None:
        if not transform.checks:
            return
        counts = ", ".join(
            f"count(*) filter (where not coalesce({rule}, false))"
            for rule in transform.checks.values()
        )
        [broken] = self.con.execute(
            f"select {counts} from {identifier(transform.name)}"  # noqa: S608
        ).fetchall()
        for name, count in zip(transform.checks, broken, strict=True):
            if count:
                raise AuditFailedError(
                    f"{transform.name}: {count} rows break the check '{name}' "
                    f"({transform.checks[name]}). Nothing was published; the previous version "
                    "stays. Look at the day with `everycent explain`, then report it."
                )
