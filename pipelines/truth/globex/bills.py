"""The bills of the same calls: Google's detailed export and Azure's actual cost, and invoices."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

from models.vocabulary import Meter
from pipelines.truth.globex.calls import Call
from pipelines.truth.globex.company import (
    AZURE,
    BILLING_ACCOUNTS,
    CORRECTED_TOKENS,
    GOOGLE,
    LAB,
    METERS,
    PROMOTION,
    ServedModel,
)
from pipelines.truth.globex.feeds import json_line
from pipelines.truth.output import Exact, dollars, write, write_csv

_CENT = Decimal("0.01")
_AZURE_COLUMNS = (
    "BillingAccountId",
    "BillingPeriodStartDate",
    "BillingPeriodEndDate",
    "SubscriptionId",
    "SubscriptionName",
    "Date",
    "MeterId",
    "ServiceFamily",
    "MeterCategory",
    "MeterSubCategory",
    "MeterName",
    "Quantity",
    "Cost",
    "UnitPrice",
    "BillingCurrency",
    "ResourceLocation",
    "ConsumedService",
    "ResourceId",
    "UnitOfMeasure",
    "ChargeType",
    "Frequency",
    "PublisherType",
    "PricingModel",
)


@dataclass(frozen=True)
class Charge:
    """Tokens of one meter on one bill line."""

    charge_date: date
    sub_account: str
    served: ServedModel
    meter: Meter
    tokens: int

    @property
    def picos(self) -> int:
        """Its cost."""
        return self.served.cost(self.meter, self.tokens)


def charges_of(calls: Iterable[Call]) -> list[Charge]:
    """What was used per day, account, AI model and meter; nothing used is no line."""
    served: dict[str, ServedModel] = {}
    sums: defaultdict[tuple[date, str, str, Meter], int] = defaultdict(int)
    for call in calls:
        model_id = call.served.model_id
        served[model_id] = call.served
        for meter in METERS:
            sums[call.started.date(), call.sub_account, model_id, meter] += call.tokens[meter]
    return [
        Charge(day, sub_account, served[model_id], meter, tokens)
        for (day, sub_account, model_id, meter), tokens in sorted(sums.items())
        if tokens
    ]


def of_issuer(charges: Iterable[Charge], issuer: str) -> list[Charge]:
    """The charges of one bill."""
    return [charge for charge in charges if charge.served.issuer == issuer]


def write_bills(inbox: Path, charges: list[Charge]) -> None:
    """Write both bills as they arrive: Google's by extract, Azure's by month."""
    _write_google(inbox / GOOGLE, of_issuer(charges, GOOGLE))
    _write_azure(inbox / AZURE, of_issuer(charges, AZURE))


def invoices_of(charges: Iterable[Charge], first_day: date) -> Iterator[dict[str, str]]:
    """Rows of invoices.csv: one per issuer and month, rounded to cents once.

    Args:
        charges: All of the run.
        first_day: The month of which has Google's promotion.
    """
    sums: defaultdict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for charge in charges:
        sums[charge.served.issuer, charge.charge_date.replace(day=1)] += dollars(charge.picos)
    sums[GOOGLE, first_day.replace(day=1)] += PROMOTION
    for (issuer, month), total in sorted(sums.items()):
        yield {
            "invoice_id": f"{issuer.upper()}-{month:%Y-%m}",
            "issuer": issuer,
            "billing_account_id": BILLING_ACCOUNTS[issuer],
            "billing_period": str(month),
            "currency": "USD",
            "total_amount": f"{total.quantize(_CENT, ROUND_HALF_EVEN):f}",
            "issued_on": str(_next_month(month).replace(day=3)),
        }


def _next_month(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _write_google(folder: Path, charges: list[Charge]) -> None:
    """One extract per day of usage, and one with the correction."""
    days = sorted({charge.charge_date for charge in charges})
    # the laboratory's calls are never logged: a correction is worth most where calls meet it
    of_last_day = [c for c in charges if c.charge_date == days[-1] and c.meter == Meter.OUTPUT]
    wrong = next((c for c in of_last_day if c.sub_account != LAB), of_last_day[0])
    overcharged = replace(wrong, tokens=wrong.tokens + CORRECTED_TOKENS)
    for day in days:
        told = [overcharged if c is wrong else c for c in charges if c.charge_date == day]
        rows = [_google_row(charge) for charge in told]
        if day == days[0]:
            rows[-1]["credits"] = [_promotion()]
        _write_extract(folder, day + timedelta(days=1), rows)
    correction = _google_row(replace(wrong, tokens=-CORRECTED_TOKENS)) | {
        "cost_type": "adjustment",
        "adjustment_info": {"type": "USAGE_CORRECTION", "mode": "PARTIAL_CORRECTION"},
    }
    _write_extract(folder, days[-1] + timedelta(days=2), [correction])


def _write_extract(folder: Path, day: date, rows: list[dict[str, object]]) -> None:
    exported = {"export_time": f"{day}T04:00:00Z"}
    text = "".join(json_line(row | exported) for row in rows)
    write(folder / f"exported-{day}.jsonl", text.encode("ascii"))


def _promotion() -> dict[str, object]:
    amount = Exact(PROMOTION)
    return {"name": "Welcome credit", "type": "PROMOTION", "amount": amount}


def _google_row(charge: Charge) -> dict[str, object]:
    midnight = datetime.combine(charge.charge_date, time(), UTC)
    line, cost = charge.served.lines[charge.meter], Exact(dollars(charge.picos))
    return {
        "billing_account_id": BILLING_ACCOUNTS[GOOGLE],
        "service": {"id": "C7E2-9256-1C43", "description": "Vertex AI"},
        "sku": {"id": line.sku, "description": line.name},
        "usage_start_time": f"{midnight:%Y-%m-%dT%H:%M:%SZ}",
        "usage_end_time": f"{midnight + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        "project": {"id": charge.sub_account, "labels": []},
        "labels": [],
        "location": {"location": "europe-west4", "region": "europe-west4"},
        "cost": cost,
        "cost_at_list": cost,
        "currency": "USD",
        "usage": {
            "amount": charge.tokens,
            "unit": "count",
            "amount_in_pricing_units": charge.tokens,
            "pricing_unit": "count",
        },
        "credits": [],
        "invoice": {"month": f"{charge.charge_date:%Y%m}"},
        "cost_type": "regular",
    }


def _write_azure(folder: Path, charges: list[Charge]) -> None:
    """One run of the export per month."""
    for month in sorted({charge.charge_date.replace(day=1) for charge in charges}):
        last_day = _next_month(month) - timedelta(days=1)
        rows = [
            _azure_row(charge, month, last_day)
            for charge in charges
            if charge.charge_date.replace(day=1) == month
        ]
        window = f"{month:%Y%m%d}-{last_day:%Y%m%d}"
        write_csv(folder / window / "globex-actual-cost.csv", _AZURE_COLUMNS, rows)


def _azure_row(charge: Charge, month: date, last_day: date) -> dict[str, str]:
    served, line = charge.served, charge.served.lines[charge.meter]
    subscription = f"/subscriptions/{charge.sub_account}"
    return {
        "BillingAccountId": BILLING_ACCOUNTS[AZURE],
        "BillingPeriodStartDate": f"{month:%m/%d/%Y}",
        "BillingPeriodEndDate": f"{last_day:%m/%d/%Y}",
        "SubscriptionId": charge.sub_account,
        "SubscriptionName": "Globex production",
        "Date": f"{charge.charge_date:%m/%d/%Y}",
        "MeterId": line.sku,
        "ServiceFamily": "AI + Machine Learning",
        "MeterCategory": "Foundry Models",
        "MeterSubCategory": served.sub_category,
        "MeterName": line.name,
        "Quantity": f"{Decimal(charge.tokens) / served.block:f}",
        "Cost": f"{dollars(charge.picos):f}",
        "UnitPrice": f"{dollars(line.picos * served.block):f}",
        "BillingCurrency": "USD",
        "ResourceLocation": "swedencentral",
        "ConsumedService": "Microsoft.CognitiveServices",
        "ResourceId": f"{subscription}/resourceGroups/rg-ai/providers/"
        "Microsoft.CognitiveServices/accounts/globex-ai",
        "UnitOfMeasure": {1000: "1K", 1_000_000: "1M"}[served.block],
        "ChargeType": "Usage",
        "Frequency": "UsageBased",
        "PublisherType": "Azure",
        "PricingModel": "OnDemand",
    }
