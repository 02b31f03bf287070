"""Azure cost exports: every header, block unit and meter, and never the same money twice."""

import csv
import gzip
import json
import shutil
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from pipelines.sources.azure_columns import column_name, read_unit
from pipelines.sources.azure_cost import SOURCE
from pipelines.sources.azure_meters import read_meter
from pipelines.sources.base import Reading, SourceError
from tests.sources.bill_delivery import (
    SAMPLES,
    charges,
    compact,
    read_folder,
    read_only_delivery,
    total,
)

FILES = SAMPLES / "azure_cost"
EXPECTED = json.loads((FILES / "expected.json").read_text())
OPENAI = FILES / "openai/aoai_actual_cost_constructed.csv"
METERS = list(csv.DictReader((FILES / "azure_openai_meters.csv").read_text().splitlines()))
KEPT = ("env", "CostCenter")


def read_copy(tmp_path: Path, *names: str, **settings: object) -> Reading:
    for name in names:
        shutil.copy(FILES / name, tmp_path)
    return read_only_delivery(SOURCE, tmp_path, **settings)


def sample_rows(path: Path = OPENAI) -> list[dict[str, str | None]]:
    return pl.read_csv(path, infer_schema=False).to_dicts()


def read_rows(
    tmp_path: Path, rows: list[dict[str, str | None]], name: str = "cost.csv", **settings: object
) -> Reading:
    (tmp_path / name).write_text(pl.DataFrame(rows).write_csv())
    return read_only_delivery(SOURCE, tmp_path, **settings)


def export(
    root: Path,
    rows: list[dict[str, str | None]],
    *,
    kind: str = "ActualCost",
    name: str = "actual",
    submitted: str = "2025-02-01T07:00:12.1234567Z",
    parts: int = 1,
) -> Path:
    """A run of an export in create-new mode, with its manifest."""
    folder = root / name / "20250101-20250131" / submitted[:10]
    folder.mkdir(parents=True)
    blobs = []
    for part in range(parts):
        path = folder / f"part_{part}_0001.csv.gz"
        text = pl.DataFrame(rows[part::parts]).write_csv().encode()
        path.write_bytes(gzip.compress(text, mtime=0))
        blob = {"blobName": path.relative_to(root).as_posix(), "byteCount": path.stat().st_size}
        blobs.append({**blob, "dataRowCount": len(rows[part::parts])})
    manifest = {
        "blobs": blobs,
        "exportConfig": {"exportName": name, "type": kind},
        "runInfo": {"submittedTime": submitted, "startDate": "2025-01-01T00:00:00"},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize("name", EXPECTED["files"])
def test_every_constructed_row_becomes_the_expected_charge(tmp_path: Path, name: str) -> None:
    reading = read_copy(tmp_path, name, tag_keys=KEPT)

    assert compact(charges(reading), EXPECTED["columns"]) == EXPECTED["files"][name]


def test_charges_are_exactly_the_contract(tmp_path: Path) -> None:
    table = read_copy(tmp_path, "actual/EA_ActualCost_Small.csv").facts[Fact.CHARGES]

    assert table.schema == arrow_schema(FACTS[Fact.CHARGES])


def test_an_enterprise_export_adds_up_to_every_digit(tmp_path: Path) -> None:
    reading = read_copy(tmp_path, "actual/EA_ActualCost_Small.csv")

    assert (reading.rows_read, reading.rejected) == ({"EA_ActualCost_Small.csv": 11}, ())
    assert total(charges(reading)) == Decimal("8.5450077867419368")
    assert reading.scopes == {Fact.CHARGES: ["azure:8611537:2023-09"]}


def test_nobody_is_named_by_a_charge(tmp_path: Path) -> None:
    reading = read_copy(tmp_path, "actual/EA_ActualCost_Small.csv", tag_keys=KEPT)

    assert "onmicrosoft" not in str(charges(reading).rows()) + str(reading.counters)


def test_blocks_become_single_units(tmp_path: Path) -> None:
    """0.0004 blocks of 10K are 4 operations."""
    frame = charges(read_copy(tmp_path, "actual/EA_ActualCost_Small.csv"))

    assert frame.filter(pricing_quantity=Decimal("0.0004"))["consumed_quantity"].to_list() == [4]


def test_tokens_times_price_are_the_money(tmp_path: Path) -> None:
    """29.872 blocks of 1K = 29,872 tokens at 0.00275 = 0.082148."""
    frame = charges(read_copy(tmp_path, "openai/aoai_actual_cost_constructed.csv"))

    assert (frame["consumed_quantity"][0], frame["billed_cost"][0]) == (29872, Decimal("0.082148"))
    assert Decimal("29.872") * Decimal("0.00275") == Decimal("0.082148")


def test_ids_that_differ_in_case_only_are_one(tmp_path: Path) -> None:
    frame = charges(read_copy(tmp_path, "actual/EA_ActualCost_Small.csv"))

    ids = frame["resource_id"].to_list() + frame["sub_account_id"].to_list()
    assert all(text == text.lower() for text in ids)


def test_an_export_without_rows_is_empty_and_valid(tmp_path: Path) -> None:
    folder = tmp_path / "20230901-20230930"
    folder.mkdir()
    shutil.copy(FILES / "actual/EA_NoRows.csv", folder)

    reading = read_only_delivery(SOURCE, tmp_path, billing_account_id="8611537")

    assert (charges(reading).height, reading.rejected) == (0, ())
    assert reading.scopes == {Fact.CHARGES: ["azure:8611537:2023-09"]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Enterprise.csv", ["2021-02-02", "2021-05-01", "12345678", "0", "CAD", "100", "Hours"]),
        ("EnterpriseCamel.csv", ["2021-02-02", "2021-02-01", "acct", "0.012", "USD", "3", "Hours"]),
        ("German.csv", ["2021-02-02", "2021-02-01", "acct", "0.075", "USD", "300", "Hours"]),
        (
            "MissingBrackets.csv",
            [
                "2021-02-01",
                "2021-02-01",
                "11111111-12ab-34dc-56ef-123456abcdef",
                "4",
                "EUR",
                None,
                None,
            ],
        ),
        ("PayAsYouGo.csv", ["2021-02-02", "2021-02-01", "acct", "0.075", "USD", "300", "Hours"]),
        ("YA.csv", ["2021-02-02", "2021-02-01", "acct", "0.075", "USD", "300", "Hours"]),
    ],
)
def test_every_header_set_is_understood(
    tmp_path: Path, name: str, expected: list[str | None]
) -> None:
    settings = {"billing_account_id": "acct", "billing_currency": "EUR"}
    reading = read_copy(tmp_path, f"headers/{name}", **settings)

    columns = ["charge_date", "billing_period", "billing_account_id", "billed_cost"]
    columns += ["billing_currency", "consumed_quantity", "consumed_unit"]
    assert (compact(charges(reading), columns), reading.rejected) == ([expected], ())


