from pathlib import Path

import pytest

from pipelines.publishing.table_docs import DOCS, INDEX, render, rewrite
from pipelines.publishing.table_types import empty_types
from pipelines.transforms import Transform, load_transforms
from pipelines.warehouse import refuse_lossy_types


def transform(name, **header):
    fields = {
        "name": name,
        "layer": "marts",
        "path": Path(f"{name}.sql"),
        "sql": "",
        "description": "What each team spent.\n  Every cent is in one row.",
        "grain": "one row per charge_date\n  and team_id",
        "keys": ("charge_date", "team_id"),
        "owner": "team:finops",
        "partition": "day",
        "columns": {"team_id": "Team; a|b <c>.", "cost": "In dollars."},
        "checks": {"cost_is_present": "cost < 1 or\n  cost is not null"},
        "inputs": ("fct_calls", "stg_calls"),
    }
    return Transform(**{**fields, **header})


def types(table):
    return {"team_id": "VARCHAR", "cost": "DECIMAL(38,12)"}


TRANSFORMS = {
    "mart_showback_daily": transform("mart_showback_daily"),
    "fct_calls": transform("fct_calls", keys=(), checks={}, inputs=(), partition="none"),
    "stg_calls": transform("stg_calls", layer="staging"),
}


def test_a_page_tells_grain_keys_columns_with_types_and_checks():
    assert render(TRANSFORMS, types)["mart_showback_daily.md"] == (
        "# mart_showback_daily\n"
        "\n"
        "<!-- Written by `python -m pipelines.publishing.table_docs`: change the SQL file. -->\n"
        "\n"
        "What each team spent. Every cent is in one row.\n"
        "\n"
        "- Grain: one row per charge_date and team_id.\n"
        "- Keys: `charge_date`, `team_id`.\n"
        "- Recomputed by day: `charge_date`.\n"
        "- Owner: team:finops.\n"
        "- Reads [fct_calls](fct_calls.md).\n"
        "\n"
        "## Columns\n"
        "\n"
        "| Column | Type | Meaning |\n"
        "| --- | --- | --- |\n"
        "| `team_id` | VARCHAR | Team; a\\|b &lt;c>. |\n"
        "| `cost` | DECIMAL(38,12) | In dollars. |\n"
        "\n"
        "## Checks\n"
        "\n"
        "| Check | Holds for every row |\n"
        "| --- | --- |\n"
        "| cost is present | `cost < 1 or cost is not null` |\n"
    )


def test_the_index_lists_public_tables_only():
    pages = render(TRANSFORMS, types)

    assert sorted(pages) == [INDEX, "fct_calls.md", "mart_showback_daily.md"]
    assert (
        "| [fct_calls](fct_calls.md) | What each team spent. Every cent is in one row. |"
        in pages[INDEX]
    )


def test_rewriting_leaves_exactly_the_pages_given(tmp_path):
    (tmp_path / "mart_gone.md").write_text("old")
    rewrite(tmp_path, {"fct_calls.md": "new\n"})

    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"fct_calls.md": "new\n"}


@pytest.fixture(scope="module")
def real():
    """The public tables of `sql/`, and the types they come out with on empty inputs."""
    transforms = load_transforms()
    types = empty_types(transforms)
    return {name: (t, types[name]) for name, t in transforms.items() if t.is_public}


def test_the_pages_in_the_repository_are_those_of_the_sql_files(real):
    """When this fails: `python -m pipelines.publishing.table_docs`, then read the diff."""
    headers = {name: table for name, (table, _) in real.items()}
    pages = render(headers, lambda table: real[table.name][1])

    assert {p.name: p.read_text(encoding="utf-8") for p in DOCS.glob("*.md")} == pages


def test_every_public_column_has_words_and_every_word_a_column(real):
    differences = {
        name: set(table.columns) ^ set(columns)
        for name, (table, columns) in real.items()
        if set(table.columns) != set(columns)
    }

    assert differences == {}


def test_every_public_column_can_be_stored_exactly(real):
    for name, (_, columns) in real.items():
        refuse_lossy_types(name, columns)

    assert "fct_cost_lines" in real


def test_keys_of_public_tables_are_columns_of_theirs(real):
    assert {name: t.keys for name, (t, cols) in real.items() if not set(t.keys) <= set(cols)} == {}
