"""Call logs of gateways: every format by the same laws, and what only one of them has."""

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.sources import all_sources
from tests.landing.room import Room

SAMPLES = Path(__file__).parents[2] / "data_samples"
FORMATS = (
    "bedrock_invocation_logs",
    "portkey",
    "helicone",
    "kong",
    "envoy_ai_gateway",
    "cloudflare_ai_gateway",
    "openrouter_generations",
    "azure_apim",
    "databricks_endpoint_usage",
    "vercel_generations",
)


def plain(value):
    return str(value) if isinstance(value, (date, datetime, Decimal)) else value


def facts(rows):
    """Rows as the expected facts have them: without lineage, and without what is unknown."""
    left_out = ("source", "file_id", "source_row", "profile_key")
    return [
        {k: plain(v) for k, v in row.items() if v is not None and k not in left_out} for row in rows
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_the_samples_become_the_facts_beside_them(tmp_path, name):
    room = Room(tmp_path, source=all_sources()[name])
    files = SAMPLES / name / "files"
    for path in sorted(files.rglob("*")):
        if path.is_file():
            room.put(str(path.relative_to(files)), path.read_bytes())
    result = room.land()

    expected = json.loads((SAMPLES / name / "expected.json").read_text())
    assert not result.problems
    assert [row.rule for record in result.landed for row in record.quarantine] == []
    found = facts(room.rows())
    assert sorted(found, key=lambda row: row["call_id"]) == expected
