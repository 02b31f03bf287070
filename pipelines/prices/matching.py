"""Names of AI models, as logs and bills spell them, resolved to ids of the price book.

Deterministic: the workspace's aliases first, then the price list's own matching for that provider,
never a guess across providers. A name that matches nothing keeps its lower-case text as id and has
no price.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import pyarrow as pa
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import Provider

from models.prices import RESOLVED_MODEL_SCHEMA, ResolvedBy

Pair = tuple[str | None, str | None]

PROVIDER_NAMES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("bedrock", "bedrock_converse", "aws.bedrock", "amazon", "sagemaker"), "aws"
        ),
        **dict.fromkeys(
            ("azure_ai", "azure_openai", "azure.ai.openai", "azure.ai.inference"), "azure"
        ),
        **dict.fromkeys(
            ("gemini", "vertex_ai", "vertex_ai_beta", "gcp.gemini", "gcp.vertex_ai", "gcp.gen_ai"),
            "google",
        ),
        **dict.fromkeys(("xai", "x_ai"), "x-ai"),
        **dict.fromkeys(("together_ai", "together-ai"), "together"),
        "fireworks_ai": "fireworks",
        "mistral_ai": "mistral",
        "moonshot": "moonshotai",
        "moonshot_ai": "moonshotai",
        "voyage": "voyageai",
        "github_copilot": "github-copilot",
        "text-completion-openai": "openai",
        "cohere_chat": "cohere",
    }
)
"""Other spellings of providers in logs. Exact: a substring would price one cloud as another."""

_REGION = re.compile(r"^(?:global|us|us-gov|eu|apac|jp|au|ca|sa|in|uk|kr|mx)\.")


def price_provider(provider: str | None) -> str | None:
    """The id of a provider in the price book: lower case, spellings unified; null stays null."""
    name = (provider or "").strip().lower()
    return PROVIDER_NAMES.get(name, name) or None


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
    rows = [
        dict(zip(RESOLVED_MODEL_SCHEMA.names, (*pair, *_resolve(*pair, book)), strict=True))
        for pair in distinct
    ]
    return pa.Table.from_pylist(rows, schema=RESOLVED_MODEL_SCHEMA)


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
    alias = aliases.find(home, name)
    if home is None:
        home = _told_by_prefix(name)
    if alias is not None:
        return home, _listed(home, alias) or alias.strip().lower(), ResolvedBy.ALIAS
    listed = _listed(home, name)
    if listed is not None:
        return home, listed, ResolvedBy.LIST
    return home, name.lower(), ResolvedBy.UNMATCHED


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
    """The name as it is, without its leading path parts, and each without region and blanks."""
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