def test_a_row_with_a_date_alone_is_rejected_by_name(tmp_path: Path) -> None:
    settings = {"billing_account_id": "acct", "billing_currency": "EUR"}
    reading = read_copy(tmp_path, "headers/BOM.csv", **settings)

    assert [(r.rule, r.column) for r in reading.rejected] == [("amount_missing", "cost")]


def test_what_a_file_does_not_say_is_asked_for(tmp_path: Path) -> None:
    (rejected,) = read_copy(tmp_path, "headers/PayAsYouGo.csv").rejected

    assert (rejected.rule, rejected.next_action) == (
        "account_missing",
        "Set billing_account_id of this source.",
    )


def test_tags_without_braces_are_read_and_only_allowed_ones_kept(tmp_path: Path) -> None:
    reading = read_copy(
        tmp_path,
        "headers/MissingBrackets.csv",
        tag_keys=("creationSource",),
        billing_currency="USD",
    )

    tags = json.loads(charges(reading)["tags"][0])
    assert tags == {"creationSource": "aks-aks-nodepool1-12345678-vmss"}


@pytest.mark.parametrize("text", ["{not json", "a=b", '{"env": "a", "env": "b"}'])
def test_tags_that_are_no_object_lose_the_tags_and_not_the_money(tmp_path: Path, text: str) -> None:
    rows = [{**sample_rows()[0], "Tags": text}]

    reading = read_rows(tmp_path, rows, tag_keys=KEPT)

    assert reading.counters["tags_invalid"] == 1
    assert charges(reading).select("tags", "repairs").rows() == [(None, "tags_invalid")]


def test_half_a_character_in_a_tag_spoils_nothing_else(tmp_path: Path) -> None:
    rows = [{**sample_rows()[0], "Tags": '{"env": "a\\ud800b"}'}]

    frame = charges(read_rows(tmp_path, rows, tag_keys=KEPT))

    assert json.loads(frame["tags"][0]) == {"env": "a\N{REPLACEMENT CHARACTER}b"}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("01/02/2025", "2025-01-02"),
        ("1/2/2025", "2025-01-02"),
        ("1/2/25", "2025-01-02"),
        ("2025-01-02", "2025-01-02"),
        ("2025-01-02T00:00:00", "2025-01-02"),
    ],
)
def test_dates_with_slashes_are_month_first(tmp_path: Path, text: str, day: str) -> None:
    frame = charges(read_rows(tmp_path, [{**sample_rows()[0], "Date": text}]))

    assert str(frame["charge_date"][0]) == day


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"Date": "31/01/2025"}, "instant_form"),
        ({"Date": None}, "period_missing"),
        ({"BillingPeriodStartDate": "January"}, "instant_form"),
        ({"Cost": "0,082"}, "amount_form"),
        ({"Cost": None}, "amount_missing"),
        ({"BillingCurrency": None}, "currency_form"),
        ({"BillingAccountId": None}, "account_missing"),
        ({"Quantity": "many"}, "quantity_form"),
    ],
)
def test_a_bad_row_is_rejected_alone_and_by_name(
    tmp_path: Path, cells: dict[str, str | None], rule: str
) -> None:
    rows = sample_rows()

    reading = read_rows(tmp_path, [rows[0], {**rows[1], **cells}, *rows[2:]])

    assert [(r.rule, r.source_row) for r in reading.rejected] == [(rule, 2)]
    assert charges(reading).height == 5


