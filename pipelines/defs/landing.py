"""One asset per source: the files that arrived, read whole into the lake."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from models.settings import SourceSettings
from pipelines import run
from pipelines.defs.errors import without_values
from pipelines.defs.keys import landing_key
from pipelines.defs.partitions import ONE_RUN_FOR_A_RANGE
from pipelines.defs.resources import WorkspaceFolder, settings
from pipelines.sources import source_of

CHECK = "every_file_accepted"


@dg.definitions
def landing() -> dg.Definitions:
    """The landing assets of the workspace."""
    return dg.Definitions(assets=[landing_asset(source) for source in settings().sources])


def landing_asset(source: SourceSettings) -> dg.AssetsDefinition:
    """Build the asset that lands what is new in one source's folder.

    Not partitioned: which days a delivery holds is known only after it is read.
    """
    key = landing_key(source.source)
    kind = source_of(source)

    spec = dg.AssetSpec(
        key,
        description=kind.summary,
        group_name="landing",
        kinds={"parquet"},
        metadata={"kind": kind.name, "facts": ", ".join(kind.facts), "folder": source.location},
    )

    @dg.multi_asset(
        name=f"land_{source.source}".replace("-", "__"),
        specs=[spec],
        check_specs=[dg.AssetCheckSpec(CHECK, asset=key, description="No file was refused.")],
        backfill_policy=ONE_RUN_FOR_A_RANGE,
        pool="landing",
    )
    def land(
        workspace: WorkspaceFolder,
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        with without_values():
            landed = run.land_source(workspace.load(), source.source)
        yield dg.MaterializeResult(
            metadata={
                "dagster/row_count": landed.rows_accepted,
                "files": landed.files,
                "rows_quarantined": landed.rows_quarantined,
                "days": ", ".join(day.isoformat() for day in landed.days),
                **({"notes": "\n".join(landed.notes)} if landed.notes else {}),
            }
        )
        yield dg.AssetCheckResult(
            check_name=CHECK,
            passed=not landed.problems,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"problems": dg.MarkdownMetadataValue("\n\n".join(landed.problems))},
        )

    return land
