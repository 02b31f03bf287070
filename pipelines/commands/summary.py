"""What a run came to: do the statements tie out, who owns the money, what is not known yet."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from pathlib import Path

from models.facts import Fact
from models.landing import Rejected
from models.money import MONEY_CONTEXT
from pipelines.commands.published import PublishedData, Row, opened
from pipelines.commands.terminal import cents, counted
from pipelines.landing.set_aside import SetAside, files_set_aside
from pipelines.publishing.duckdb_file import FILE_NAME
from pipelines.run import RunSummary, lake_of
from pipelines.sources import source_of
from pipelines.workspace import Workspace

OWNED = ("attributed", "unlogged_usage_owned", "shared_allocated", "idle_owned")
RESIDUALS = ("unlogged_usage", "shared", "idle", "rounding", "unallocated", "unexplained")
PARTS = (*OWNED, "reconciling_items", *RESIDUALS)
"""Columns of the tie-out that add up to the statement, in the order in which they are shown."""

MEANING = {
    "attributed": "calls with an owner, charged to their cost centres",
    "unlogged_usage_owned": "no gateway logged it; charged to the owner of the account it ran in",
    "shared_allocated": "cost that no call causes, split by your shared-cost rules",
    "idle_owned": "capacity paid and not used, charged to its owner",
    "reconciling_items": "invoice and bill export differ, and finance has named why, or rounding "
    "the invoice's own lines is exactly the difference",
    "unlogged_usage": "billed, but no gateway logged it and nobody owns the account: route it "
    "through the gateway, or add an ownership rule for the account",
    "shared": "cost that no call causes and no rule splits: add a row to shared_cost_rules.csv",
    "idle": "capacity paid and not used: reduce it, or give it an owner",
    "rounding": "fractions of a cent",
    "unallocated": "calls without an owner: add an ownership rule for their key, team or tag",
    "unexplained": "invoice and bill export differ, and nobody has said why: add a row to "
    "reconciling_items.csv, or ask the issuer",
}


_OWNED_NAMES = {"shared": "shared_allocated"}


def meaning(cause: str, *, is_owned: bool) -> str:
    """What a cause means on a line somebody pays, or nobody."""
    name = _OWNED_NAMES.get(cause, f"{cause}_owned") if is_owned else cause
    return MEANING.get(name, MEANING.get(cause, ""))


@dataclass(frozen=True)
class Statement:
    """One account's bill of one billing period, and what it is made of. Whole minor units."""

    billing_period: date
    issuer: str
    billing_account_id: str
    currency: str
    invoice_id: str | None
    invoice_total: Decimal | None
    parts: dict[str, Decimal]
    """Amount by name, see `PARTS`; only those that are not zero, and `attributed`."""
    statement_total: Decimal
    difference: Decimal | None
    """Invoice less what export, named items and rounding explain of it; null without an invoice."""
    defaulted: Decimal
    """Of the residuals and reconciling items: what the default cost centre pays."""
    gross_cost: Decimal
    """Sum of the sizes of all lines, at full precision: charges and credits do not cancel out."""
    owned_gross_cost: Decimal
    """The part of it that has an owner."""
    state: str


@dataclass(frozen=True)
class Owned:
    """How much of one currency's statements has an owner, gross: credits cancel nothing out."""

    currency: str
    owned: Decimal
    total: Decimal
    """Sum of the sizes of all charges and credits; `owned` is a part of it."""


@dataclass(frozen=True)
class UnknownName:
    """A name of an AI model that nothing is known by."""

    provider: str | None
    model_text: str
    nearest: str | None
    """The known name most like it: of a provider where that is unknown."""


@dataclass(frozen=True)
class Unknown:
    """What is not final: shown, counted, and never taken for zero."""

    estimated: dict[str, Decimal]
    """Estimates of calls that no bill covers yet, by currency."""
    unpriced_calls: int
    unpriced_exposure_usd: Decimal | None
    """The gateways' own figures for those calls; null if they say nothing."""
    overlogged_pools: int
    """Pools with more usage in the log than on the bill."""
    names: tuple[UnknownName, ...]
    """Names no price list and no alias knows, those that look like a known one first."""


@dataclass(frozen=True)
class Place:
    """Where readers find what was published."""

    database: Path
    chargeback: Path
    report: Path


@dataclass(frozen=True)
class Report:
    """The state of a workspace after a run."""

    version: str
    first_day: date | None
    last_day: date | None
    statements: tuple[Statement, ...]
    owned: tuple[Owned, ...]
    owned_calls: int
    all_calls: int
    unknown: Unknown
    warnings: tuple[str, ...]
    """What the checks noticed and let pass."""
    open: tuple[str, ...]
    """Why figures are not what they say: what is unexplained, what of a bill is in no number."""
    quarantined: tuple[Rejected, ...]
    refused: tuple[str, ...]
    """Files that did not land in this run: source, file, rule, next action."""
    places: Place
    run: RunSummary | None = None


