"""Ways to damage what a simulated company delivers, and what to ask of the run that follows."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from models.landing import Rejected
from pipelines.run import RunSummary, lake_of
from tests.end_to_end.company import Company

Rows = list[list[str]]
Damage = Callable[[Company], object]
ISSUERS = ("anthropic", "aws", "openai")


@dataclass(frozen=True)
class Ran:
    """A company that was run, and what the run says."""

    company: Company
    summary: RunSummary

    @property
    def quarantine(self) -> list[Rejected]:
        landed = lake_of(self.company.workspace).landed()
        return [row for record in landed for row in record.quarantine]

    @property
    def warnings(self) -> set[str]:
        return {f"{r.suite}.{r.counter}" for r in self.summary.computed.quality if not r.passed}

    @property
    def missing_money(self) -> dict[str, Decimal]:
        """Per issuer, what was billed less what the marts hold; nothing where it is right."""
        rows = self.company.rows(
            """
            with found as (
                select issuer, charge_date, sum(billed_cost) as cost
                from fct_cost_lines
                where cost_basis = 'billed'
                group by all
            ),

            real as (
                select issuer, charge_date, sum(cost) as cost from truth_billed group by all
            )

            select issuer, sum(coalesce(real.cost, 0) - coalesce(found.cost, 0)) as missing
            from found
            full join real using (issuer, charge_date)
            where real.cost is distinct from found.cost
            group by issuer
            """
        )
        return dict(rows)

    @property
    def states(self) -> dict[str, str]:
        tied = self.company.rows("select issuer, difference, state from mart_invoice_tie_out")
        assert all((difference == 0) == (state == "tied") for _, difference, state in tied)
        assert all((difference is None) == (state == "no_invoice") for _, difference, state in tied)
        return {issuer: state for issuer, _, state in tied}

    @property
    def residual(self) -> Decimal:
        [(cost,)] = self.company.rows(
            "select sum(billed_cost) from fct_cost_lines where cause = 'unlogged_usage'"
        )
        return cost

    @property
    def unseen(self) -> Decimal:
        """What the calls that are in no mart really cost."""
        [(cost,)] = self.company.rows(
            "select sum(cost) from truth_truth as truth anti join fct_calls as calls "
            "on truth.source = calls.source and truth.call_id = calls.call_id"
        )
        return cost


def log_file(company: Company) -> Path:
    """A log file of the European gateway."""
    return next(path for path in company.inbox("gateway_eu") if path.name.endswith(".gz"))


def cost_report(company: Company, page: int = 1) -> Path:
    return next(
        path for path in company.inbox("anthropic") if path.name == f"cost_report_{page}.json"
    )


def bill_file(company: Company) -> Path:
    return next(path for path in company.inbox("aws") if path.name.endswith(".csv.gz"))


def without_manifests(company: Company) -> None:
    """A bill without manifests is taken at its word: only then its rows are looked at."""
    for path in company.inbox("aws"):
        if path.name.endswith("Manifest.json"):
            path.unlink()


def edit_calls(
    company: Company, edit: Callable[[list[dict]], object], path: Path | None = None
) -> None:
    """Change the records of a log file in place."""
    path = path or log_file(company)
    calls = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    edit(calls)
    text = "".join(f"{json.dumps(call, ensure_ascii=False)}\n" for call in calls)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def edit_bill(company: Company, edit: Callable[[Rows], Rows]) -> None:
    """Change the header and the rows of the AWS bill."""
    path = bill_file(company)
    rows = list(csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(edit(rows))
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def edit_costs(company: Company, edit: Callable[[list[dict]], object], page: int = 1) -> None:
    """Change the results of the first day of a cost report's page, dearest first."""
    path = cost_report(company, page)
    report = json.loads(path.read_text("utf-8"))
    results = report["data"][0]["results"]
    results.sort(key=lambda result: -Decimal(result["amount"]))
    edit(results)
    path.write_text(json.dumps(report), "utf-8")


def spoil_bill(column: str, text: str) -> Callable[[Company], None]:
    """Write a text into a column of the dearest row of the AWS bill."""

    def damage(company: Company) -> None:
        def edit(rows: Rows) -> Rows:
            header, *body = rows
            cost = header.index("line_item_unblended_cost")
            dearest = max(body, key=lambda row: Decimal(row[cost]))
            dearest[header.index(column)] = text
            return rows

        edit_bill(company, edit)
        without_manifests(company)

    return damage


def spoil_costs(field: str, value: object) -> Callable[[Company], None]:
    """Set a field of the dearest result of the cost report."""
    return lambda company: edit_costs(company, lambda results: results[0].update({field: value}))


def spoil_call(**fields: object) -> Callable[[Company], None]:
    """Set fields of the first call of a log file."""
    return lambda company: edit_calls(company, lambda calls: calls[0].update(fields))
