"""The asset graph, reviewed as text."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from pipelines.quality import load_suites
from pipelines.transforms import load_transforms

pytestmark = pytest.mark.xdist_group("dagster")

GOLDEN = Path(__file__).parent / "golden/asset_graph.txt"


def graph_lines(definitions: dg.Definitions) -> Iterator[str]:
    """One block per asset: group, partitions, owners, kinds, checks, and what it is made from."""
    graph = definitions.resolve_asset_graph()
    for key in sorted(graph.get_all_asset_keys(), key=lambda k: k.path):
        node = graph.get(key)
        partitioned = " by day" if node.partitions_def else ""
        owners = "".join(f", {owner}" for owner in sorted(node.owners))
        yield f"{key.to_user_string()} ({node.group_name}{partitioned}{owners})"
        yield from sorted(f"  check {check.name}" for check in node.check_keys)
        yield from sorted(f"  from {parent.to_user_string()}" for parent in node.parent_keys)


def test_the_asset_graph_is_the_reviewed_one(company):
    """Accept a change with EVERYCENT_ACCEPT=1, then read the diff."""
    text = "\n".join(graph_lines(company.definitions)) + "\n"
    if os.environ.get("EVERYCENT_ACCEPT"):
        GOLDEN.write_text(text, encoding="utf-8")

    assert text == GOLDEN.read_text("utf-8")


def test_the_definitions_can_be_loaded(company):
    dg.Definitions.validate_loadable(company.definitions)


def test_every_sql_table_is_an_asset_with_its_words(company):
    graph = company.definitions.resolve_asset_graph()
    described = {key.path[-1]: graph.get(key).description for key in graph.get_all_asset_keys()}

    for table in load_transforms().values():
        if table.layer != "checks":
            assert described[table.name] == table.description


def test_every_suite_of_expectations_is_a_blocking_check(company):
    graph = company.definitions.resolve_asset_graph()
    blocking = {key.name for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}

    assert blocking == set(load_suites())
