"""A fresh workspace teaches, loads as it is, and harms nothing that is there."""

import csv
import io
import stat
import subprocess

import pytest
import yaml

from models.reference import REFERENCE_TABLES
from pipelines.problems import WorkspaceError
from pipelines.scaffold import examples, init_workspace
from pipelines.workspace import load_workspace


def test_it_loads_without_a_problem(bench):
    assert bench.check().problems == []


def test_it_has_a_key_of_its_own_that_nobody_else_can_read(tmp_path):
    one, other = (tmp_path / name for name in ("one", "other"))
    for folder in (one, other):
        assert folder / ".env" in init_workspace(folder, {})

    assert stat.S_IMODE((one / ".env").stat().st_mode) == 0o600
    assert (one / ".env").read_text() != (other / ".env").read_text()
    assert load_workspace(one, {}).key.fingerprint != load_workspace(other, {}).key.fingerprint


def test_a_key_in_the_environment_is_the_key(tmp_path, bench):
    written = init_workspace(tmp_path / "new", bench.env)

    assert not any(path.name == ".env" for path in written)
    assert load_workspace(tmp_path / "new", bench.env)


def test_it_leaves_a_key_that_is_there(tmp_path, bench):
    (tmp_path / ".env").write_text(
        f"EVERYCENT_PSEUDONYM_KEY={bench.env['EVERYCENT_PSEUDONYM_KEY']}\n"
    )
    init_workspace(tmp_path, {})

    assert load_workspace(tmp_path, {}).key == load_workspace(tmp_path, bench.env).key


def test_it_says_what_it_wrote(tmp_path):
    written = init_workspace(tmp_path / "new")

    on_disk = {path for path in (tmp_path / "new").rglob("*") if path.is_file()}
    assert set(written) == on_disk
    assert {path.name for path in on_disk} >= {"everycent.yaml", ".gitignore", "applications.csv"}


def test_every_inbox_is_there(bench):
    workspace = load_workspace(bench.root, bench.env)

    assert all(workspace.inbox(source).is_dir() for source in workspace.settings.sources)


@pytest.mark.parametrize("table", REFERENCE_TABLES.values(), ids=lambda table: table.name)
def test_a_file_explains_its_rows_and_every_column(bench, table):
    text = (bench.root / "reference" / table.file_name).read_text()
    comments = "\n".join(line for line in text.splitlines() if line.startswith("# "))

    assert table.purpose in comments
    assert all(f"{column.name} " in comments for column in table.columns)
    assert all(column.description in comments for column in table.columns)


def test_all_examples_uncommented_are_a_workspace_that_loads(bench):
    """Uncomments them by hand, as a person would."""
    for table in REFERENCE_TABLES.values():
        path = bench.root / "reference" / table.file_name
        notes, example = path.read_text().split("# For example:\n")
        *rows, header = example.splitlines()
        lines = [header, *rows] if table.file_name.endswith(".csv") else [*rows, header]
        path.write_text(notes + "\n".join(line.removeprefix("# ") for line in lines) + "\n")

    report = bench.check()
    assert report.problems == []
    assert report.warnings == []
    assert {report.counts[table.file_name] for table in REFERENCE_TABLES.values()} == {1}


def test_every_file_has_an_example_of_its_columns():
    rows = examples()

    assert {name: set(row) - _columns(name) for name in rows for row in rows[name]} == {
        table.file_name: set() for table in REFERENCE_TABLES.values()
    }


def _columns(file_name: str) -> set[str]:
    (table,) = (t for t in REFERENCE_TABLES.values() if t.file_name == file_name)
    return {column.name for column in table.columns}


def test_a_header_is_the_contract(bench):
    for table in REFERENCE_TABLES.values():
        if table.file_name.endswith(".csv"):
            text = (bench.root / "reference" / table.file_name).read_text()
            last = next(csv.reader(io.StringIO(text.splitlines()[-1])))
            assert last == [c.name for c in table.columns if c.name not in table.added]


def test_the_settings_it_shows_in_comments_are_real(bench):
    path = bench.root / "everycent.yaml"
    shown = [
        "metering_tolerance: 0.005",
        "required_tags: [app]",
        "outcome_window_days: 7",
        "task_key: ticket",
        "is_system_of_record: true",
        "record_for: {app: [support-bot]}",
        "first_day: 2026-01-01",
        "pseudonyms:",
        "  key_env: EVERYCENT_PSEUDONYM_KEY",
        "  tenant: default",
    ]
    text = path.read_text()
    for setting in shown:
        assert f"# {setting}" in text
        text = text.replace(f"# {setting}", setting)
    path.write_text(text)

    assert bench.check().problems == []


def test_output_and_the_key_stay_out_of_version_control(bench):
    git = ["git", "-C", str(bench.root)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    for name in (
        ".env",
        ".everycent/lake",
        "published/x",
        "everycent.yaml",
        "inbox/openai/.gitkeep",
    ):
        (bench.root / name).parent.mkdir(parents=True, exist_ok=True)
        (bench.root / name).touch()
    command = [*git, "ls-files", "--others", "--exclude-standard"]
    seen = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    assert {"everycent.yaml", "inbox/openai/.gitkeep"} <= set(seen)
    assert not any(name.startswith((".env", ".everycent", "published")) for name in seen)


def test_it_never_overwrites_and_then_writes_nothing(tmp_path):
    (tmp_path / "reference").mkdir()
    (tmp_path / "everycent.yaml").write_text("mine")
    (tmp_path / "reference" / "teams.csv").symlink_to("nowhere")

    with pytest.raises(WorkspaceError) as caught:
        init_workspace(tmp_path)
    assert [problem.rule for problem in caught.value.problems] == ["exists", "exists"]
    assert (tmp_path / "everycent.yaml").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["everycent.yaml", "reference"]


def test_it_joins_files_it_does_not_know(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")

    assert init_workspace(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_a_problem(tmp_path):
    (tmp_path / "acme").write_text("mine")

    with pytest.raises(WorkspaceError, match="exists"):
        init_workspace(tmp_path / "acme")


def test_the_example_settings_are_plain_yaml(bench):
    assert yaml.safe_load((bench.root / "everycent.yaml").read_text())["company"] == "my-company"


def test_a_column_for_rare_cases_has_an_example_of_its_own(bench):
    text = (bench.root / "reference" / "contract_prices.csv").read_text()
    _, shown = text.split("# With more columns, for example:\n")
    rows, _ = shown.split("#\n# For example:")
    bench.reference({"contract_prices.csv": rows.replace("# ", "")})

    loaded = bench.load().tables["ref_contract_prices"].to_pylist()
    assert {(row["min_input_tokens"], row["inference_geo"]) for row in loaded} == {
        (200_000, None),
        (0, "us"),
    }
