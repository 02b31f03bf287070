"""The list of meters, and what must follow from it."""

from models.facts import CALL
from models.meters import CALL_METERS, Meter
from pipelines.transforms import load_transforms

COLUMNS = {column.name: column for column in CALL}
WRITES = {
    name
    for meter in (Meter.CACHE_WRITE, Meter.CACHE_WRITE_5M, Meter.CACHE_WRITE_1H)
    for name in meter.call_columns
}


def test_every_column_of_a_meter_is_a_whole_number_of_the_call_and_of_one_meter_only():
    columns = [name for meter in CALL_METERS for name in meter.call_columns]

    assert {COLUMNS[name].type for name in columns} == {"BIGINT"}
    assert all(COLUMNS[name].nullable for name in columns)
    assert len(columns) == len(set(columns))


def test_tokens_are_in_columns_of_tokens():
    wrong = [
        (meter, name)
        for meter in CALL_METERS
        for name in meter.call_columns
        if meter.is_token != name.endswith("_tokens")
    ]

    assert not wrong


def test_a_name_finds_its_meter_with_what_is_said_of_it():
    meter = Meter("output")

    assert meter is Meter.OUTPUT
    assert (str(meter), meter.value) == ("output", "output")
    assert meter.call_columns == ("output_text_tokens", "output_reasoning_tokens")
    assert not Meter.SEARCH_UNITS.is_token


def test_who_reads_every_meter_of_a_call_reads_its_columns_too():
    staged = load_transforms()["stg_calls"].sql
    published = load_transforms()["fct_calls"].columns
    columns = {name for meter in CALL_METERS for name in meter.call_columns}

    assert not {name for name in columns if f"counted.{name}" not in staged}
    assert columns <= set(published)


def test_a_query_that_knows_cache_writes_knows_those_of_unknown_lifetime():
    wrong = {
        name: sorted(known)
        for name, transform in load_transforms().items()
        if 0 < len(known := {c for c in WRITES if c in transform.sql}) < len(WRITES)
    }

    assert not wrong
