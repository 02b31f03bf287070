"""Chargeback files for finance: per period a summary, one file per cost centre, and a manifest.

Amounts arrive rounded to cents (`statements.py`). Here they are written, read back, and proven to
add up to the invoices before anybody sees them.
"""

import hashlib
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, localcontext
from typing import Any, NamedTuple, TypeVar

from models.money import MONEY_CONTEXT, minor_digits
from models.settings import ID_PATTERN
from pipelines.publishing.csv_files import Cell, cell_text, csv_bytes, csv_rows
from pipelines.publishing.errors import PublishError
from pipelines.statements import Invoice

# names this folder uses itself, and names Windows keeps for devices
_TAKEN = re.compile(r"summary|con|prn|aux|nul|(com|lpt)[0-9]")
_INVOICE_COLUMNS = Invoice._fields

K = TypeVar("K")
V = TypeVar("V")


class StatementLine(NamedTuple):
    """One row of `mart_chargeback_monthly`, in the column order of the CSV."""

    billing_period: date
    issuer: str
    billing_account_id: str
    invoice_id: str | None
    """Null while the period has no invoice: an estimate."""
    billing_currency: str
    line_kind: str
    cost_center_id: str | None
    cost_center_name: str | None
    cause: str
    amount: Decimal
    """In billing_currency, already whole minor units."""

    @property
    def invoice(self) -> Invoice:
        """The invoice, or the estimate of one, that the line belongs to."""
        return Invoice(
            self.issuer,
            self.billing_account_id,
            self.invoice_id,
            self.billing_period,
            self.billing_currency,
        )


class DetailLine(NamedTuple):
    """What a cost centre used: one meter of one application, at full precision.

    Shared cost, which is split at the end of the period, is on the statement only.
    """

    billing_period: date
    cost_center_id: str
    application_id: str | None
    issuer: str
    billing_account_id: str
    model_id: str | None
    meter: str | None
    cause: str
    billing_currency: str
    call_count: int | None
    """Calls that used the meter; null for lines without calls."""
    quantity: Decimal | None
    """Units of the meter; null where unknown."""
    amount_exact: Decimal


def chargeback_files(
    lines: Iterable[StatementLine],
    invoices: Mapping[Invoice, int],
    details: Iterable[DetailLine] = (),
) -> dict[str, bytes]:
    """Write the statements of every period given.

    Args:
        lines: Statement lines; those of an invoice add up to it.
        invoices: Invoice totals in minor units.
        details: Optional rows behind each cost centre's total.

    Returns:
        Bytes by path below the version: `chargeback/<YYYY-MM>/summary.csv`, one
        `<cost centre>.csv` each, `<cost centre>.detail.csv` where there are details, and
        `MANIFEST.json` with rows, sums per currency and SHA-256 of each.

    Raises:
        PublishError: Rows do not add up to their invoice, or an amount is not whole minor units.
    """
    lines_by_period = _group(lines, lambda line: line.billing_period)
    details_by_period = _group(details, lambda line: line.billing_period)
    totals_by_period = _group(invoices.items(), lambda item: item[0].billing_period)
    files: dict[str, bytes] = {}
    for period in sorted({*lines_by_period, *details_by_period, *totals_by_period}):
        folder = f"chargeback/{period:%Y-%m}"
        written = _period_files(
            lines_by_period.get(period, []),
            dict(totals_by_period.get(period, [])),
            details_by_period.get(period, []),
        )
        files |= {f"{folder}/{name}": content for name, content in written.items()}
    return files


