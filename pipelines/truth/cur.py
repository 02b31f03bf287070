"""The AWS bill: CUR 2.0 exports by billing period, Bedrock lines, tax, support and a credit."""

import csv
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import polars as pl

from models.vocabulary import Meter
from pipelines.truth.catalogue import AWS, BILLING_ACCOUNTS, DEPLOYMENT_IDS, DEPLOYMENTS
from pipelines.truth.output import dollars, pack, rows_of, write

EXPORT = "acme-cur"
PAYER = BILLING_ACCOUNTS[AWS]
CENT = Decimal("0.01")
SUPPORT_LINE = "AWS Support (Business)"

COLUMNS = (
    "bill_bill_type",
    "bill_billing_entity",
    "bill_billing_period_end_date",
    "bill_billing_period_start_date",
    "bill_invoice_id",
    "bill_invoicing_entity",
    "bill_payer_account_id",
    "bill_payer_account_name",
    "identity_line_item_id",
    "identity_time_interval",
    "line_item_currency_code",
    "line_item_legal_entity",
    "line_item_line_item_description",
    "line_item_line_item_type",
    "line_item_operation",
    "line_item_product_code",
    "line_item_resource_id",
    "line_item_tax_type",
    "line_item_unblended_cost",
    "line_item_unblended_rate",
    "line_item_usage_account_id",
    "line_item_usage_account_name",
    "line_item_usage_amount",
    "line_item_usage_end_date",
    "line_item_usage_start_date",
    "line_item_usage_type",
    "pricing_term",
    "pricing_unit",
    "product",
    "product_region_code",
    "product_servicecode",
    "resource_tags",
    "tags",
)
"""Of about 125 in an export: what its owner's query selects."""

_REGIONS = {"eu-central-1": "EUC1", "us-east-1": "USE1"}
_NOVA = {"nova-lite": "NovaLite", "nova-pro": "NovaPro"}
_NOVA_KINDS = {
    Meter.INPUT_UNCACHED: "input-tokens",
    Meter.CACHE_READ: "cache-read-input-token-count",
    Meter.OUTPUT: "output-tokens",
}
_MARKET_KINDS = {
    Meter.INPUT_UNCACHED: ("InputTokenCount", "Million Input Tokens Regional CRIS"),
    Meter.CACHE_READ: ("CacheReadInputTokenCount", "Million Cache Read Input Tokens"),
    Meter.CACHE_WRITE_5M: ("CacheWriteInputTokenCount", "Million Cache Write Input Tokens"),
    Meter.CACHE_WRITE_1H: ("CacheWrite1hInputTokenCount", "Million Cache Write 1h Input Tokens"),
    Meter.OUTPUT: ("OutputTokenCount", "Million Response Tokens Regional CRIS"),
}


@dataclass(frozen=True)
class ExtraCharge:
    """A line that no call caused."""

    charge_date: date
    charge_category: str
    line_type: str
    description: str
    amount: Decimal
    tax_type: str = ""


def extra_charges(usage: Decimal, first_day: date) -> list[ExtraCharge]:
    """Support, credit and tax of a month, in whole cents.

    Args:
        usage: Dollars of usage in the month.
        first_day: First simulated day of the month; the lines are dated there.
    """

    def part(amount: Decimal, share: str) -> Decimal:
        return (amount * Decimal(share)).quantize(CENT, ROUND_HALF_EVEN)

    support, credit = part(usage, "0.10"), -part(usage, "0.04")
    tax = part(usage + support + credit, "0.08")
    return [
        ExtraCharge(first_day, "Purchase", "Fee", SUPPORT_LINE, support),
        ExtraCharge(first_day, "Credit", "Credit", "Promotional credit", credit),
        ExtraCharge(first_day, "Tax", "Tax", "Sales tax", tax, "USSalesTax"),
    ]


def _month_after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _at(day: date) -> str:
    return f"{day}T00:00:00.000Z"


def _bill_columns(month: date) -> dict[str, Any]:
    return {
        "bill_bill_type": "Anniversary",
        "bill_billing_entity": "AWS",
        "bill_billing_period_start_date": _at(month),
        "bill_billing_period_end_date": _at(_month_after(month)),
        "bill_invoicing_entity": "Amazon Web Services, Inc.",
        "bill_payer_account_id": PAYER,
        "bill_payer_account_name": "acme-payer",
        "line_item_currency_code": "USD",
        "line_item_legal_entity": "Amazon Web Services, Inc.",
        "line_item_product_code": "AmazonBedrock",
        "line_item_usage_account_id": PAYER,
        "product": '{"product_name":"Amazon Bedrock"}',
        "product_servicecode": "AmazonBedrock",
        "resource_tags": "{}",
        "tags": "{}",
    }


