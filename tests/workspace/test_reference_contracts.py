"""The contracts of the reference tables speak only of columns and tables there are."""

import pytest

from models.columns import arrow_schema
from models.reference import REFERENCE_TABLES

EVERY_TABLE = pytest.mark.parametrize(
    "table", REFERENCE_TABLES.values(), ids=lambda table: table.name
)


@EVERY_TABLE
def test_every_rule_of_a_table_is_about_its_columns(table):
    named = {
        *(column for key in table.keys for column in key.columns),
        *table.references,
        *table.vocabulary,
        *table.defaults,
        *table.parts,
    }

    assert named <= {column.name for column in table.columns}


@EVERY_TABLE
def test_every_type_is_one_a_contract_may_use(table):
    assert len(arrow_schema(table.columns)) == len({column.name for column in table.columns})


@EVERY_TABLE
def test_references_lead_to_a_required_first_column(table):
    for target in table.references.values():
        id_column = REFERENCE_TABLES[target].columns[0]
        assert id_column.name in REFERENCE_TABLES[target].required


@EVERY_TABLE
def test_defaults_are_in_the_closed_list(table):
    for column, default in table.defaults.items():
        assert default in table.vocabulary.get(column, (default,))


@EVERY_TABLE
def test_rows_cannot_be_told_twice(table):
    assert table.keys


def test_money_and_rates_are_never_binary():
    types = {
        column.type
        for table in REFERENCE_TABLES.values()
        for column in table.columns
        if column.name in ("amount", "total_amount", "rate", "share", "price_per_million")
    }

    assert types == {"DECIMAL(38,18)", "DECIMAL(18,12)", "DECIMAL(18,9)", "DECIMAL(18,6)"}
