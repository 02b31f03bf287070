"""Source kinds, found by module: a new source is a new module here, and no list to edit."""

import importlib
import pkgutil
from functools import cache

from pipelines.sources.base import Source


@cache
def all_sources() -> dict[str, Source]:
    """Every source kind by name: each module of this package that defines `SOURCE`."""
    found = {}
    for module_info in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        source = getattr(module, "SOURCE", None)
        if isinstance(source, Source):
            found[source.name] = source
    return found
