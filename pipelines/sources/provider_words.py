"""Providers' names as one vocabulary, in SQL: see `models.providers`."""

from models.providers import API_SUFFIXES, DROPPED, PROVIDER_NAMES
from pipelines.sources.sql_text import chosen, literal, renamed, texts

_COMMON = {
    name: PROVIDER_NAMES[name.replace("_", "")]
    for name in ("openai", "anthropic", "azure", "bedrock", "vertex_ai", "gemini", "google", "aws")
}
"""Names that most rows have as they are: they need no other look-up."""

_HAS_SUFFIX = literal(rf".*\.({'|'.join(API_SUFFIXES)})")


def known_provider_sql(column: str) -> str:
    """A provider's id by any of its names; null if it is not known."""
    before = f"left({column}, length({column}) - strpos(reverse({column}), '.'))"
    return (
        f"coalesce({renamed(column, _COMMON)}, {_looked_up(column)},"
        f" case when regexp_full_match(lower({column}), {_HAS_SUFFIX})"
        f" then {_looked_up(before)} end)"
    )


def provider_sql(column: str) -> str:
    """A provider's id by any of its names; a name that is not known in lower case, blank as null.

    `provider_id` in SQL.
    """
    return f"coalesce({known_provider_sql(column)}, nullif(lower(trim({column})), ''))"


def if_provider_sql(column: str) -> str:
    """A name that anybody may have given, where it is one of a provider; else null."""
    return f"if({chosen(_spelled(column), PROVIDER_NAMES)}, {column}, null)"


def _looked_up(column: str) -> str:
    names, ids = texts(PROVIDER_NAMES), texts(PROVIDER_NAMES.values())
    return f"list_extract({ids}, list_position({names}, {_spelled(column)}))"


def _spelled(column: str) -> str:
    return f"translate(lower({column}), {literal(DROPPED)}, '')"
