"""Why a call costs what it costs: its owner, its pools, and the line of the log it came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from models.money import MONEY_CONTEXT
from pipelines.commands import terminal
from pipelines.commands.lineage import Origin
from pipelines.commands.published import Row, rows_of
from pipelines.commands.terminal import exact, known, safe, say, units
from pipelines.commands.views import (
    GRADES,
    Ownership,
    Views,
    coarseness,
    show_ownership,
    show_stale,
)
from pipelines.engine.duckdb import Session


@dataclass(frozen=True)
class MeterShare:
    """What a call used of one meter, and its part of that pool's money."""

    meter: str
    quantity: Decimal
    price_per_million: Decimal | None
    """Contract or list price used as weight; null if none is known."""
    at_price: Decimal | None
    """Quantity at that price."""
    share: Decimal | None
    """The call's part of the pool's billed cost; null if nothing is billed yet."""
    pool: Row | None
    """Its pool: billed and logged quantity and cost; null without a charge."""


@dataclass(frozen=True)
class CallExplanation:
    """One call, from the statement back to the log."""

    kind: str
    call: Row
    """The row of `fct_calls`."""
    price_kind: str | None
    owners: tuple[Ownership, ...]
    meters: tuple[MeterShare, ...]
    origins: tuple[Origin, ...]
    is_stale: bool
    """Inputs of the day changed since it was published; details are of now."""


@dataclass(frozen=True)
class UncountedCall:
    """A call that is in the lake and in no table."""

    kind: str
    call_id: str
    reason: str
    origins: tuple[Origin, ...]


def explain_calls(views: Views, identity: str) -> Sequence[CallExplanation | UncountedCall]:
    """Explain every call of an id; empty if there is none.

    Args:
        views: The workspace.
        identity: A call id, or the id that the gateway or provider gave the request: then each
            attempt is explained.
    """
    rows = views.published_rows("fct_calls", "call_id", identity)
    lineage = views.lineage
    if rows:
        copies = lineage.calls(rows[0]["charge_date"], identity)
    else:
        copies = lineage.find_calls(identity)
        ids = list(dict.fromkeys(copy["call_id"] for copy in copies))
        rows = [row for each in ids for row in views.published_rows("fct_calls", "call_id", each)]
    if not rows:
        return [_uncounted(views, identity, copies)] if copies else []
    with views.day_tables(rows[0]["charge_date"], *_TABLES) as session:
        return [_explanation(views, session, row, copies) for row in rows]


_TABLES = (
    "int_calls__placed",
    "int_call_meters__costed",
    "int_prices",
    "int_components__pooled",
    "int_pools",
)


def show_call(found: CallExplanation | UncountedCall) -> None:
    """Write the explanation of a call for people."""
    if isinstance(found, UncountedCall):
        say(f"[bold]Call {safe(found.call_id)}[/] is not counted: {safe(found.reason)}.")
    else:
        _show_cost(found)
        show_ownership(found.owners, found.call)
        _show_meters(found)
    for origin in found.origins:
        say(f"From: {origin}")


def _explanation(
    views: Views, session: Session, call: Row, copies: Sequence[Row]
) -> CallExplanation:
    key = {"source": call["source"], "call_id": call["call_id"]}
    placed = rows_of(
        session.con,
        "select placed.call_no, placed.cell_no, prices.price_kind"
        " from stg_calls as calls"
        " inner join int_calls__placed as placed on calls.rowid = placed.call_no"
        " left join int_prices as prices on placed.price_no = prices.price_no"
        " where calls.source = $source and calls.call_id = $call_id limit 1",
        key,
    )
    return CallExplanation(
        kind="call",
        call=call,
        price_kind=placed[0]["price_kind"] if placed else None,
        owners=views.owners(call["ownership_rule_id"], call["started_at"]),
        meters=tuple(_meters(session, placed[0])) if placed else (),
        origins=tuple(
            views.lineage.origin(copy)
            for copy in copies
            if (copy["source"], copy["call_id"]) == (call["source"], call["call_id"])
        ),
        is_stale=views.is_stale(call["charge_date"]),
    )


