"""YAML whose scalars stay text, with the line of every value.

`0.005` must reach Decimal as it was written and `no` must stay a word, so nothing is typed here.
Aliases, tags and duplicate keys are refused: they make a file say something other than it shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from pipelines.problems import Problem

YamlValue = None | str | Sequence["YamlValue"] | Mapping[str, "YamlValue"]
YamlPath = tuple[str | int, ...]

MAX_BYTES = 5_000_000
_NULLS = ("", "~", "null", "Null", "NULL")
_CORE = {
    f"tag:yaml.org,2002:{name}"
    for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
}


@dataclass(frozen=True)
class YamlText:
    """A YAML file as nested texts, and the 1-based line on which each value starts."""

    value: YamlValue
    lines: Mapping[YamlPath, int]
    problems: Sequence[Problem]

    def line(self, path: Sequence[str | int]) -> int | None:
        """Line of a value, or of the nearest value around it that is in the file."""
        for end in range(len(path), -1, -1):
            if (found := self.lines.get(tuple(path[:end]))) is not None:
                return found
        return None


def read_yaml(path: Path, name: str) -> YamlText:
    """Read one YAML file.

    Args:
        path: The file.
        name: What problems call it: its path below the workspace.

    Returns:
        What could be read. Nothing is raised for what is in the file: see `problems`.
    """
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_BYTES:
            return _unreadable(name, None, f"The file is larger than {MAX_BYTES} bytes.")
        text = raw.decode("utf-8-sig")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except OSError as error:
        said = f"The file cannot be read ({error.__class__.__name__})."
        return _unreadable(name, None, said)
    except UnicodeDecodeError:
        return _unreadable(name, None, "The file is not UTF-8 text.")
    except RecursionError:
        return _unreadable(name, None, "The file is nested too deeply.")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        return _unreadable(
            name, mark.line + 1 if mark else None, "The file is not YAML at this line."
        )
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return _unreadable(name, line, "The line holds a character that YAML does not allow.")
    walk = _Walk(name)
    value = walk.value(node, ()) if node is not None else None
    return YamlText(value, walk.lines, walk.problems)


def setting(path: Sequence[str | int]) -> str | None:
    """A path as people write it: `sources[0].kind`; None for the whole file."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).lstrip(".") or None


def _unreadable(name: str, line: int | None, message: str) -> YamlText:
    fix = "Check the indentation, the colons and the quotes around it."
    return YamlText(None, {}, [Problem(name, line, None, "unreadable", message, fix)])


class _Walk:
    """Turns YAML nodes into texts, and writes down lines and problems on the way."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[YamlPath, int] = {}
        self.problems: list[Problem] = []
        self._seen: set[int] = set()

    def value(self, node: yaml.Node, path: YamlPath) -> YamlValue:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self._seen:
            self._problem(
                node, path, "alias", "The value is used again by an alias.", "Write it out twice."
            )
            return None
        self._seen.add(id(node))
        if node.tag not in _CORE:
            self._problem(node, path, "tag", "The value has a YAML tag.", "Remove the tag.")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        is_plain = isinstance(node, yaml.ScalarNode) and node.style is None
        return None if is_plain and node.value in _NULLS else str(node.value)

    def _mapping(self, node: yaml.MappingNode, path: YamlPath) -> YamlValue:
        found: dict[str, YamlValue] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(key_node, path, "key", "The key is not a word.", "Write a name.")
                continue
            key = str(key_node.value)
            here = (*path, key)
            if key in found:
                first = self.lines[here]
                text = f"The key is already on line {first}."
                self._problem(key_node, here, "duplicate_key", text, "Keep one of them.")
                continue
            self.lines[here] = key_node.start_mark.line + 1
            found[key] = self.value(value_node, here)
        return found

    def _problem(self, node: yaml.Node, path: YamlPath, rule: str, message: str, fix: str) -> None:
        line = node.start_mark.line + 1
        self.problems.append(Problem(self.name, line, setting(path), rule, message, fix))
