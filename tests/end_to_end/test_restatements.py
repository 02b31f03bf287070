"""A bill that is delivered again replaces; it never adds."""

import json
from decimal import Decimal

from tests.end_to_end.company import Company

BILLED = "select sum(billed_cost) from fct_cost_lines where issuer = 'openai'"


def raise_first_amount(company: Company, extra: str) -> None:
    """Overwrite one page of the bill in place, with one amount raised."""
    for path in company.inbox("openai"):
        page = json.loads(path.read_text("utf-8"), parse_float=Decimal)
        for bucket in page["data"]:
            for line in bucket["results"]:
                if line["object"] == "organization.costs.result":
                    line["amount"]["value"] = str(Decimal(line["amount"]["value"]) + Decimal(extra))
                    path.write_text(json.dumps(page, default=str), "utf-8")
                    return


def test_a_bill_overwritten_in_place_replaces_what_it_was(clean, tmp_path):
    company = clean.copy(tmp_path / "acme", with_state=True)
    [(before,)] = company.rows(BILLED)
    raise_first_amount(company, "1.25")
    company.run()
    [(after,)] = company.rows(BILLED)
    raise_first_amount(company, "2")
    company.run()
    [(at_last,)] = company.rows(BILLED)

    assert after == before + Decimal("1.25")
    assert at_last == before + Decimal("3.25")


def test_a_bill_restated_back_counts_as_it_was_at_first(clean, tmp_path):
    company = clean.copy(tmp_path / "acme", with_state=True)
    first = company.rows(BILLED)
    pages = {path: path.read_bytes() for path in company.inbox("openai")}
    # by less than half, or the way back would be held back
    raise_first_amount(company, "0.05")
    company.run()
    raised = company.rows(BILLED)
    for path, content in pages.items():
        path.write_bytes(content)
    company.run()
    company.run()

    assert raised != first
    assert company.rows(BILLED) == first