def _meters(session: Session, placed: Row) -> list[MeterShare]:
    pools = {
        row.pop("component_meter"): row
        for row in rows_of(
            session.con,
            """
            select
                components.meter as component_meter,
                pools.pool_id,
                pools.pool_state,
                pools.match_basis,
                pools.match_level,
                pools.coarsened_by,
                pools.grade,
                pools.billed_cost,
                pools.billed_quantity,
                cast(pools.logged_quantity as decimal(38, 0)) as logged_quantity,
                cast(cast(pools.call_cost_picos as decimal(38, 0)) * 0.000000000001
                    as decimal(38, 12)) as calls_get,
                pools.billing_currency
            from int_components__pooled as components
            inner join int_pools as pools on components.pool_id = pools.pool_id
            where components.cell_no = $cell_no
            """,
            {"cell_no": placed["cell_no"]},
        )
    }
    used = rows_of(
        session.con,
        "select * from int_call_meters__costed where call_no = $call_no order by meter",
        {"call_no": placed["call_no"]},
    )
    return [_meter(row, pools.get(row["meter"])) for row in used]


def _meter(used: Row, pool: Row | None) -> MeterShare:
    quantity, weight = used["quantity"], used["weight_picos"]
    with localcontext(MONEY_CONTEXT):
        return MeterShare(
            meter=used["meter"],
            quantity=Decimal(quantity),
            # a weight is quantity times a whole price, so this division leaves nothing
            price_per_million=_picos(weight // quantity, 1_000_000) if weight is not None else None,
            at_price=_picos(weight) if weight is not None else None,
            share=_picos(used["cost_picos"]) if pool else None,
            pool=pool,
        )


def _picos(amount: Any, times: int = 1) -> Decimal:  # noqa: ANN401 - whole number of either type
    return (Decimal(amount) * times).scaleb(-12)


def _uncounted(views: Views, identity: str, copies: Sequence[Row]) -> UncountedCall:
    origins = tuple(views.lineage.origin(copy) for copy in copies)
    return UncountedCall("uncounted_call", identity, _reason(views, copies), origins)


def _reason(views: Views, copies: Sequence[Row]) -> str:
    if all(copy["is_rollup"] for copy in copies):
        return "it is the sum of other rows of the log"
    counted = {s.source for s in views.workspace.settings.sources if s.is_system_of_record}
    if not counted.intersection(copy["source"] for copy in copies):
        return "its feed is only compared with, never counted (is_system_of_record: false)"
    return (
        "its day is not published yet, a feed named earlier counts the same request, it is around "
        "another call of the same work, or it came with two contents of which nothing says which "
        "is the later (see quality_results)"
    )


def _show_cost(found: CallExplanation) -> None:
    call = found.call
    name = call["served_model"] or call["requested_model"] or "unknown AI model"
    say(f"[bold]Call {safe(call['call_id'])}[/] of {safe(call['source'])}")
    say(
        f"{call['started_at']:%Y-%m-%d %H:%M:%S} UTC, {safe(name)}, {safe(call['role'])}, "
        f"{safe(call['status'])}"
    )
    show_stale(is_stale=found.is_stale)
    say(f"Cost: {_cost(call)}, grade {call['grade']}: {GRADES[call['grade']]}.")
    if call["logged_cost_usd"] is not None:
        say(f"The gateway's own figure, for comparison: {exact(call['logged_cost_usd'])} USD.")


def _cost(call: Row) -> str:
    currency = call["billing_currency"] or ""
    parts = [
        f"[green]{exact(call[f'{basis}_cost'])} {safe(currency)}[/] {basis}"
        for basis in ("billed", "estimated")
        if call[f"{basis}_cost"] is not None
    ]
    if parts:
        return " and ".join(parts)
    return "unknown" if call["is_billable"] else "nothing, by rule (cache hit or refused call)"


def _show_meters(found: CallExplanation) -> None:
    if not found.meters:
        return
    in_pool = ["billed\nin pool", "logged\nin pool", "pool's\ncost"]
    numbers = ["used", "price of\na million", "at that\nprice", *in_pool, "its\nshare"]
    terminal.show_table(
        f"\nIts part of each pool (prices: {found.price_kind or 'none known'})",
        ["meter", *numbers],
        [
            [
                safe(m.meter),
                units(m.quantity),
                known(m.price_per_million),
                known(m.at_price),
                *(
                    units(m.pool[name] if m.pool else None)
                    for name in ("billed_quantity", "logged_quantity")
                ),
                known(m.pool["billed_cost"] if m.pool else None),
                "not billed yet" if m.share is None else exact(m.share),
            ]
            for m in found.meters
        ],
        right=numbers,
    )
    for m in found.meters:
        if m.pool:
            say(
                f"  {safe(m.meter)}: pool {safe(m.pool['pool_id'])}, {m.pool['pool_state']} by "
                f"{m.pool['match_basis']}; its calls get {exact(m.pool['calls_get'])}."
            )
            if why := coarseness(m.pool["coarsened_by"]):
                say(f"    {why}")
