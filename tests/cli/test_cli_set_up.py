import json
from pathlib import Path

import pytest

from pipelines.publishing.source_docs import SECTIONS
from pipelines.sources import all_sources

NO_KEY = {"EVERYCENT_PSEUDONYM_KEY": None}


def test_a_fresh_workspace_is_good_and_says_what_comes_next(everycent, tmp_path):
    made = everycent("init", tmp_path / "new")
    assert made.exit_code == 0
    assert "everycent check" in made.stdout
    checked = everycent("check", tmp_path / "new")
    assert checked.exit_code == 0
    assert "Good." in checked.stdout


def test_a_fresh_workspace_has_its_key_and_needs_no_export(everycent, tmp_path):
    made = everycent("init", tmp_path / "new", env=NO_KEY)

    assert "export" not in made.stdout
    assert ".env" in made.stdout
    assert everycent("check", tmp_path / "new", env=NO_KEY).exit_code == 0


def test_a_made_up_company_runs_as_it_is(everycent, tmp_path):
    everycent("simulate", tmp_path / "new", "--days", 1, "--calls", 20, env=NO_KEY)

    assert everycent("run", tmp_path / "new", env=NO_KEY).exit_code == 0


def test_a_first_key_is_made_once(everycent, tmp_path):
    folder = tmp_path / "new"
    everycent("init", folder)
    assert everycent("check", folder, env=NO_KEY).exit_code == 2

    first = everycent("new-key", folder, env=NO_KEY)
    key = (folder / ".env").read_text()
    again = everycent("new-key", folder, env=NO_KEY)
    shadowed = everycent("new-key", folder)

    assert (first.exit_code, again.exit_code, shadowed.exit_code) == (0, 2, 2)
    assert "--rotate" in again.stderr
    assert "environment" in shadowed.stderr
    assert (folder / ".env").read_text() == key
    assert key.split("=")[1].strip() not in first.output
    assert everycent("check", folder, env=NO_KEY).exit_code == 0


def test_init_overwrites_nothing(everycent, tmp_path):
    everycent("init", tmp_path / "new")
    again = everycent("init", tmp_path / "new")
    assert again.exit_code == 2
    assert "exists already" in again.stderr
    assert len(again.stderr.splitlines()) == 1


def test_check_lists_every_problem_with_its_line(everycent, tmp_path):
    folder = tmp_path / "new"
    everycent("init", folder)
    settings = folder / "everycent.yaml"
    settings.write_text(settings.read_text().replace("kind: openai", "kind: opnai"))
    result = everycent("check", "--workspace", folder)
    assert result.exit_code == 2
    assert "Did you mean 'openai'?" in result.stdout
    report = json.loads(everycent("check", folder, "--json").stdout)
    [problem] = report["problems"]
    assert (problem["rule"], problem["file"]) == ("unknown_kind", "everycent.yaml")
    assert problem["line"] > 0


@pytest.mark.parametrize("command", ["check", "run", "status", "verify"])
def test_a_folder_that_is_no_workspace_is_a_mistake(everycent, tmp_path, command):
    result = everycent(command, tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "everycent init" in result.output
    assert "Traceback" not in result.output


def test_a_missing_key_is_a_mistake_that_says_how_to_make_one(everycent, company):
    result = everycent("run", company, env=NO_KEY)
    assert result.exit_code == 2
    assert "secrets.token_hex" in result.stderr


def test_a_workspace_without_files_says_where_to_put_them(everycent, tmp_path):
    everycent("init", tmp_path / "new")
    result = everycent("run", tmp_path / "new")
    assert result.exit_code == 2
    assert "inbox" in result.stderr


def test_sources_tell_money_unit_proof_and_token_rules(everycent):
    kinds = {kind["name"]: kind for kind in json.loads(everycent("sources", "--json").stdout)}
    assert {"openai", "anthropic", "litellm"} <= set(kinds)
    assert kinds["openai"]["facts"] == ["charges", "usage"]
    assert kinds["litellm"]["token_rules"][0]["input_totals"] == "inclusive"
    text = everycent("sources").stdout
    for kind in kinds.values():
        # a long cell is folded, so its first word stands for it
        first = {kind[column].split()[0] for column in ("money_unit", "proof", "docs_page")}
        assert first <= set(text.split())


@pytest.mark.parametrize("kind", sorted(all_sources()))
def test_a_kind_is_told_with_recipe_settings_traps_and_page(everycent, kind):
    text = everycent("sources", kind).stdout
    assert f"kind: {kind}" in text
    assert f"docs/sources/{kind}.md" in text
    assert all(heading in text for heading in SECTIONS.values())
    told = json.loads(everycent("sources", kind, "--json").stdout)
    assert told["name"] == kind
    assert {"about", "export", "settings", "reads", "never_read", "traps"} <= set(told)


def test_an_unknown_kind_is_a_mistake_with_a_hint(everycent):
    result = everycent("sources", "litelm")
    assert result.exit_code == 2
    assert "Did you mean 'litellm'?" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--fault", "torn_fil"), "Did you mean 'torn_file'?"),
        (("--days", 0), "at least 1"),
        (("--company", "globex", "--days", 0), "at least 1"),
        (("--company", "globex", "--fault", "torn_file"), "for acme"),
        (("--company", "globex", "--start", "2026-09-01"), "for acme"),
    ],
)
def test_a_simulation_that_makes_no_sense_is_a_mistake(everycent, tmp_path, words, said):
    result = everycent("simulate", tmp_path / "new", *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_the_second_company_is_the_sample_of_its_own(everycent, tmp_path):
    result = everycent("simulate", tmp_path / "new", "--company", "globex")
    assert result.exit_code == 0
    assert "200 logged calls" in result.stdout
    sample = Path(__file__).parents[2] / "data_samples" / "globex"
    for name in ("everycent.yaml", "reference/invoices.csv"):
        assert (tmp_path / "new" / name).read_bytes() == (sample / name).read_bytes()


def test_simulate_takes_an_empty_folder_only(everycent, company):
    result = everycent("simulate", company)
    assert result.exit_code == 2
    assert "not empty" in result.stderr


def test_the_demo_never_writes_into_a_folder_that_is_there(everycent, tmp_path):
    result = everycent("demo", tmp_path)

    assert result.exit_code == 2
    assert "exists already" in result.output
    assert list(tmp_path.iterdir()) == []
