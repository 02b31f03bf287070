"""Random companies at the gate of pools: what was used, what bill and log tell of it, what it cost.

Every use has a truth: sub-account, AI model, service tier, tokens and price. Each sub-account is a
scope of its own: it has its own things that its bill or its log leaves untold, and may have use
that no log saw. Nothing here knows how pools are made.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zlib import crc32

from hypothesis import strategies as st

from models.vocabulary import MatchOn
from pipelines.engine.duckdb import Session
from pipelines.transforms import leading_to, load_transforms
from tests.transforms.cases import PARAMS, create

DAY = "2026-10-01"
TIERS = ("standard", "batch", "priority")
AI_MODELS = ("gpt", "mini", "opus")
FACT_COLUMNS = {
    "input_uncached": "input_uncached_tokens",
    "cache_write_5m": "cache_write_5m_tokens",
    "cache_write_1h": "cache_write_1h_tokens",
    "cache_write": "cache_write_tokens",
    "output": "output_text_tokens",
}
TABLES = ("int_call_meters__costed", "int_estimates_beside", "int_money_parts")

Prices = Mapping[tuple[str, str, str], int]
"""Picos per unit, by AI model, tier and meter."""


@dataclass(frozen=True)
class Use:
    """One call, as it truly was."""

    model: str
    tier: str
    quantities: Mapping[str, int]
    is_logged: bool


@dataclass(frozen=True)
class Scope:
    """A sub-account: its uses, and what its bill and its log do not tell."""

    sub_account: str
    uses: Sequence[Use]
    bill_leaves_out: frozenset[str] = frozenset()
    log_leaves_out: frozenset[str] = frozenset()
    is_billed: bool = True
    bills_quantity: bool = True


@dataclass(frozen=True)
class Company:
    """The scopes of a billing account, with the prices that hold in all of them."""

    scopes: Sequence[Scope]
    prices: Prices


@dataclass
class Answer:
    """What came out of one account: picos by call, pools, lines of money."""

    call_picos: dict[str, int | None] = field(default_factory=dict)
    pools: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)


def true_picos(use: Use, prices: Prices) -> int:
    """What a use cost."""
    return sum(n * prices[use.model, use.tier, meter] for meter, n in use.quantities.items())


_COUNT = st.integers(0, 5_000)


@st.composite
def uses(draw: st.DrawFn) -> Use:
    """One call with some of the meters."""
    quantities = {
        "input_uncached": draw(_COUNT),
        "cache_write_5m": draw(st.sampled_from([0, 0, 700])),
        "cache_write_1h": draw(st.sampled_from([0, 0, 0, 300])),
        "output": draw(st.integers(1, 900)),
    }
    return Use(
        model=draw(st.sampled_from(AI_MODELS[:2])),
        tier=draw(st.sampled_from(TIERS)),
        quantities={meter: n for meter, n in quantities.items() if n},
        is_logged=draw(st.integers(0, 4)) > 0,
    )


def subsets(names: Sequence[str]) -> st.SearchStrategy[frozenset[str]]:
    """Nothing, more often than not, or some of the names."""
    return st.one_of(st.just(frozenset[str]()), st.frozensets(st.sampled_from(names)))


@st.composite
def scopes(draw: st.DrawFn, sub_account: str) -> Scope:
    """A sub-account with a few calls."""
    found = draw(st.lists(uses(), min_size=1, max_size=5))
    if draw(st.booleans()):
        found = [replace(use, is_logged=True) for use in found]
    if draw(st.integers(0, 3)) == 0:
        found = [replace(use, tier="standard") for use in found]
    return Scope(
        sub_account=sub_account,
        uses=found,
        bill_leaves_out=draw(subsets(("model", "meter", "lifetime", "tier"))),
        log_leaves_out=draw(subsets(("tier", "lifetime"))),
        is_billed=draw(st.integers(0, 7)) > 0,
        bills_quantity=draw(st.integers(0, 5)) > 0,
    )


@st.composite
def companies(draw: st.DrawFn) -> Company:
    """Up to three sub-accounts."""
    names = ("p1", "p2", "p3")[: draw(st.integers(1, 3))]
    prices = {
        (model, tier, meter): draw(st.integers(1, 40)) * 250_000
        for model in AI_MODELS[:2]
        for tier in TIERS
        for meter in FACT_COLUMNS
        if meter != "cache_write"
    }
    return Company([draw(scopes(name)) for name in names], prices)


def charge_rows(account: str, company: Company) -> list[dict[str, object]]:
    """The bill: uses summed over what it does not tell."""
    rows = []
    for scope in company.scopes:
        if not scope.is_billed:
            continue
        untold = scope.bill_leaves_out
        sums: dict[tuple[str | None, ...], list[int]] = defaultdict(lambda: [0, 0])
        for use in scope.uses:
            for meter, quantity in use.quantities.items():
                cell = (
                    None if "model" in untold else use.model,
                    _billed_meter(meter, untold),
                    None if "tier" in untold else use.tier,
                )
                sums[cell][0] += quantity * company.prices[use.model, use.tier, meter]
                sums[cell][1] += quantity
        for (model, meter, tier), (picos, quantity) in sums.items():
            rows.append(
                {
                    "charge_key": f"{account} {scope.sub_account} {model} {meter} {tier}",
                    "charge_category": "Usage",
                    "service_category": "AI and Machine Learning",
                    "charge_date": DAY,
                    "billing_period": DAY,
                    "issuer": "openai",
                    "provider": "openai",
                    "billing_account_id": account,
                    "billing_currency": "USD",
                    "sub_account_id": scope.sub_account,
                    "model_id": model,
                    "meter": meter,
                    "service_tier": tier,
                    "billed_cost": Decimal(picos).scaleb(-12),
                    "consumed_quantity": quantity if scope.bills_quantity and meter else None,
                }
            )
    return rows


def _billed_meter(meter: str, untold: frozenset[str]) -> str | None:
    if "meter" in untold:
        return None
    return "cache_write" if "lifetime" in untold and meter.startswith("cache_write") else meter


def call_rows(account: str, company: Company) -> list[dict[str, object]]:
    """The log: each logged use, without what the log does not tell."""
    rows = []
    for scope in company.scopes:
        for number, use in enumerate(scope.uses):
            if not use.is_logged:
                continue
            tier = None if "tier" in scope.log_leaves_out else use.tier
            tokens: dict[str, int] = defaultdict(int)
            for meter, quantity in use.quantities.items():
                hides = "lifetime" in scope.log_leaves_out and meter.startswith("cache_write")
                tokens[FACT_COLUMNS["cache_write" if hides else meter]] += quantity
            rows.append(
                {
                    "source": "gateway",
                    "call_id": f"{account} {scope.sub_account} {number}",
                    "profile_key": crc32(
                        f"{account} {scope.sub_account} {use.model} {tier}".encode()
                    ),
                    "charge_date": DAY,
                    "started_at": f"{DAY}T09:00:00Z",
                    "operation": "chat",
                    "role": "primary",
                    "provider": "openai",
                    "served_model": use.model,
                    "deployment_id": f"{account} {scope.sub_account}",
                    "service_tier": tier,
                    "status": "success",
                    "token_source": "provider",
                    "is_token_conflict": "false",
                    **tokens,
                }
            )
    return rows


def _inputs(accounts: Mapping[str, Company]) -> dict[str, list[dict[str, object]]]:
    prices = next(iter(accounts.values())).prices
    return {
        "stg_charges": [row for name, made in accounts.items() for row in charge_rows(name, made)],
        "stg_calls": [row for name, made in accounts.items() for row in call_rows(name, made)],
        "ref_routes": [
            {
                "route_id": f"{account} {scope.sub_account}",
                "rank": 1,
                "deployment_id": f"{account} {scope.sub_account}",
                "issuer": "openai",
                "billing_account_id": account,
                "sub_account_id": scope.sub_account,
            }
            for account, company in accounts.items()
            for scope in company.scopes
        ],
        "price_book": [
            {
                "provider": "openai",
                "model_id": model,
                "meter": meter,
                "service_tier": tier,
                "min_input_tokens": 0,
                "price_per_million": Decimal(picos).scaleb(-6),
                "currency": "USD",
                "price_kind": "list",
            }
            for (model, tier, meter), picos in [
                *prices.items(),
                # the price book gives writes of unknown lifetime the price of the shorter one
                *(
                    ((model, tier, "cache_write"), picos)
                    for (model, tier, meter), picos in prices.items()
                    if meter == "cache_write_5m"
                ),
            ]
        ],
        "model_map": [
            {"provider": "openai", "model_text": model, "model_id": model} for model in AI_MODELS
        ],
        "match_on_order": [{"match_on": m, "place": n} for n, m in enumerate(MatchOn)],
    }


class Engine:
    """The transforms from staged facts to money, in one session that is used again and again."""

    def __init__(self, session: Session, types: Mapping[str, Mapping[str, str]]) -> None:
        self._session = session
        self._types = types
        given = {"stg_charges", "stg_calls", "stg_usage"}
        transforms = load_transforms()
        self._built = _from_given(leading_to(TABLES, transforms), given)
        made = {transform.name for transform in self._built}
        self._given = sorted({name for t in self._built for name in t.inputs} - made)

    def answers(self, accounts: Mapping[str, Company]) -> dict[str, Answer]:
        """What the product says of companies that share a payer, each under its account's name."""
        rows = _inputs(accounts)
        for name in self._given:
            table = _table(rows.get(name, []))
            self._session.con.execute(f"drop table if exists {name}")
            create(self._session, name, self._types[name], table)
        self._session.build(self._built, {**PARAMS, "tolerance_ppm": 0})
        found: dict[str, Answer] = defaultdict(Answer)
        for call, picos in self._call_picos().items():
            account, rest = call.split(" ", 1)
            found[account].call_picos[rest] = picos
        for pool in self._rows("select * from int_pools order by pool_id"):
            found[pool["billing_account_id"]].pools.append(pool)
        for line in self._rows(
            "select lines.*, beside.pool_id is not null as has_finding from int_money_parts"
            " as lines left join int_estimates_beside as beside using (pool_id)"
        ):
            found[line["billing_account_id"]].lines.append(line)
        return found

    def _call_picos(self) -> dict[str, int | None]:
        found = self._session.con.execute(
            """
            select calls.call_id, sum(costed.cost_picos), count(*) = count(costed.cost_picos)
            from stg_calls as calls
            inner join int_call_meters__costed as costed on calls.rowid = costed.call_no
            group by calls.call_id
            """
        ).fetchall()
        return {call: int(picos) if is_whole else None for call, picos, is_whole in found}

    def _rows(self, query: str) -> list[dict[str, Any]]:
        cursor = self._session.con.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _from_given(transforms: Iterable[Any], given: set[str]) -> list[Any]:
    """The transforms after the given tables; those that only lead to these are left out."""
    kept: list[Any] = []
    needed = set(TABLES)
    for transform in reversed(list(transforms)):
        if transform.name in needed and transform.name not in given:
            needed |= {*transform.inputs}
            kept.append(transform)
    return kept[::-1]


def _table(rows: Sequence[Mapping[str, object]]) -> dict[str, Any]:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return {
        "columns": columns,
        "rows": [[None if row.get(c) is None else str(row[c]) for c in columns] for row in rows],
    }


@contextmanager
def engine(types: Mapping[str, Mapping[str, str]]) -> Any:
    """An engine over a temporary session."""
    with TemporaryDirectory() as folder, Session(Path(folder)) as session:
        yield Engine(session, types)
