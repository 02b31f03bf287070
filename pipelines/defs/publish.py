"""The published version: one DuckDB file, CSVs and Parquet, swapped in as a whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines import run
from pipelines.defs.errors import without_values
from pipelines.defs.keys import PUBLISHED, table_key
from pipelines.defs.partitions import ONE_RUN_FOR_A_RANGE
from pipelines.defs.resources import WorkspaceFolder
from pipelines.defs.warehouse import tables
from pipelines.duck import connect


@dg.definitions
def publish() -> dg.Definitions:
    """The one asset that readers see."""
    return dg.Definitions(assets=[published_asset()])


def published_asset() -> dg.AssetsDefinition:
    """Build the asset that writes, audits and swaps a version. One at a time: pool `publish`."""
    public = [table_key(name) for name, table in tables().items() if table.is_public]

    spec = dg.AssetSpec(
        PUBLISHED,
        description="What analysts and finance read. A version is complete and checked, or absent.",
        group_name="published",
        kinds={"duckdb", "parquet", "csv"},
        deps=public,
    )

    @dg.multi_asset(
        name="publish", specs=[spec], backfill_policy=ONE_RUN_FOR_A_RANGE, pool="publish"
    )
    def write_audit_swap(workspace: WorkspaceFolder) -> Iterator[dg.MaterializeResult[Any]]:
        with without_values():
            published = run.publish_workspace(workspace.load())
        yield dg.MaterializeResult(
            metadata={
                "version": published.version,
                "path": dg.MetadataValue.path(str(published.path)),
                "changed": published.changed,
                **billed_totals(published.path / "marts.duckdb"),
            }
        )
        if published.problems:
            raise dg.Failure("\n".join(published.problems))

    return write_audit_swap


def billed_totals(marts: Path) -> dict[str, str]:
    """All published money as exact text, per currency: `billed_cost_USD` and so on."""
    with connect(marts, read_only=True) as con:
        rows = con.execute(
            "select billing_currency, cast(sum(billed_cost) as varchar) from fct_cost_lines "
            "group by billing_currency having sum(billed_cost) is not null order by 1"
        ).fetchall()
    return {f"billed_cost_{currency}": total for currency, total in rows}
