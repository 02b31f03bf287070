"""`everycent export`: statements and tables as files to hand on, with their SHA-256."""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from pipelines import durable
from pipelines.commands import terminal
from pipelines.commands.guard import UserError
from pipelines.commands.program import near
from pipelines.commands.published import PublishedData, opened, reading
from pipelines.commands.terminal import safe, say
from pipelines.control_totals import columns_of, sha256_of
from pipelines.problems import did_you_mean
from pipelines.publishing.csv_files import csv_bytes
from pipelines.publishing.versions import read_manifest
from pipelines.quoting import identifier
from pipelines.transforms import load_transforms
from pipelines.workspace import Workspace

SUMS = "SHA256SUMS"
DEFAULT_TABLES = (
    "mart_attribution_coverage_daily",
    "mart_chargeback_monthly",
    "mart_invoice_tie_out",
    "mart_showback_daily",
)
_ROWS = 10_000

Format = Literal["csv", "parquet"]


@dataclass(frozen=True)
class Export:
    """What to export: tables as files of a format, of one billing period or all."""

    to: Path
    period: date | None
    tables: tuple[str, ...]
    format: Format


def export_command(folder: Path, wanted: Export) -> None:
    """Write the chargeback files and the wanted tables, and say what was written."""
    workspace = reading(folder)
    if wanted.to.exists() and not wanted.to.is_dir():
        raise UserError(f"{wanted.to} is a file: choose a folder.")
    for kept in _kept(workspace):
        if wanted.to.resolve().is_relative_to(kept):
            raise UserError(
                f"The workspace keeps {near(kept)} for itself: choose another folder for exports."
            )
    with opened(workspace) as data:
        _check(data, wanted)
        written = [*_copies(data, wanted), *_tables(data, wanted)]
    sums = "".join(f"{digest}  {name}\n" for name, digest, _ in sorted(written))
    durable.write_bytes(wanted.to / SUMS, sums.encode())
    terminal.show_table(
        f"Exported version {data.version} to {safe(near(wanted.to))}",
        ["file", "rows"],
        [[safe(name), f"{rows:,}"] for name, _, rows in sorted(written)],
        right=["rows"],
    )
    say(f"Check a copy with: sha256sum -c {SUMS}")


def _kept(workspace: Workspace) -> list[Path]:
    """Folders of a workspace with contents of their own."""
    inboxes = map(workspace.inbox, workspace.settings.sources)
    own = (workspace.published_dir, workspace.state_dir, workspace.reference_dir)
    return [folder.resolve() for folder in (*own, *inboxes)]


def _check(data: PublishedData, wanted: Export) -> None:
    known = {table.table for table in read_manifest(data.folder).tables}
    for table in wanted.tables:
        if table not in known:
            hint = did_you_mean(table, known) or f"There are: {', '.join(sorted(known))}."
            raise UserError(f"There is no published table {table!r}. {hint}")
    periods = {
        row["period"]
        for row in data.rows(
            "select distinct billing_period as period from mart_chargeback_monthly"
            " union select distinct billing_period from fct_cost_lines"
        )
    }
    if wanted.period is not None and wanted.period not in periods:
        there = ", ".join(f"{period:%Y-%m}" for period in sorted(periods)) or "none"
        raise UserError(f"There is no billing period {wanted.period:%Y-%m}. There are: {there}.")


Written = tuple[str, str, int]
"""Name below the folder, SHA-256, rows."""


def _copies(data: PublishedData, wanted: Export) -> Iterator[Written]:
    """Copy the chargeback files, byte by byte as they were published."""
    start = f"chargeback/{wanted.period:%Y-%m}/" if wanted.period else "chargeback/"
    for file in read_manifest(data.folder).files:
        if not file.path.startswith(start):
            continue
        content = (data.folder / file.path).read_bytes()
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise UserError(
                f"{file.path} is not what was published: see `everycent verify`, then roll back."
            )
        durable.write_bytes(wanted.to / file.path, content)
        rows = content.count(b"\n") - 1 if file.path.endswith(".csv") else 0
        yield file.path, file.sha256, rows


def _tables(data: PublishedData, wanted: Export) -> Iterator[Written]:
    wanted.to.mkdir(parents=True, exist_ok=True)
    for table in dict.fromkeys(wanted.tables):
        name = f"{table}.{wanted.format}"
        path = wanted.to / name
        prepared = durable.temporary(path)
        columns = columns_of(data.con, identifier(table))
        query = _query(table, columns, wanted.period)
        bound = {"period": wanted.period} if "$period" in query else {}
        count = data.con.execute(f"select count(*) from ({query})", bound).fetchone()  # noqa: S608
        if wanted.format == "csv":
            _write_csv(data, query, bound, prepared)
        else:
            data.con.execute(
                f"copy ({query}) to $path (format parquet, compression zstd)",
                {**bound, "path": str(prepared)},
            )
        durable.replace(prepared, path)
        yield name, sha256_of(path), count[0] if count else 0


def _query(table: str, columns: Collection[str], period: date | None) -> str:
    """The rows of a table in a fixed order; of a period where the table has days or periods."""
    where = ""
    if period is not None and "billing_period" in columns:
        where = "where billing_period = $period"
    elif period is not None and "charge_date" in columns:
        where = "where date_trunc('month', charge_date) = $period"
    keys = load_transforms()[table].keys or columns
    order = ", ".join(f"{identifier(key)} asc nulls last" for key in keys)
    return f"select * from {identifier(table)} {where} order by {order}"  # noqa: S608 - quoted


def _write_csv(data: PublishedData, query: str, bound: dict[str, date | None], path: Path) -> None:
    """Write the rows piece by piece with the writer that no spreadsheet takes for formulas."""
    cursor = data.con.execute(query, bound)
    names = [column[0] for column in cursor.description]
    with path.open("wb") as file:
        file.write(csv_bytes(names, []))
        while rows := cursor.fetchmany(_ROWS):
            file.write(csv_bytes(names, rows).split(b"\n", 1)[1])
