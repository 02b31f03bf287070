"""The workspace's own files: settings and reference tables, as acme's people would write them."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from models.reference import REFERENCE_TABLES
from pipelines.truth.catalogue import (
    BILLING_ACCOUNTS,
    DEPLOYMENTS,
    METERS,
    MODELS,
    REPRICED_MODEL,
    Deployment,
)
from pipelines.truth.company import (
    CONSUMER_APPLICATION,
    GATEWAYS,
    REORGANISED_APPLICATION,
    REORGANISED_TO,
    key_hash,
)
from pipelines.truth.cur import SUPPORT_LINE
from pipelines.truth.ledger import price_per_million
from pipelines.truth.output import write, write_csv
from pipelines.truth.plan import Plan
from pipelines.truth.register import (
    APPLICATIONS,
    COST_CENTERS,
    TEAMS,
    USER_COUNT,
    Application,
    user_cost_center,
    user_ids,
)

Row = dict[str, str]

SETTINGS = """\
# Acme, a made-up company: written by `everycent simulate`.
company: acme
reporting_currency: USD
required_tags: [app]
# its days may be ahead of the clock of this machine
arrival_tolerance_days: 36500
sources:
  - source: openai_bill
    kind: openai
    location: inbox/openai
    issuer: openai
    billing_account_id: {openai}
    billing_currency: USD
  - source: anthropic_bill
    kind: anthropic
    location: inbox/anthropic
    issuer: anthropic
    billing_account_id: {anthropic}
    billing_currency: USD
  - source: aws_bill
    kind: aws_cur
    location: inbox/aws
    issuer: aws
    billing_account_id: "{aws}"
    tag_keys: [team]
  - source: gateway_eu
    kind: litellm
    location: inbox/gateway_eu
    tag_keys: [app, feature]
    task_key: task_id
    first_day: {start}
  - source: gateway_us
    kind: litellm
    location: inbox/gateway_us
    tag_keys: [app, feature]
    task_key: task_id
    first_day: {start}
  - source: outcomes
    kind: outcome_events
    location: inbox/outcomes
"""

OUTCOME_DEFINITIONS = """\
- outcome_type: ticket_resolved
  application_id: support-bot
  outcome_name: Tickets resolved
  is_confirmed_only: false
- outcome_type: pr_merged
  application_id: code-assistant
  outcome_name: Pull requests merged
  is_confirmed_only: true
