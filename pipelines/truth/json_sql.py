"""JSON written by SQL: a record is described once, as a tree, and becomes one `concat(...)`.

A `$` name is a pool: a list of ready text, of which a code of the row picks one.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

MACROS = """
create or replace macro dollars(picos) as concat(
    picos // 1000000000000, '.', lpad((picos % 1000000000000)::varchar, 12, '0')
);
create or replace macro epoch_text(us) as concat(
    us // 1000000, '.', lpad((us % 1000000)::varchar, 6, '0')
);
create or replace macro stamp(us) as strftime(make_timestamp(us), '%Y-%m-%d %H:%M:%S.%g');
create or replace macro uuid_text(hex) as concat(
    hex[1:8], '-', hex[9:12], '-', hex[13:16], '-', hex[17:20], '-', hex[21:32]
);
create or replace macro instant(us) as strftime(make_timestamp(us), '%Y-%m-%dT%H:%M:%S.%gZ');
create or replace macro quoted(text) as replace(text, '"', '""');
"""


@dataclass(frozen=True)
class Sql:
    """An expression whose text goes into the record as it is."""

    text: str


Tree: TypeAlias = "Mapping[str, Tree] | Sql | str | int | bool | list[str] | None"


def text_of(expression: str) -> Sql:
    """An expression as a JSON string; its text needs no escapes."""
    return Sql(f"concat('\"', {expression}, '\"')")


def pool(name: str, code: str = "deployment") -> Sql:
    """The entry of a pool of plain texts, as a JSON string."""
    return text_of(f"${name}[{code} + 1]")


def raw_pool(name: str, code: str) -> Sql:
    """The entry of a pool of JSON texts."""
    return Sql(f"${name}[{code} + 1]")


def _parts(tree: Tree) -> Iterator[str | Sql]:
    if isinstance(tree, Mapping):
        yield "{"
        for position, (key, value) in enumerate(tree.items()):
            yield f'{"," if position else ""}"{key}":'
            yield from _parts(value)
        yield "}"
    elif isinstance(tree, Sql):
        yield tree
    else:
        yield json.dumps(tree, separators=(",", ":"))


def _literal(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def concat(tree: Tree) -> str:
    """One SQL expression that writes the tree as JSON: fast, since it is one function call."""
    arguments: list[str] = []
    plain = ""
    for part in _parts(tree):
        if isinstance(part, str):
            plain += part
            continue
        arguments += [_literal(plain), part.text]
        plain = ""
    return f"concat({', '.join([*arguments, _literal(plain)])})"
