"""The data dictionary: one Markdown page per public table, from its SQL file's header.

`python -m pipelines.publishing.table_docs` rewrites `docs/tables/`; a test compares.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pipelines.transforms import Transform, load_transforms

DOCS = Path(__file__).resolve().parents[2] / "docs" / "tables"
INDEX = "README.md"

ColumnTypes = Callable[[Transform], Mapping[str, str]]
"""DuckDB type by column name, in column order, as the table comes out on empty inputs."""

_ROWS = {
    "day": "Recomputed by day: `charge_date`.",
    "period": "Recomputed by invoice month: `billing_period`.",
    "none": "Recomputed as a whole.",
}
_GENERATED = "<!-- Written by `python -m pipelines.publishing.table_docs`: change the SQL file. -->"


def render(transforms: Mapping[str, Transform], types: ColumnTypes) -> dict[str, str]:
    """Every page by file name, for the public tables among `transforms`."""
    public = {name: t for name, t in sorted(transforms.items()) if t.is_public}
    pages = {f"{name}.md": _page(t, types(t), public) for name, t in public.items()}
    return {INDEX: _index(public), **pages}


def rewrite(folder: Path, pages: Mapping[str, str]) -> None:
    """Make the folder hold exactly these pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob("*.md")):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


def _index(public: Mapping[str, Transform]) -> str:
    rows = [(f"[{name}]({name}.md)", _prose(t.description)) for name, t in public.items()]
    return "\n".join(
        [
            "# Public tables",
            "",
            _GENERATED,
            "",
            "These tables are in `marts.duckdb` and, as Parquet, in every published version.",
            "The same words are comments in the file: `select comment from duckdb_columns()`.",
            "",
            *_table(("Table", "What it holds"), rows),
            "",
        ]
    )


def _page(table: Transform, types: Mapping[str, str], public: Mapping[str, Transform]) -> str:
    columns = [
        (f"`{name}`", kind, _prose(table.columns.get(name, ""))) for name, kind in types.items()
    ]
    reads = [f"[{name}]({name}.md)" for name in table.inputs if name in public]
    checks = [(name.replace("_", " "), f"`{text}`") for name, text in table.checks.items()]
    return "\n".join(
        [
            f"# {table.name}",
            "",
            _GENERATED,
            "",
            _prose(_one_line(table.description)),
            "",
            f"- Grain: {_prose(_one_line(table.grain))}.",
            f"- Keys: {', '.join(f'`{key}`' for key in table.keys) or 'every column'}.",
            f"- {_ROWS[table.partition]}",
            f"- Owner: {table.owner}.",
            *([f"- Reads {', '.join(reads)}."] if reads else []),
            "",
            "## Columns",
            "",
            *_table(("Column", "Type", "Meaning"), columns),
            "",
            *(
                ["## Checks", "", *_table(("Check", "Holds for every row"), checks), ""]
                if checks
                else []
            ),
        ]
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    rule = "| " + " | ".join("---" for _ in head) + " |"
    lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in (head, *rows)]
    return [lines[0], rule, *lines[1:]]


def _cell(text: str) -> str:
    return _one_line(text).replace("|", "\\|")


def _prose(text: str) -> str:
    return text.replace("<", "&lt;")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def main() -> None:
    """Rewrite `docs/tables/` from the SQL files as they are now."""
    from pipelines.publishing.table_types import empty_types

    transforms = load_transforms()
    types = empty_types(transforms)
    rewrite(DOCS, render(transforms, lambda table: types[table.name]))


if __name__ == "__main__":
    main()
