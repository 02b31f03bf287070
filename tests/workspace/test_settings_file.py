"""`everycent.yaml`: what it may say, and where a message points when it says something else."""

from decimal import Decimal

import pytest

from pipelines.workspace import WorkspaceError, load_workspace, open_workspace

GOOD = """\
company: acme
reporting_currency: USD
sources:
  - source: bill
    kind: openai
    location: inbox/openai
"""

# what replaces what, then rule, line, setting
CASES = {
    "a name in capitals": ("company: acme", "company: Acme", "form", 1, "company"),
    "a currency with four letters": ("USD", "USDT", "form", 2, "reporting_currency"),
    "a currency there is not": ("USD", "USB", "currency", 2, "reporting_currency"),
    "no company": ("company: acme", "", "required", 2, "company"),
    "no sources": (GOOD[GOOD.index("sources") :], "sources: []\n", "required", 3, "sources"),
    "sources that are no list": (
        GOOD[GOOD.index("sources") :],
        "sources: openai\n",
        "value",
        3,
        "sources",
    ),
    "a source that is only a name": (
        GOOD[GOOD.index("sources") :],
        "sources: [openai]\n",
        "value",
        3,
        "sources[0]",
    ),
    "a misspelt setting": (
        "sources:",
        "metering_tolerence: 0.1\nsources:",
        "unknown_field",
        3,
        "metering_tolerence",
    ),
    "a misspelt setting of a source": (
        "location:",
        "tagkeys: [a]\n    location:",
        "unknown_field",
        6,
        "sources[0].tagkeys",
    ),
    "a setting twice": ("sources:", "company: b\nsources:", "duplicate_key", 3, "company"),
    "a tolerance of one": (
        "sources:",
        "metering_tolerance: 1\nsources:",
        "value",
        3,
        "metering_tolerance",
    ),
    "a tolerance that is no number": (
        "sources:",
        "metering_tolerance: small\nsources:",
        "value",
        3,
        "metering_tolerance",
    ),
    "a tolerance that is not a number": (
        "sources:",
        "metering_tolerance: .nan\nsources:",
        "value",
        3,
        "metering_tolerance",
    ),
    "a window that is too long": (
        "sources:",
        "outcome_window_days: 91\nsources:",
        "value",
        3,
        "outcome_window_days",
    ),
    "a nested setting that is wrong": (
        "sources:",
        "pseudonyms:\n  tenant: A B\nsources:",
        "form",
        4,
        "pseudonyms.tenant",
    ),
    "a day there is not": (
        "location:",
        "first_day: 2026-02-30\n    location:",
        "value",
        6,
        "sources[0].first_day",
    ),
    "a kind there is not": ("kind: openai", "kind: opnai", "unknown_kind", 5, "sources[0].kind"),
    "a folder that is not there": (
        "inbox/openai",
        "inbox/opneai",
        "missing_folder",
        6,
        "sources[0].location",
    ),
    "a file for a folder": (
        "inbox/openai",
        "inbox/README.md",
        "missing_folder",
        6,
        "sources[0].location",
    ),
    "a folder outside": ("inbox/openai", "../inbox", "outside", 6, "sources[0].location"),
    "a folder from the root": ("inbox/openai", "/", "outside", 6, "sources[0].location"),
    "a bucket there cannot be": ("inbox/openai", "s3://B/x", "bucket", 6, "sources[0].location"),
    "the workspace itself": ("inbox/openai", ".", "outside", 6, "sources[0].location"),
    "the reference folder": ("inbox/openai", "reference", "overlap", 6, "sources[0].location"),
    "a state folder that holds the inbox": (
        "sources:",
        "state_dir: inbox\nsources:",
        "overlap",
        7,
        "sources[0].location",
    ),
    "a published folder outside": (
        "sources:",
        "published_dir: ../out\nsources:",
        "outside",
        3,
        "published_dir",
    ),
}


def edited(bench, old: str, new: str) -> None:
    assert old in GOOD
    bench.write("everycent.yaml", GOOD.replace(old, new, 1))


@pytest.mark.parametrize("case", CASES)
def test_a_problem_is_told_where_it_is_and_alone(bench, case):
    old, new, rule, line, column = CASES[case]
    edited(bench, old, new)

    assert bench.found() == [(rule, "everycent.yaml", line, column)]


def test_what_is_not_mentioned_has_its_default(bench):
    bench.write("everycent.yaml", GOOD)
    settings = load_workspace(bench.root, bench.env).settings

    assert settings.metering_tolerance == Decimal("0.005")
    assert settings.sources[0].tag_keys == ()


def test_scalars_reach_the_contract_as_they_are_written(bench):
    edited(
        bench,
        "sources:",
        "metering_tolerance: 0.10\nrequired_tags: [no, 012, 1e3]\n"
        "pseudonyms: {tenant: on}\nsources:",
    )
    settings = load_workspace(bench.root, bench.env).settings

    assert str(settings.metering_tolerance) == "0.10"
    assert settings.required_tags == ("no", "012", "1e3")
    assert settings.pseudonyms.tenant == "on"


def test_places_are_below_the_workspace(bench):
    edited(bench, "sources:", "state_dir: var/state\nsources:")
    workspace = load_workspace(bench.root, bench.env)

    assert workspace.state_dir == bench.root / "var" / "state"
    assert workspace.published_dir == bench.root / "published"
    assert workspace.reference_dir == bench.root / "reference"
    assert workspace.inbox(workspace.settings.sources[0]) == bench.root / "inbox" / "openai"


