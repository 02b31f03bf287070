"""The price book: list prices as rows, names of AI models resolved, contract rows that win."""

from pipelines.prices.book import price_table
from pipelines.prices.listing import list_prices
from pipelines.prices.matching import resolve_models

__all__ = ["list_prices", "price_table", "resolve_models"]
