"""The cost table of Google's billing console, as CSV: lines of an export without time and project.

Below its lines it repeats their sum, with and without tax, in rows that lack a field: adding up the
column gives three times the money. Here these rows are what the lines are proved by, and only the
tax among them is money of its own.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import polars as pl

from models.money import MoneyError, parse_money
from pipelines.sources.base import DeliveryUnit, FoundFile, SourceError
from pipelines.sources.bill_files import Bill, BillFile

_NAMES = {
    "Date": "usage_start_time",
    "Billing account ID": "billing_account_id",
    "Project ID": "project_id",
    "Service description": "service_description",
    "Service ID": "service_id",
    "SKU description": "sku_description",
    "SKU ID": "sku_id",
    "Usage amount": "usage_amount",
    "Usage unit": "usage_unit",
    "Cost type": "cost_type",
    "Unrounded subtotal": "cost",
}
_NEEDED = ("Date", "SKU description", "Unrounded subtotal")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_TOTALS = ("Subtotal", "Tax", "Filtered total")
_PLACE = re.compile(r" \([^()]*\)$")


def is_cost_table(found: FoundFile) -> bool:
    """Whether a file starts like a cost table in English."""
    if not found.name.lower().endswith(".csv"):
        return False
    with found.path.open("rb") as lines:
        return b"Unrounded subtotal" in lines.readline(65536)


def load_cost_table(unit: DeliveryUnit, wanted: Sequence[str]) -> tuple[Bill, int]:
    """Load one downloaded table in the columns of the export; its cost is after all savings.

    Returns:
        The table's lines and its tax, and how many of its rows only add up others.

    Raises:
        SourceError: Broken quoting, other columns, or totals that the lines do not add up to.
    """
    (found,) = unit.files
    try:
        with found.path.open(encoding="utf-8-sig", newline="") as lines:
            header, *cells = csv.reader(lines, strict=True)
    except (ValueError, csv.Error) as error:
        raise SourceError(f"{found.name}: broken quoting or empty. Download it again.") from error
    names = [_PLACE.sub("", name) for name in header]
    lacking = [name for name in _NEEDED if name not in names]
    if lacking:
        raise SourceError(
            f"{found.name}: no cost table, it has no column {lacking[0]}. "
            "Download it with this column, with the console in English."
        )
    rows: list[dict[str, object]] = []
    totals: dict[str, tuple[int, str]] = {}
    for number, row in enumerate(cells, start=1):
        label = next(iter([c for c in row if c]), "")
        if label in _TOTALS and not row[0]:
            totals[label] = (number, row[-2])
        elif len(row) != len(names):
            raise SourceError(f"{found.name}: row {number} is cut off. Download the file again.")
        else:
            rows.append({"source_row": number, **_line(dict(zip(names, row, strict=True)))})
    tax = _checked_tax(found, rows, totals)
    rows += [tax] if tax else []
    schema = {"source_row": pl.Int64(), **dict.fromkeys(wanted, pl.String())}
    frame = pl.DataFrame(rows, schema=schema).with_columns(
        file_id=pl.lit(found.file_id), file_name=pl.lit(found.name)
    )
    bill = Bill((BillFile(found, len(cells), tuple(names)),), frame, has_manifest=bool(totals))
    return bill, len(cells) - len(rows)


def _line(row: Mapping[str, str]) -> dict[str, str | None]:
    cells = {ours: _plain(row.get(name)) for name, ours in _NAMES.items()}
    month = (cells["usage_start_time"] or "").replace("-", "")[:6]
    return {**cells, "cost_type": (cells["cost_type"] or "regular").lower(), "invoice_month": month}


def _plain(text: str | None) -> str | None:
    """A cell without the separators of thousands; null if blank."""
    return text.replace(",", "") if text and _GROUPED.fullmatch(text) else text or None


def _checked_tax(
    found: FoundFile, rows: Sequence[Mapping[str, object]], totals: Mapping[str, tuple[int, str]]
) -> dict[str, object] | None:
    """The tax as a line of its own; null if there is none.

    Raises:
        SourceError: An amount cannot be read, the lines do not add up to the totals, or the tax is
            of several months.
    """
    try:
        told = {name: parse_money(_plain(text) or "") for name, (_, text) in totals.items()}
        lines = sum((parse_money(str(row["cost"])) for row in rows), Decimal(0))
    except MoneyError as error:
        raise SourceError(
            f"{found.name}: an amount is no decimal with a point. Download it in English."
        ) from error
    tax = told.get("Tax", Decimal(0))
    for name, sum_ in (("Subtotal", lines), ("Filtered total", lines + tax)):
        if name in told and told[name] != sum_:
            raise SourceError(
                f"{found.name}: its lines do not add up to its {name.lower()}. Download it again."
            )
    if not tax:
        return None
    months = {str(row["invoice_month"]) for row in rows}
    if len(months) != 1:
        raise SourceError(
            f"{found.name}: holds the tax of several months in one sum. Download month by month."
        )
    return {
        "source_row": totals["Tax"][0],
        "usage_start_time": max(str(row["usage_start_time"]) for row in rows),
        "invoice_month": months.pop(),
        "sku_description": "Tax",
        "cost_type": "tax",
        "cost": f"{tax:f}",
    }