@pytest.mark.parametrize("known", METERS, ids=lambda row: row["meter_name"])
def test_every_known_meter_is_understood(known: dict[str, str]) -> None:
    usage = read_meter(known["meter_name"], known["sub_category"])

    told = (usage.model_text or "", str(usage.meter), usage.service_tier or "")
    assert told == (known["model_text"], known["meter"], known["service_tier"])


@pytest.mark.parametrize(
    ("meter_name", "region", "geo"),
    [
        ("gpt-4o-0806-Inp-glbl Tokens", "eastus2", "global"),
        ("5.4 inp Gl 1M Tokens", "swedencentral", "global"),
        ("gpt 4.1 Inp DZone Tokens", "eastus2", "us"),
        ("gpt-5 outp Dz 1M Tokens", "swedencentral", "eu"),
        ("gpt-5 Data Zone cached inp Tokens", "West Europe", "eu"),
        ("gpt-5 Data Zone cached inp Tokens", "US South Central", "us"),
        ("gpt-5 Data Zone cached inp Tokens", "japaneast", None),
        ("gpt-4o-0806-Inp-regnl Tokens", "eastus2", None),
        ("gpt-4o-0806-Inp Tokens", None, None),
    ],
)
def test_a_meter_and_its_region_tell_the_geography_that_has_a_price(
    tmp_path: Path, meter_name: str, region: str | None, geo: str | None
) -> None:
    row = {**sample_rows()[0], "MeterName": meter_name, "ResourceLocation": region}
    frame = charges(read_rows(tmp_path, [row]))

    assert frame["inference_geo"].to_list() == [geo]


def test_a_bare_version_is_a_gpt_only_in_its_group() -> None:
    assert read_meter("5.4 inp Gl 1M Tokens", "Azure OpenAI GPT5").model_text == "gpt-5.4"
    assert read_meter("5.4 inp Gl 1M Tokens").model_text == "5.4"


def test_a_meter_no_rule_knows_keeps_its_money(tmp_path: Path) -> None:
    reading = read_rows(tmp_path, [{**sample_rows()[0], "MeterName": "Quantum Sparkle"}])

    assert charges(reading).select("meter", "model_text").rows() == [("unclassified", None)]
    assert total(charges(reading)) == Decimal("0.082148")
    assert reading.counters["unclassified_meter"] == 1


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("1K", (1000, None)),
        ("1M", (1_000_000, None)),
        ("10K", (10_000, None)),
        ("100", (100, None)),
        ("100 Hours", (100, "Hours")),
        ("1 Hour", (1, "Hours")),
        ("1/Hour", (1, "Hours")),
        ("1/Month", (1, "Months")),
        ("1 GB/Month", (1, "GB/Month")),
        ("1 MB", (1, "MB")),
        ("per unit", (None, None)),
        (None, (None, None)),
    ],
)
def test_a_unit_is_a_block_and_what_it_holds(
    text: str | None, unit: tuple[int | None, str | None]
) -> None:
    assert read_unit(text) == unit


def test_tokens_of_an_unknown_block_are_unknown_and_counted(tmp_path: Path) -> None:
    reading = read_rows(tmp_path, [{**sample_rows()[0], "UnitOfMeasure": None}])

    assert charges(reading).select("consumed_quantity", "consumed_unit").rows() == [(None, None)]
    assert reading.counters["unknown_token_unit"] == 1


def test_the_name_in_brackets_is_the_columns_name() -> None:
    assert column_name("Kategorie der Verbrauchseinheit (MeterCategory)") == "metercategory"


@pytest.mark.parametrize(
    ("charge_type", "category"),
    [
        ("Refund", "Adjustment"),
        ("RoundingAdjustment", "Adjustment"),
        ("Tax", "Tax"),
        ("purchase", "Purchase"),
        ("Something", "Adjustment"),
    ],
)
def test_charge_types_have_a_category(tmp_path: Path, charge_type: str, category: str) -> None:
    reading = read_rows(tmp_path, [{**sample_rows()[0], "ChargeType": charge_type}])

    assert charges(reading)["charge_category"].to_list() == [category]
    assert ("unknown_charge_type" in reading.counters) == (charge_type == "Something")


