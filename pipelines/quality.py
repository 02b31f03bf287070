"""The gate between layers: decides from counters whether what was computed may be published.

SQL counts (`sql/checks/`), the files in `pipelines/expectations/` say what each counter must be,
and Great Expectations validates one suite per fact, mart and control. It sees counters only, never
rows, and runs once per suite over all partitions.
"""

import os
import warnings
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from threading import Thread
from types import ModuleType

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from models.columns import arrow_schema
from models.quality import QUALITY_RESULTS, Expectation, QualityResult, Severity, SuiteFile

EXPECTATIONS = Path(__file__).parent / "expectations"
COUNTER_COLUMNS = ("suite", "partition", "counter", "value")
_SHOWN = 10


class CounterError(Exception):
    """Counters and expectations do not fit each other: a mistake in a check, not in the data."""


class QualityError(Exception):
    """A blocking expectation is broken: nothing is published."""

    def __init__(self, results: Sequence[QualityResult]) -> None:
        self.results = tuple(results)
        broken = [r.message or "" for r in blocking(results)]
        more = [f"... and {len(broken) - _SHOWN} more"] if len(broken) > _SHOWN else []
        super().__init__(
            "\n".join([f"{len(broken)} blocking checks failed.", *broken[:_SHOWN], *more])
        )


@dataclass(frozen=True)
class Suite:
    """The expectations of one fact, mart or control, by counter."""

    name: str
    version: int
    expectations: Mapping[str, Expectation]


Values = dict[str, dict[str, str]]
"""Counter to partition to value, as text."""


def load_suites(folder: Path = EXPECTATIONS) -> dict[str, Suite]:
    """Read every suite, by name.

    Raises:
        CounterError: A suite is in two files, or a counter twice in one.
        pydantic.ValidationError: A file does not say what it must.
    """
    suites: dict[str, Suite] = {}
    for path in sorted(folder.glob("*.yaml")):
        said = SuiteFile.model_validate(yaml.safe_load(path.read_text("utf-8")))
        by_counter = {e.counter: e for e in said.expectations}
        if len(by_counter) < len(said.expectations):
            raise CounterError(f"{path.name}: a counter is listed twice; keep one of the two.")
        for name in said.suites:
            if name in suites:
                raise CounterError(f"{path.name}: suite {name} is already in another file.")
            suites[name] = Suite(name, said.version, by_counter)
    return suites


def load_gate() -> None:
    """Load Great Expectations in the background, while there are still counters to be counted."""
    Thread(target=_great_expectations, daemon=True).start()


def judge(counters: pa.Table, suites: Collection[str] | None = None) -> list[QualityResult]:
    """Decide for every counter of every partition whether it is as expected.

    Args:
        counters: Columns `suite`, `partition`, `counter`, `value`; one row per combination. A value
            is a whole number, an exact decimal, or the text of either. A column `examples` may name
            some ids of what was counted.
        suites: Names of the suites that must be there, all of them by default.

    Returns:
        One result per row of `counters`, sorted by suite, partition and counter.

    Raises:
        CounterError: A counter has no expectation, no value or two; or an expectation of a wanted
            suite has no counter at all, so that it would pass by looking at nothing.
    """
    known = load_suites()
    wanted = {name: known[name] for name in sorted(known if suites is None else suites)}
    values = _by_suite(counters)
    _check_fit(values, wanted)
    broken = _validate(values, wanted)
    examples = _examples(counters)
    results = [
        _result(suite, expectation, partition, value, examples.get((name, counter, partition)))
        for name, suite in wanted.items()
        for counter, expectation in suite.expectations.items()
        for partition, value in values[name][counter].items()
    ]
    if {(r.suite, r.counter) for r in results if not r.passed} != broken:
        raise CounterError("Great Expectations and the rules disagree; report this as a bug.")
    return sorted(results, key=lambda r: (r.suite, r.partition, r.counter))


def blocking(results: Sequence[QualityResult]) -> list[QualityResult]:
    """The results that forbid publication."""
    return [r for r in results if not r.passed and r.severity is Severity.BLOCK]


def require(results: Sequence[QualityResult]) -> None:
    """Stop unless publication is allowed.

    Raises:
        QualityError: At least one blocking expectation is broken. Carries all results.
    """
    if blocking(results):
        raise QualityError(results)


def quality_table(results: Sequence[QualityResult]) -> pa.Table:
    """The results as rows of the published table `quality_results`."""
    rows = [r.model_dump(mode="json") for r in results]
    return pa.Table.from_pylist(rows, schema=arrow_schema(QUALITY_RESULTS))


