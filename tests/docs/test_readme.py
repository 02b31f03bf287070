"""What the README shows is what the product does."""

import re
import shutil
from pathlib import Path

import pytest

from pipelines.transforms import load_transforms
from tests.docs.tables import as_markdown
from tests.end_to_end.company import Company

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
QUESTIONS = re.findall(r"```sql\n(.*?)```\n\n(\|.*?)\n\n", README, re.DOTALL)


@pytest.fixture(scope="module")
def acme(tmp_path_factory) -> Company:
    """The sample company of `make demo`, run."""
    root = tmp_path_factory.mktemp("demo") / "acme"
    shutil.copytree(ROOT / "data_samples" / "acme", root)
    company = Company(root)
    company.run()
    return company


@pytest.mark.parametrize(("question", "answer"), QUESTIONS, ids=range(len(QUESTIONS)))
def test_a_question_has_the_answer_that_is_shown(acme, question, answer):
    with acme.marts() as con:
        found = as_markdown(con.sql(question))

    assert found == answer


def test_the_three_questions_are_there():
    assert len(QUESTIONS) == 3


def test_the_demo_ties_out_and_shows_every_kind_of_residual(acme):
    tied = acme.rows("select issuer, billing_period, difference, state from mart_invoice_tie_out")
    causes = {
        cause
        for (cause,) in acme.rows(
            "select distinct cause from mart_chargeback_monthly where line_kind = 'residual'"
        )
    }

    assert len(tied) == 6
    assert {(difference, state) for *_, difference, state in tied} == {(0, "tied")}
    assert causes >= {"unlogged_usage", "shared", "unallocated"}


def test_every_public_table_is_listed_and_no_other():
    listed = set(re.findall(r"\| \[(\w+)\]\(docs/tables/", README))

    assert listed == {name for name, t in load_transforms().items() if t.is_public}


def test_every_link_leads_somewhere():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]

    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_make_target_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = set(re.findall(r"`?make ([a-z]+)", README))

    assert {name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()


def test_every_command_that_is_named_exists():
    from pipelines.cli import app

    commands = {
        command.name or command.callback.__name__.rstrip("_") for command in app.registered_commands
    }
    named = set(re.findall(r"(?:bin/|`)everycent ([a-z]+)", README))

    assert named <= commands