def report_on(workspace: Workspace, run: RunSummary) -> Report:
    """Read what was published back from where analysts read it."""
    rejects = files_set_aside(lake_of(workspace))
    with opened(workspace) as data:
        statements = _statements(data)
        days = data.rows(
            "select min(charge_date) as first, max(charge_date) as last"
            " from mart_attribution_coverage_daily"
        )[0]
        calls = data.rows(
            """
            select
                cast(coalesce(sum(call_count) filter (where owner_state = 'owned'), 0) as bigint)
                    as owned,
                cast(coalesce(sum(call_count), 0) as bigint) as total
            from mart_attribution_coverage_daily
            where dimension = 'calls'
            """
        )[0]
        return Report(
            version=data.version,
            first_day=days["first"],
            last_day=days["last"],
            statements=statements,
            owned=_owned(statements),
            owned_calls=calls["owned"],
            all_calls=calls["total"],
            unknown=_unknown(data),
            warnings=quality_warnings(data),
            open=(*_unexplained(statements), *missing_records(workspace, rejects)),
            quarantined=quarantine(rejects),
            refused=tuple(run.problems),
            places=Place(
                data.pointer / FILE_NAME, data.pointer / "chargeback", data.pointer / "report"
            ),
            run=run,
        )


def quality_warnings(data: PublishedData) -> tuple[str, ...]:
    """What checks noticed on published days: one sentence per counter, with where it is."""
    rows = data.rows(
        """
        select suite, counter, min(message) as message,
            list(value || ' in ' || partition order by partition) as found
        from quality_results
        where not passed
        group by suite, counter
        order by suite, counter
        """
    )
    return tuple(_warning(row) for row in rows)


def _warning(row: Row) -> str:
    """What a counter found, where, what that means and what to do."""
    # the message says the first place and the rule; here are all places, and what follows the rule
    words = row["message"].partition(", expected ")[2].partition(". ")[2] or row["message"]
    return f"{row['suite']}.{row['counter']} is {_some(row['found'])}. {words}"


def quarantine(files: Iterable[SetAside]) -> tuple[Rejected, ...]:
    """Every record that was set aside, by file and row."""
    rejected = [row for file in files for row in file.rows]
    return tuple(sorted(rejected, key=lambda row: (row.file_name, row.source_row, row.rule)))


def _unexplained(statements: Sequence[Statement]) -> Iterator[str]:
    for statement in statements:
        if statement.difference:
            yield (
                f"{statement.billing_period:%Y-%m} {statement.issuer} "
                f"{statement.billing_account_id}: the invoice differs by "
                f"{cents(statement.difference, statement.currency)} {statement.currency} from what "
                "explains it"
            )


def missing_records(workspace: Workspace, files: Iterable[SetAside]) -> Iterator[str]:
    """What of a bill is in no number; landing itself says so of a whole file."""
    bills = {s.source for s in workspace.settings.sources if Fact.CHARGES in source_of(s).facts}
    for found in files:
        if found.source in bills and found.file.rows_accepted:
            records = counted(len(found.rows), "record")
            yield f"{found.source}: {found.file.name}: {records} of a bill set aside"


def by_rule(rejected: Sequence[Rejected]) -> list[tuple[Rejected, int]]:
    """One example and the count of each kind of set-aside record."""
    counts = Counter((row.file_name, row.rule) for row in rejected)
    first = {(row.file_name, row.rule): row for row in reversed(rejected)}
    return [(first[key], count) for key, count in sorted(counts.items())]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _statements(data: PublishedData) -> tuple[Statement, ...]:
    rows = data.rows(
        "select * from mart_invoice_tie_out"
        " order by billing_period, issuer, billing_account_id, billing_currency"
    )
    return tuple(_statement(row) for row in rows)


def _statement(row: Row) -> Statement:
    return Statement(
        billing_period=row["billing_period"],
        issuer=row["issuer"],
        billing_account_id=row["billing_account_id"],
        currency=row["billing_currency"],
        invoice_id=row["invoice_id"],
        invoice_total=row["invoice_total"],
        parts={name: row[name] for name in PARTS if row[name] or name == "attributed"},
        statement_total=row["statement_total"],
        difference=row["difference"],
        defaulted=row["defaulted"],
        gross_cost=row["gross_cost"],
        owned_gross_cost=row["owned_gross_cost"],
        state=row["state"],
    )


def _owned(statements: Sequence[Statement]) -> tuple[Owned, ...]:
    found = []
    with localcontext(MONEY_CONTEXT):
        for currency in sorted({s.currency for s in statements}):
            mine = [s for s in statements if s.currency == currency]
            owned = sum((s.owned_gross_cost for s in mine), Decimal(0))
            total = sum((s.gross_cost for s in mine), Decimal(0))
            found.append(Owned(currency, owned, total))
    return tuple(found)


def _unknown(data: PublishedData) -> Unknown:
    estimates = data.rows(
        """
        select billing_currency, sum(estimated_cost) as amount
        from fct_cost_lines
        where estimated_cost is not null
        group by billing_currency
        order by billing_currency
        """
    )
    [unpriced] = data.rows(
        """
        select
            cast(coalesce(sum(unpriced_calls), 0) as bigint) as calls,
            sum(unpriced_exposure_usd) as exposure
        from mart_attribution_coverage_daily
        where dimension = 'calls'
        """
    )
    [pools] = data.rows(
        "select count(*) as number from mart_reconciliation_daily where pool_state = 'overlogged'"
    )
    names = data.rows(
        """
        select provider, model_text, nearest from dim_models
        where resolved_by = 'unmatched' and model_text is not null
        order by nearest is null, provider, model_text
        """
    )
    return Unknown(
        estimated={row["billing_currency"]: row["amount"] for row in estimates},
        unpriced_calls=unpriced["calls"],
        unpriced_exposure_usd=unpriced["exposure"],
        overlogged_pools=pools["number"],
        names=tuple(UnknownName(**row) for row in names),
    )
