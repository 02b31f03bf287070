"""The workspace's own files: settings and reference tables, as globex's people would write them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from models.reference import REFERENCE_TABLES
from pipelines.truth.globex.company import (
    APPLICATIONS,
    BILLING_ACCOUNTS,
    GOOGLE,
    MODELS,
    PRODUCTION,
)
from pipelines.truth.output import write, write_csv

Row = dict[str, str]

SETTINGS = """\
# Globex, a made-up company: written by `pipelines.truth.simulate_globex`.
company: globex
reporting_currency: USD
required_tags: [app]
# its days may be ahead of the clock of this machine
arrival_tolerance_days: 36500
sources:
  - source: google_bill
    kind: gcp_billing
    location: inbox/google
    issuer: google
    billing_account_id: {google}
    billing_currency: USD
  - source: azure_bill
    kind: azure_cost
    location: inbox/azure
    issuer: azure
    billing_account_id: "{azure}"
    billing_currency: USD
  - source: traces
    kind: otel_genai
    location: inbox/traces
    tag_keys: [app]
  # the same calls once more: the feed that is named first is the record
  - source: langfuse
    kind: langfuse
    location: inbox/langfuse
    tag_keys: [app]
"""


def write_reference(out: Path, invoices: Iterable[Row]) -> None:
    """Write `everycent.yaml` and the files of `reference/`; what is missing there has no rows.

    Args:
        out: The workspace.
        invoices: Rows of invoices.csv.
    """
    write(out / "everycent.yaml", SETTINGS.format(**BILLING_ACCOUNTS).encode("ascii"))
    rows: dict[str, Iterable[Row]] = {
        "ref_applications": _applications(),
        "ref_cost_centers": _cost_centers(),
        "ref_teams": ({"team_id": f"t-{a}", "team_name": f"Team {a}"} for a in APPLICATIONS),
        "ref_ownership_rules": _ownership_rules(),
        "ref_routes": _routes(),
        "ref_contract_prices": _contract_prices(),
        "ref_model_aliases": _model_aliases(),
        "ref_invoices": invoices,
        "ref_shared_cost_rules": _shared_cost_rules(),
    }
    for name, table_rows in rows.items():
        table = REFERENCE_TABLES[name]
        path = out / "reference" / table.file_name
        write_csv(path, table.header, table_rows)


def _applications() -> Iterator[Row]:
    for application_id, cost_center_id in APPLICATIONS.items():
        yield {
            "application_id": application_id,
            "application_name": application_id.replace("-", " ").capitalize(),
            "team_id": f"t-{application_id}",
            "cost_center_id": cost_center_id,
            "environment": "production",
            "charge_to": "owner",
        }


def _cost_centers() -> Iterator[Row]:
    yield {"cost_center_id": "cc-globex", "cost_center_name": "Globex"}
    for cost_center_id in APPLICATIONS.values():
        name = cost_center_id.removeprefix("cc-").capitalize()
        yield {
            "cost_center_id": cost_center_id,
            "cost_center_name": name,
            "parent_cost_center_id": "cc-globex",
        }


def _ownership_rules() -> Iterator[Row]:
    for application_id in APPLICATIONS:
        yield {
            "rule_id": f"tag-{application_id}",
            "rank": "10",
            "match_on": "call_tag",
            "match_key": "app",
            "match_value": application_id,
            "application_id": application_id,
            "share": "1",
        }


def _routes() -> Iterator[Row]:
    for issuer, sub_account in PRODUCTION.items():
        yield {
            "route_id": issuer,
            "rank": "10",
            "provider": issuer,
            "issuer": issuer,
            "billing_account_id": BILLING_ACCOUNTS[issuer],
            "sub_account_id": sub_account,
        }


def _contract_prices() -> Iterator[Row]:
    for served in MODELS:
        for meter, line in served.lines.items():
            yield {
                "issuer": served.issuer,
                "provider": served.issuer,
                "model_id": served.model_id,
                "meter": str(meter),
                "currency": "USD",
                "price_per_million": f"{line.price_per_million:f}",
            }


def _model_aliases() -> Iterator[Row]:
    for served in MODELS:
        if served.served_text != served.model_id:
            yield {
                "provider": served.issuer,
                "model_text": served.served_text,
                "model_id": served.model_id,
            }


def _shared_cost_rules() -> Iterator[Row]:
    yield {
        "rule_id": "promotion",
        "rank": "10",
        "issuer": GOOGLE,
        "charge_category": "Credit",
        "method": "proportional",
    }
