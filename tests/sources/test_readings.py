"""Which reading of its totals a record is given, by evidence first and by rule after."""

import duckdb
import pytest

from pipelines.sources.readings import in_versions, readings_sql

PLAIN = {
    "input": 0,
    "output": 0,
    "cached": 0,
    "written": 0,
    "thought": 0,
    "tool_use": 0,
    "is_thought_told": True,
    "reported_total": None,
    "has_own_total": True,
    "has_sound_total": True,
    "input_totals": "inclusive",
    "output_totals": "inclusive",
    "counted_by": "maker",
}


def reading(**told):
    """What the mechanism makes of one record."""
    record = PLAIN | told
    record |= {"details_in": record["cached"] + record["written"], "details_out": record["thought"]}
    names = ", ".join(f"${name} as {name}" for name in record)
    with duckdb.connect() as con:
        found = con.execute(
            f"with given as (select {names}), {readings_sql('given')} select * from read", record
        )
        return dict(zip([c[0] for c in found.description], found.fetchone(), strict=True))


def buckets(row):
    """Uncached input, visible output, and what only the total proves."""
    uncached = row["input"] + row["hidden_input"] - (row["details_in"] - row["beside_input"])
    visible = row["output"] - (row["details_out"] - row["beside_output"])
    return uncached, visible, row["hidden_output"]


@pytest.mark.parametrize("rule", ["inclusive", "exclusive", "unknown"])
@pytest.mark.parametrize(
    ("told", "input_evidence", "output_evidence"),
    [
        ({"cached": 120}, "exclusive", None),
        ({"written": 101}, "exclusive", None),
        ({"thought": 21}, None, "exclusive"),
        ({"cached": 40, "reported_total": 120}, "inclusive", None),
        ({"cached": 40, "reported_total": 160}, "exclusive", None),
        ({"thought": 5, "reported_total": 120}, None, "inclusive"),
        ({"thought": 5, "reported_total": 125}, None, "exclusive"),
        ({"cached": 40, "thought": 5, "reported_total": 120}, "inclusive", "inclusive"),
        ({"cached": 40, "thought": 5, "reported_total": 125}, "inclusive", "exclusive"),
        ({"cached": 40, "thought": 5, "reported_total": 160}, "exclusive", "inclusive"),
        ({"cached": 40, "thought": 5, "reported_total": 165}, "exclusive", "exclusive"),
        # what one detail disproves helps the total to decide on the other
        ({"cached": 120, "thought": 5, "reported_total": 245}, "exclusive", "exclusive"),
        # one sum for two readings is no evidence for either
        ({"cached": 15, "thought": 15, "reported_total": 135}, None, None),
        ({"cached": 40, "thought": 5, "reported_total": 163}, None, None),
        # a gateway's own sum proves nothing
        ({"cached": 40, "reported_total": 120, "has_own_total": False}, None, None),
        ({"cached": 40, "reported_total": 0}, None, None),
        ({"cached": 40}, None, None),
    ],
)
def test_evidence_goes_before_the_rule_and_the_rule_before_custom(
    told, input_evidence, output_evidence, rule
):
    row = reading(input=100, output=20, input_totals=rule, output_totals=rule, **told)

    assert (row["input_evidence"], row["output_evidence"]) == (input_evidence, output_evidence)
    custom = "inclusive" if rule == "unknown" else rule
    assert row["is_input_exclusive"] == ((input_evidence or custom) == "exclusive")
    assert row["is_output_exclusive"] == ((output_evidence or custom) == "exclusive")
    assert row["is_contradicted"] == any(
        evidence not in (None, rule) and rule != "unknown"
        for evidence in (input_evidence, output_evidence)
    )
    assert row["is_input_open"] == (rule == "unknown" and input_evidence is None)
    assert row["is_ambiguous"] == (
        rule == "unknown"
        and bool(
            (row["details_in"] and not input_evidence)
            or (row["details_out"] and not output_evidence)
        )
    )


def test_reads_may_be_beside_a_total_that_holds_the_writes():
    row = reading(input=1_040, output=90, written=1_030, cached=7_000, reported_total=8_130)

    assert (row["input_evidence"], buckets(row)) == ("mixed", (10, 90, 0))
    assert row["is_contradicted"]


@pytest.mark.parametrize(("provider", "is_exclusive"), [("anthropic", True), ("openai", False)])
def test_what_no_rule_says_is_read_as_the_providers_own_api_counts(provider, is_exclusive):
    row = reading(input=100, cached=40, input_totals="unknown", counted_by=provider)

    assert (row["is_input_exclusive"], row["is_ambiguous"]) == (is_exclusive, True)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        # thoughts that nobody wrote
        ({"is_thought_told": False, "reported_total": 190}, (100, 20, 70)),
        ({"is_thought_told": False, "cached": 30, "reported_total": 190}, (70, 20, 70)),
        # thoughts are told, so what is left is prompts of tools
        ({"thought": 8, "reported_total": 190}, (170, 12, 0)),
        ({"thought": 8, "output_totals": "exclusive", "reported_total": 198}, (170, 20, 0)),
        # prompts of tools that are told: beside the input, or already in it
        ({"tool_use": 70, "reported_total": 190}, (170, 20, 0)),
        ({"tool_use": 70, "reported_total": 120}, (100, 20, 0)),
        ({"tool_use": 70}, (170, 20, 0)),
        ({"tool_use": 60, "reported_total": 190}, (170, 20, 0)),
    ],
)
def test_what_only_the_total_proves_is_counted_as_it_is_billed(told, expected):
    row = reading(input=100, output=20, counted_by="google", **told)

    assert buckets(row) == expected
    assert not row["is_total_wrong"]


def test_a_total_that_no_reading_explains_is_wrong_and_changes_nothing():
    row = reading(input=100, output=20, reported_total=9_000)

    assert (row["is_total_wrong"], buckets(row)) == (True, (100, 20, 0))


def test_a_total_that_does_not_add_up_is_not_looked_at():
    row = reading(
        input=100, output=20, cached=40, reported_total=200, has_own_total=False,
        has_sound_total=False, counted_by="google",
    )  # fmt: skip

    assert (row["is_total_wrong"], row["hidden_input"]) == (False, 0)


@pytest.mark.parametrize(
    ("version", "versions", "is_in"),
    [
        ("0.1.60", ">=0.1.60", True),
        ("0.1.9", ">=0.1.60", False),
        ("0.1.60rc1", ">=0.1.60", True),
        ("v2.0", ">=1.9.9,<2.0.1", True),
        ("2.1", ">=1.9.9,<2.0.1", False),
        ("main", ">=0.1", False),
        (None, "<9", False),
        (None, "", True),
    ],
)
def test_versions_compare_by_number(version, versions, is_in):
    with duckdb.connect() as con:
        sql = f"select {in_versions('version', versions)} from (select $v::varchar as version)"
        assert con.execute(sql, {"v": version}).fetchone() == (is_in,)


def test_a_range_of_versions_that_is_none_is_refused():
    with pytest.raises(ValueError, match="and not '=1'"):
        in_versions("version", "=1")
