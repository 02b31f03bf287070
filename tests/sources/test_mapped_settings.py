"""What `everycent check` says of a mapping: every mistake with its line and what to write."""

import re
import shutil
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.mapped import SOURCE
from pipelines.sources.mapped_expressions import FUNCTIONS, Compiler, ExpressionError
from pipelines.sources.mapped_targets import TOKEN_COLUMNS
from pipelines.workspace import open_workspace
from tests.sources.deliveries import SAMPLES
from tests.sources.mappings import CALL_COLUMNS, CHARGE_COLUMNS, FEED, feed
from tests.sources.test_mapped import KEY


def found(settings):
    return [(".".join(p.path), p.rule) for p in SOURCE.check(settings)]


def told(text):
    """What is said about an expression for a text column."""
    (problem,) = SOURCE.check(feed("calls", {**CALL_COLUMNS, "trace_id": text}))
    return problem


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "outer.inner",
        "tok.in",
        "column('Any Name')",
        "coalesce(a, b, 'none')",
        "concat(a, '-', lower(b))",
        "map(a, {'x': 'y', 1: b}, a)",
        "map(a, {'x': null}, null)",
        "'text'",
        "12",
    ],
)
def test_the_language_has_columns_texts_and_a_few_functions(text):
    settings = feed("calls", {**CALL_COLUMNS, "trace_id": text}, file_format="jsonl")

    assert found(settings) == []


@pytest.mark.parametrize(
    "text",
    [
        "a + b",
        "a if b else c",
        "[x for x in a]",
        "lambda: a",
        "a[0]",
        "f'{a}'",
        "a; drop table calls",
        "open('/etc/passwd')",
        "getattr(a, '__class__')",
        "a.lower()",
        "(lambda: a)()",
        "lower(*a)",
        "lower(text=a)",
        "lower(a, b)",
        "map(a, b)",
        "map(a, {b: 'y'})",
        "map(a, {**b})",
        "column(a)",
        "b'bytes'",
        "lower(True)",
        "...",
        "(" * 300 + "a" + ")" * 300,
        "a" * 3000,
        "a\0b",
    ],
)
def test_everything_else_is_a_problem_with_the_list_of_what_there_is(text):
    problem = told(text)

    assert (problem.rule, problem.path) == ("expression", ("mapping", "columns", "trace_id"))
    assert problem.fix


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("lowr(a)", "Did you mean 'lower'?"),
        ("concat(in, a)", "column('in')"),
        ("cents(a)", "Leave the unit out"),
        ("utc(a)", "Leave the time function out"),
        ("tag(a)", "tags: tag("),
        ("pseudonym(a)", "user_id"),
        ("lower(cents(a))", "outermost"),
        ("coalesce(utc(a), b)", "Write one of"),
        ("times(a, b)", "times(a, 1000)"),
        ("a.b", "column('a.b')"),
    ],
)
def test_a_mistake_is_told_with_what_to_write(text, hint):
    assert hint in told(text).fix


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (feed("calls", {"call_id": "a"}), ("mapping.columns", "required")),
        (
            feed("calls", {**CALL_COLUMNS, "started_at": "a"}),
            ("mapping.columns.started_at", "expression"),
        ),
        (
            feed("calls", {**CALL_COLUMNS, "server_model": "a"}),
            ("mapping.columns.server_model", "unknown_column"),
        ),
        (
            feed("calls", {**CALL_COLUMNS, "cache_read_tokens": "a"}),
            ("mapping.tokens", "required"),
        ),
        (feed("calls", CALL_COLUMNS, delivery="append"), ("mapping.delivery", "delivery")),
        (feed("calls", CALL_COLUMNS, scope="day"), ("mapping.scope", "scope")),
        (feed("charges", CHARGE_COLUMNS, delivery="snapshot"), ("mapping.scope", "scope")),
        (
            feed("charges", {**CHARGE_COLUMNS, "charge_category": "'usage'"}),
            ("mapping.columns.charge_category", "vocabulary"),
        ),
        (
            feed("calls", {**CALL_COLUMNS, "tags": "tag(team)"}),
            ("mapping.columns.tags", "tag_key"),
        ),
    ],
)
def test_a_mapping_that_cannot_work_is_refused_before_anything_is_read(settings, problem):
    assert found(settings) == [problem]