def _by_suite(counters: pa.Table) -> dict[str, Values]:
    values: dict[str, Values] = defaultdict(lambda: defaultdict(dict))
    for row in counters.select(COUNTER_COLUMNS).to_pylist():
        suite, partition, counter = row["suite"], row["partition"], row["counter"]
        if partition is None or row["value"] is None:
            raise CounterError(
                f"{suite}.{counter} has no value in partition {partition}. A check must count, "
                "also nothing: use count_if, or coalesce the sum of no rows to 0."
            )
        if partition in values[suite][counter]:
            raise CounterError(
                f"{suite}.{counter} has two values in partition {partition}. "
                "A check returns one row per partition: fix its group by."
            )
        values[suite][counter][partition] = _text(row["value"], f"{suite}.{counter}")
    return values


def _examples(counters: pa.Table) -> dict[tuple[str, str, str], str]:
    """Ids that checks name, by suite, counter and partition."""
    if "examples" not in counters.column_names:
        return {}
    named = counters.filter(pc.is_valid(counters["examples"])).to_pylist()
    return {(r["suite"], r["counter"], r["partition"]): r["examples"] for r in named}


def _text(value: object, name: str) -> str:
    if isinstance(value, float):
        raise CounterError(f"{name} is a binary float. Cast it in the check to bigint or decimal.")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise CounterError(f"{name} is not a number. A check returns counts and exact sums only.")
    return f"{number:f}"


def _check_fit(values: Mapping[str, Values], wanted: Mapping[str, Suite]) -> None:
    counted = {(suite, counter) for suite, by_counter in values.items() for counter in by_counter}
    expected = {(name, counter) for name, suite in wanted.items() for counter in suite.expectations}
    problems = [
        f"{suite}.{counter} has no expectation: add it to pipelines/expectations/."
        for suite, counter in sorted(counted - expected)
    ] + [
        f"{suite}.{counter} was expected and never counted: emit it in sql/checks/, also as 0."
        for suite, counter in sorted(expected - counted)
    ]
    if problems:
        raise CounterError("\n".join(problems))


def _result(
    suite: Suite, expectation: Expectation, partition: str, value: str, examples: str | None
) -> QualityResult:
    passed = expectation.holds(Decimal(value))
    where = f"{suite.name}.{expectation.counter} is {value} in {partition}"
    why = f"expected {expectation.text}. {expectation.meaning} {expectation.next_action}"
    if examples:
        why += f" Among them: {examples}."
    return QualityResult(
        suite=suite.name,
        suite_version=suite.version,
        partition=partition,
        counter=expectation.counter,
        value=value,
        expectation=expectation.text,
        severity=expectation.severity,
        passed=passed,
        message=None if passed else f"{where}, {why}",
    )


def _validate(values: Mapping[str, Values], wanted: Mapping[str, Suite]) -> set[tuple[str, str]]:
    """Let Great Expectations decide which (suite, counter) is broken in at least one partition."""
    gx = _great_expectations()
    import pandas as pd  # type: ignore[import-untyped]  # its stubs are not worth a dependency

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    context.enable_analytics(False)
    counters = context.data_sources.add_pandas("counters")
    broken: set[tuple[str, str]] = set()
    for name, suite in wanted.items():
        columns = {
            counter: pd.Series({p: Decimal(v) for p, v in by_partition.items()}, dtype=object)
            for counter, by_partition in values[name].items()
        }
        whole = counters.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
        batch = whole.get_batch({"dataframe": pd.DataFrame(columns)})
        verdict = batch.validate(_gx_suite(gx, suite), result_format="BOOLEAN_ONLY")
        for result in verdict.results:
            counter = result.expectation_config.kwargs["column"]
            if result.exception_info["raised_exception"]:
                raise CounterError(f"{name}.{counter} could not be validated.")
            if not result.success:
                broken.add((name, counter))
    return broken


def _gx_suite(gx: ModuleType, suite: Suite) -> object:
    severity = {Severity.BLOCK: "critical", Severity.WARN: "warning"}
    return gx.ExpectationSuite(
        name=suite.name,
        meta={"version": suite.version},
        expectations=[
            gx.expectations.ExpectColumnValuesToBeBetween(
                column=expectation.counter,
                min_value=expectation.limits[0],
                max_value=expectation.limits[1],
                severity=severity[expectation.severity],
                meta={"meaning": expectation.meaning, "next_action": expectation.next_action},
            )
            for expectation in suite.expectations.values()
        ],
    )


def _great_expectations() -> ModuleType:
    """Import Great Expectations here: about two seconds that only a run that judges should pay."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as gx
        import great_expectations.expectations
    return gx
