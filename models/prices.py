"""The price book: a list price, a price that may come from a contract, and a resolved name."""

from enum import StrEnum

import pyarrow as pa

from models.columns import Column, arrow_schema

_TEXT = "VARCHAR"
_INSTANT = "TIMESTAMP WITH TIME ZONE"


class PriceKind(StrEnum):
    """Where a price comes from. A contract price wins over a list price."""

    CONTRACT = "contract"
    LIST = "list"


class ResolvedBy(StrEnum):
    """How the name of an AI model became a model id."""

    ALIAS = "alias"
    LIST = "list"
    MAKER = "maker"
    """Found in the list of the only provider that makes it, because none was named."""
    UNMATCHED = "unmatched"


LIST_PRICE = (
    Column("provider", _TEXT, "Whose price list: openai, anthropic, aws, azure, google, ..."),
    Column("model_id", _TEXT, "AI model, as resolved names say it. Null is any."),
    Column("meter", _TEXT, "Meter, see vocabulary. Null is any."),
    Column("service_tier", _TEXT, "ServiceTier. No row: the book knows no price.", nullable=False),
    Column("valid_from", _INSTANT, "First instant of the price; null is since always."),
    Column("valid_to", _INSTANT, "First instant after the price; null is open."),
    Column("time_from", "INTEGER", "First UTC minute of the day it holds for; null is all day."),
    Column("time_to", "INTEGER", "First UTC minute after it, at most 1440; null is all day."),
    Column(
        "min_input_tokens",
        "BIGINT",
        "Holds for calls with strictly more input tokens of all kinds; 0 holds from nothing on.",
        nullable=False,
    ),
    Column("max_input_tokens", "BIGINT", "Holds up to and with this many; null is open."),
    Column("price_per_million", "DECIMAL(18,6)", "Price of a million units.", nullable=False),
    Column("currency", _TEXT, "ISO 4217.", nullable=False),
    Column("price_key", _TEXT, "Name of the price in the list; null for a contract."),
    Column(
        "is_inherited",
        "BOOLEAN",
        "The meter has no price of its own and takes that of the wider meter.",
        nullable=False,
    ),
    Column("is_rounded", "BOOLEAN", "The list had more than six decimals.", nullable=False),
    Column("price_source", _TEXT, "Price list and release, or `contract`.", nullable=False),
)

PRICE = (
    *LIST_PRICE,
    Column("issuer", _TEXT, "Invoice issuer the price holds for; null is any."),
    Column("price_kind", _TEXT, "PriceKind, see above.", nullable=False),
    Column(
        "inference_geo",
        _TEXT,
        "Geography the price holds in, `*` any other; null: where none is said.",
    ),
    Column(
        "is_per_call",
        "BOOLEAN",
        "The price is for a call that uses the meter at all, however much.",
        nullable=False,
    ),
    Column(
        "precedence",
        "INTEGER",
        "0 a contract row, 1 one made of it; 2 and 3 list prices as the company changes them, for "
        "a tier or size and always; 4 the list. The least half of it holds, then the finest row.",
        nullable=False,
    ),
)

RESOLVED_MODEL = (
    Column("provider", _TEXT, "As asked."),
    Column("model_text", _TEXT, "As asked."),
    Column("price_provider", _TEXT, "The provider's id in the price book; null if none was told."),
    Column("model_id", _TEXT, "Id in the price book, or the lower-case text if nothing matched."),
    Column("resolved_by", _TEXT, "ResolvedBy, see above.", nullable=False),
    Column(
        "nearest", _TEXT, "Known name most like one that is not known, where it was looked for."
    ),
)

LIST_PRICE_SCHEMA: pa.Schema = arrow_schema(LIST_PRICE)
PRICE_SCHEMA: pa.Schema = arrow_schema(PRICE)
RESOLVED_MODEL_SCHEMA: pa.Schema = arrow_schema(RESOLVED_MODEL)
