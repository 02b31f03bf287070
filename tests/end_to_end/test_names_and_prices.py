"""Names and prices from files to published tables: every spelling, every attribute with a price."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.reference import check_workspace
from pipelines.scaffold import init_workspace
from tests.end_to_end.company import ENVIRONMENT, Company

pytestmark = pytest.mark.slow

SETTINGS = """\
company: names
reporting_currency: USD
sources:
- source: gateway
  kind: mapped
  location: inbox/gateway
  mapping:
    fact: calls
    format: jsonl
    delivery: events
    tokens: {cache: exclusive, reasoning: exclusive}
    columns:
      call_id: id
      started_at: instant(at)
      provider: provider
      served_model: model
      service_tier: tier
      inference_geo: geo
      input_tokens: input
      output_tokens: output
      web_search_requests: searches
- source: bill
  kind: mapped
  location: inbox/bill
  mapping:
    fact: charges
    format: jsonl
    delivery: snapshot
    scope: month
    columns:
      issuer: "'amazon'"
      billing_account_id: "'acc'"
      billing_currency: "'USD'"
      charge_date: day
      billing_period: month
      charge_category: "'Usage'"
      provider: provider
      service_name: service
      meter: meter
      consumed_quantity: quantity
      billed_cost: cost
"""
REFERENCE = {
    "routes.csv": [
        "a,10,gateway,x-ai,,,xai-direct,acc,,,",
        "b,20,gateway,bedrock,,,amazon,acc,,,",
    ],
    "contract_prices.csv": [
        "xai-direct,xai,grok-4-0709,input_uncached,,USD,5,,",
        "xai-direct,xai,grok-4-0709,output,,USD,11,,",
    ],
    "model_aliases.csv": ["aws,Vega Studio,vega-5.9", "amazon,5.9-vega,vega-5.9"],
}


def call(number: int, provider: str, model: str, **told: Any) -> dict[str, Any]:
    return {
        "id": f"c{number}",
        "at": f"2026-10-20T{told.pop('hour', 9):02}:00:00Z",
        "provider": provider,
        "model": model,
        "input": 1000,
        "output": 100,
        **told,
    }


CALLS = {
    # id: the call, and what it costs
    "contract": (call(1, "xai", "grok-4-0709"), "0.0061"),
    "bedrock": (call(2, "bedrock", "5.9-vega"), None),
    "framework": (
        call(3, "strands-agents", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        "0.00495",
    ),
    "sdk": (call(4, "anthropic.messages", "claude-opus-5[1m]"), "0.0075"),
    "us": (call(5, "anthropic", "claude-opus-5", geo="us"), "0.00825"),
    "mars": (call(6, "anthropic", "claude-opus-5", geo="mars"), "0.0075"),
    "fast_us": (call(7, "anthropic", "claude-opus-5", geo="us", tier="fast"), "0.0165"),
    "prompt_fee": (call(8, "gemini", "gemini-2.5-flash", searches=4), "0.03555"),
    "query_fee": (call(9, "google.vertex.chat", "gemini-3-flash-preview", searches=2), "0.0288"),
    "peak": (call(10, "deepseek", "deepseek-chat", hour=12), None),
    "stranger": (call(11, "opneai", "gpt-4o"), None),
    "misspelt": (call(12, "openai", "gtp-4o-mini"), None),
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    root = tmp_path_factory.mktemp("names") / "names"
    init_workspace(root, ENVIRONMENT)
    (root / "everycent.yaml").write_text(SETTINGS)
    for name, rows in REFERENCE.items():
        with (root / "reference" / name).open("a") as file:
            file.writelines(f"{row}\n" for row in rows)
    bill = [
        {
            "day": "2026-10-20",
            "month": "2026-10-01",
            "provider": "Amazon",
            "service": "Vega Studio",
            "meter": "output",
            "quantity": 100,
            "cost": "0.05",
        }
    ]
    for source, records in (("gateway", [c for c, _ in CALLS.values()]), ("bill", bill)):
        write(root / "inbox" / source / "a.jsonl", records)
    company = Company(root)
    company.run()
    return company


def write(path: Path, records: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def test_every_spelling_and_every_attribute_has_its_price(company: Company) -> None:
    costs = dict(company.rows("select call_id, estimated_cost from fct_calls"))
    expected = {c["id"]: cost for c, cost in CALLS.values() if cost is not None}

    assert {name: costs[name] for name in expected} == {
        name: Decimal(cost) for name, cost in expected.items()
    }
    assert costs[CALLS["stranger"][0]["id"]] is None


def test_providers_are_published_under_one_id(company: Company) -> None:
    providers = dict(company.rows("select call_id, provider from fct_calls"))

    assert [providers[CALLS[name][0]["id"]] for name in ("contract", "framework", "sdk")] == [
        "x-ai",
        "aws",
        "anthropic",
    ]
    assert {row[0] for row in company.rows("select provider from fct_cost_lines")} >= {"x-ai"}


def test_an_alias_joins_a_log_with_a_bill_that_names_only_a_product(company: Company) -> None:
    """Bill and log name one model differently, and the bill says it in its service only."""
    assert company.rows(
        "select model_id from fct_calls where served_model = '5.9-vega' and issuer = 'amazon'"
    ) == [("vega-5.9",)]
    assert company.rows("select pool_model, matched_cost from mart_reconciliation_daily") == [
        ("vega-5.9", Decimal("0.05"))
    ]


def test_unknown_names_are_counted_once_and_the_nearest_known_one_is_said(
    company: Company,
) -> None:
    counters = dict(
        company.rows("select counter, value from quality_results where suite = 'names'")
    )
    nearest = dict(
        company.rows("select model_text, nearest from dim_models where nearest is not null")
    )

    assert counters == {"unknown_providers": "1", "unknown_models": "1"}
    assert nearest == {"gpt-4o": "openai", "gtp-4o-mini": "gpt-4o-mini"}


def test_a_geography_without_a_rule_is_counted(company: Company) -> None:
    counters = company.rows(
        "select counter, value from quality_results where suite = 'prices' and value <> '0'"
    )

    assert counters == [("geography_without_rule", "1")]


def test_the_workspace_has_no_problem(company: Company) -> None:
    assert check_workspace(company.root, ENVIRONMENT).problems == []
