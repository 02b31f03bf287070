from pathlib import Path

from pipelines.publishing.table_docs import INDEX, render, rewrite
from pipelines.transforms import Transform


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
    assert "| [fct_calls](fct_calls.md) | What each team spent. |" in pages[INDEX]


def test_rewriting_leaves_exactly_the_pages_given(tmp_path):
    (tmp_path / "mart_gone.md").write_text("old")
    rewrite(tmp_path, {"fct_calls.md": "new\n"})

    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"fct_calls.md": "new\n"}
