"""Orders that decide what counts name every column: neither file nor line may."""

import re

from models.facts import OUTCOME
from pipelines.transforms import load_transforms

LINEAGE = {"source", "file_id", "source_row"}


def test_the_order_of_what_is_said_of_an_outcome_is_total():
    sql = load_transforms()["stg_outcome_events"].sql
    order = sql[sql.index("order by") :]
    # of one day is what happened at one instant
    same = {*LINEAGE, "outcome_id", "charge_date"}
    missing = [
        c.name for c in OUTCOME if c.name not in same and not re.search(rf"\b{c.name}\b", order)
    ]

    assert missing == []
