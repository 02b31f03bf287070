"""Cursor: usage events of the dashboard, as CSV.

The cost column holds an amount or a word. `Included` is covered by the plan: usage that costs
nothing more. `Free` is a charge of nothing. A dash or a blank says nothing: no charge is made up.
An event on one's own key is billed by that key's provider.

Export:
    1. In the team dashboard, Usage: choose the whole month, and export as CSV.
    2. Put each download into `location` under a name of its own, such as `2026-10-05.csv`.
       Downloads may overlap: the one whose name sorts last replaces the quarters of an hour in
       which it has events.
    3. Seats are on the invoice only: record it in `invoices.csv`, and name their price in
       `reconciling_items.csv`.

Settings:
    - source: cursor
      kind: cursor_usage
      location: inbox/cursor
      issuer: cursor
      billing_account_id: team-acme     # the file does not name the account
      billing_currency: USD

Reads:
    `Date`, `Kind`, `Model`, `Max Mode`, `Input (w/ Cache Write)`, `Input (w/o Cache Write)`,
    `Cache Read`, `Output Tokens`, `Total Tokens`, `Cost`, `User`, `Cloud Agent ID` and
    `Automation ID`.

Never read:
    Any other column. `User` becomes a pseudonym inside a line's key and is kept nowhere else.

Traps:
    - Whether input with cache writes holds the input without them differs by file; the row's total
      decides. Where it fits neither, the charge stays and its tokens are left out.
    - Times without an offset are UTC.
    - Events on an own key are on that provider's bill: they are counted, never charged.
"""

from datetime import datetime
from decimal import Decimal
from functools import partial

from models.facts import Fact
from models.vocabulary import Delivery, Meter, TokenSemantics
from pipelines.sources.base import (
    FoundFile,
    Source,
    TokenRule,
)
from pipelines.sources.bill_lines import (
    BillLine,
    LineBill,
    Made,
    day_of,
    instant,
    read_lines,
    usage_of,
)
from pipelines.sources.cells import RowError, Values, count, text
from pipelines.sources.record_files import Records, csv_records
from pipelines.sources.reports import FactRow

_WITH_WRITE, _WITHOUT_WRITE = "input_(w/_cache_write)", "input_(w/o_cache_write)"
_REQUIRED = ("date", "kind", "model", _WITH_WRITE, _WITHOUT_WRITE, "cache_read", "output_tokens")
_NOTHING = Decimal(0)
_INCLUDED, _FREE, _SILENT = "included", "free", ("", "-", "nan")


def _records(found: FoundFile) -> Records:
    records = csv_records(found, "Cursor usage export", _REQUIRED)
    return [r if isinstance(r, RowError) else {**r, "cost": _cost_cell(r)} for r in records]


def _cost_cell(values: Values) -> str:
    """What the cost column says; the dollar sign is the export's and no part of the amount."""
    cell = text(values, "cost") or text(values, "cost_($)") or ""
    return cell.replace("$", "", 1)


def _read_line(line: BillLine) -> Made:
    values = line.values
    at = instant(values, "date")
    agent_id, kind = line.name("cloud_agent_id"), text(values, "kind")
    model_text = text(values, "model")
    common: FactRow = {
        "provider": "cursor",
        "model_text": model_text,
        "token_semantics": TokenSemantics.EXCLUSIVE.value,
    }
    counted = _counted(values)
    charge = _charge(line, (kind or "").lower())
    if counted is None:
        if charge is None:
            raise RowError("token_identity", "total_tokens")
        line.counters["tokens_that_do_not_add_up"] += 1
        charge["repairs"] = "tokens_left_out"
    charged: FactRow = {
        **(charge or {}),
        "billing_currency": line.settings.billing_currency or "USD",
        "model_text": model_text,
        "resource_id": agent_id,
        "sku_meter": kind,
        "charge_description": model_text,
        "charge_period_start": at,
    }
    return Made(
        span=day_of(at.date()),
        scope=f"events:{_quarter(at):%Y-%m-%dT%H:%M}",
        key=(
            at.isoformat(),
            line.person("user"),
            agent_id,
            line.name("automation_id"),
            kind,
            model_text,
            text(values, "max_mode"),
        ),
        charges=[charged] if charge else [],
        usage=usage_of(common, counted or {}, 1 if counted else None),
    )


def _quarter(at: datetime) -> datetime:
    """The quarter of an hour: what an export of a local day covers whole in every time zone."""
    return at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)


def _counted(values: Values) -> dict[Meter, int] | None:
    """Disjoint tokens; None if the total fits neither way in which exports count cache writes."""
    names = (_WITH_WRITE, _WITHOUT_WRITE, "cache_read", "output_tokens")
    with_write, uncached, read, output = (count(values, name) or 0 for name in names)
    total = count(values, "total_tokens")
    if total == with_write + uncached + read + output:
        written = with_write
    elif total == uncached + read + output and with_write >= uncached:
        written = with_write - uncached
    else:
        return None
    return {
        Meter.INPUT_UNCACHED: uncached,
        Meter.CACHE_READ: read,
        Meter.CACHE_WRITE: written,
        Meter.OUTPUT: output,
    }


def _charge(line: BillLine, kind: str) -> FactRow | None:
    """What the event costs, by the state that its kind or cost column names; None if none does."""
    word = str(line.values["cost"]).lower()
    value = None if word in (*_SILENT, _INCLUDED, _FREE) else line.money("cost")
    if kind.startswith("user api key"):
        line.counters["own_key_rows"] += 1
        return None
    if kind.startswith(_INCLUDED) or word == _INCLUDED:
        line.counters["included_rows"] += 1
        return {
            "billed_cost": _NOTHING,
            "effective_cost": value,
            "list_cost": value,
            "pricing_category": "Committed",
            "commitment_discount_id": "cursor-plan",
            "commitment_discount_status": "Used",
        }
    if word == _FREE or "not charged" in kind or "no charge" in kind:
        line.counters["free_rows"] += 1
        return {"billed_cost": _NOTHING, "pricing_category": "Other"}
    if value is None:
        line.counters["rows_without_cost"] += 1
        return None
    return {"billed_cost": value, "pricing_category": "Standard"}


_BILL = LineBill(
    issuer="cursor",
    facts=(Fact.CHARGES, Fact.USAGE),
    constants={
        "service_provider_name": "Cursor",
        "invoice_issuer_name": "Cursor",
        "service_category": "AI and Machine Learning",
        "service_name": "Cursor",
        "provider": "cursor",
    },
    records=_records,
    read_line=_read_line,
)


SOURCE = Source(
    name="cursor_usage",
    summary="Cursor usage events of the dashboard (CSV)",
    facts=_BILL.facts,
    delivery=Delivery.SNAPSHOT,
    money_unit="dollars, or a word",
    token_rules=(
        TokenRule(
            "cursor usage events",
            "cursor",
            TokenSemantics.MIXED,
            TokenSemantics.UNKNOWN,
            "whether input with cache write holds input without differs by file: "
            "the total of each row decides",
        ),
    ),
    proof="documented examples",
    suffixes=(".csv",),
    read=partial(read_lines, bill=_BILL),
)
