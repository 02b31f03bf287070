"""Columns of Azure cost files, by every name they have had: agreements, ages and languages differ.

Knows names and units only; what a row means is in `azure_cost`.
"""

import re
from collections.abc import Mapping

import polars as pl

from models.vocabulary import ChargeCategory

# our name of a column: its names in files, lower case, the best first
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "account": ("billingaccountid",),
    "benefit": ("reservationid", "benefitid"),
    "benefit_name": ("productordername", "reservationname"),
    "category": ("metercategory",),
    "charge_type": ("chargetype",),
    "consumed_service": ("consumedservice",),
    "cost": ("costinbillingcurrency", "cost", "pretaxcost"),
    "currency": ("billingcurrency", "billingcurrencycode", "currency"),
    "date": ("date", "usagedatetime", "usagedate"),
    "family": ("servicefamily",),
    "frequency": ("frequency",),
    "invoice": ("invoiceid",),
    "list_cost": ("paygcostinbillingcurrency",),
    "location": ("resourcelocation",),
    "meter_id": ("meterid",),
    "meter_name": ("metername",),
    "part_number": ("partnumber",),
    "period": ("billingperiodstartdate", "billingperiodstart"),
    "pricing_model": ("pricingmodel",),
    "product": ("product", "productname"),
    "publisher_type": ("publishertype",),
    "quantity": ("quantity", "usagequantity"),
    "resource": ("resourceid", "instanceid", "instancename"),
    "sub_category": ("metersubcategory",),
    "subscription": ("subscriptionid", "subscriptionguid"),
    "tags": ("tags",),
    "unit": ("unitofmeasure",),
}
WANTED = tuple(dict.fromkeys(name for names in COLUMNS.values() for name in names))

CATEGORIES = {
    "usage": ChargeCategory.USAGE,
    "unusedreservation": ChargeCategory.USAGE,
    "unusedsavingsplan": ChargeCategory.USAGE,
    "purchase": ChargeCategory.PURCHASE,
    "tax": ChargeCategory.TAX,
    "credit": ChargeCategory.CREDIT,
    "refund": ChargeCategory.ADJUSTMENT,
    "adjustment": ChargeCategory.ADJUSTMENT,
    "roundingadjustment": ChargeCategory.ADJUSTMENT,
}
FREQUENCIES = {"usagebased": "Usage-Based", "onetime": "One-Time", "recurring": "Recurring"}
PRICING_CATEGORIES = {
    "ondemand": "Standard",
    "reservation": "Committed",
    "savingsplan": "Committed",
    "spot": "Dynamic",
}

_IN_BRACKETS = re.compile(r"\(([^()]+)\)$")
_UNIT = re.compile(
    r"(?P<size>\d{1,12}) ?(?P<scale>[KMB](?![A-Za-z]))?[ /]*(?P<single>.*)", re.ASCII
)
_SCALES = {None: 1, "K": 10**3, "M": 10**6, "B": 10**9}
_PLURALS = {"Hour": "Hours", "Day": "Days", "Month": "Months", "Second": "Seconds"}


def column_name(header: str) -> str:
    """A column as `COLUMNS` spells it: the English name in brackets counts where there is one."""
    name = header.strip()
    bracketed = _IN_BRACKETS.search(name)
    return (bracketed[1] if bracketed else name).strip().lower()


def unified(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows under our names, blank cells null."""
    rows = rows.with_columns(pl.col(WANTED).str.strip_chars().replace("", None))
    ours = {name: pl.coalesce(names) for name, names in COLUMNS.items()}
    return rows.select("file_id", "file_name", "source_row", **ours)


def read_unit(text: str | None) -> tuple[int | None, str | None]:
    """How many single units a block of `UnitOfMeasure` holds, and what one is called.

    Returns:
        `1K` is 1000 of something without a name, `100 Hours` 100 Hours, `1/Month` 1 Months. Null
        and null where the unit is blank or of another form: then a quantity says nothing.
    """
    unit = _UNIT.fullmatch(text or "")
    if not unit:
        return None, None
    single = unit["single"].strip()
    return int(unit["size"]) * _SCALES[unit["scale"]], _PLURALS.get(single, single) or None
