"""The one place that quotes names and texts for statements in which nothing can be bound."""


def identifier(name: str) -> str:
    """A table or column name as SQL, whatever characters it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL, for `comment on` and `create view`, which take no bound values.

    Raises:
        ValueError: The text holds a NUL character, which ends a statement early.
    """
    if "\0" in text:
        raise ValueError("a text with a NUL character cannot be quoted")
    return "'" + text.replace("'", "''") + "'"
