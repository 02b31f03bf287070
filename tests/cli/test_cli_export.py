import csv
import hashlib

import pyarrow.parquet as pq
import pytest


def test_an_export_holds_statements_and_tables_that_match_their_sums(everycent, ran, tmp_path):
    result = everycent("export", ran, "--to", tmp_path / "out", "--period", "2026-09")
    assert result.exit_code == 0, result.output
    listed = dict(
        line.split("  ")[::-1] for line in (tmp_path / "out/SHA256SUMS").read_text().splitlines()
    )
    files = {
        p.relative_to(tmp_path / "out").as_posix()
        for p in (tmp_path / "out").rglob("*")
        if p.is_file()
    }
    assert files == {*listed, "SHA256SUMS"}
    assert {"chargeback/2026-09/summary.csv", "mart_invoice_tie_out.csv"} <= files
    for name, digest in listed.items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest


def test_the_same_export_is_the_same_bytes(everycent, ran, tmp_path):
    for name in ("a", "b"):
        everycent("export", ran, "--to", tmp_path / name, "--tables", "fct_cost_lines,fct_calls")
    assert (tmp_path / "a/SHA256SUMS").read_bytes() == (tmp_path / "b/SHA256SUMS").read_bytes()


def test_pieces_of_a_large_table_make_one_csv(everycent, ran, tmp_path, monkeypatch):
    everycent("export", ran, "--to", tmp_path / "whole", "--tables", "fct_calls")
    monkeypatch.setattr("pipelines.commands.export._ROWS", 7)
    everycent("export", ran, "--to", tmp_path / "pieces", "--tables", "fct_calls")
    whole, pieces = ((tmp_path / n / "fct_calls.csv").read_bytes() for n in ("whole", "pieces"))
    assert whole == pieces
    with (tmp_path / "whole/fct_calls.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) > 300


def test_tables_can_be_parquet(everycent, ran, tmp_path):
    words = ("--tables", "dim_applications", "--format", "parquet")
    assert everycent("export", ran, "--to", tmp_path, *words).exit_code == 0
    assert "application_id" in pq.read_schema(tmp_path / "dim_applications.parquet").names


@pytest.mark.parametrize("folder", ["published", ".everycent/x", "inbox/openai", "reference"])
def test_nothing_is_exported_into_what_the_workspace_keeps(everycent, ran, folder):
    result = everycent("export", ran, "--to", ran / folder)
    assert result.exit_code == 2
    assert "choose another" in result.stderr


def test_unknown_tables_periods_and_places_are_mistakes(everycent, ran, tmp_path):
    (tmp_path / "file").touch()
    for words, said in [
        (("--to", tmp_path, "--tables", "fct_cals"), "Did you mean 'fct_calls'?"),
        (("--to", tmp_path, "--period", "2026-08"), "There are: 2026-09"),
        (("--to", tmp_path / "file"), "choose a folder"),
    ]:
        result = everycent("export", ran, *words)
        assert result.exit_code == 2
        assert said in result.stderr
