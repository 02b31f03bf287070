"""Every table of `sql/`, computed for a range of days in one step, and what the gate decided.

One step, because one DuckDB session does it all and nothing may be seen before everything was
judged: a table per step would publish the first ones before the last ones are checked.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from models.facts import Fact
from models.quality import QualityResult, Severity
from models.reference import REFERENCE_TABLES
from models.settings import WorkspaceSettings
from pipelines import run
from pipelines.defs.errors import without_values
from pipelines.defs.keys import RESULTS, audited_key, landing_key, reference_key, table_key
from pipelines.defs.partitions import ONE_DAY, ONE_RUN_FOR_A_RANGE, day_range, days
from pipelines.defs.resources import WorkspaceFolder, settings
from pipelines.quality import QualityError, load_suites
from pipelines.sources import source_of
from pipelines.transforms import Transform, load_transforms

SHOWN = 50


@dg.definitions
def warehouse() -> dg.Definitions:
    """The computed tables and the reference tables they read."""
    return dg.Definitions(assets=[*reference_specs(), warehouse_asset(settings())])


def tables() -> dict[str, Transform]:
    """The transforms that are tables, in order; checks only count."""
    return {name: t for name, t in load_transforms().items() if t.layer != "checks"}


def reference_specs() -> list[dg.AssetSpec]:
    """The reference tables: files that people write, shown so that lineage begins somewhere."""
    return [
        dg.AssetSpec(
            reference_key(table.name),
            description=table.purpose,
            group_name="reference",
            kinds={"file"},
            metadata={"file": f"reference/{table.file_name}"},
        )
        for table in REFERENCE_TABLES.values()
    ]


def table_specs(workspace: WorkspaceSettings) -> list[dg.AssetSpec]:
    """One spec per table, each after its inputs; names, words and edges come from the SQL files."""
    known = tables()
    specs = [_table_spec(table, known, workspace) for table in known.values()]
    # the gate's results come last: they are about every other table
    return sorted(specs, key=lambda spec: spec.key == RESULTS)


def check_specs() -> list[dg.AssetCheckSpec]:
    """One blocking check per suite of expectations."""
    known = tables()
    return [
        dg.AssetCheckSpec(
            suite.name,
            asset=audited_key(suite.name, known),
            description="\n".join(
                f"- {e.counter} {e.text} ({e.severity}). Else: {e.meaning}"
                for e in suite.expectations.values()
            ),
            blocking=True,
        )
        for suite in load_suites().values()
    ]


def warehouse_asset(workspace: WorkspaceSettings) -> dg.AssetsDefinition:
    """Build the one step that computes every table for the days of a run."""
    specs = table_specs(workspace)

    @dg.multi_asset(
        name="warehouse",
        specs=specs,
        check_specs=check_specs(),
        partitions_def=days(workspace),
        backfill_policy=ONE_RUN_FOR_A_RANGE,
        pool="warehouse",
    )
    def compute(
        context: dg.AssetExecutionContext, workspace: WorkspaceFolder
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        from_date, to_date = day_range(context)
        try:
            with without_values():
                computed = run.compute_days(workspace.load(), from_date, to_date)
        except QualityError as error:
            yield from check_results(error.results)
            raise dg.Failure(str(error), allow_retries=False) from None
        # a run over several days is stored once per day: its rows are not the rows of that day
        counted = "dagster/row_count" if to_date - from_date == ONE_DAY else "rows_of_all_days"
        for spec in specs:
            rows = computed.tables.get(spec.key.path[-1])
            yield dg.MaterializeResult(
                asset_key=spec.key, metadata={} if rows is None else {counted: rows}
            )
        yield from check_results(computed.quality)

    return compute


def check_results(results: Sequence[QualityResult]) -> Iterator[dg.AssetCheckResult]:
    """What the gate decided, one result per suite.

    A suite with broken warnings only is shown as a warning, which blocks nothing.
    """
    known = tables()
    by_suite: dict[str, list[QualityResult]] = defaultdict(list)
    for result in results:
        by_suite[result.suite].append(result)
    for suite, judged in sorted(by_suite.items()):
        broken = [result for result in judged if not result.passed]
        blocks = any(result.severity is Severity.BLOCK for result in broken)
        yield dg.AssetCheckResult(
            asset_key=audited_key(suite, known),
            check_name=suite,
            passed=not broken,
            severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
            metadata={
                "judged": len(judged),
                "broken": len(broken),
                **({"first_broken": _table(broken[:SHOWN])} if broken else {}),
            },
        )


def _table(broken: Sequence[QualityResult]) -> dg.TableMetadataValue:
    shown = ("partition", "counter", "value", "expectation", "severity", "message")
    rows = [result.model_dump(mode="json", include=set(shown)) for result in broken]
    return dg.MetadataValue.table(
        [dg.TableRecord(row) for row in rows],
        dg.TableSchema([dg.TableColumn(name) for name in shown]),
    )


def _table_spec(
    table: Transform, known: Mapping[str, Transform], workspace: WorkspaceSettings
) -> dg.AssetSpec:
    inputs: Iterable[str] = table.inputs
    if table_key(table.name) == RESULTS:
        inputs = [name for name, other in known.items() if other.is_public and other is not table]
    return dg.AssetSpec(
        table_key(table.name),
        description=table.description,
        group_name=table.layer,
        owners=[table.owner],
        kinds={"duckdb", "sql"},
        metadata={"grain": table.grain, "keys": ", ".join(table.keys), "file": table.path.name},
        deps=[key for name in inputs for key in _sources_of(name, known, workspace)],
    )


def _sources_of(
    name: str, known: Mapping[str, Transform], workspace: WorkspaceSettings
) -> list[dg.AssetKey]:
    """The assets behind a table that a query reads; what the engine makes itself is none."""
    if name in known:
        return [table_key(name)]
    if name in REFERENCE_TABLES:
        return [reference_key(name)]
    fact = name.removeprefix("lake_")
    if fact not in list(Fact):
        return []
    return [
        landing_key(source.source)
        for source in workspace.sources
        if fact in source_of(source).facts
    ]
