"""CUR 2.0 exports: what a line means, what adds up, and what is refused."""

import gzip
import json
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from pipelines.sources.aws_cur import SOURCE
from pipelines.sources.base import SourceError
from tests.sources.bill_delivery import (
    SAMPLES,
    charges,
    compact,
    found_files,
    read_folder,
    read_only_delivery,
    total,
)

FILES = SAMPLES / "aws_cur/files"
SAMPLE = FILES / "cur2_bedrock.csv"
RUN = "20260902T101500Z-0f9f8e7d"
NEXT_RUN = "20260903T101500Z-1a2b3c4d"

Rows = list[dict[str, str | None]]


def sample_rows() -> Rows:
    return pl.read_csv(SAMPLE, infer_schema=False).to_dicts()


def write_csv(path: Path, rows: Rows, columns: list[str] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns or rows[0], pl.String))
    text = frame.write_csv()
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        path.write_text(text)
    return path


def export(
    root: Path,
    rows: Rows,
    *,
    run: str = "",
    parts: int = 1,
    entry: Callable[[Path, str], object] = lambda _, uri: uri,
    **manifest: object,
) -> Path:
    """A Data Exports folder: create-new mode with a run, overwrite mode without."""
    period = "BILLING_PERIOD=2026-08"
    folder = root / "cur/data" / period / run
    entries = []
    for part in range(parts):
        path = write_csv(folder / f"cur-{part + 1:05}.csv.gz", rows[part::parts])
        entries.append(entry(path, f"s3://bucket/some/prefix/{path.relative_to(root).as_posix()}"))
    content = json.dumps({"exportName": "cur", "dataFiles": entries, **manifest})
    for place in {root / "cur/metadata" / period / run, root / "cur/metadata" / period}:
        place.mkdir(parents=True, exist_ok=True)
        (place / "cur-Manifest.json").write_text(content)
    return root


def test_every_sample_row_becomes_the_expected_charge() -> None:
    expected = json.loads((FILES.parent / "expected.json").read_text())

    reading = read_only_delivery(SOURCE, FILES, tag_keys=("cost_center", "team"))

    assert compact(charges(reading), expected["columns"]) == expected["rows"]


def test_charges_are_exactly_the_contract() -> None:
    table = read_only_delivery(SOURCE, FILES).facts[Fact.CHARGES]

    assert table.schema == arrow_schema(FACTS[Fact.CHARGES])


def test_all_lines_are_kept_and_add_up_to_the_unblended_total() -> None:
    reading = read_only_delivery(SOURCE, FILES)

    assert (reading.rows_read, reading.rejected) == ({"cur2_bedrock.csv": 14}, ())
    assert total(charges(reading)) == Decimal("986.3129")


def test_a_delivery_covers_its_account_and_period() -> None:
    reading = read_only_delivery(SOURCE, FILES)

    assert reading.scopes == {Fact.CHARGES: ["cur:111122223333:2026-08"]}


def test_the_principal_of_a_call_is_nowhere() -> None:
    reading = read_only_delivery(SOURCE, FILES, tag_keys=("team",))

    assert "alice" not in str(charges(reading).rows()) + str(reading.counters)


def test_without_a_manifest_completeness_is_unproven_and_said() -> None:
    assert read_only_delivery(SOURCE, FILES).counters["no_manifest"] == 1


def test_an_overwritten_export_reads_all_its_parts_and_leaves_strays_alone(tmp_path: Path) -> None:
    export(tmp_path, sample_rows(), parts=3)
    write_csv(tmp_path / "cur/data/BILLING_PERIOD=2026-08/cur-00009.csv.gz", sample_rows())

    reading = read_only_delivery(SOURCE, tmp_path)

    assert total(charges(reading)) == Decimal("986.3129")
    assert "no_manifest" not in reading.counters


def test_runs_side_by_side_are_deliveries_that_sort_by_time(tmp_path: Path) -> None:
    export(tmp_path, sample_rows()[:2], run=RUN)
    export(tmp_path, sample_rows()[:3], run=NEXT_RUN)

    deliveries = read_folder(SOURCE, tmp_path)

    assert [charges(deliveries[d]).height for d in sorted(deliveries)] == [2, 3]


