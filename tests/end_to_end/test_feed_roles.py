"""A feed that is the record for some calls, and a second account of others."""

import re

import pytest

from pipelines.workspace import open_workspace
from tests.end_to_end.company import ENVIRONMENT, Company


def with_setting(company: Company, setting: str) -> Company:
    """The company with a setting of its second gateway."""
    path = company.root / "everycent.yaml"
    text = path.read_text("utf-8")
    gateway = re.search(r"  - source: gateway_us\n", text)
    assert gateway
    path.write_text(text[: gateway.end()] + f"    {setting}\n" + text[gateway.end() :], "utf-8")
    return company


def calls(company: Company) -> dict[tuple[str, str], int]:
    rows = company.rows("select source, provider, count(*) from fct_calls group by all")
    return {(source, provider): count for source, provider, count in rows}


def test_only_the_calls_that_a_feed_is_the_record_for_count(small, tmp_path):
    company = with_setting(
        small.copy(tmp_path / "acme"), "record_for: {provider: [anthropic, nobody]}"
    )
    company.run()
    before, after = calls(small), calls(company)

    assert {source for source, _ in before} == {"gateway_eu", "gateway_us"}
    assert after == {
        key: count
        for key, count in before.items()
        if key[0] != "gateway_us" or key[1] == "anthropic"
    }
    assert 0 < len(after) < len(before)


def test_a_tag_may_say_it_and_nothing_lands_again(small, tmp_path):
    company = with_setting(
        small.copy(tmp_path / "acme", with_state=True), "record_for: {feature: [edit, review]}"
    )
    summary = company.run()
    parts = company.root / ".everycent/lake/calls/*/gateway_us.*.parquet"
    [(edits, everything)] = company.rows(
        "select count(distinct call_id) filter (where tags like '%\"edit\"%' or tags like"
        f" '%\"review\"%'), count(distinct call_id) from read_parquet('{parts}')"
    )
    [(counted,)] = company.rows("select count(*) from fct_calls where source = 'gateway_us'")

    assert {landing.files for landing in summary.landings} == {0}
    assert 0 < counted == edits < everything


@pytest.mark.parametrize("name", ["ap", "providers"])
def test_a_name_that_no_call_has_is_a_problem(small, tmp_path, name):
    company = with_setting(small.copy(tmp_path / "acme"), f"record_for: {{{name}: [x]}}")
    _, problems = open_workspace(company.root, ENVIRONMENT)

    assert [(p.rule, p.column) for p in problems] == [
        ("unknown_tag", f"sources[4].record_for.{name}")
    ]
    assert "Did you mean" in problems[0].fix
