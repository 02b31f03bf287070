"""The reference tables of a workspace: loaded whole and checked, or refused with every reason."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from models.columns import arrow_schema
from models.providers import provider_id
from models.reference import REFERENCE_TABLES
from models.vocabulary import MatchOn
from pipelines.identities import Kind, is_unsafe
from pipelines.problems import Problem, WorkspaceError, did_you_mean, in_order
from pipelines.reference_checks import check_tables, warn_tables
from pipelines.reference_files import Rows, read_rows
from pipelines.reference_shares import write_out_shares
from pipelines.workspace import REFERENCE_DIR, SETTINGS_FILE, Workspace, open_workspace

_NAMED = (MatchOn.API_KEY, MatchOn.GATEWAY_TEAM)
_FILE_SUFFIXES = (".csv", ".yaml", ".yml")


@dataclass(frozen=True)
class Reference:
    """The reference tables, ready to be joined."""

    tables: Mapping[str, pa.Table]
    """Every table of `REFERENCE_TABLES` by name, typed by its contract, rows sorted."""
    fingerprint: str
    """SHA-256 of what the tables say: neither comments nor the order of rows change it."""
    warnings: list[Problem]


@dataclass(frozen=True)
class CheckReport:
    """What a check of a workspace found."""

    problems: list[Problem]
    """They stop every command until they are fixed."""
    warnings: list[Problem]
    counts: Mapping[str, int]
    """Sources, and rows by reference file."""

    @property
    def is_good(self) -> bool:
        """Whether the workspace can be used."""
        return not self.problems


def load_reference(workspace: Workspace) -> Reference:
    """Load the reference tables of a workspace.

    Ids of people become pseudonyms here, so a new key changes the fingerprint.

    Raises:
        WorkspaceError: Anything is wrong with any file; all of it is told.
    """
    tables, problems = _read(workspace)
    if problems:
        raise WorkspaceError(problems)
    for rows in tables.values():
        write_out_shares(rows)
    arrow = {name: _arrow(rows) for name, rows in tables.items()}
    return Reference(arrow, fingerprint(arrow), _warnings(workspace, tables))


def check_workspace(folder: Path, env: Mapping[str, str] | None = None) -> CheckReport:
    """Check settings, places, key and reference tables, and report everything at once."""
    workspace, problems = open_workspace(folder, env)
    if workspace is None:
        return CheckReport(problems, [], {})
    tables, found = _read(workspace)
    counts = {rows.table.file_name: len(rows.lines) for rows in tables.values()}
    return CheckReport(
        in_order([*problems, *found]),
        _warnings(workspace, tables),
        {"sources": len(workspace.settings.sources), **counts},
    )


def fingerprint(tables: Mapping[str, pa.Table]) -> str:
    """SHA-256 over names, types and values of tables whose rows are in a set order."""
    digest = hashlib.sha256()
    for name, table in sorted(tables.items()):
        digest.update(f"{name}\x1c{table.num_rows}\x1d".encode())
        for field, column in zip(table.schema, table.columns, strict=True):
            # values hold no control characters, so separators and the sign of a null are safe
            texts = pc.fill_null(pc.cast(column, pa.string()), "\0").to_pylist()
            digest.update(f"{field.name}\x1f{field.type}\x1e".encode())
            digest.update("\x1f".join(texts).encode() + b"\x1d")
    return digest.hexdigest()


def _read(workspace: Workspace) -> tuple[dict[str, Rows], list[Problem]]:
    sources = tuple(source.source for source in workspace.settings.sources)
    vocabulary = {"match_source": sources, "source": sources}
    tables: dict[str, Rows] = {}
    problems = list(_unknown_files(workspace.reference_dir))
    for name, table in REFERENCE_TABLES.items():
        path = workspace.reference_dir / table.file_name
        file = f"{REFERENCE_DIR}/{table.file_name}"
        rows, found = read_rows(table, path, file, vocabulary)
        problems += found
        tables[name] = rows
    _pseudonymise(tables, workspace)
    for rows in tables.values():
        if (named := rows.values.get("provider")) is not None:
            named[:] = map(provider_id, named)
    return tables, [*problems, *_default_problems(tables, workspace), *check_tables(tables)]


def _warnings(workspace: Workspace, tables: Mapping[str, Rows]) -> list[Problem]:
    tag_keys = {key for source in workspace.settings.sources for key in source.tag_keys}
    return in_order(warn_tables(tables, tag_keys))


def _default_problems(tables: Mapping[str, Rows], workspace: Workspace) -> Iterator[Problem]:
    """A default cost centre that the register does not know."""
    center = workspace.settings.default_cost_center
    known = tables["ref_cost_centers"].values["cost_center_id"]
    if center is not None and center not in known:
        fix = did_you_mean(center, [name for name in known if name]) or (
            "Add it to reference/cost_centers.csv, or correct it."
        )
        said = "There is no cost centre of this id."
        yield Problem(SETTINGS_FILE, None, "default_cost_center", "dangling", said, fix)


def _unknown_files(folder: Path) -> Iterator[Problem]:
    """Files that look like reference tables and are none: a typo would empty a table in silence."""
    known = {table.file_name for table in REFERENCE_TABLES.values()}
    for path in sorted(folder.glob("*")) if folder.is_dir() else []:
        if path.suffix.casefold() in _FILE_SUFFIXES and path.name not in known:
            fix = did_you_mean(path.name.casefold(), known) or "Move it out of this folder."
            said = "There is no reference table in a file of this name."
            yield Problem(f"{REFERENCE_DIR}/{path.name}", None, None, "unknown_file", said, fix)


def _pseudonymise(tables: Mapping[str, Rows], workspace: Workspace) -> None:
    """Replace ids of people, before anything could repeat them.

    Landing replaces texts that may tell somebody in the same way, so that rules still match.
    """
    users = tables["ref_users"].values["user_id"]
    users[:] = [user if user is None else workspace.pseudonym(user) for user in users]
    rules = tables["ref_ownership_rules"].values
    rules["match_value"][:] = [
        value if not value else _kept(match_on, value, workspace)
        for match_on, value in zip(rules["match_on"], rules["match_value"], strict=True)
    ]


def _kept(match_on: str | None, value: str, workspace: Workspace) -> str:
    kind = Kind.NAME if match_on in _NAMED else Kind.TEXT
    is_hidden = match_on == MatchOn.USER or is_unsafe(kind, value)
    return workspace.pseudonym(value) if is_hidden else value


def _arrow(rows: Rows) -> pa.Table:
    schema = arrow_schema(rows.table.columns)
    arrays = [pa.array(rows.values[field.name], field.type) for field in schema]
    table = pa.Table.from_arrays(arrays, schema=schema)
    return table.sort_by([(name, "ascending") for name in schema.names])
