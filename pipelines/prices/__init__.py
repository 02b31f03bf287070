"""The price book: list prices as rows, names of AI models resolved, contract rows that win."""

from pipelines.prices.book import modifier_book, price_table
from pipelines.prices.listing import list_prices
from pipelines.prices.matching import is_known, resolve_models, with_nearest

__all__ = [
    "is_known",
    "list_prices",
    "modifier_book",
    "price_table",
    "resolve_models",
    "with_nearest",
]