def test_actual_and_amortized_capacity_are_the_same_money_seen_twice(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    actual = charges(read_copy(tmp_path / "a", "capacity/ptu_actual.csv"))
    amortized = charges(read_copy(tmp_path / "b", "capacity/ptu_amortized.csv"))

    assert total(actual) == total(amortized) == total(amortized, "effective_cost") == 2600
    assert set(amortized["scope"]) == set(actual["scope"]) == {"azure:8600000:2026-06"}


def test_actual_and_amortized_of_one_month_are_refused_together(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the same money twice"):
        read_copy(tmp_path, "capacity/ptu_actual.csv", "capacity/ptu_amortized.csv")


def test_two_kinds_of_export_of_one_month_are_refused_by_their_manifests(tmp_path: Path) -> None:
    export(tmp_path, sample_rows())
    export(tmp_path, sample_rows(), kind="AmortizedCost", name="second")

    with pytest.raises(SourceError, match="as ActualCost and as AmortizedCost"):
        read_folder(SOURCE, tmp_path)


def test_unused_capacity_in_actual_cost_is_refused(tmp_path: Path) -> None:
    shutil.copy(FILES / "capacity/ptu_amortized.csv", tmp_path / "ptu_actual.csv")

    with pytest.raises(SourceError, match="only amortized cost has"):
        read_folder(SOURCE, tmp_path)


def test_amortized_cost_is_recognised_by_its_unused_rows(tmp_path: Path) -> None:
    shutil.copy(FILES / "capacity/ptu_amortized.csv", tmp_path / "june.csv")

    reading = read_only_delivery(SOURCE, tmp_path)

    assert reading.counters["amortized_cost"] == 3


def test_the_run_submitted_last_is_the_greatest_delivery(tmp_path: Path) -> None:
    export(tmp_path, sample_rows()[:2], submitted="2025-01-31T23:00:12.1234567Z")
    export(tmp_path, sample_rows(), parts=2)

    deliveries = read_folder(SOURCE, tmp_path)

    assert [charges(deliveries[d]).height for d in sorted(deliveries)] == [2, 6]
    scopes = {scope for r in deliveries.values() for scope in r.scopes[Fact.CHARGES]}
    assert scopes == {"azure:8600000:2025-01"}


def test_a_part_that_is_not_there_yet_refuses_the_run(tmp_path: Path) -> None:
    (export(tmp_path, sample_rows(), parts=2) / "part_1_0001.csv.gz").unlink()

    with pytest.raises(SourceError, match="not here"):
        read_folder(SOURCE, tmp_path)


def test_a_part_with_fewer_rows_than_promised_refuses_the_run(tmp_path: Path) -> None:
    folder = export(tmp_path, sample_rows())
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["blobs"][0]["dataRowCount"] = 7
    (folder / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(SourceError, match="holds 6 rows, its manifest says 7"):
        read_folder(SOURCE, tmp_path)


def test_a_focus_export_is_read_as_focus_of_the_issuer_azure() -> None:
    deliveries = read_folder(SOURCE, SAMPLES / "focus/azure_export")

    sums = [total(charges(deliveries[d])) for d in sorted(deliveries)]
    assert sums == [Decimal("20.5"), Decimal(10), Decimal(12)]
    assert {i for r in deliveries.values() for i in charges(r)["issuer"]} == {"azure"}


def test_another_file_is_refused_with_the_column_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("MeterName,UnitPrice\nx,1\n")

    with pytest.raises(SourceError, match="no column for the date"):
        read_folder(SOURCE, tmp_path)


def test_parquet_with_doubles_and_dates_gives_the_same_charges(tmp_path: Path) -> None:
    columns: dict[str, pa.Array] = {}
    frame = pl.read_csv(OPENAI, infer_schema=False)
    for name in frame.columns:
        texts = frame[name].to_list()
        if name in {"Cost", "Quantity"}:
            columns[name] = pa.array([float(t) for t in texts], pa.float64())
        elif name == "Date":
            days = [f"{t[6:]}-{t[:2]}-{t[3:5]}" for t in texts]
            columns[name] = pa.array(days).cast(pa.timestamp("ms"))
        else:
            columns[name] = pa.array(texts, pa.string())
    pq.write_table(pa.table(columns), tmp_path / "part_0_0001.snappy.parquet")

    parquet = charges(read_only_delivery(SOURCE, tmp_path, tag_keys=KEPT))

    from_csv = charges(read_only_delivery(SOURCE, OPENAI.parent, tag_keys=KEPT))
    lineage = ["file_id", "delivery"]
    assert parquet.drop(lineage).rows() == from_csv.drop(lineage).rows()