def file_stem(cost_center_id: str) -> str:
    """A cost centre's id as a file name.

    An id that is not safe as one becomes a readable slug, a dot and a hash of the id; no safe id
    holds a dot, so the two never collide.
    """
    if re.fullmatch(ID_PATTERN, cost_center_id) and not _TAKEN.fullmatch(cost_center_id):
        return cost_center_id
    plain = unicodedata.normalize("NFKD", cost_center_id).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:40] or "cost-center"
    digest = hashlib.sha256(cost_center_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{slug}.{digest[:8]}"


def _period_files(
    lines: Sequence[StatementLine],
    invoices: Mapping[Invoice, int],
    details: Sequence[DetailLine],
) -> dict[str, bytes]:
    at_cents = [line._replace(amount=_cents(line)) for line in lines]
    files = {"summary.csv": _csv(StatementLine._fields, at_cents)}
    _prove_invoices(files["summary.csv"], invoices)

    owned = _group(at_cents, lambda line: line.cost_center_id)
    statements = {
        f"{file_stem(center)}.csv": _csv(StatementLine._fields, rows)
        for center, rows in owned.items()
        if center is not None
    }
    _prove_statements(files["summary.csv"], statements)
    files |= statements
    for center, rows in _group(details, lambda line: line.cost_center_id).items():
        files[f"{file_stem(center)}.detail.csv"] = _csv(DetailLine._fields, rows)
    manifest = {name: _describe(content) for name, content in sorted(files.items())}
    files["MANIFEST.json"] = json.dumps({"files": manifest}, indent=1).encode() + b"\n"
    return files


def _cents(line: StatementLine) -> Decimal:
    with localcontext(MONEY_CONTEXT):
        scaled = line.amount.quantize(Decimal(1).scaleb(-minor_digits(line.billing_currency)))
    if scaled != line.amount:
        raise PublishError(
            f"mart_chargeback_monthly: an amount of {line.issuer} in {line.billing_period:%Y-%m} "
            f"is finer than the minor unit of {line.billing_currency}: round it with "
            "round_statements first"
        )
    return scaled


def _csv(columns: Sequence[str], rows: Collection[tuple[Cell, ...]]) -> bytes:
    return csv_bytes(columns, sorted(rows, key=_nulls_last))


def _nulls_last(row: Sequence[Cell]) -> tuple[tuple[bool, Any], ...]:
    return tuple((value is None, "" if value is None else value) for value in row)


def _prove_invoices(summary: bytes, invoices: Mapping[Invoice, int]) -> None:
    """Read the summary back: per invoice its rows add up to the total, to the minor unit."""
    written = _sums(
        (tuple(row[c] for c in _INVOICE_COLUMNS), Decimal(row["amount"]))
        for row in csv_rows(summary)
        if row["invoice_id"]
    )
    expected = _sums(
        (
            tuple(cell_text(value) for value in invoice),
            Decimal(total).scaleb(-minor_digits(invoice.billing_currency)),
        )
        for invoice, total in invoices.items()
    )
    for key in sorted({*written, *expected}):
        rows, total = written.get(key, Decimal(0)), expected.get(key, Decimal(0))
        if rows != total:
            issuer, account, invoice_id, period, currency = key
            raise PublishError(
                f"summary.csv of {period[:7]}: invoice {invoice_id} ({issuer}, {account}) is "
                f"{total} {currency}, its lines add up to {rows}: difference {total - rows}"
            )


def _prove_statements(summary: bytes, statements: Mapping[str, bytes]) -> None:
    """Read the files of the cost centres back: together they are the owned rows of the summary."""
    apart = sorted(tuple(r.values()) for content in statements.values() for r in csv_rows(content))
    together = sorted(tuple(r.values()) for r in csv_rows(summary) if r["cost_center_id"])
    if apart != together:
        raise PublishError("summary.csv: its rows are not those of the cost centres' files")


def _describe(content: bytes) -> dict[str, object]:
    rows = csv_rows(content)
    column = "amount" if rows and "amount" in rows[0] else "amount_exact"
    sums = _sums(((row["billing_currency"],), Decimal(row[column])) for row in rows)
    return {
        "rows": len(rows),
        "sums": {currency: format(total, "f") for (currency,), total in sorted(sums.items())},
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _sums(rows: Iterable[tuple[tuple[str, ...], Decimal]]) -> dict[tuple[str, ...], Decimal]:
    totals: dict[tuple[str, ...], Decimal] = {}
    with localcontext(MONEY_CONTEXT):
        for key, amount in rows:
            totals[key] = totals.get(key, Decimal(0)) + amount
    return totals


def _group(values: Iterable[V], key: Callable[[V], K]) -> dict[K, list[V]]:
    groups: defaultdict[K, list[V]] = defaultdict(list)
    for value in values:
        groups[key(value)].append(value)
    return groups
