"""Legacy reports: other names, a column per tag, another manifest; the same charges as CUR 2.0."""

import gzip
import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from pipelines.sources import aws_cur
from pipelines.sources.aws_legacy_cur import SOURCE, snake
from pipelines.sources.base import SourceError
from tests.sources.bill_delivery import (
    SAMPLES,
    charges,
    compact,
    read_folder,
    read_only_delivery,
    total,
)

FILES = SAMPLES / "aws_legacy_cur/files"
SAMPLE = FILES / "legacy_cur_bedrock.csv"
CUR_2 = SAMPLES / "aws_cur/files"
EXPECTED = json.loads((FILES.parent / "expected.json").read_text())
LINEAGE = ["file_id", "delivery"]


def sample() -> pl.DataFrame:
    return pl.read_csv(SAMPLE, infer_schema=False)


def report(root: Path, rows: pl.DataFrame, assembly: str, *, is_newest: bool = True) -> Path:
    """A report in create-new mode: every run in a folder of its own, the newest named above."""
    period = root / "report/20260801-20260901"
    folder = period / assembly
    folder.mkdir(parents=True)
    data = folder / "report-00001.csv.gz"
    data.write_bytes(gzip.compress(rows.write_csv().encode(), mtime=0))
    manifest = {
        "assemblyId": assembly,
        "columns": [{"category": "bill", "name": "BillingEntity"}],
        "reportKeys": [f"some/prefix/{data.relative_to(root).as_posix()}"],
    }
    for place in [folder, period] if is_newest else [folder]:
        (place / "report-Manifest.json").write_text(json.dumps(manifest))
    return data


def test_every_sample_row_becomes_the_expected_charge() -> None:
    reading = read_only_delivery(SOURCE, FILES, tag_keys=("CostCenter",))

    assert compact(charges(reading), EXPECTED["columns"]) == EXPECTED["rows"]


def test_charges_are_exactly_the_contract() -> None:
    table = read_only_delivery(SOURCE, FILES).facts[Fact.CHARGES]

    assert table.schema == arrow_schema(FACTS[Fact.CHARGES])


def test_the_same_lines_are_the_same_charges_as_in_cur_2() -> None:
    legacy = read_only_delivery(SOURCE, FILES)

    newer = read_only_delivery(aws_cur.SOURCE, CUR_2)
    assert charges(legacy).drop(LINEAGE).rows() == charges(newer).drop(LINEAGE).rows()
    assert legacy.scopes == newer.scopes == {Fact.CHARGES: ["cur:111122223333:2026-08"]}


def test_only_tags_of_the_allow_list_are_read() -> None:
    frame = charges(read_only_delivery(SOURCE, FILES, tag_keys=("CostCenter",)))

    assert frame["tags"].unique().sort().to_list() == [None, '{"CostCenter":"CC-7"}']
    assert "alice" not in str(frame.rows())


@pytest.mark.parametrize(
    ("name", "newer"),
    [
        ("lineItem/UsageType", "line_item_usage_type"),
        ("lineItem/LineItemType", "line_item_line_item_type"),
        ("reservation/ReservationARN", "reservation_reservation_arn"),
        ("savingsPlan/SavingsPlanARN", "savings_plan_savings_plan_arn"),
        (
            "savingsPlan/NetSavingsPlanEffectiveCost",
            "savings_plan_net_savings_plan_effective_cost",
        ),
        (
            "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod",
            "reservation_unused_amortized_upfront_fee_for_billing_period",
        ),
        ("pricing/publicOnDemandCost", "pricing_public_on_demand_cost"),
        ("pricing/RateCode", "pricing_rate_code"),
        ("product/regionCode", "product_region_code"),
        ("bill/PayerAccountId", "bill_payer_account_id"),
        ("line_item_usage_type", "line_item_usage_type"),
    ],
)
def test_a_name_is_spelled_as_in_cur_2(name: str, newer: str) -> None:
    assert snake(name) == newer
    assert newer in aws_cur.WANTED


