"""Reads `sql/`: one file is one table, its header says what the table is.

The header is the YAML inside the leading comment. Dependencies are read from the query itself.
One table more is written from the list of meters, see `meter_sql`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Literal, get_args

import duckdb
import yaml
from pydantic import Field, ValidationError

from models.record import Record
from pipelines import meter_sql
from pipelines.duck import connect

SQL_DIR = Path(__file__).resolve().parent.parent / "sql"

Partition = Literal["day", "period", "none"]
Layer = Literal["staging", "intermediate", "marts", "checks"]
LAYERS: tuple[Layer, ...] = get_args(Layer)
PUBLIC_PREFIXES = ("dim_", "fct_", "mart_", "quality_")


class TransformError(Exception):
    """A SQL file that cannot be used. The text names the file and what to change."""


class Header(Record):
    """What the leading comment of a SQL file says. Unknown fields are an error."""

    description: str
    grain: str
    keys: tuple[str, ...] = ()
    owner: str = "team:finops"
    partition: Partition = "day"
    columns: dict[str, str] = Field(default_factory=dict)
    checks: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True)
class Transform:
    """One SQL file: the table of the same name, and what its header says of it."""

    name: str
    layer: Layer
    path: Path
    sql: str
    description: str
    grain: str
    keys: tuple[str, ...]
    owner: str
    partition: Partition
    columns: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    """Tables the query reads, other transforms and the engine's inputs alike, sorted."""
    params: tuple[str, ...] = ()
    """Names the query binds, without the dollar sign."""
    is_view: bool = False
    """Whether it is read anew by everything that needs it, instead of being kept."""

    @property
    def is_public(self) -> bool:
        """Whether analysts get the table."""
        return self.layer == "marts" and self.name.startswith(PUBLIC_PREFIXES)


def read_transform(path: Path, known_params: tuple[str, ...]) -> Transform:
    """Read one SQL file.

    Raises:
        TransformError: No header, a header that is not valid, or a public column without words.
    """
    text = path.read_text(encoding="utf-8")
    if not text.startswith("/*") or "*/" not in text:
        raise TransformError(f"{path.name}: start the file with a header comment /* ... */")
    comment, sql = text[2:].split("*/", 1)
    try:
        header = Header.model_validate(yaml.load(comment, Loader=_LOADER))  # noqa: S506 - safe in either form
    except (ValidationError, yaml.YAMLError) as error:
        raise TransformError(f"{path.name}: header: {error}") from error
    layer = next((name for name in LAYERS if name == path.parent.name), None)
    if layer is None:
        raise TransformError(f"{path.name}: put the file in one of sql/{{{','.join(LAYERS)}}}/")
    # the parser that lists tables takes no bound values: their place is enough for it
    inputs = tuple(sorted(_parser().get_table_names(re.sub(r"\$[a-z_]+", "null", sql))))
    return Transform(
        name=path.stem,
        layer=layer,
        path=path,
        sql=sql.strip(),
        inputs=inputs,
        params=tuple(name for name in known_params if f"${name}" in sql),
        **header.model_dump(),
    )


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Written in C where PyYAML was built with it: every command reads every header."""


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """One connection without tables: opening one per file is most of the start-up time."""
    con = connect()
    meter_sql.create_meter_type(con)
    return con


PARAMS = (
    "from_date",
    "to_date",
    "tolerance_ppm",
    "reporting_currency",
    "outcome_window_days",
)
"""Every value a transform may bind: `$name`. Days are half-open [from_date, to_date)."""


def leading_to(tables: Collection[str], transforms: Mapping[str, Transform]) -> list[Transform]:
    """The transforms that some tables are made by, in their order in `transforms`."""
    needed = set(tables)
    for transform in reversed(list(transforms.values())):
        if transform.name in needed:
            needed.update(transform.inputs)
    return [transform for transform in transforms.values() if transform.name in needed]


@cache
def load_transforms(sql_dir: Path = SQL_DIR) -> dict[str, Transform]:
    """Every transform by name, in an order in which each comes after its inputs.

    Raises:
        TransformError: A file is not valid, or the files depend on each other in a circle.
    """
    paths = sorted(path for layer in LAYERS for path in (sql_dir / layer).glob("*.sql"))
    if not paths:
        raise TransformError(f"{sql_dir}: no SQL here. Install everycent again.")
    found = {path.stem: read_transform(path, PARAMS) for path in paths}
    if sql_dir == SQL_DIR:
        found["int_call_quantities"] = _call_quantities()
    sorter = TopologicalSorter(
        {name: [i for i in found[name].inputs if i in found] for name in sorted(found)}
    )
    return {name: found[name] for name in sorter.static_order()}


def _call_quantities() -> Transform:
    return Transform(
        name="int_call_quantities",
        layer="intermediate",
        path=Path(meter_sql.__file__),
        sql=meter_sql.call_quantities(),
        description=meter_sql.DESCRIPTION,
        grain="one row per call_no and meter",
        keys=("call_no", "meter"),
        owner="team:finops",
        partition="day",
        inputs=("stg_calls",),
        is_view=True,
    )
