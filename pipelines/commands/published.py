"""The published version of a workspace, opened read-only as an analyst would."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.commands.guard import UserError
from pipelines.commands.program import near
from pipelines.duck import connect
from pipelines.publishing.duckdb_file import FILE_NAME
from pipelines.publishing.versions import POINTER, current_version, folder_of
from pipelines.workspace import Workspace, WorkspaceError, open_workspace

Row = dict[str, Any]


@dataclass(frozen=True)
class PublishedData:
    """A published version and a connection to its DuckDB file."""

    version: str
    folder: Path
    """The version's own folder, which no later publish changes."""
    pointer: Path
    """The link that always leads to the newest version: what people should bookmark."""
    con: duckdb.DuckDBPyConnection

    def rows(self, sql: str, bound: Mapping[str, object] | None = None) -> list[Row]:
        """The rows of a query, by column name."""
        return rows_of(self.con, sql, bound)


def rows_of(
    con: duckdb.DuckDBPyConnection, sql: str, bound: Mapping[str, object] | None = None
) -> list[Row]:
    """The rows of a query, by column name."""
    cursor = con.execute(sql, dict(bound or {}))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def reading(folder: Path) -> Workspace:
    """Open a workspace for reading what is published: that takes no pseudonym key.

    Raises:
        WorkspaceError: Anything but the key is wrong with the settings or the places.
    """
    workspace, problems = open_workspace(folder)
    wrong = [problem for problem in problems if not problem.rule.startswith("key_")]
    if workspace is None or wrong:
        raise WorkspaceError(wrong)
    return workspace


def published_version(workspace: Workspace) -> str:
    """The version readers see.

    Raises:
        UserError: Nothing was published yet.
    """
    version = current_version(workspace.published_dir)
    if version is None:
        raise UserError("Nothing is published here yet. Run `everycent run` first.")
    return version


@contextmanager
def opened(workspace: Workspace) -> Iterator[PublishedData]:
    """Open the version readers see.

    Raises:
        UserError: Nothing was published yet, or its file is damaged.
    """
    out_dir = workspace.published_dir
    version = published_version(workspace)
    folder = folder_of(out_dir, version)
    try:
        database = connect(folder / FILE_NAME, read_only=True)
    except duckdb.Error as error:
        raise UserError(
            f"{near(folder / FILE_NAME)} is missing, damaged or may not be read. "
            "`everycent verify` says what else changed; then roll back, or remove the version and "
            "run again."
        ) from error
    with database as con:
        yield PublishedData(version, folder, out_dir / POINTER, con)