"""


def write_reference(out: Path, plan: Plan, invoices: Iterable[Row], items: Iterable[Row]) -> None:
    """Write `everycent.yaml` and every file of `reference/`.

    Args:
        out: The workspace.
        plan: Says when prices, keys and the register change.
        invoices: Rows of invoices.csv.
        items: Rows of reconciling_items.csv.
    """
    settings = SETTINGS.format(**BILLING_ACCOUNTS, start=plan.start)
    write(out / "everycent.yaml", settings.encode("ascii"))
    folder = out / "reference"
    write(folder / "outcome_definitions.yaml", OUTCOME_DEFINITIONS.encode("ascii"))
    rows: dict[str, Iterable[Row]] = {
        "ref_applications": _applications(plan),
        "ref_cost_centers": (
            {"cost_center_id": i, "cost_center_name": name, "parent_cost_center_id": parent}
            for i, (name, parent) in COST_CENTERS.items()
        ),
        "ref_teams": (
            {"team_id": i, "team_name": name, "parent_team_id": parent}
            for i, (name, parent) in TEAMS.items()
        ),
        "ref_ownership_rules": _ownership_rules(plan),
        "ref_users": (
            {"user_id": user, "cost_center_id": user_cost_center(n)}
            for n, user in enumerate(user_ids()[:USER_COUNT])
        ),
        "ref_routes": _routes(),
        "ref_contract_prices": _contract_prices(plan),
        "ref_price_modifiers": (),
        "ref_model_aliases": _model_aliases(),
        "ref_fx_rates": (),
        "ref_invoices": invoices,
        "ref_reconciling_items": items,
        "ref_shared_cost_rules": _shared_cost_rules(),
        "ref_budgets": _budgets(plan),
    }
    for name, table_rows in rows.items():
        table = REFERENCE_TABLES[name]
        write_csv(folder / table.file_name, table.header, table_rows)


def _applications(plan: Plan) -> Iterator[Row]:
    for application in APPLICATIONS:
        row = _application(application)
        if application.application_id != REORGANISED_APPLICATION:
            yield row
            continue
        yield row | {"valid_to": str(plan.middle)}
        yield row | {"cost_center_id": REORGANISED_TO, "valid_from": str(plan.middle)}


def _application(application: Application) -> Row:
    is_consumer = application.application_id == CONSUMER_APPLICATION
    return {
        "application_id": application.application_id,
        "application_name": application.name,
        "team_id": application.team_id,
        "cost_center_id": application.cost_center_id,
        "business_owner": f"head of {application.use_case}",
        "technical_owner": TEAMS[application.team_id][0],
        "environment": application.environment,
        "use_case": application.use_case,
        "business_process": application.use_case,
        "model_tier": application.model_tier,
        "data_class": application.data_class,
        "charge_to": "consumer" if is_consumer else "owner",
    }


def _rule(rule_id: str, rank: int, match: tuple[str, str, str], application_id: str) -> Row:
    match_on, match_key, match_value = match
    return {
        "rule_id": rule_id,
        "rank": str(rank),
        "match_on": match_on,
        "match_key": match_key,
        "match_value": match_value,
        "application_id": application_id,
        "share": "1",
    }


def _ownership_rules(plan: Plan) -> Iterator[Row]:
    for application_id in ("support-bot", "sales-copilot", "analytics"):
        match = ("call_tag", "app", application_id)
        yield _rule(f"tag-{application_id}", 10, match, application_id)
    for key, application_id in (("code", "code-assistant"), ("sales", "sales-copilot")):
        yield _rule(f"key-{key}", 20, ("api_key", "", key_hash(key)), application_id)
    noon = plan.key_moves_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    moved = ("api_key", "", key_hash("analytics"))
    yield _rule("key-analytics-1", 20, moved, "analytics") | {"valid_to": noon}
    yield _rule("key-analytics-2", 20, moved, "sales-copilot") | {"valid_from": noon}
    yield _rule("team-contracts", 30, ("gateway_team", "", "gw-contracts"), "contract-review")
    portal = ("gateway_team", "", "gw-portal")
    yield _rule("team-portal", 30, portal, "intranet-chat") | {"share": "0.6"}
    yield _rule("team-portal", 30, portal, "hr-helper") | {"share": "0.4"}
    yield _rule("profile-ml-lab", 35, ("resource_tag", "team", "ml-lab"), "ml-lab")
    for sub_account, issuer, application_id in (
        ("proj_search", "openai", "search-rag"),
        ("proj_lab", "openai", "ml-lab"),
        ("wrkspc_batch", "anthropic", "analytics"),
    ):
        match = ("sub_account", issuer, sub_account)
        yield _rule(f"account-{sub_account}", 40, match, application_id)


def _routes() -> Iterator[Row]:
    sources = {gateway.removeprefix("gateway_"): gateway for gateway in GATEWAYS}
    for deployment_id, deployment in DEPLOYMENTS.items():
        source = sources.get(deployment_id.partition("-")[0])
        if source:
            issuer = deployment.served.issuer
            yield {
                "route_id": deployment_id,
                "rank": "10",
                "source": source,
                "provider": issuer,
                "deployment_id": deployment_id,
                "issuer": issuer,
                "billing_account_id": BILLING_ACCOUNTS[issuer],
                "sub_account_id": deployment.sub_account,
            }


def _contract_prices(plan: Plan) -> Iterator[Row]:
    seen: set[tuple[str, str]] = set()
    for deployment in DEPLOYMENTS.values():
        price_key = (deployment.model_key, deployment.tier)
        if deployment.served.is_contracted and price_key not in seen:
            seen.add(price_key)
            yield from _prices_of(deployment, plan)


def _prices_of(deployment: Deployment, plan: Plan) -> Iterator[Row]:
    served = deployment.served
    for meter in METERS:
        price = price_per_million(deployment, meter, is_repriced=False)
        if price is None:
            continue
        row = {
            "issuer": served.issuer,
            "provider": served.issuer,
            "model_id": served.model_id,
            "meter": str(meter),
            "service_tier": "" if deployment.tier == "standard" else deployment.tier,
            "currency": "USD",
            "price_per_million": f"{price:f}",
        }
        if deployment.model_key != REPRICED_MODEL:
            yield row
            continue
        later = price_per_million(deployment, meter, is_repriced=True) or Decimal(0)
        yield row | {"valid_to": str(plan.middle)}
        yield row | {"price_per_million": f"{later:f}", "valid_from": str(plan.middle)}


def _model_aliases() -> Iterator[Row]:
    for served in MODELS.values():
        gateway_text = served.gateway_text.removeprefix("bedrock/")
        for text in dict.fromkeys((gateway_text, served.bill_text)):
            if text != served.model_id:
                yield {"provider": served.issuer, "model_text": text, "model_id": served.model_id}


def _shared_cost_rules() -> Iterator[Row]:
    yield {
        "rule_id": "tax",
        "rank": "10",
        "charge_category": "Tax",
        "method": "proportional",
    }
    for cost_center_id, share in (("cc-eng", "0.7"), ("cc-product", "0.3")):
        yield {
            "rule_id": "support",
            "rank": "10",
            "issuer": "aws",
            "charge_category": "Purchase",
            "charge_description": SUPPORT_LINE,
            "method": "fixed",
            "cost_center_id": cost_center_id,
            "share": share,
        }


def _budgets(plan: Plan) -> Iterator[Row]:
    months: list[date] = sorted({day.replace(day=1) for day in plan.dates})
    for cost_center_id in COST_CENTERS:
        for month in months:
            yield {
                "cost_center_id": cost_center_id,
                "billing_period": str(month),
                "currency": "USD",
                "amount": "250.00",
            }
