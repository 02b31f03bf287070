"""The whole price book: a workspace's contract rows and modifiers beside the price list."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from models.prices import PRICE_SCHEMA, PriceKind
from models.vocabulary import Meter, ServiceTier
from pipelines.prices.listing import list_prices, list_prices_of
from pipelines.prices.matching import resolve_models
from pipelines.prices.modifiers import (
    company_list,
    list_modifiers,
    modified_contract,
    modified_list,
    modifier_table,
    own_modifiers,
)

_ORDER = [
    (name, "ascending")
    for name in (
        "price_kind",
        "issuer",
        "provider",
        "model_id",
        "meter",
        "service_tier",
        "inference_geo",
        "valid_from",
        "time_from",
        "min_input_tokens",
        "precedence",
    )
]


def price_table(
    contract: pa.Table | None = None,
    aliases: pa.Table | None = None,
    models: pa.Table | None = None,
    modifiers: pa.Table | None = None,
) -> pa.Table:
    """Contract rows and list rows in one table; SQL takes the contract row where both hold.

    Args:
        contract: `ref_contract_prices`. Its names are resolved like those of facts, so `gpt-4o`
            and a dated name mean the same model. Blank tier is standard; a blank issuer, provider,
            model or meter stays null and means any.
        aliases: `ref_model_aliases`.
        models: Resolved names (`RESOLVED_MODEL`): list rows of other models are left out.
        modifiers: `ref_price_modifiers`: what the company agreed on beside single prices.

    Returns:
        Rows in the shape of `PRICE`, contract rows first, in a stable order. `price_per_million`
        is in the row's own `currency`. Prices that a modifier makes of others are rows, too.
    """
    book, own = list_modifiers(), own_modifiers(modifiers)
    listed = modified_list(_listed(models), book)
    rows = [
        *modified_contract(_contract(contract, aliases), own, book),
        *company_list(listed, own, book),
        *listed,
    ]
    return pa.Table.from_pylist(rows, schema=PRICE_SCHEMA).sort_by(_ORDER)


def modifier_book(modifiers: pa.Table | None = None) -> pa.Table:
    """The company's modifiers and those of the book, in the shape of `PRICE_MODIFIER`.

    Args:
        modifiers: `ref_price_modifiers`.
    """
    return modifier_table([*own_modifiers(modifiers), *list_modifiers()])


def _contract(contract: pa.Table | None, aliases: pa.Table | None) -> list[dict[str, Any]]:
    rows = [] if contract is None else contract.to_pylist()
    pairs = [(row["provider"], row["model_id"]) for row in rows]
    resolved = {
        (row["provider"], row["model_text"]): row
        for row in resolve_models(pairs, aliases).to_pylist()
    }
    own = [
        {
            **dict.fromkeys(PRICE_SCHEMA.names),
            **{name: row[name] for name in PRICE_SCHEMA.names if name in row},
            "provider": resolved[pair]["price_provider"],
            "model_id": resolved[pair]["model_id"],
            "service_tier": row["service_tier"] or ServiceTier.STANDARD,
            "min_input_tokens": row.get("min_input_tokens") or 0,
            "is_inherited": False,
            "is_rounded": False,
            "price_source": PriceKind.CONTRACT,
            "price_kind": PriceKind.CONTRACT,
            "is_per_call": False,
            "precedence": 0,
            "is_own": True,
        }
        for row, pair in zip(rows, pairs, strict=True)
    ]
    return [*own, *_untold_writes(own)]


def _untold_writes(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Contract prices of writes of unknown lifetime: at least those of the shortest one."""
    own = {_key(row) for row in rows}
    for row in rows:
        untold = {**row, "meter": Meter.CACHE_WRITE, "is_inherited": True}
        if row["meter"] == Meter.CACHE_WRITE_5M and _key(untold) not in own:
            yield untold


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in (*(name for name, _ in _ORDER), "currency"))


def _listed(models: pa.Table | None) -> list[dict[str, Any]]:
    """The price list, or that of some models, in the shape of the book: for any issuer."""
    if models is None:
        listed = list_prices()
    else:
        names = (models[name].to_pylist() for name in ("price_provider", "model_id"))
        listed = list_prices_of(frozenset(zip(*names, strict=True)))
    told = {
        "issuer": None,
        "price_kind": PriceKind.LIST,
        "inference_geo": None,
        "is_per_call": False,
        "precedence": 4,
        "is_own": False,
    }
    return [{**row, **told} for row in listed.to_pylist()]
