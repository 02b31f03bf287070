"""Bills of which every record stands for itself: samples, and the laws all of them keep."""

import hashlib
import importlib
import json
from decimal import Decimal

import pytest

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from pipelines.sources.base import SourceError
from tests.sources.deliveries import HIDDEN, SAMPLES, context, deliveries, read_files

KINDS = ("openrouter_activity",)
SOURCES = {kind: importlib.import_module(f"pipelines.sources.{kind}").SOURCE for kind in KINDS}
KEYS = {Fact.CHARGES: "charge_key", Fact.USAGE: "usage_key", Fact.OUTCOMES: "event_id"}
SETTINGS = {"opencost_allocation": {"billing_currency": "USD"}}
SAMPLE_UNITS = [
    pytest.param(kind, unit, id=f"{kind}/{unit.delivery}")
    for kind in KINDS
    for unit in deliveries(SOURCES[kind], SAMPLES / kind / "files")
]


def read_unit(kind, unit, **settings):
    source = SOURCES[kind]
    return source.read(unit, context(source, **SETTINGS.get(kind, {}), **settings))


def rows(reading, fact):
    assert reading.facts[fact].schema == arrow_schema(FACTS[fact])
    return reading.facts[fact].to_pylist()


def shown(value):
    """Text of a value; decimals without trailing zeros."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def compact(reading):
    """All a delivery says: facts without nulls and constants, refusals and counters."""
    facts = {
        str(fact): sorted(
            (
                {k: shown(v) for k, v in row.items() if v is not None and k not in HIDDEN}
                for row in rows(reading, fact)
            ),
            key=lambda row: row[KEYS[fact]],
        )
        for fact in reading.facts
        if reading.facts[fact].num_rows
    }
    rejected = [f"{r.source_row}: {r.rule} {r.column}" for r in reading.rejected]
    told = {"rejected": rejected, "counters": dict(reading.counters)}
    return {**facts, **{name: value for name, value in told.items() if value}}


def outcome(kind, unit):
    try:
        return compact(read_unit(kind, unit))
    except SourceError as error:
        return {"refused": str(error)}


def expected(kind):
    return json.loads((SAMPLES / kind / "expected.json").read_text())


def read_text(kind, folder, name, content, **settings):
    return read_files(SOURCES[kind], folder, {name: content}, **settings)


@pytest.mark.parametrize(("kind", "unit"), SAMPLE_UNITS)
def test_samples_read_as_expected(kind, unit):
    assert outcome(kind, unit) == expected(kind)[unit.delivery]


@pytest.mark.parametrize("kind", KINDS)
def test_every_expected_sample_exists(kind):
    units = deliveries(SOURCES[kind], SAMPLES / kind / "files")
    assert {unit.delivery for unit in units} == set(expected(kind))


@pytest.mark.parametrize(("kind", "unit"), SAMPLE_UNITS)
def test_every_record_is_a_fact_empty_or_rejected_and_keys_are_unique(kind, unit):
    if "refused" in expected(kind)[unit.delivery]:
        pytest.skip("refused as a whole")
    reading = read_unit(kind, unit)

    told = {
        (row["file_id"], row["source_row"])
        for table in reading.facts.values()
        for row in table.to_pylist()
    }
    empty = sum(reading.rows_empty.values())
    assert sum(reading.rows_read.values()) == len(told) + len(reading.rejected) + empty
    for fact in reading.facts:
        keys = [(row.get("scope"), row[KEYS[fact]]) for row in rows(reading, fact)]
        assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(("kind", "unit"), SAMPLE_UNITS)
def test_no_fact_holds_an_address(kind, unit):
    assert "@" not in json.dumps(outcome(kind, unit).get("charges", []))
    assert "@" not in json.dumps(outcome(kind, unit).get("usage", []))
    assert "@" not in json.dumps(outcome(kind, unit).get("outcomes", []))


# OpenRouter


def test_the_upstream_cost_of_an_own_key_is_never_billed(tmp_path):
    row = {"date": "2026-10-01", "model": "m", "usage": 0.05, "byok_usage_inference": 1.0}

    reading = read_text("openrouter_activity", tmp_path, "a.json", {"data": [row]})

    (charge,) = rows(reading, Fact.CHARGES)
    assert charge["billed_cost"] == charge["effective_cost"] == Decimal("0.05")
    assert reading.counters["own_key_upstream_dollars_1e-18"] == 10**18


def test_activity_and_generations_replace_each_other_by_day(tmp_path):
    day = {"date": "2026-09-04", "model": "m", "usage": 1}
    generation = (SAMPLES / "openrouter_activity/files/openrouter_activity_export.csv").read_text()

    readings = [
        read_text("openrouter_activity", tmp_path / "a", "a.json", {"data": [day]}),
        read_text("openrouter_activity", tmp_path / "b", "b.csv", generation),
    ]

    assert [r.scopes[Fact.CHARGES] for r in readings] == [("activity:2026-09-04",)] * 2


@pytest.mark.parametrize(
    ("at", "day"),
    [("2026-09-04 23:59:59.999", "2026-09-04"), ("2026-09-05 00:00:00.000", "2026-09-05")],
)
def test_a_generation_belongs_to_its_utc_day(tmp_path, at, day):
    content = f"generation_id,created_at,cost_total,model_permaslug\ng,{at},1,m\n"

    (row,) = rows(read_text("openrouter_activity", tmp_path, "g.csv", content), Fact.CHARGES)

    assert str(row["charge_date"]) == day


def test_names_that_are_addresses_become_pseudonyms(tmp_path):
    content = (
        "generation_id,created_at,cost_total,model_permaslug,api_key_name,user\n"
        "g,2026-09-04 10:00:00,1,m,dev@example.com,other@example.com\n"
    )

    (row,) = rows(read_text("openrouter_activity", tmp_path, "g.csv", content), Fact.CHARGES)

    assert row["api_key_id"] == "u_" + hashlib.sha256(b"dev@example.com").hexdigest()[:8]
    assert "example.com" not in str(row)