def _usage_line(row: dict[str, Any]) -> dict[str, Any]:
    deployment = DEPLOYMENTS[DEPLOYMENT_IDS[row["deployment"]]]
    region = _REGIONS[deployment.region]
    meter = Meter(row["meter"])
    day = row["charge_date"]
    line = {
        "identity_time_interval": f"{day}T00:00:00Z/{day + timedelta(days=1)}T00:00:00Z",
        "line_item_line_item_type": "Usage",
        "line_item_usage_account_id": row["sub_account"],
        "line_item_usage_account_name": f"acme-{deployment.region}",
        "line_item_usage_start_date": _at(day),
        "line_item_usage_end_date": _at(day + timedelta(days=1)),
        "line_item_unblended_cost": f"{dollars(row['cost_picos']):f}",
        "pricing_term": "OnDemand",
        "product_region_code": deployment.region,
    }
    if deployment.model_key in _NOVA:
        name = _NOVA[deployment.model_key]
        line |= {
            "line_item_operation": "InvokeModelInference",
            "line_item_usage_type": f"{region}-{name}-{_NOVA_KINDS[meter]}",
            "line_item_usage_amount": f"{Decimal(row['quantity']).scaleb(-3):f}",
            "pricing_unit": "1K tokens",
        }
    else:
        kind, unit = _MARKET_KINDS[meter]
        line |= {
            "bill_billing_entity": "AWS Marketplace",
            "line_item_line_item_description": (
                f"AWS Marketplace software usage|{deployment.region}|{unit}"
            ),
            "line_item_operation": "Usage",
            "line_item_product_code": "acmemarketplaceproductcode",
            "line_item_usage_type": f"{region}-MP:{region}_{kind}-Units",
            "line_item_usage_amount": f"{Decimal(row['quantity']).scaleb(-6):f}",
            "pricing_unit": "Units",
            "product": '{"product_name":"Claude Sonnet 4.6 (Amazon Bedrock Edition)"}',
            "product_servicecode": "AmazonBedrockFoundationModels",
        }
    if deployment.resource_team:
        line["resource_tags"] = json.dumps({"user_team": deployment.resource_team})
        line["line_item_resource_id"] = (
            f"arn:aws:bedrock:{deployment.region}:{row['sub_account']}"
            f":application-inference-profile/{deployment.resource_team}"
        )
    return line


def _extra_line(extra: ExtraCharge, month: date) -> dict[str, Any]:
    return {
        "identity_time_interval": f"{month}T00:00:00Z/{_month_after(month)}T00:00:00Z",
        "line_item_line_item_type": extra.line_type,
        "line_item_line_item_description": extra.description,
        "line_item_tax_type": extra.tax_type,
        "line_item_unblended_cost": f"{extra.amount:f}",
        "line_item_usage_amount": "1",
        "line_item_usage_start_date": _at(extra.charge_date),
        "line_item_usage_end_date": _at(_month_after(month)),
    }


def _lines(billed: pl.DataFrame, extras: Sequence[ExtraCharge], month: date) -> Iterator[list[str]]:
    keys = ("charge_date", "sub_account", "deployment", "meter")
    shown = [_usage_line(row) for row in rows_of(billed, keys)]
    shown += [_extra_line(extra, month) for extra in extras]
    common = _bill_columns(month)
    for number, line in enumerate(shown, start=1):
        full = common | {"identity_line_item_id": f"li{month:%y%m}{number:06d}"} | line
        yield [full.get(column, "") for column in COLUMNS]


def write_run(
    folder: Path,
    billed: pl.DataFrame,
    *,
    extras: Sequence[ExtraCharge],
    month: date,
    run_day: date,
) -> None:
    """Write one run of the export for one billing period: data, its manifest, the newest manifest.

    Args:
        folder: The AWS source's inbox.
        billed: The month's usage, as `ledger.billed_daily` gives it.
        extras: Lines no call caused.
        month: First day of the billing period.
        run_day: Day of the run, which names it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_lines(billed, extras, month))
    content = text.getvalue().encode("ascii")
    packed = pack(content)
    partition = f"BILLING_PERIOD={month:%Y-%m}"
    run = f"{run_day:%Y%m%d}T060000Z-{zlib.crc32(content):08x}"
    path = f"{EXPORT}/data/{partition}/{run}/{EXPORT}-00001.csv.gz"
    write(folder / path, packed)
    manifest = {
        "exportName": EXPORT,
        "executionId": run,
        "billingPeriod": f"{month:%Y-%m}",
        "dataFiles": [{"s3Uri": f"s3://acme-billing/{path}", "size": len(packed)}],
        "columns": [{"name": column, "type": "string"} for column in COLUMNS],
    }
    described = (json.dumps(manifest, indent=1) + "\n").encode("ascii")
    metadata = folder / EXPORT / "metadata" / partition
    write(metadata / run / f"{EXPORT}-Manifest.json", described)
    write(metadata / f"{EXPORT}-Manifest.json", described)
