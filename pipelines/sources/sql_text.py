"""Small pieces of SQL text made of our own constants, for sources that read with SQL."""

from collections.abc import Iterable, Mapping


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def texts(values: Iterable[str]) -> str:
    """A list of texts as an SQL literal."""
    return "[" + ", ".join(map(literal, values)) + "]"


def renamed(column: str, names: Mapping[str, str]) -> str:
    """A `case`, because DuckDB would build a join on the side of the lines: on one thread."""
    whens = " ".join(f"when {literal(k)} then {literal(v)}" for k, v in names.items())
    return f"case {column} {whens} end"


def looked_up(column: str, codes: Mapping[str, str]) -> str:
    """The code of one of many names; null if it is none of them.

    The names are one text that is searched: a `case` of so many takes longer to plan than to run.

    Args:
        column: The name; words of letters, digits and underscores are found.
        codes: Codes of one length by name, the most common names first.
    """
    width = len(next(iter(codes.values())))
    listed = literal("".join(f"|{name}={code}" for name, code in codes.items()) + "|")
    found = f"instr({listed}, '|' || {column} || '=')"
    return (
        f"case when {found} > 0 then substr({listed}, {found} + length({column}) + 2, {width}) end"
    )


def chosen(column: str, values: Iterable[str]) -> str:
    """Whether a column has one of the values; null where the column is null."""
    return f"{column} in ({', '.join(map(literal, values))})"


def nested(value: str, key: str) -> str:
    """The elements of an array in JSON, or what is there instead of an array, as a list."""
    return (
        f"case json_type({value}, '$.{key}') when 'ARRAY' then json_extract({value}, '$.{key}[*]')"
        f" else list_filter([json_extract({value}, '$.{key}')], lambda x: x is not null) end"
    )


def hex_id(column: str, digits: int) -> str:
    """An id of so many hex digits in lower case, also from base64; null if it is neither."""
    return (
        f"nullif(case when regexp_full_match({column}, '[0-9a-fA-F]{{{digits}}}')"
        f" then lower({column}) when length({column}) between {digits // 2} and {digits - 1}"
        f" then lower(hex(try(from_base64({column})))) end, {literal('0' * digits)})"
    )


def epoch_nanos(column: str) -> str:
    """Nanoseconds since 1970 as an instant, exact to the microsecond; null if it is no number."""
    return f"try(make_timestamptz(nullif(try_cast({column} as bigint), 0) // 1000))"
