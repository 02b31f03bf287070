"""Names of AI models, as logs and bills spell them, resolved to ids of the price book.

Deterministic: the workspace's aliases first, then the price list's own matching for that provider,
never a guess across providers. Where a tracer names a framework instead, the name of the AI model
tells the provider, if only one makes it. A name that matches nothing keeps its lower-case text as
id and has no price.
"""

import difflib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache

import pyarrow as pa
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import Provider

from models.prices import RESOLVED_MODEL_SCHEMA, ResolvedBy
from models.providers import (
    PROVIDER_NAMES,
    is_framework,
    known_provider,
    provider_id,
    spelled,
)

Pair = tuple[str | None, str | None]

_REGION = re.compile(r"^(?:global|us|us-gov|eu|apac|jp|au|ca|sa|in|uk|kr|mx)\.")
_SIZE = re.compile(r"\[\w+\]$")
_BEDROCK = re.compile(
    r"^(?:[a-z-]+\.)?(?:ai21|amazon|anthropic|cohere|deepseek|google|luma|meta|minimax|mistral"
    r"|moonshot|moonshotai|nvidia|openai|qwen|stability|twelvelabs|writer|xai|zai)\.[a-z]"
)
"""Names in the form that only Bedrock gives them: of their maker, then the AI model."""


def price_provider(provider: str | None) -> str | None:
    """The id of a provider in the price book: spellings unified; null stays null."""
    return known_provider(provider) or _list_ids().get(
        spelled(provider or ""), provider_id(provider)
    )


@cache
def _list_ids() -> Mapping[str, str]:
    """Ids of the price list by how they are spelled, of providers nobody calls otherwise."""
    return {spelled(p.id): p.id for p in get_snapshot().providers}


def resolve_models(pairs: Iterable[Pair], aliases: pa.Table | None = None) -> pa.Table:
    """Resolve each distinct pair of provider and name once.

    Bedrock names keep the list's own distinction: `global.` profiles have one entry, and bare and
    geographic names (`us.`, `eu.`) the entry of in-region use, which for newer models costs a
    tenth more.

    Args:
        pairs: Provider and name as a fact has them; either may be null.
        aliases: `ref_model_aliases`; a blank provider there means any. An alias may point to any
            name the price list matches, such as a dated one.

    Returns:
        One row per distinct pair in the shape of `RESOLVED_MODEL`, sorted. Join facts on
        (provider, model_text) and prices on (price_provider, model_id).
    """
    book = _Aliases(aliases)
    distinct = sorted(set(pairs), key=lambda pair: tuple((x is not None, x or "") for x in pair))
    names = RESOLVED_MODEL_SCHEMA.names
    rows = [
        dict(zip(names, (*pair, *_resolve(*pair, book), None), strict=True)) for pair in distinct
    ]
    return pa.Table.from_pylist(rows, schema=RESOLVED_MODEL_SCHEMA)


def with_nearest(models: pa.Table, *, is_met_known: bool = True) -> pa.Table:
    """Resolved names, with the known name most like each that is not known.

    A provider without a vocabulary entry or a price list is compared with those that have one; else
    an AI model is compared with those of its provider's list.

    Args:
        models: Rows in the shape of `RESOLVED_MODEL`; `nearest` is filled where something is close.
        is_met_known: Also compare with the other names in `models`: bill and log may name one AI
            model differently, and the list neither.
    """
    rows = models.to_pylist()
    met: dict[str | None, set[str]] = defaultdict(set)
    for row in rows:
        if is_met_known and row["model_id"] is not None:
            met[row["price_provider"]].add(row["model_id"])
    for row in rows:
        if row["resolved_by"] == ResolvedBy.UNMATCHED and row["model_id"] is not None:
            row["nearest"] = _nearest(row["price_provider"], row["model_id"], met)
    return pa.Table.from_pylist(rows, schema=RESOLVED_MODEL_SCHEMA)


