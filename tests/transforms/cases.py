"""Reads transform cases and runs them: given tables in, expected rows out.

A case may give tables further up: what lies between them and the expected table is built. Every
scalar of a case is text, `null` aside, and is cast to the type of its column: no amount is ever a
float. Columns that a case does not give are null, tables that it does not give are empty.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from pipelines.engine.duckdb import Session
from pipelines.publishing.table_types import empty_types
from pipelines.quoting import identifier
from pipelines.transforms import Transform, leading_to, load_transforms

FOLDER = Path(__file__).parent
PARAMS: dict[str, object] = {
    "from_date": date(2026, 10, 1),
    "to_date": date(2026, 10, 2),
    "tolerance_ppm": 5000,
    "reporting_currency": "USD",
    "outcome_window_days": 7,
}
_FIELDS = {"name", "given", "params", "expect"}
_TABLE_FIELDS = {"columns", "rows", "other_counts"}

Types = Mapping[str, Mapping[str, str]]
"""DuckDB type by column, by table."""


class CaseError(Exception):
    """A case that says something impossible. The text names the case and what to change."""


@dataclass(frozen=True)
class Case:
    """One story: what the inputs hold, and what must come out."""

    transform: Transform
    name: str
    given: Mapping[str, Mapping[str, Any]]
    params: Mapping[str, str]
    expect: Mapping[str, Any]


class _TextLoader(yaml.BaseLoader):
    """Plain `null` is null, everything else is the text as written."""


_TextLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("null$"), ["n"])
_TextLoader.add_constructor("tag:yaml.org,2002:null", lambda _loader, _node: None)


def read_text(path: Path) -> Any:
    """A YAML file whose scalars are all text, or null."""
    with path.open(encoding="utf-8") as text:
        return yaml.load(text, _TextLoader)


def case_file(transform: Transform) -> Path:
    """Where the cases of a transform are."""
    return FOLDER / transform.layer / f"{transform.name}.yaml"


def read_cases(transform: Transform) -> list[Case]:
    """Every case of a transform; none if it has no file.

    Raises:
        CaseError: A field, table or name that does not fit.
    """
    path = case_file(transform)
    if not path.exists():
        return []
    raw = read_text(path)
    for case in raw:
        unknown = {*case} - _FIELDS | {*case["given"]} - _upstream(transform)
        for table in (*case["given"].values(), case["expect"]):
            unknown |= {*table} - _TABLE_FIELDS
        if unknown:
            raise CaseError(f"{path.name}: {case['name']}: unknown {sorted(unknown)}")
    return [
        Case(transform, case["name"], case["given"], case.get("params", {}), case["expect"])
        for case in raw
    ]


def all_types() -> dict[str, dict[str, str]]:
    """Types of every table a transform reads or is, from a run of all of them on empty inputs."""
    transforms = load_transforms()
    inputs = sorted({name for t in transforms.values() for name in t.inputs} - {*transforms})
    probes = {
        f"input_{name}": Transform(
            name=f"input_{name}",
            layer="staging",
            path=FOLDER,
            sql=f"select * from {name}",
            description="",
            grain="",
            keys=(),
            owner="",
            partition="day" if _is_read_by_day(name, transforms) else "period",
        )
        for name in inputs
    }
    found = empty_types({**transforms, **probes})
    return {name.removeprefix("input_"): types for name, types in found.items()}


def _is_read_by_day(name: str, transforms: Mapping[str, Transform]) -> bool:
    return any(t.partition == "day" and name in t.inputs for t in transforms.values())


def _upstream(transform: Transform) -> set[str]:
    """Every table the transform depends on, however far."""
    return {name for t in leading_to([transform.name], load_transforms()) for name in t.inputs}


def _built_between(case: Case) -> list[Transform]:
    """What lies between the tables a case gives and the one it expects: built, not given."""
    touched = set(case.given) - {*case.transform.inputs}
    between = []
    for transform in leading_to([case.transform.name], load_transforms()):
        if transform.name not in case.given and touched & {*transform.inputs}:
            touched.add(transform.name)
            between.append(transform)
    return between if case.transform in between else [*between, case.transform]


def run(case: Case, types: Types) -> str:
    """Run a case.

    Returns:
        The rows that are missing and those that nobody expected; empty if all is as expected.
    """
    with TemporaryDirectory() as folder, Session(Path(folder)) as session:
        built = _built_between(case)
        for name in sorted({name for t in built for name in t.inputs} - {t.name for t in built}):
            create(session, name, types[name], case.given.get(name, {"columns": []}))
        session.build(built, {**PARAMS, **case.params})
        return compare(session, case.transform, case.expect)


def compare(session: Session, transform: Transform, expect: Mapping[str, Any]) -> str:
    """What differs between a built table and the rows expected of it; empty if nothing."""
    actual = _describe(session, transform.name)
    doubles = session.con.execute(_doubles(transform)).fetchall()
    columns = expect["columns"]
    _refuse_unknown(transform.name, columns, actual)
    session.con.execute("drop table if exists expected")
    create(session, "expected", {c: actual[c] for c in columns}, expect)
    names = ", ".join(identifier(c) for c in columns)
    result = f"select {names} from {identifier(transform.name)}"
    wanted = f"select {names} from expected"
    missing = session.con.execute(f"{wanted} except all {result}").fetchall()
    surplus = session.con.execute(f"{result} except all {wanted}").fetchall()
    return "\n".join(
        [f"two rows of one key: {_text(row)}" for row in sorted(doubles, key=str)]
        + [f"missing: {_text(row)}" for row in sorted(missing, key=str)]
        + [f"surplus: {_text(row)}" for row in sorted(surplus, key=str)]
    )


def _doubles(transform: Transform) -> str:
    """A query for keys that more than one row has; checks have no keys."""
    keys = ", ".join(identifier(key) for key in transform.keys) or "*"
    table = identifier(transform.name)
    return f"select {keys} from {table} group by all having count(*) > 1"


def _text(row: Sequence[object]) -> str:
    return "[" + ", ".join("null" if cell is None else str(cell) for cell in row) + "]"


def _describe(session: Session, table: str) -> dict[str, str]:
    rows = session.con.execute(f"describe {identifier(table)}").fetchall()
    return {row[0]: row[1] for row in rows}


def _refuse_unknown(table: str, columns: Sequence[str], types: Mapping[str, str]) -> None:
    if unknown := [c for c in columns if c not in types]:
        raise CaseError(f"{table} has no column {unknown}; it has {sorted(types)}")


def create(session: Session, name: str, types: Mapping[str, str], table: Mapping[str, Any]) -> None:
    """Make a table of a case. `other_counts` is what whole numbers are where no column says so."""
    _refuse_unknown(name, table["columns"], types)
    columns = ", ".join(f"{identifier(c)} {kind}" for c, kind in types.items())
    session.con.execute(f"create table {identifier(name)} ({columns})")
    if not table.get("rows"):
        return
    if wrong := [row for row in table["rows"] if len(row) != len(table["columns"])]:
        raise CaseError(f"{name}: {len(table['columns'])} columns, but rows {wrong}")
    values = {c: f"cast(? as {types[c]})" for c in table["columns"]}
    if "other_counts" in table:
        number = int(table["other_counts"])
        values |= {c: str(number) for c in types if c not in values and types[c] == "BIGINT"}
    names = ", ".join(identifier(c) for c in values)
    session.con.executemany(
        f"insert into {identifier(name)} ({names}) select {', '.join(values.values())}",
        table["rows"],
    )
