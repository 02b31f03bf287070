"""Claude Code's usage report: what a person, or a key, did on one day in one terminal.

Its cost is an estimate in cents. For API customers the money is in the cost report, and customers
with a subscription are not billed by use: so it is counted beside the facts and never a charge.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from models import money
from models.facts import Fact
from models.vocabulary import Meter, OutcomeResult, TokenSemantics
from pipelines.sources.base import DeliveryUnit, FoundFile, ReadContext, Reading, SourceError
from pipelines.sources.bill_lines import (
    BillLine,
    LineBill,
    Made,
    day_of,
    instant,
    read_lines,
    usage_of,
)
from pipelines.sources.cells import RowError, Values, binary_money, count, currency, text
from pipelines.sources.pages import Span, parse_json, text_content
from pipelines.sources.record_files import Records, json_records
from pipelines.sources.reports import FactRow

_TOKENS = {
    Meter.INPUT_UNCACHED: "input",
    Meter.CACHE_READ: "cache_read",
    Meter.CACHE_WRITE: "cache_creation",
    Meter.OUTPUT: "output",
}
_OUTCOMES = {
    "commits_by_claude_code": "commit_created",
    "pull_requests_by_claude_code": "pr_opened",
}
_CUSTOMERS = ("api", "subscription")
_DAY_SECONDS = 86_400


def is_claude_code(entry: object) -> bool:
    """Whether an entry of a page is of this report."""
    return isinstance(entry, dict) and {"core_metrics", "model_breakdown"} <= entry.keys()


def read_claude_code(unit: DeliveryUnit, context: ReadContext) -> Reading:
    """Read all pages of one query.

    Raises:
        SourceError: A page is broken or missing, or the account is unknown.
    """
    lasts = [found for found in unit.files if not _has_more(found)]
    if len({found.sha256 for found in lasts}) != 1:
        raise SourceError(
            f"{unit.delivery}: {len(lasts)} of {len(unit.files)} page(s) say that nothing follows; "
            "expected exactly one. Download all pages of one query into a folder of their own."
        )
    return read_lines(unit, context, _BILL)


def _has_more(found: FoundFile) -> bool:
    top = parse_json(found, text_content(found))
    return isinstance(top, dict) and top.get("has_more") is True


def _records(found: FoundFile) -> Records:
    return json_records(found, "data", kind="Claude Code usage report")


def _read_line(line: BillLine) -> Made:
    values = line.values
    span = day_of(instant(values, "date").date())
    customer = text(values, "customer_type")
    if customer not in _CUSTOMERS:
        raise RowError("customer_type", "customer_type", customer)
    actor, person = _actor(line)
    organization_id = text(values, "organization_id")
    key = (
        organization_id,
        actor,
        customer,
        text(values, "subscription_type"),
        text(values, "terminal_type"),
    )
    account = line.settings.billing_account_id or organization_id
    usage: list[FactRow] = []
    for part in _breakdown(values):
        common: FactRow = {
            # beside the bill's account: what API customers use is in the messages report too
            "billing_account_id": account and f"{account}/claude_code/{customer}",
            "provider": "anthropic",
            "model_text": text(part, "model"),
            "key": (text(part, "model"),),
            "token_semantics": TokenSemantics.EXCLUSIVE.value,
        }
        tokens = _member(part, "tokens")
        usage += usage_of(common, {m: count(tokens, c) or 0 for m, c in _TOKENS.items()}, None)
        _note_estimate(line, _member(part, "estimated_cost"), customer)
    return Made(
        span=span,
        scope=f"usage.claude_code:{span[0]:%Y-%m-%d}",
        key=key,
        is_identity=True,
        usage=usage,
        outcomes=_outcomes(values, span, key, person),
    )


def _actor(line: BillLine) -> tuple[str | None, str | None]:
    """Who did it, as a pseudonym, and the same if it is a person. Keys are named after people."""
    actor = _member(line.values, "actor")
    email, key_name = text(actor, "email_address"), text(actor, "api_key_name")
    person = line.context.pseudonym(email) if email else None
    return person or (line.context.pseudonym(key_name) if key_name else None), person


def _breakdown(values: Values) -> list[Values]:
    parts = values.get("model_breakdown")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise RowError("report_kind", "model_breakdown")
    return parts


def _member(values: Values, column: str) -> Values:
    value = values.get(column)
    if not isinstance(value, Mapping):
        raise RowError("report_kind", column)
    return value


def _note_estimate(line: BillLine, estimate: Values, customer: str) -> None:
    if estimate.get("amount") is None:
        return
    code = currency(estimate, "currency", "USD")
    cents, _ = binary_money(estimate, "amount")
    amount = cents.scaleb(-money.minor_digits(code), money.MONEY_CONTEXT)
    line.note(f"estimated_{customer}_{code.lower()}", amount)


def _outcomes(
    values: Values, span: Span, key: tuple[str | None, ...], person: str | None
) -> list[FactRow]:
    """What was achieved on the day. Its counts only grow, so a count is its own revision."""
    metrics = _member(values, "core_metrics")
    start, end = span
    outcomes: list[FactRow] = []
    for column, outcome_type in _OUTCOMES.items():
        number = count(metrics, column) or 0
        if number >= 2**31:
            raise RowError("count_form", column, number)
        if number:
            name = ("claude_code", f"{start:%Y-%m-%d}", *key, outcome_type)
            outcomes.append(
                {
                    "outcome_id": ":".join(part or "" for part in name),
                    "outcome_type": outcome_type,
                    "occurred_at": end - timedelta(microseconds=1),
                    "revision": number,
                    "is_withdrawn": False,
                    "result": OutcomeResult.SUCCESS.value,
                    "confidence": "assumed",
                    "quantity": Decimal(number),
                    "ref_user_id": person,
                    "attribution_window_s": _DAY_SECONDS,
                }
            )
    return outcomes


_BILL = LineBill(
    issuer="anthropic",
    facts=(Fact.USAGE, Fact.OUTCOMES),
    constants={},
    records=_records,
    read_line=_read_line,
)
