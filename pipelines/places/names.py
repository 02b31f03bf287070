"""Which object keys may become file names. A key is somebody else's text, never a path of ours."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

MAX_SEGMENT_BYTES = 255
MAX_BYTES = 1024

MEANING = {
    "name_empty_part": "the name has an empty part",
    "name_dots": "the name has '.' or '..' as a part",
    "name_not_printable": "the name holds characters that cannot be shown",
    "name_too_long": "the name is longer than a file's name may be",
    "name_collides": "the name differs from another only in case or accents, or is also a folder",
}


def broken_rule(name: str) -> str | None:
    """The rule that a name breaks; null if it can be a path below some folder as it is."""
    parts = name.split("/")
    if "" in parts:
        return "name_empty_part"
    if not {".", ".."}.isdisjoint(parts):
        return "name_dots"
    if not name.isprintable():
        return "name_not_printable"
    if len(name.encode()) > MAX_BYTES or any(len(p.encode()) > MAX_SEGMENT_BYTES for p in parts):
        return "name_too_long"
    return None


def key_hash(key: str) -> str:
    """How a message speaks of a key that must not be shown."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Names:
    """Names that lie in one folder together, on any file system."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._files: Counter[str] = Counter()
        self._folders: set[str] = set()
        for name in self._names:
            self._files[_folded(name)] += 1
            self._folders.update(_folders(name))

    def collides(self, name: str) -> bool:
        """Whether a name of these is not alone, or is the folder of another."""
        return self._files[_folded(name)] > 1 or _folded(name) in self._folders

    def excludes(self, name: str) -> bool:
        """Whether a file of this name could not lie beside the others."""
        if _folded(name) in self._folders:
            return True
        taken = [_folded(name), *_folders(name)]
        return name not in self._names and any(self._files[text] for text in taken)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def _folders(name: str) -> list[str]:
    return [_folded(str(parent)) for parent in PurePosixPath(name).parents if parent.name]
