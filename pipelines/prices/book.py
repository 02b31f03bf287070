"""The whole price book: a workspace's contract rows beside the price list."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from models.prices import PRICE_SCHEMA, PriceKind
from models.vocabulary import Meter, ServiceTier
from pipelines.prices.listing import list_prices, list_prices_of
from pipelines.prices.matching import resolve_models

_ORDER = [
    (name, "ascending")
    for name in (
        "price_kind",
        "issuer",
        "provider",
        "model_id",
        "meter",
        "service_tier",
        "valid_from",
        "time_from",
        "min_input_tokens",
    )
]


def price_table(
    contract: pa.Table | None = None,
    aliases: pa.Table | None = None,
    models: pa.Table | None = None,
) -> pa.Table:
    """Contract rows and list rows in one table; SQL takes the contract row where both hold.

    Args:
        contract: `ref_contract_prices`. Its names are resolved like those of facts, so `gpt-4o`
            and a dated name mean the same model. Blank tier is standard; a blank issuer, provider,
            model or meter stays null and means any.
        aliases: `ref_model_aliases`.
        models: Resolved names (`RESOLVED_MODEL`): list rows of other models are left out.

    Returns:
        Rows in the shape of `PRICE`, contract rows first, in a stable order. `price_per_million`
        is in the row's own `currency`.
    """
    contract_rows = [] if contract is None else contract.to_pylist()
    pairs = [(row["provider"], row["model_id"]) for row in contract_rows]
    resolved = {
        (row["provider"], row["model_text"]): row
        for row in resolve_models(pairs, aliases).to_pylist()
    }
    rows = []
    for row, pair in zip(contract_rows, pairs, strict=True):
        names = resolved[pair]
        rows.append(
            {
                **{name: row[name] for name in PRICE_SCHEMA.names if name in row},
                "provider": names["price_provider"],
                "model_id": names["model_id"],
                "service_tier": row["service_tier"] or ServiceTier.STANDARD,
                "min_input_tokens": 0,
                "is_inherited": False,
                "is_rounded": False,
                "price_source": PriceKind.CONTRACT,
                "price_kind": PriceKind.CONTRACT,
            }
        )
    own = pa.Table.from_pylist([*rows, *_untold_writes(rows)], schema=PRICE_SCHEMA)
    return pa.concat_tables([own, _listed(models)]).sort_by(_ORDER)


def _untold_writes(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Contract prices of writes of unknown lifetime: at least those of the shortest one."""
    own = {_key(row) for row in rows}
    for row in rows:
        untold = {**row, "meter": Meter.CACHE_WRITE, "is_inherited": True}
        if row["meter"] == Meter.CACHE_WRITE_5M and _key(untold) not in own:
            yield untold


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in (*(name for name, _ in _ORDER), "currency"))


def _listed(models: pa.Table | None) -> pa.Table:
    """The price list, or that of some models, in the shape of the book: for any issuer."""
    if models is None:
        listed = list_prices()
    else:
        names = (models[name].to_pylist() for name in ("price_provider", "model_id"))
        listed = list_prices_of(frozenset(zip(*names, strict=True)))
    count = listed.num_rows
    return listed.append_column("issuer", pa.nulls(count, pa.string())).append_column(
        PRICE_SCHEMA.field("price_kind"), pa.repeat(PriceKind.LIST.value, count)
    )
