"""Which version of the code made something: a hash over the text of modules and what they import.

A version that somebody has to raise is forgotten one day; the text of the code is not.
"""

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import models
import pipelines

_ROOTS = {
    package.__name__: Path(file).parent
    for package in (models, pipelines)
    if (file := package.__file__)
}
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ ]+((?:models|pipelines)[\w.]*)[ ]+import[ ]+(\([^)]*\)|[^\n]*)"
    r"|import[ ]+((?:models|pipelines)[\w.]*))",
    re.MULTILINE,
)


def code_version(*modules: str, without: Iterable[str] = ()) -> str:
    """SHA-256 over the sources of some of our modules and of all of ours that they import.

    Args:
        modules: Their full names.
        without: Modules that do not matter, nor what only they import.
    """
    digest = hashlib.sha256()
    for name in sorted(reached(*modules, without=without)):
        digest.update(f"{name}\n{_text(name)}\n".encode())
    return digest.hexdigest()


def reached(*modules: str, without: Iterable[str] = ()) -> set[str]:
    """The given modules of ours and those that they import, wherever in their text."""
    left_out = set(without)
    found: set[str] = set()
    waiting = [name for name in modules if name not in left_out]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imported(name) - found - left_out
    return found


@cache
def _imported(module: str) -> frozenset[str]:
    names: set[str] = set()
    for origin, imported, plain in _IMPORT.findall(_text(module)):
        names.add(origin or plain)
        # a name that is imported from a package may be a module of it
        names |= {f"{origin}.{word}" for word in re.findall(r"\w+", imported) if origin}
    return frozenset(name for name in names if _path(name) is not None)


@cache
def _text(module: str) -> str:
    path = _path(module)
    return path.read_text("utf-8") if path else ""


@cache
def _path(module: str) -> Path | None:
    package, *names = module.split(".")
    place = _ROOTS[package].joinpath(*names)
    candidates = [place / "__init__.py", *([place.with_suffix(".py")] if names else [])]
    return next((path for path in candidates if path.is_file()), None)