def test_an_unknown_column_comes_with_the_name_that_was_meant():
    settings = feed("calls", {**CALL_COLUMNS, "server_model": "a"})

    assert next(iter(SOURCE.check(settings))).fix == "Did you mean 'served_model'?"


def test_a_feed_of_this_kind_needs_a_mapping():
    settings = feed("calls", CALL_COLUMNS).model_copy(update={"mapping": None})

    assert found(settings) == [("mapping", "required")]


def test_texts_are_bound_and_never_part_of_the_statement():
    compiler = Compiler()
    expression = compiler.compile("""map(a, {"'; drop table x; --": "y'"}, "$m9")""")

    assert "drop" not in expression.sql
    assert sorted(compiler.bound.values()) == ["$m9", "'; drop table x; --", "y'"]


def test_an_amount_keeps_the_digits_it_is_written_with():
    compiler = Compiler()
    compiler.compile("0.10")

    assert compiler.bound == {"m1": "0.10"}


@pytest.mark.parametrize("factor", ["'x'", "b", "0", "1e-30", "1e30", "1e999999", "-"])
def test_a_factor_that_is_no_sound_number_is_refused(factor):
    with pytest.raises(ExpressionError):
        Compiler().compile(f"times(a, {factor})")


def test_a_factor_may_turn_the_sign():
    assert Compiler().compile("times(a, -1)").factor == -1


@given(st.text(alphabet="ab'(){}.,:*=-0 \"\\\n", max_size=30))
def test_no_text_whatever_breaks_the_check(text):
    """Whatever somebody writes, it is compiled or refused with words."""
    with suppress(ExpressionError):
        Compiler().compile(text)


def problems_of(tmp_path, old, new):
    """Problems of the sample workspace after one change of its settings, as text."""
    folder = tmp_path / "company"
    shutil.copytree(SAMPLES / "mapped", folder)
    settings = folder / "everycent.yaml"
    text = settings.read_text()
    assert old in text
    settings.write_text(text.replace(old, new))
    return [str(problem) for problem in open_workspace(folder, KEY)[1]]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("call_id: rid", "call_id: rid +", 40, "This is not an expression."),
        ("served_model: engine", "serve_model: engine", 46, "Did you mean 'served_model'?"),
        ("tokens: {cache: exclusive", "tokens: {cash: exclusive", 38, "Did you mean 'cache'?"),
        ("cache: exclusive", "cache: maybe", 38, "inclusive: input_tokens holds cache"),
        ("fact: calls", "fact: call", 35, "calls, charges, usage or outcomes"),
        ('delimiter: ";"', 'delimiter: ";;"', 13, "One character between cells"),
        ("      scope: column('Invoice month')\n", "", 10, "A snapshot needs a scope"),
        ("    mapping:\n      fact: calls", "    maping:\n      fact: calls", 34, "Did you mean"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_line(tmp_path, old, new, line, said):
    (problem, *_) = problems_of(tmp_path, old, new)

    assert said in problem
    assert problem.startswith(f"everycent.yaml:{line} ")


def test_a_mapping_of_another_kind_is_no_use(tmp_path):
    problems = problems_of(
        tmp_path,
        "    kind: mapped\n    location: inbox/sw",
        "    kind: litellm\n    location: inbox/sw",
    )

    assert any("mapping" in problem and "kind: mapped" in problem for problem in problems)


def test_the_sample_settings_hold(tmp_path):
    assert problems_of(tmp_path, "company: acme", "company: acme") == []
    assert FEED["kind"] == SOURCE.name


GUIDE = SAMPLES.parent / "docs" / "guides" / "bring-your-own.md"


def test_the_examples_of_the_guide_hold(tmp_path):
    examples = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    sources = "".join(examples)
    settings = f"company: acme\nreporting_currency: EUR\nsources:\n{sources}"
    (tmp_path / "everycent.yaml").write_text(settings)
    for name in ("nimbus", "switchboard"):
        (tmp_path / "inbox" / name).mkdir(parents=True)

    assert len(examples) == 2
    assert [str(problem) for problem in open_workspace(tmp_path, KEY)[1]] == []


def test_the_guide_names_every_function_and_every_kind_of_column():
    text = GUIDE.read_text()

    assert [name for name in FUNCTIONS if f"{name}(" not in text] == []
    assert [name for name in TOKEN_COLUMNS if f"`{name}`" not in text] == []
