"""Source kinds, found by module: a new source is a new module here, and no list to edit."""

import importlib
import pkgutil
from functools import cache

from models.settings import SourceSettings
from pipelines.sources.base import Source


@cache
def all_sources() -> dict[str, Source]:
    """Every source kind by name: each module of this package that defines `SOURCE`."""
    return {name: source for name in _modules() if (source := find_source(name))}


@cache
def find_source(kind: str) -> Source | None:
    """The source kind of a name, which is its module's. Imports no other kind: some are heavy."""
    if kind not in _modules():
        return None
    source = getattr(importlib.import_module(f"{__name__}.{kind}"), "SOURCE", None)
    return source if isinstance(source, Source) else None


def source_of(settings: SourceSettings) -> Source:
    """What one feed is. Imports no kind but its own.

    Raises:
        KeyError: There is no such kind; a loaded workspace has none of those.
    """
    kind = find_source(settings.kind)
    if kind is None:
        raise KeyError(settings.kind)
    return kind.of(settings)


@cache
def _modules() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(__path__))
