"""What feeds of calls are to each other: the record, or a second account of what the record tells.

A feed may be the record for some calls (`record_for`) and corroborate all others. Its other calls
are then a feed of their own that counts nothing, and SQL knows feeds of one role only.
"""

from collections.abc import Iterator, Mapping, Sequence

from models.settings import SourceSettings
from pipelines.quoting import identifier, literal

COLUMNS = ("provider", "deployment_id", "project_id", "team_id", "org_id")
"""What `record_for` may name besides tags."""
_OTHERS = "~others"
"""What follows a feed's name where its calls only corroborate; no feed of a workspace has it."""


def feeds_of(sources: Sequence[SourceSettings]) -> dict[str, bool]:
    """Whether the calls of each feed count, by its name and in the order of the settings."""
    whole = {source.source: source.is_system_of_record for source in sources}
    return whole | {f"{source.source}{_OTHERS}": False for source in sources if source.record_for}


def split_calls(table: str, sources: Sequence[SourceSettings]) -> str | None:
    """A query over a table of calls in which calls that a feed is not the record for are a feed.

    Returns:
        The query; null where no feed has such calls.
    """
    cases = [
        f"when source = {literal(source.source)} and not ({_is_record(source.record_for)}) "
        f"then source || {literal(_OTHERS)}"
        for source in sources
        if source.record_for
    ]
    if not cases:
        return None
    split = f"case {' '.join(cases)} else source end"
    return f"select * replace ({split} as source) from {identifier(table)}"  # noqa: S608 - quoted


def unknown_names(source: SourceSettings) -> Iterator[str]:
    """Names in `record_for` that are neither a tag the feed keeps nor one of `COLUMNS`."""
    return (name for name in source.record_for if name not in (*source.tag_keys, *COLUMNS))


def _is_record(wanted: Mapping[str, Sequence[str]]) -> str:
    """A condition that a call fulfils if each name has one of its values; blanks have none."""
    return " and ".join(
        f"coalesce({_value(name)} in ({', '.join(map(literal, values))}), false)"
        for name, values in sorted(wanted.items())
    )


def _value(name: str) -> str:
    if name in COLUMNS:
        return identifier(name)
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    path = f'$."{quoted}"'
    return f"json_extract_string(tags, {literal(path)})"