def test_sizes_and_columns_in_a_manifest_are_believed_when_true(tmp_path: Path) -> None:
    columns = [{"name": name, "type": "string"} for name in sample_rows()[0]]
    export(
        tmp_path,
        sample_rows(),
        entry=lambda path, uri: {"s3Uri": uri, "size": path.stat().st_size},
        columns=columns,
    )

    assert charges(read_only_delivery(SOURCE, tmp_path)).height == 14


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data.unlink(), "not here"),
        (lambda data: data.write_bytes(b""), "is empty"),
        (lambda data: data.write_bytes(data.read_bytes()[:-20]), "damaged or cut off"),
        (lambda data: data.write_bytes(b"PK" + data.read_bytes()), "damaged or cut off"),
    ],
    ids=["missing", "empty", "cut", "other container"],
)
def test_a_delivery_that_is_not_whole_is_refused(
    tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    export(tmp_path, sample_rows())
    damage(next(tmp_path.rglob("*.csv.gz")))

    with pytest.raises(SourceError, match=said):
        read_folder(SOURCE, tmp_path)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"dataFiles": None, "files": []}, "names no file"),
        ({"dataFiles": []}, "names no file"),
        ({"dataFiles": [{"key": "x"}]}, "has an `s3Uri`"),
        ({"columns": [{"name": "only_this"}]}, "not those of the manifest"),
    ],
)
def test_a_manifest_of_another_spelling_is_refused(
    tmp_path: Path, manifest: dict[str, object], said: str
) -> None:
    export(tmp_path, sample_rows(), **manifest)

    with pytest.raises(SourceError, match=said):
        read_folder(SOURCE, tmp_path)


def test_a_declared_size_that_differs_is_refused(tmp_path: Path) -> None:
    export(tmp_path, sample_rows(), entry=lambda _, uri: {"s3Uri": uri, "size": 1})

    with pytest.raises(SourceError, match="its manifest says 1"):
        read_folder(SOURCE, tmp_path)


def test_a_file_without_a_cost_column_is_refused_with_the_columns_name(tmp_path: Path) -> None:
    rows = [{k: v for k, v in r.items() if k != "line_item_unblended_cost"} for r in sample_rows()]
    write_csv(tmp_path / "cur.csv", rows)

    with pytest.raises(SourceError, match="no column line_item_unblended_cost"):
        read_folder(SOURCE, tmp_path)


def test_a_row_cut_in_the_middle_refuses_the_file(tmp_path: Path) -> None:
    (tmp_path / "cur.csv").write_bytes(SAMPLE.read_bytes()[:-150])

    with pytest.raises(SourceError, match="damaged or cut off"):
        read_folder(SOURCE, tmp_path)


def test_a_zipped_csv_reads_like_the_plain_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "cur-00001.csv.zip", "w") as archive:
        archive.write(SAMPLE, "cur-00001.csv")

    assert total(charges(read_only_delivery(SOURCE, tmp_path))) == Decimal("986.3129")


def test_parquet_with_doubles_timestamps_and_maps_gives_the_same_charges(tmp_path: Path) -> None:
    write_parquet(tmp_path / "cur.snappy.parquet")
    lineage = ["file_id", "delivery"]

    parquet = charges(read_only_delivery(SOURCE, tmp_path, tag_keys=("team", "cost_center")))

    from_csv = charges(read_only_delivery(SOURCE, FILES, tag_keys=("team", "cost_center")))
    assert parquet.drop(lineage).rows() == from_csv.drop(lineage).rows()


def write_parquet(path: Path) -> None:
    frame = pl.read_csv(SAMPLE, infer_schema=False)
    columns: dict[str, pa.Array] = {}
    for name in frame.columns:
        texts = frame[name].to_list()
        if name.endswith(("_cost", "_amount")):
            columns[name] = pa.array([None if t is None else float(t) for t in texts], pa.float64())
        elif name.endswith("_date"):
            values = [None if t is None else t.removesuffix("Z") for t in texts]
            columns[name] = pa.array(values).cast(pa.timestamp("ms"))
        elif name in {"product", "resource_tags", "tags", "discount", "cost_category"}:
            maps = [list(json.loads(t or "{}").items()) for t in texts]
            columns[name] = pa.array(maps, pa.map_(pa.string(), pa.string()))
        else:
            columns[name] = pa.array(texts, pa.string())
    pq.write_table(pa.table(columns), path, compression="snappy")


def changed(row: int, **cells: str | None) -> Rows:
    rows = sample_rows()
    rows[row] = {**rows[row], **cells}
    return rows


