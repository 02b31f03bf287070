"""What SQL knows of meters, written from the list of them in `models/meters.py`.

A type, so that a meter is a byte where a table has one row per call and meter, and the one
transform that no file in `sql/` holds: it turns the wide columns of a call into one row per meter
used. A new meter of calls is therefore a row of that list and not a line in every query.
"""

import duckdb

from models.meters import CALL_METERS, Meter

DESCRIPTION = (
    "What each call that counts used of each meter, from the wide columns that people read. "
    "Written from models/meters.py; a view, so nothing is stored twice."
)


def create_meter_type(con: duckdb.DuckDBPyConnection) -> None:
    """Give a connection the type `meter`."""
    names = ", ".join(f"'{meter}'" for meter in Meter)
    con.execute(f"create type meter as enum ({names})")


def call_quantities() -> str:
    """One row per call and meter with a quantity: the call's row number, the meter, how much."""
    return "\nunion all\n".join(_arm(meter) for meter in CALL_METERS)


def _arm(meter: Meter) -> str:
    [only, *more] = meter.call_columns
    quantity = " + ".join(f"coalesce({name}, 0)" for name in meter.call_columns) if more else only
    return (
        f"select rowid as call_no, cast('{meter}' as meter) as meter, {quantity} as quantity "  # noqa: S608 - our own names
        f"from stg_calls where {quantity} <> 0"
    )
