"""How a column of a contract is written down, and what it is in DuckDB and in Arrow."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_ARROW = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "UBIGINT": pa.uint64(),
    "INTEGER": pa.int32(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True)
class Column:
    """One column: its name, its DuckDB type and one sentence that says what it holds."""

    name: str
    type: str
    description: str
    nullable: bool = True

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type of the column.

        Raises:
            KeyError: The type is not one a contract may use (binary floats among them).
        """
        decimal = _DECIMAL.fullmatch(self.type)
        if decimal:
            return pa.decimal128(int(decimal[1]), int(decimal[2]))
        return _ARROW[self.type]


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of a contract, in its column order."""
    return pa.schema([pa.field(c.name, c.arrow_type, c.nullable) for c in columns])


def ddl(columns: Sequence[Column]) -> str:
    """The column list of a `create table`, in contract order. Names and types are our own text."""
    return ", ".join(f"{c.name} {c.type}{'' if c.nullable else ' not null'}" for c in columns)
