"""The columns of every computed table with their types, from a run on inputs without rows."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from models.columns import arrow_schema
from models.facts import Fact
from models.reference import REFERENCE_TABLES
from pipelines.control_totals import columns_of
from pipelines.engine.duckdb import Session
from pipelines.inputs import METERS, fact_columns
from pipelines.lake import Lake
from pipelines.periods import INVOICE_TOTAL_SCHEMA, ROUNDING_SCHEMA, STATEMENT_SCHEMA
from pipelines.prices import modifier_book, price_table, resolve_models
from pipelines.quality import quality_table
from pipelines.quoting import identifier
from pipelines.transforms import Transform

_LAYERS = ("staging", "intermediate", "marts")
_PARAMS = {
    "from_date": date(2026, 1, 1),
    "to_date": date(2026, 1, 2),
    "tolerance_ppm": 0,
    "reporting_currency": "USD",
    "outcome_window_days": 0,
}
_SETTINGS = {
    "sources": {
        "source": pa.string(),
        "source_rank": pa.int32(),
        "is_system_of_record": pa.bool_(),
    },
    "match_on_order": {"match_on": pa.string(), "place": pa.int32()},
    "required_tags": {"tag_key": pa.string()},
    "days": {"charge_date": pa.date32()},
    "periods": {"billing_period": pa.date32()},
}


def empty_types(transforms: Mapping[str, Transform]) -> dict[str, dict[str, str]]:
    """DuckDB type by column name of each table, by running every transform on empty inputs."""
    tables = [t for t in transforms.values() if t.layer in _LAYERS]
    with TemporaryDirectory() as folder, Session(Path(folder)) as session:
        _register(session, Lake(Path(folder)))
        session.build([t for t in tables if t.partition == "day"], _PARAMS)
        session.con.execute("create temp view period_cost_lines as from fct_cost_lines")
        session.build([t for t in tables if t.partition != "day"], _PARAMS)
        return {t.name: columns_of(session.con, identifier(t.name)) for t in tables}


def _register(session: Session, lake: Lake) -> None:
    for fact in Fact:
        session.register_parts(f"lake_{fact}", fact_columns(fact), [])
    winners = lake.winners(Fact.CHARGES)
    reference = {
        name: arrow_schema(table.columns).empty_table() for name, table in REFERENCE_TABLES.items()
    }
    aliases = reference["ref_model_aliases"]
    models = resolve_models([], aliases)
    tables = {
        **reference,
        **{name: pa.schema(list(kinds.items())).empty_table() for name, kinds in _SETTINGS.items()},
        "meters": METERS,
        "lake_winners": winners.append_column("fact", pa.array([], pa.string())),
        "model_map": models,
        "price_book": price_table(reference["ref_contract_prices"], aliases, models),
        "price_modifiers": modifier_book(reference["ref_price_modifiers"]),
        "rounded_statements": STATEMENT_SCHEMA.empty_table(),
        "statement_rounding": ROUNDING_SCHEMA.empty_table(),
        "invoice_totals": INVOICE_TOTAL_SCHEMA.empty_table(),
        "judgements": quality_table([]),
    }
    for name, table in tables.items():
        session.register(name, table)