def read_rows(folder: Path, rows: Rows, columns: list[str] | None = None, **settings: object):
    write_csv(folder / "cur.csv", rows, columns)
    return read_only_delivery(SOURCE, folder, **settings)


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"line_item_unblended_cost": "1,102.00"}, "amount_form"),
        ({"line_item_unblended_cost": None}, "amount_missing"),
        ({"line_item_unblended_cost": "NaN"}, "amount_form"),
        ({"line_item_currency_code": None}, "currency_form"),
        ({"line_item_currency_code": "$"}, "currency_form"),
        ({"bill_payer_account_id": None}, "account_missing"),
        ({"bill_billing_period_start_date": "08/01/2026"}, "instant_form"),
        ({"bill_billing_period_start_date": None}, "period_missing"),
        ({"line_item_usage_start_date": "2026-08-03T00:00:00"}, "instant_form"),
        ({"line_item_usage_end_date": "2026-13-03T00:00:00Z"}, "instant_form"),
        ({"line_item_usage_amount": "many"}, "quantity_form"),
        ({"line_item_line_item_type": None}, "line_item_type_missing"),
    ],
)
def test_a_bad_row_is_rejected_alone_and_by_name(
    tmp_path: Path, cells: dict[str, str | None], rule: str
) -> None:
    reading = read_rows(tmp_path, changed(3, **cells))

    assert [(r.rule, r.source_row, r.column) for r in reading.rejected] == [(rule, 4, *cells)]
    assert charges(reading).height == 13


def test_a_rejected_value_is_shown_by_its_shape_only(tmp_path: Path) -> None:
    reading = read_rows(tmp_path, changed(0, line_item_unblended_cost="12 EUR für Bob"))

    assert reading.rejected[0].shape == "99 aaa aaa aaa"


def test_digits_beyond_the_scale_are_noise_of_a_double_and_counted(tmp_path: Path) -> None:
    reading = read_rows(tmp_path, changed(0, line_item_unblended_cost="6.9000000000000001234e-2"))

    assert reading.counters["amount_quantised"] == 1
    assert charges(reading)["billed_cost"][0] == Decimal("0.069000000000000001")


def discounted_in_columns() -> Rows:
    rows = [r for r in sample_rows() if r["line_item_line_item_type"] != "EdpDiscount"]
    rows[3] = {**rows[3], "line_item_net_unblended_cost": "0.9009"}
    return rows


def test_discounts_in_columns_make_the_net_column_the_money(tmp_path: Path) -> None:
    reading = read_rows(tmp_path, discounted_in_columns())

    assert total(charges(reading)) == Decimal("986.3129")


def test_discount_lines_make_the_unblended_column_the_money(tmp_path: Path) -> None:
    """Net on the usage row plus a discount line would subtract the discount twice."""
    reading = read_rows(tmp_path, changed(3, line_item_net_unblended_cost="0.9009"))

    assert total(charges(reading)) == Decimal("986.3129")
    assert reading.counters["net_total_disagrees"] == 14


def commitment(**cells: str) -> dict[str, str | None]:
    row = dict.fromkeys(sample_rows()[13])
    return {**row, **sample_rows()[13], "line_item_net_unblended_cost": None, **cells}


def test_a_savings_plan_month_bills_the_fee_and_amortises_to_it(tmp_path: Path) -> None:
    """Covered 9 + negation -9 + fee 6 = 6 billed; 5 used + 1 unused = 6 effective."""
    plan = {"savings_plan_savings_plan_arn": "arn:plan"}
    covered = commitment(
        line_item_line_item_type="SavingsPlanCoveredUsage",
        line_item_unblended_cost="9",
        savings_plan_savings_plan_effective_cost="5",
        **plan,
    )
    negation = commitment(
        line_item_line_item_type="SavingsPlanNegation", line_item_unblended_cost="-9", **plan
    )
    fee = commitment(
        line_item_line_item_type="SavingsPlanRecurringFee",
        line_item_unblended_cost="6",
        savings_plan_total_commitment_to_date="6",
        savings_plan_used_commitment="5",
        **plan,
    )

    frame = charges(read_rows(tmp_path, [covered, negation, fee], list(fee | covered)))

    assert (total(frame), total(frame, "effective_cost")) == (6, 6)
    assert total(frame.filter(charge_category="Usage")) == 0
    assert frame.filter(pl.col("billed_cost") < 0)["consumed_quantity"][0] is None


def test_amortised_cost_is_unknown_when_the_export_leaves_its_column_out(tmp_path: Path) -> None:
    covered = commitment(line_item_line_item_type="DiscountedUsage", line_item_unblended_cost="0")

    assert charges(read_rows(tmp_path, [covered]))["effective_cost"][0] is None