def test_all_problems_are_told_at_once(bench):
    bench.write(
        "everycent.yaml",
        "company: A\nreporting_currency: USB\ncolour: red\nsources:\n"
        "  - {source: bill, kind: nope, location: inbox/openai}\n"
        "  - {source: bill, kind: openai, location: ../x, billing_currency: EURO}\n"
        "  - {source: log, kind: openai, location: inbox/openai/deep}\n",
    )

    assert bench.found() == [
        ("form", "everycent.yaml", 1, "company"),
        ("currency", "everycent.yaml", 2, "reporting_currency"),
        ("unknown_field", "everycent.yaml", 3, "colour"),
        ("unknown_kind", "everycent.yaml", 5, "sources[0].kind"),
        ("form", "everycent.yaml", 6, "sources[1].billing_currency"),
        ("outside", "everycent.yaml", 6, "sources[1].location"),
        ("duplicate_source", "everycent.yaml", 6, "sources[1].source"),
        ("missing_folder", "everycent.yaml", 7, "sources[2].location"),
        ("overlap", "everycent.yaml", 7, "sources[2].location"),
    ]


def test_suggestions_are_given_for_settings_and_kinds(bench):
    edited(bench, "kind: openai", "knd: opnai")

    assert {problem.fix for problem in bench.check().problems} >= {"Did you mean 'kind'?"}


def test_a_refused_value_is_not_repeated(bench):
    edited(bench, "company: acme", "company: sk-Live-31415")

    assert "31415" not in "\n".join(map(str, bench.check().problems))


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("company: a\n  b: c: d\n", "unreadable", 2),
        ("company: [a\n", "unreadable", 2),
        ("a: 1\n---\nb: 2\n", "unreadable", 2),
        ("company: \x07\n", "unreadable", 1),
        ("a: " + "[" * 3000, "unreadable", None),
        ("? [a]\n: b\n", "key", 1),
        ("a: &x b\nc: *x\n", "alias", 1),
        ("a: &x [*x]\n", "alias", 1),
        ("a: !!python/object/apply:os.getcwd []\n", "tag", 1),
        ("a: !secret b\n", "tag", 1),
    ],
)
def test_yaml_that_is_broken_or_too_clever_is_refused(bench, text, rule, line):
    bench.write("everycent.yaml", text)

    assert (rule, "everycent.yaml", line) in [found[:3] for found in bench.found()]


@pytest.mark.parametrize("text", ["", "# only comments\n", "[]", "just words"])
def test_a_file_without_settings_is_refused(bench, text):
    bench.write("everycent.yaml", text)

    assert {rule for rule, *_ in bench.found()} <= {"required", "value"}
    assert bench.found()


def test_a_file_that_is_not_text_is_refused(bench):
    (bench.root / "everycent.yaml").write_bytes(b"company: \xff\xfe")

    assert bench.found() == [("unreadable", "everycent.yaml", None, None)]


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(WorkspaceError, match="no such folder"):
        load_workspace(tmp_path / "nowhere", {})


def test_a_folder_that_is_no_workspace_is_refused(tmp_path):
    with pytest.raises(WorkspaceError, match="not a workspace"):
        load_workspace(tmp_path, {})


def test_a_default_cost_centre_has_to_be_one(company):
    settings = company.root / "everycent.yaml"
    text = settings.read_text()
    settings.write_text(f"{text}\ndefault_cost_center: cc-2\n")
    known = company.check()
    settings.write_text(f"{text}\ndefault_cost_center: cc-22\n")

    assert known.is_good
    [problem] = company.check().problems
    assert (problem.rule, problem.column) == ("dangling", "default_cost_center")
    assert "cc-2" in problem.fix


def test_without_a_key_nothing_starts_but_everything_is_checked(bench):
    bench.reference({"teams.csv": "team_id\n"})

    with pytest.raises(WorkspaceError, match="EVERYCENT_PSEUDONYM_KEY") as caught:
        load_workspace(bench.root, {})
    assert [problem.rule for problem in caught.value.problems] == ["key_missing"]
    workspace, _ = open_workspace(bench.root, {})
    assert workspace is not None
    assert workspace.pseudonym("jo") != open_workspace(bench.root, {})[0].pseudonym("jo")


def test_a_workspace_never_shows_its_key(bench):
    workspace = load_workspace(bench.root, bench.env)

    assert bench.env["EVERYCENT_PSEUDONYM_KEY"] not in repr(workspace)


@pytest.mark.parametrize(
    ("kinds", "rules"),
    [
        (("langfuse", "langfuse_scores"), []),
        (("mlflow_assessments", "mlflow_traces"), []),
        (("langfuse", "mlflow_assessments"), ["overlap"]),
        (("langfuse", "langfuse"), ["overlap"]),
    ],
)
def test_two_feeds_share_a_folder_where_one_reads_what_the_other_leaves(bench, kinds, rules):
    feeds = "".join(
        f"  - {{source: feed_{n}, kind: {kind}, location: inbox/openai}}\n"
        for n, kind in enumerate(kinds)
    )
    bench.write("everycent.yaml", GOOD[: GOOD.index("  - source")] + feeds)

    try:
        load_workspace(bench.root, bench.env)
    except WorkspaceError:
        assert [rule for rule, *_ in bench.found()] == rules
    else:
        assert rules == []
