"""Stories that cross every transform of a day: from what arrived to the public tables."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from models.vocabulary import MatchOn
from pipelines.engine.duckdb import Session
from pipelines.transforms import LAYERS, load_transforms
from tests.transforms.cases import FOLDER, PARAMS, Types, compare, create, read_text

STORIES = [story for path in sorted(FOLDER.glob("stories/*.yaml")) for story in read_text(path)]
TRANSFORMS = [
    t
    for layer in LAYERS
    for t in load_transforms().values()
    if t.partition == "day" and t.layer == layer
]
SETTINGS = {
    "match_on_order": (["match_on", "place"], [[m, n] for n, m in enumerate(MatchOn)]),
    "days": (["charge_date"], [[PARAMS["from_date"]]]),
    "sources": (["source", "source_rank", "is_system_of_record"], [["gateway", "0", "true"]]),
}
"""What a workspace says about itself, unless the story says it."""
DEFAULTS = {
    "lake_calls": {
        "source": "gateway",
        "charge_date": "2026-10-01",
        "started_at": "2026-10-01T09:00:00Z",
        "operation": "chat",
        "role": "primary",
        "provider": "openai",
        "served_model": "gpt",
        "status": "success",
        "token_source": "provider",
        "is_token_conflict": "false",
        "is_rollup": "false",
    },
    "lake_charges": {
        "source": "bill",
        "charge_date": "2026-10-01",
        "billing_period": "2026-10-01",
        "issuer": "openai",
        "billing_account_id": "org",
        "charge_category": "Usage",
        "provider": "openai",
        "billing_currency": "USD",
    },
}
"""What every row of a story's facts says in columns that the story leaves out."""


@pytest.mark.parametrize("story", [pytest.param(story, id=story["name"]) for story in STORIES])
def test_a_day_comes_out_as_told(story: Mapping[str, Any], types: Types):
    transforms = load_transforms()
    with TemporaryDirectory() as folder, Session(Path(folder)) as session:
        for name in _inputs():
            create(session, name, types[name], _table(name, story["given"]))
        session.build(TRANSFORMS, PARAMS)
        differences = {
            name: text
            for name, expect in story["expect"].items()
            if (text := compare(session, transforms[name], expect))
        }
        broken = session.con.execute(_BLOCKING).fetchall()

    assert not differences
    assert not broken


_BLOCKING = """
    select * from check_pools
    where counter not in ('overlogged_pools', 'coarsened_pools', 'unlogged_beside_estimates')
    and value <> 0
    union all
    select * from check_sums where value <> 0
    union all
    select * from check_cost_lines
    where counter in ('money_not_conserved', 'owner_shares_not_one') and value <> 0
"""


def _inputs() -> Iterable[str]:
    own = {t.name for t in TRANSFORMS}
    return sorted({name for t in TRANSFORMS for name in t.inputs} - own)


def _table(name: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    columns, rows = SETTINGS.get(name, ([], []))
    table = given.get(name, {"columns": columns, "rows": rows})
    others = {c: v for c, v in DEFAULTS.get(name, {}).items() if c not in table["columns"]}
    return {
        "columns": [*table["columns"], *others],
        "rows": [[*row, *others.values()] for row in table.get("rows", [])],
    }