@pytest.mark.parametrize(
    ("line_type", "category"),
    [
        ("Refund", "Adjustment"),
        ("PrivateRateDiscount", "Credit"),
        ("RIFee", "Purchase"),
        ("Fee", "Purchase"),
        ("SomethingNew", "Adjustment"),
    ],
)
def test_every_line_type_has_a_category(tmp_path: Path, line_type: str, category: str) -> None:
    reading = read_rows(tmp_path, changed(13, line_item_line_item_type=line_type))

    assert charges(reading)["charge_category"][13] == category
    assert reading.counters.get("unknown_line_item_type", 0) == (line_type == "SomethingNew")


def test_a_token_line_without_a_unit_keeps_its_money_and_no_quantity(tmp_path: Path) -> None:
    reading = read_rows(tmp_path, changed(0, pricing_unit=None))

    assert charges(reading).row(0, named=True)["consumed_quantity"] is None
    assert reading.counters["unknown_token_unit"] == 1


def test_an_unbelievable_rate_is_counted(tmp_path: Path) -> None:
    reading = read_rows(
        tmp_path, changed(4, pricing_unit="Tokens", line_item_line_item_description="x")
    )

    assert reading.counters["implausible_rate"] == 1


def test_keys_depend_on_content_alone(tmp_path: Path) -> None:
    rows = sample_rows()
    twins = [*rows, rows[0], {**rows[0], "line_item_unblended_cost": "0.07"}]
    renamed = [{**r, "identity_line_item_id": f"other{i}"} for i, r in enumerate(twins)]

    first = charges(read_rows(tmp_path / "a", twins))
    second = charges(read_rows(tmp_path / "b", renamed[::-1]))

    content = ["charge_key", "sku_meter", "billed_cost", "charge_description"]
    assert sorted(first.select(content).rows()) == sorted(second.select(content).rows())
    assert first["charge_key"].n_unique() == 16


def test_a_header_only_file_covers_its_period_with_nothing(tmp_path: Path) -> None:
    write_csv(tmp_path / "d/BILLING_PERIOD=2026-08/c.csv", [], list(sample_rows()[0]))

    reading = read_only_delivery(SOURCE, tmp_path, billing_account_id="111122223333")

    assert charges(reading).height == 0
    assert reading.scopes == {Fact.CHARGES: ["cur:111122223333:2026-08"]}


def test_only_files_of_the_manifest_are_in_its_delivery(tmp_path: Path) -> None:
    export(tmp_path, sample_rows(), run=RUN)
    write_csv(tmp_path / "elsewhere/cur-00001.csv.gz", sample_rows())

    (unit,) = SOURCE.layout(found_files(tmp_path))

    assert len(unit.files) == 2


def parquet_part(path: Path, costs: pa.Array) -> None:
    rows = pl.DataFrame(sample_rows()[: len(costs)]).to_arrow()
    at = rows.schema.get_field_index("line_item_unblended_cost")
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows.set_column(at, "line_item_unblended_cost", costs), path)


def test_a_part_that_holds_micros_among_parts_of_doubles_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "cur/data/BILLING_PERIOD=2026-08"
    parquet_part(folder / "cur-00001.parquet", pa.array([1.5, 2.5], pa.float64()))
    parquet_part(folder / "cur-00002.parquet", pa.array([1_500_000, 2_500_000], pa.int64()))
    place = tmp_path / "cur/metadata/BILLING_PERIOD=2026-08"
    place.mkdir(parents=True)
    names = [f"s3://b/{p.relative_to(tmp_path).as_posix()}" for p in sorted(folder.iterdir())]
    (place / "cur-Manifest.json").write_text(json.dumps({"dataFiles": names}))

    with pytest.raises(SourceError, match=r"cur-00002.*line_item_unblended_cost is BIGINT"):
        read_only_delivery(SOURCE, tmp_path)


def test_a_column_of_whole_numbers_that_the_manifest_calls_double_is_refused(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "cur/data/BILLING_PERIOD=2026-08"
    parquet_part(folder / "cur-00001.parquet", pa.array([1_500_000], pa.int64()))
    place = tmp_path / "cur/metadata/BILLING_PERIOD=2026-08"
    place.mkdir(parents=True)
    columns = [
        {"name": name, "type": "double" if name.endswith("cost") else "string"}
        for name in sample_rows()[0]
    ]
    manifest = {
        "dataFiles": ["s3://b/cur/data/BILLING_PERIOD=2026-08/cur-00001.parquet"],
        "columns": columns,
    }
    (place / "cur-Manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(SourceError, match="its manifest says double"):
        read_only_delivery(SOURCE, tmp_path)