def test_the_athena_spelling_in_parquet_gives_the_same_charges(tmp_path: Path) -> None:
    columns: dict[str, pa.Array] = {}
    for name in sample().columns:
        texts = sample()[name].to_list()
        column = snake(name)
        if column.endswith(("_cost", "_amount")):
            columns[column] = pa.array([None if t is None else float(t) for t in texts])
        elif column.endswith("_date"):
            values = [None if t is None else t.removesuffix("Z") for t in texts]
            columns[column] = pa.array(values).cast(pa.timestamp("ms"))
        else:
            columns[column] = pa.array(texts, pa.string())
    folder = tmp_path / "report/year=2026/month=8"
    folder.mkdir(parents=True)
    pq.write_table(pa.table(columns), folder / "report-00001.snappy.parquet")

    athena = charges(read_only_delivery(SOURCE, tmp_path, tag_keys=("CostCenter",)))

    original = charges(read_only_delivery(SOURCE, FILES, tag_keys=("CostCenter",)))
    assert athena.drop(LINEAGE).rows() == original.drop(LINEAGE).rows()


def test_runs_that_are_named_by_time_sort_by_it(tmp_path: Path) -> None:
    report(tmp_path, sample()[:2], "20260902T101500Z")
    report(tmp_path, sample(), "20260903T101500Z")

    deliveries = read_folder(SOURCE, tmp_path)

    assert [charges(deliveries[d]).height for d in sorted(deliveries)] == [2, 14]
    assert all("no_manifest" not in reading.counters for reading in deliveries.values())


def test_of_runs_without_a_time_only_the_one_named_newest_counts(tmp_path: Path) -> None:
    report(tmp_path, sample(), "aaaaaaaa-2f7c-4a3e-9b62-5b6e3f1c0d4e")
    report(tmp_path, sample()[:2], "ffffffff-9c1d-4d57-8a60-7e2b9d0f6a13", is_newest=False)

    reading = read_only_delivery(SOURCE, tmp_path)

    assert charges(reading).height == 14


def test_a_report_whose_data_is_missing_is_refused(tmp_path: Path) -> None:
    report(tmp_path, sample(), "20260902T101500Z").unlink()

    with pytest.raises(SourceError, match="not here"):
        read_folder(SOURCE, tmp_path)


def test_cur_2_is_refused_and_told_its_place() -> None:
    with pytest.raises(SourceError, match="aws_cur"):
        read_folder(SOURCE, CUR_2)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")

    with pytest.raises(SourceError, match="no legacy CUR file"):
        read_folder(SOURCE, tmp_path)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("lineItem/UnblendedCost", None, "amount_missing"),
        ("lineItem/UnblendedCost", "1,5", "amount_form"),
        ("lineItem/CurrencyCode", None, "currency_form"),
        ("lineItem/UsageStartDate", "08/01/2026", "instant_form"),
    ],
)
def test_a_bad_row_is_rejected_alone_and_by_name(
    tmp_path: Path, column: str, value: str | None, rule: str
) -> None:
    rows = sample().to_dicts()
    rows[3][column] = value
    pl.DataFrame(rows, schema=sample().schema).write_csv(tmp_path / "report.csv")

    reading = read_only_delivery(SOURCE, tmp_path)

    assert [(r.rule, r.source_row) for r in reading.rejected] == [(rule, 4)]
    assert charges(reading).height == 13


def test_a_refund_and_a_line_that_comes_twice_are_kept(tmp_path: Path) -> None:
    refund = {**sample().to_dicts()[0], "lineItem/LineItemType": "Refund"}
    cost = {"lineItem/UnblendedCost": "-0.069", "lineItem/NetUnblendedCost": None}
    rows = [{**refund, **cost}] * 2
    pl.DataFrame(rows, schema=sample().schema).write_csv(tmp_path / "report.csv")

    frame = charges(read_only_delivery(SOURCE, tmp_path))

    assert frame["charge_category"].to_list() == ["Adjustment", "Adjustment"]
    assert (total(frame), frame["charge_key"].n_unique()) == (Decimal("-0.138"), 2)