def is_known(provider: str | None) -> bool:
    """Whether a provider is in the vocabulary or has a price list; null is not."""
    return known_provider(provider) is not None or provider in _providers()


def _nearest(
    provider: str | None, model_id: str, met: Mapping[str | None, Collection[str]]
) -> str | None:
    if provider is not None and not is_known(provider):
        known = {*PROVIDER_NAMES.values(), *_providers()}
        return next(iter(difflib.get_close_matches(provider, sorted(known), n=1)), None)
    listed = _providers().get(provider or "")
    others = {info.id for info in listed.models} if listed else set()
    others |= set(met[provider]) - {model_id}
    return next(iter(difflib.get_close_matches(model_id, sorted(others), n=1)), None)


class _Aliases:
    """The workspace's aliases: exact text first, then without regard to case."""

    def __init__(self, table: pa.Table | None) -> None:
        rows = [] if table is None else table.to_pylist()
        self._exact: dict[tuple[str | None, str], str] = {
            (price_provider(r["provider"]), r["model_text"]): r["model_id"] for r in rows
        }
        self._folded = {(p, text.lower()): target for (p, text), target in self._exact.items()}

    def find(self, provider: str | None, text: str) -> str | None:
        """The model id an alias gives, those of the provider before those of any provider."""
        for names, key in ((self._exact, text), (self._folded, text.lower())):
            for owner in (provider, None):
                if (owner, key) in names:
                    return names[owner, key]
        return None


def _resolve(
    provider: str | None, text: str | None, aliases: _Aliases
) -> tuple[str | None, str | None, ResolvedBy]:
    """Price provider, model id, and how it was found."""
    home = price_provider(provider)
    name = (text or "").strip()
    if not name:
        return home, None, ResolvedBy.UNMATCHED
    alias = aliases.find(home, name) or aliases.find(home, _SIZE.sub("", name))
    found_by = ResolvedBy.ALIAS if alias else ResolvedBy.LIST
    if home is None or is_framework(home):
        prefixed = _told_by_prefix(name)
        if home is not None and prefixed is None:
            found_by = found_by if alias else ResolvedBy.MAKER
            prefixed = _maker(alias or name)
        home = prefixed
    listed = _listed(home, alias or name)
    if listed is None and alias is None:
        found_by = ResolvedBy.UNMATCHED
    return home, listed or (alias or name).strip().lower(), found_by


def _maker(name: str) -> str | None:
    """The only provider to which the price list gives names like this; null for none or several."""
    if _BEDROCK.match(name.lower()):
        return "aws"
    spellings = list(_spellings(name.lower()))
    claimed = {
        provider.id
        for provider in get_snapshot().providers
        if provider.model_match and any(map(provider.model_match.is_match, spellings))
    }
    return claimed.pop() if len(claimed) == 1 else None


def _told_by_prefix(name: str) -> str | None:
    """The provider that a name such as `openai/gpt-4o` states itself."""
    prefix, slash, _ = name.partition("/")
    told = price_provider(prefix) if slash else None
    return told if told in _providers() else None


def _listed(provider: str | None, name: str) -> str | None:
    """The price list's id for a name of that provider; null if none of its spellings matches."""
    home = _providers().get(provider or "")
    if home is None:
        return None
    everyone = get_snapshot().providers
    for spelling in _spellings(name.strip().lower()):
        info = home.find_model(spelling, all_providers=everyone)
        if info is not None:
            return str(info.id)
    return None


def _spellings(name: str) -> Iterator[str]:
    """The name as it is, without its leading path parts, and each without region and blanks.

    A context size at the end (`[1m]`) is no part of it.
    """
    name = _SIZE.sub("", name)
    while True:
        yield name
        without_region = _REGION.sub("", name)
        if without_region != name:
            yield without_region
        if " " in name:
            yield re.sub(r"\s+", "-", name)
        _, slash, name = name.partition("/")
        if not slash:
            return


def _providers() -> Mapping[str, Provider]:
    return {p.id: p for p in get_snapshot().providers}
