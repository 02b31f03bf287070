"""Ids of a company may be words of ours: nothing stops, and nothing is taken for something else."""

import pytest

from tests.end_to_end.company import Company

WORDS = {"cc-care": "reconciling", "cc-eng": "shared", "cc-product": "unexplained"}


@pytest.fixture(scope="module")
def named(small, tmp_path_factory) -> Company:
    """The small company with cost centres, and an invoice, of such names."""
    company = small.copy(tmp_path_factory.mktemp("named") / "acme")
    for path in (company.root / "reference").glob("*.csv"):
        text = path.read_text("utf-8")
        for old, new in WORDS.items():
            text = text.replace(old, new)
        if path.name in ("invoices.csv", "reconciling_items.csv"):
            text = text.replace("\nOPENAI-2026-09,", '\n"OPENAI, part 1, 2026|09",')
        path.write_text(text, "utf-8")
    company.run()
    return company


def test_the_same_money_is_charged_under_such_names(small, named):
    query = "select sum(amount) from mart_chargeback_monthly where line_kind = '{}'"

    for kind in ("cost_center", "residual", "reconciling"):
        assert named.rows(query.format(kind)) == small.rows(query.format(kind))
    charged = named.rows("select cost_center_id from mart_chargeback_monthly")
    assert {(word,) for word in WORDS.values()} <= set(charged)
    assert set(named.rows("select state from mart_invoice_tie_out")) == {("tied",)}
