"""A fresh workspace: files that teach, and that load as they are."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from models.reference import REFERENCE_TABLES, ReferenceTable
from models.settings import PseudonymSettings
from pipelines.known_key import new_key, write_key
from pipelines.problems import Problem, WorkspaceError
from pipelines.pseudonyms import read_key
from pipelines.workspace import REFERENCE_DIR, SETTINGS_FILE

_TEMPLATES = Path(__file__).with_name("templates")
_GENERAL = """\
Lines that start with # are comments. Blank cells mean what the column says, or nothing.
A date means midnight UTC; an instant says its zone, such as 2026-10-14T12:00:00Z.
"""


SAMPLE_COMPANY = Path(__file__).resolve().parent.parent / "data_samples" / "acme"
"""The company of `everycent demo`, beside this package in a checkout and when installed."""


def init_workspace(folder: Path, env: Mapping[str, str] | None = None) -> list[Path]:
    """Write a new workspace, with a pseudonym key of its own unless the environment has one.

    Args:
        folder: Where to; it is created if need be.
        env: The environment; the process's own by default.

    Returns:
        The files that were written.

    Raises:
        WorkspaceError: Some of the files exist already. Nothing was written.
    """
    folder = Path(folder)
    files = {folder / name: text for name, text in _files().items()}
    existing = [path for path in files if path.exists() or path.is_symlink()]
    if folder.exists() and not folder.is_dir():
        existing = [folder]
    if existing:
        said, fix = "The file exists already.", "Choose an empty folder: nothing was written."
        raise WorkspaceError(
            Problem(str(path), None, None, "exists", said, fix) for path in existing
        )
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        # exclusive, so that a file that came up in between is not overwritten either
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    key = first_key(folder, env)
    return [*files, *([key] if key else [])]


def first_key(folder: Path, env: Mapping[str, str] | None = None) -> Path | None:
    """Give a workspace that nobody has run a pseudonym key, unless it has one.

    Returns:
        The `.env` file that holds it; null where there is a key already.
    """
    settings = PseudonymSettings()
    _, problem = read_key(folder, settings, os.environ if env is None else env)
    if problem is None or problem.rule != "key_missing":
        return None
    return write_key(folder, settings.key_env, new_key())


def reference_template(table: ReferenceTable, examples: Sequence[Mapping[str, str]]) -> str:
    """The text of a fresh reference file: what it holds, example rows in comments, no rows."""
    notes = [table.purpose, "", *_GENERAL.splitlines(), ""]
    width = max(len(column.name) for column in table.columns)
    for column in table.columns:
        must = " Required." if column.name in table.required else ""
        closed = table.vocabulary.get(column.name)
        one_of = f" One of: {', '.join(closed)}." if closed else ""
        if column.name in table.added:
            must = " Add the column where you need it."
        notes.append(f"{column.name:{width}}  {column.description}{must}{one_of}")
    rare = [row for row in examples if row.keys() & set(table.added)]
    if rare:
        every = [column.name for column in table.columns]
        notes += ["", "With more columns, for example:", ",".join(every), *_csv_lines(every, rare)]
    rows, header = _example_lines(table, [row for row in examples if row not in rare])
    comments = [f"# {line}".rstrip() for line in [*notes, "", "For example:", *rows]]
    return "\n".join([*comments, *header, ""])


def examples() -> dict[str, list[dict[str, str]]]:
    """Example rows by reference file, every value as text."""
    text = (_TEMPLATES / "examples.yaml").read_text("utf-8")
    found: dict[str, list[dict[str, str]]] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    return found


def _files() -> dict[str, str]:
    """Every file of a fresh workspace, by its path below it."""
    texts = {
        SETTINGS_FILE: (_TEMPLATES / "everycent.yaml").read_text("utf-8"),
        ".gitignore": (_TEMPLATES / "gitignore").read_text("utf-8"),
        "inbox/README.md": (_TEMPLATES / "inbox.md").read_text("utf-8"),
    }
    settings = yaml.load(texts[SETTINGS_FILE], Loader=yaml.BaseLoader)  # noqa: S506
    for source in settings["sources"]:
        # an empty folder does not survive version control
        texts[f"{source['location']}/.gitkeep"] = ""
    rows = examples()
    for table in REFERENCE_TABLES.values():
        text = reference_template(table, rows[table.file_name])
        texts[f"{REFERENCE_DIR}/{table.file_name}"] = text
    return texts


def _example_lines(
    table: ReferenceTable, rows: Sequence[Mapping[str, str]]
) -> tuple[list[str], list[str]]:
    """Example rows as lines of the file, and the header it has without them."""
    if table.file_name.endswith(".yaml"):
        entries = [[f"{name}: {value}" for name, value in row.items()] for row in rows]
        return [f"{'  ' if i else '- '}{line}" for e in entries for i, line in enumerate(e)], []
    return _csv_lines(table.header, rows), [",".join(table.header)]


def _csv_lines(names: Sequence[str], rows: Sequence[Mapping[str, str]]) -> list[str]:
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writerows(rows)
    return out.getvalue().splitlines()
