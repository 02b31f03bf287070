"""What may be kept of tags and identities, decided once per distinct value."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from models.facts import Fact
from pipelines.identities import KINDS, MAX_ID, UNLIKE_AN_ID, Kind, is_unsafe, kept
from pipelines.quoting import literal

MAX_TAG_VALUE = 200

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_AUTOMATIC = "User-Agent:"

_CALL = KINDS[Fact.CALLS]
_IDS = [name for name, kind in _CALL.items() if kind is Kind.ID]
_NAMES = [name for name, kind in _CALL.items() if kind is not Kind.ID]

# one look at all ids of a call, between line ends: few calls have anything to hide
_LOOKED_FOR = UNLIKE_AN_ID.replace("[^", "[^\n", 1) + r"|[0-9]\.[0-9]+\.[0-9]+\.[0-9]|\+[0-9]{8}"
_SUSPECT = (
    f"regexp_matches(concat_ws(chr(10), {', '.join(_IDS)}), {literal(_LOOKED_FOR)})"
    + "".join(f" or strlen({name}) > {MAX_ID}" for name in _IDS)
)


def tag_value(text: str, pseudonym: Callable[[str], str]) -> str:
    """A tag value that may be kept: no control characters, no e-mail, no secret, not long."""
    clean = _CONTROL.sub("", text).strip()
    if is_unsafe(Kind.TEXT, clean):
        return pseudonym(clean)
    if len(clean) > MAX_TAG_VALUE:
        return "sha256:" + hashlib.sha256(clean.encode()).hexdigest()[:32]
    return clean


def canonical_tags(
    raw: str, keys: Sequence[str], pseudonym: Callable[[str], str]
) -> tuple[str | None, int]:
    """The tags of a call that the workspace keeps.

    Args:
        raw: JSON array of texts: a JSON list of `key:value` or `key=value` tags, then one metadata
            value per key, as far as the call has metadata.
        keys: The allow-list, in the order of those values.
        pseudonym: For e-mails used as tag values.

    Returns:
        A JSON object with sorted keys, or None; and how many tags were dropped. Metadata wins over
        a listed tag; of two listed tags with one key the smaller value stays.
    """
    listed, *values = json.loads(raw)
    pairs = sorted(_listed(listed), reverse=True)
    kept = {key: value for key, value in pairs if key in keys}
    kept.update({k: v for k, v in zip(keys, values, strict=False) if v is not None})
    # a nested value may hold anything
    clean = {k: tag_value(v, pseudonym) for k, v in kept.items() if v and v[0] not in "{["}
    dropped = sum(key not in keys for key, _ in pairs) + len(kept) - len(clean)
    return (json.dumps(clean, sort_keys=True, ensure_ascii=False) if clean else None), dropped


def _listed(text: str | None) -> Iterator[tuple[str, str]]:
    """Key and value of each tag in a JSON list; a bare tag has an empty value."""
    try:
        tags = json.loads(text or "[]")
    except ValueError:
        return
    for tag in tags if isinstance(tags, list) else ():
        # the proxy adds its own tags to every call
        if isinstance(tag, str) and not tag.startswith(_AUTOMATIC):
            key, _, value = tag.partition(":" if ":" in tag else "=")
            yield key.strip(), value.strip()


class Presentable:
    """Makes the tables `people(raw, pseudonym)` and `tag_names(raw, canonical)` for `staged`."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        tag_keys: Sequence[str],
        pseudonym: Callable[[str], str],
    ) -> None:
        self._con = con
        self._pseudonym = pseudonym
        self._canonical = lru_cache(maxsize=50_000)(
            lambda raw: canonical_tags(raw, tag_keys, self._pseudonym)
        )

    def prepare(self, counters: Counter[str]) -> None:
        """Look at every distinct value that is staged; counts the tags that are dropped."""
        self._hide_people_in_ids()
        people = self._distinct("select user_id from staged union select end_user_id from staged")
        self._con.register("people", self._pseudonyms(people))
        rows = self._con.execute(
            "select tags, count(*) from staged where rule is null and tags is not null"
            " group by tags"
        ).fetchall()
        tags = [self._canonical(raw) for raw, _ in rows]
        dropped = sum(d * n for (_, d), (_, n) in zip(tags, rows, strict=True))
        counters.update({"dropped_tags": dropped} if dropped else {})
        self._con.register(
            "tag_names",
            pa.table(
                {
                    "raw": pa.array([raw for raw, _ in rows], pa.string()),
                    "canonical": pa.array([canonical for canonical, _ in tags], pa.string()),
                }
            ),
        )

    def _hide_people_in_ids(self) -> None:
        """Replace ids, names and AI models that may tell somebody, or are none, by pseudonyms."""
        [(is_suspect,)] = self._con.execute(
            f"select coalesce(bool_or({_SUSPECT}), false) from staged"  # noqa: S608 - our own names
        ).fetchall()
        listed = ", ".join(f"list(distinct {name})" for name in _NAMES)
        [names] = self._con.execute(f"select {listed} from staged").fetchall()  # noqa: S608 - our own names
        for column, values in zip(_NAMES, names, strict=True):
            self._hide(column, values or ())
        for column in _IDS if is_suspect else ():
            self._hide(column, self._distinct(f"select distinct {column} from staged"))  # noqa: S608 - our own names

    def _hide(self, column: str, values: Iterable[str | None]) -> None:
        unsafe = [value for value in values if value and is_unsafe(_CALL[column], value)]
        if not unsafe:
            return
        self._con.register("hidden", self._pseudonyms(unsafe))
        self._con.execute(
            f"update staged set {column} = hidden.pseudonym from hidden"  # noqa: S608 - our own names
            f" where staged.{column} = hidden.raw"
        )
        self._con.unregister("hidden")

    def _pseudonyms(self, people: Sequence[str]) -> pa.Table:
        return pa.table(
            {
                "raw": pa.array(people, pa.string()),
                "pseudonym": pa.array([self._pseudonym(p) for p in people], pa.string()),
            }
        )

    def _distinct(self, sql: str) -> list[str]:
        return [v for (v,) in self._con.execute(sql).fetchall() if v is not None]


def presentable(
    facts: Mapping[Fact, pa.Table], pseudonym: Callable[[str], str]
) -> dict[Fact, pa.Table]:
    """Facts of a delivery without texts that may tell somebody; each distinct one is read once."""
    return {fact: _presentable(fact, table, pseudonym) for fact, table in facts.items()}


def _presentable(fact: Fact, table: pa.Table, pseudonym: Callable[[str], str]) -> pa.Table:
    for place, field in enumerate(table.schema):
        kind = KINDS[fact].get(field.name)
        if kind is None:
            continue
        distinct = pc.unique(table[field.name])
        texts = [t if t is None else kept(kind, t, pseudonym) for t in distinct.to_pylist()]
        clean = pa.array(texts, field.type)
        if clean != distinct:
            values = clean.take(pc.index_in(table[field.name], distinct))
            table = table.set_column(place, field, values)
    return table
