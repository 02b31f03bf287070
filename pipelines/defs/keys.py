"""Where things are in the asset graph: the place is in the key, the layer is the group."""

from collections.abc import Collection

import dagster as dg

PUBLISHED = dg.AssetKey(["publish", "marts_duckdb"])


def landing_key(source: str) -> dg.AssetKey:
    """The landed files of one source."""
    return dg.AssetKey(["landing", source])


def reference_key(table: str) -> dg.AssetKey:
    """One reference table, which people write."""
    return dg.AssetKey(["reference", table])


def table_key(table: str) -> dg.AssetKey:
    """One computed table."""
    return dg.AssetKey(["warehouse", table])


RESULTS = table_key("quality_results")


def audited_key(suite: str, tables: Collection[str]) -> dg.AssetKey:
    """The asset on which a suite's check is shown: its table, else where all results are."""
    return table_key(suite) if suite in tables else RESULTS
