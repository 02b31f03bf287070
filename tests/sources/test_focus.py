"""FOCUS files of every version and origin: exact sums, counted repairs, and what is refused."""

import csv
import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from pipelines.sources.base import Reading, SourceError
from pipelines.sources.focus import SOURCE
from pipelines.sources.focus_repairs import (
    provider_id,
    read_instant,
    read_sku,
    read_unit,
    slug,
    version_of,
)
from tests.sources.bill_delivery import (
    SAMPLES,
    charges,
    compact,
    read_folder,
    read_only_delivery,
    total,
)

FILES = SAMPLES / "focus/files"
REAL = FILES / "focus_sample_300.csv"
COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")
AI_EXAMPLES = ("ai_", "cached_", "csp_", "drawdown_", "multi_", "per_token_")

Row = dict[str, str | None]


def row(**cells: str | None) -> Row:
    """A plain good row, with some cells changed; None leaves a cell blank."""
    good: Row = {
        "BilledCost": "1.50",
        "EffectiveCost": "1.50",
        "ListCost": "2.00",
        "ContractedCost": "1.50",
        "BillingAccountId": "acct-1",
        "BillingCurrency": "USD",
        "BillingPeriodStart": "2026-08-01T00:00:00Z",
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": "2026-08-03T00:00:00Z",
        "ChargePeriodEnd": "2026-08-04T00:00:00Z",
        "ConsumedQuantity": "500000",
        "ConsumedUnit": "Tokens",
        "InvoiceIssuerName": "Solora AI",
        "PricingQuantity": "0.5",
        "PricingUnit": "1000000 Tokens",
        "ProviderName": "Solora AI",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "Solora API",
        "SkuMeter": "Input Tokens",
        "Tags": None,
    }
    return good | cells


def read_rows(folder: Path, *rows: Row, **settings: object) -> Reading:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "bill.csv").open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return read_only_delivery(SOURCE, folder, **settings)


@pytest.fixture(scope="module")
def files() -> dict[str, Reading]:
    return read_folder(SOURCE, FILES)


# rows and the sums of billed, effective, list and contracted cost
FIGURES = {
    "focus_sample_300.csv": "300 7.40609552149 4.97651418586 7.27669552149 4.97626039326",
    "ai_prompt_caching_a.csv": "4 33.90 33.90 33.90 33.90",
    "ai_prompt_caching_b.csv": "4 38.40 38.40 38.40 38.40",
    "ai_model_identity_a.csv": "2 37.50 37.50 37.50 37.50",
    "per_token_ai_model_api.csv": "2 94.50 94.50 94.50 94.50",
    "multi_model_usage.csv": "4 104.50 104.50 104.50 104.50",
    "cached_tokens_via_csp_marketplace.csv": "2 47.50 47.50 47.50 47.50",
    "csp_served_third_party_model.csv": "2 4.50 4.50 4.50 4.50",
    "multi_model_invoice_via_csp_marketplace.csv": "8 2037.36 2037.36 2037.36 2037.36",
    "drawdown_via_prepayment_ai_model_api.csv": "3 500000.00 50.00 500062.50 500062.50",
    "virtual_currency_pricing_model_a1.csv": "1 200000 0 200000 200000",
    "virtual_currency_pricing_model_a2.csv": "3 0 1230 1230 1230",
    "virtual_currency_pricing_model_b1.csv": "1 100000 0 200000 100000",
    "virtual_currency_pricing_model_b2.csv": "3 0 615 1230 615",
    "virtual_currency_pricing_model_b3.csv": "3 0 495 1230 495",
    "virtual_currency_pricing_model_c.csv": "2 53000 0 53000 53000",
}


def test_every_sample_file_has_its_figures(files: dict[str, Reading]) -> None:
    assert set(files) == set(FIGURES)


@pytest.mark.parametrize(("name", "figures"), FIGURES.items(), ids=FIGURES)
def test_rows_and_sums_of_a_file_are_exact(
    files: dict[str, Reading], name: str, figures: str
) -> None:
    rows, *sums = figures.split()
    frame = charges(files[name])

    assert frame.height == int(rows)
    assert [total(frame, cost) for cost in COSTS] == [Decimal(s) for s in sums]


@pytest.mark.parametrize(
    ("provider", "figures"),
    [
        ("aws", "242 4.8925074109 3 5.0351074109 3"),
        ("azure", "51 1.97651418586 1.97651418586 1.97651418586 1.97626039326"),
        ("oracle", "7 0.53707392473 0 0.26507392473 0"),
    ],
)
def test_the_real_sample_adds_up_per_provider(
    files: dict[str, Reading], provider: str, figures: str
) -> None:
    rows, *sums = figures.split()
    frame = charges(files[REAL.name]).filter(pl.col("provider") == provider)

    assert frame.height == int(rows)
    assert [total(frame, cost) for cost in COSTS] == [Decimal(s) for s in sums]


def test_a_contracted_cost_that_is_missing_stays_unknown(files: dict[str, Reading]) -> None:
    oracle = charges(files[REAL.name]).filter(pl.col("provider") == "oracle")

    assert oracle["contracted_cost"].null_count() == 7


def test_the_traps_of_the_real_sample_are_counted(files: dict[str, Reading]) -> None:
    assert files[REAL.name].counters == {
        "focus_1.0": 1,
        "no_manifest": 1,
        "unprefixed_columns": 1,
        "services_in_two_categories": 1,
        "null_literal": 300,
        "empty_text": 7,
        "timestamp_form": 300,
        "word_case": 7,
        "unit_spelling": 11,
        "contracted_cost_missing": 7,
        "quantity_rounded": 177,
        "negative_usage": 12,
        "issuer_differs_from_provider": 242,
    }


def test_the_real_sample_holds_refunds_adjustments_and_keys_that_differ_by_a_space(
    tmp_path: Path,
) -> None:
    shutil.copy(REAL, tmp_path)
    reading = read_only_delivery(SOURCE, tmp_path, tag_keys=("org",))
    frame = charges(reading)

    assert frame.filter(pl.col("billed_cost") < 0).height == 12
    assert frame.filter(charge_category="Adjustment").height == 2
    assert reading.counters["tag_key_spaces"] == 23
    # 42 rows have `org`, two more only the key with the space
    assert frame.filter(tags='{"org":"trey"}').height == 44


def test_every_repair_of_a_row_is_on_the_row(files: dict[str, Reading]) -> None:
    oracle = charges(files[REAL.name]).filter(pl.col("provider") == "oracle")

    assert set(oracle["repairs"][0].split(",")) >= {"null_literal", "empty_text", "word_case"}


def test_legal_names_are_issuers_unless_the_setting_unites_them(
    files: dict[str, Reading], tmp_path: Path
) -> None:
    shutil.copy(REAL, tmp_path)

    told = charges(read_only_delivery(SOURCE, tmp_path, issuer="aws"))["issuer"].unique().to_list()
    slugs = charges(files[REAL.name])["issuer"].unique().sort().to_list()

    assert told == ["aws"]
    assert slugs == [
        "amazon-web-services-canada-inc",
        "amazon-web-services-emea-sarl",
        "amazon-web-services-inc",
        "microsoft",
        "oracle",
    ]


def test_a_file_of_several_accounts_and_months_covers_several_scopes(
    files: dict[str, Reading],
) -> None:
    scopes = files[REAL.name].scopes[Fact.CHARGES]

    assert len(scopes) == 6
    assert "focus:oracle:20209880:2024-10" in scopes


def test_charges_are_exactly_the_contract(files: dict[str, Reading]) -> None:
    for reading in files.values():
        assert reading.facts[Fact.CHARGES].schema == arrow_schema(FACTS[Fact.CHARGES])


def test_the_ai_examples_name_model_meter_and_tokens(files: dict[str, Reading]) -> None:
    expected = json.loads((FILES.parent / "expected.json").read_text())

    examples = [charges(r) for name, r in files.items() if name.startswith(AI_EXAMPLES)]

    assert compact(pl.concat(examples), expected["columns"]) == expected["rows"]


def test_principals_are_nowhere(files: dict[str, Reading]) -> None:
    frame = charges(files["per_token_ai_model_api.csv"])

    assert "@" not in str(frame.rows())
    assert frame["api_key_id"][0] == "key_01SOLORAPERSON1"


def test_an_overwritten_aws_export_reads_both_parts() -> None:
    deliveries = read_folder(SOURCE, SAMPLES / "focus/aws_export")
    may, june = (charges(deliveries[name]) for name in sorted(deliveries))

    parts = may.group_by("file_id").agg(pl.col("billed_cost").sum())["billed_cost"]
    assert sorted(parts) == [Decimal("14.0427"), Decimal("18.7236")]
    assert (total(may), total(june)) == (Decimal("32.7663"), Decimal("32.7663"))


def test_an_aws_run_and_its_copied_manifest_are_one_delivery() -> None:
    deliveries = read_folder(SOURCE, SAMPLES / "focus/aws_export")

    assert [len(r.rows_read) for r in deliveries.values()] == [2, 1]


def test_the_later_azure_run_of_a_month_sorts_last_and_counts() -> None:
    deliveries = read_folder(SOURCE, SAMPLES / "focus/azure_export")
    by_name = [deliveries[name] for name in sorted(deliveries)]

    assert [total(charges(r)) for r in by_name] == [Decimal("20.50"), 10, 12]
    assert [charges(r).height for r in by_name[1:]] == [2, 5]
    parts = charges(by_name[0]).group_by("file_id").agg(pl.col("billed_cost").sum())["billed_cost"]
    assert sorted(parts) == [Decimal("3.00"), Decimal("17.50")]
    assert by_name[1].scopes == by_name[2].scopes


def test_an_azure_part_with_fewer_rows_than_promised_is_refused(tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "focus/azure_export", tmp_path / "x")
    manifest = next((tmp_path / "x").rglob("current/manifest.json"))
    manifest.chmod(0o644)
    manifest.write_text(manifest.read_text().replace('"dataRowCount": 3', '"dataRowCount": 4'))

    with pytest.raises(SourceError, match="holds 3 rows, its manifest says 4"):
        read_folder(SOURCE, tmp_path / "x")


ANSWER = SAMPLES / "focus/bigquery/focus_bq_2026-05.json"


def answered(folder: Path, **changes: object) -> Reading:
    answer = json.loads(ANSWER.read_text()) | changes
    (folder / "answer.json").write_text(json.dumps(answer))
    return read_only_delivery(SOURCE, folder, issuer="google", tag_keys=("team", "cost-center"))


def test_an_answer_of_bigquery_is_exact_to_the_last_digit_and_microsecond() -> None:
    reading = read_only_delivery(
        SOURCE, ANSWER.parent, issuer="google", tag_keys=("team", "cost-center")
    )

    columns = "charge_period_start charge_date charge_category billed_cost list_cost tags"
    assert compact(charges(reading), columns.split()) == [
        [
            "2026-04-30 23:30:00.123456+00:00",
            "2026-04-30",
            "Usage",
            "1.123456789012345678",
            "3",
            '{"team":"platform"}',
        ],
        [
            "2026-05-01 23:00:00+00:00",
            "2026-05-01",
            "Tax",
            "2",
            "2",
            '{"cost-center":"finops"}',
        ],
    ]
    assert total(charges(reading)) == Decimal("3.123456789012345678")
    assert reading.scopes == {Fact.CHARGES: ["focus:google:010101-F0FFF0-61C528:2026-05"]}


def test_an_answer_may_tell_its_instants_in_seconds_and_have_no_rows(tmp_path: Path) -> None:
    text = ANSWER.read_text().replace("1777676400000000", "1.7776764E9")
    seconds = answered(tmp_path, **json.loads(text))

    assert charges(seconds)["charge_period_start"][1] == datetime(2026, 5, 1, 23, tzinfo=UTC)
    assert charges(answered(tmp_path, rows=[])).height == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pageToken": "next"}, "one page of an answer"),
        ({"totalRows": "3"}, "one page of an answer"),
        ({"rows": [{"f": [{"v": "1"}]}]}, "do not fit its schema"),
        ({"schema": {"fields": []}, "rows": []}, "no column BilledCost"),
    ],
)
def test_an_answer_that_is_not_whole_is_refused(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(SourceError, match=said):
        answered(tmp_path, **changes)


def test_json_lines_read_like_the_csv(tmp_path: Path) -> None:
    told = {k: v for k, v in row(Tags=None).items() if v is not None}
    (tmp_path / "bill.jsonl").write_text(json.dumps(told | {"Tags": {"env": "prod"}}) + "\n")

    frame = charges(read_only_delivery(SOURCE, tmp_path, tag_keys=("env",)))

    columns = ["billed_cost", "consumed_quantity", "tags"]
    assert compact(frame, columns) == [["1.5", "500000", '{"env":"prod"}']]


def test_a_period_that_is_not_a_whole_month_is_still_its_month(tmp_path: Path) -> None:
    reading = read_rows(tmp_path, row(BillingPeriodStart="2026-08-03T00:00:00Z"))

    assert charges(reading)["billing_period"].to_list() == [date(2026, 8, 1)]


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"BilledCost": "1,102.00"}, "amount_form"),
        ({"BilledCost": "0.0000000000000000001"}, "amount_form"),
        ({"EffectiveCost": "$3"}, "amount_form"),
        ({"BilledCost": None}, "amount_missing"),
        ({"BilledCost": "NULL"}, "amount_missing"),
        ({"BillingCurrency": None}, "currency_form"),
        ({"BillingCurrency": "Credits"}, "currency_form"),
        ({"BillingAccountId": None}, "account_missing"),
        ({"ChargeCategory": "Standard"}, "charge_category_unknown"),
        ({"BillingPeriodStart": "August"}, "instant_form"),
        ({"ChargePeriodStart": "13/8/2026"}, "instant_form"),
        ({"ChargePeriodEnd": "2026-08-32"}, "instant_form"),
        ({"ConsumedQuantity": "lots"}, "quantity_form"),
        ({"PricingQuantity": "1.000,5"}, "quantity_form"),
    ],
)
def test_a_bad_row_is_rejected_alone_and_by_name(
    tmp_path: Path, cells: dict[str, str | None], rule: str
) -> None:
    reading = read_rows(tmp_path, row(), row(**cells))

    assert [(r.rule, r.source_row, r.column) for r in reading.rejected] == [(rule, 2, *cells)]
    assert charges(reading).height == 1


def test_settings_fill_what_a_file_leaves_blank(tmp_path: Path) -> None:
    blank = row(BillingAccountId=None, BillingCurrency=None, InvoiceIssuerName=None)

    reading = read_rows(
        tmp_path, blank, billing_account_id="a-9", billing_currency="EUR", issuer="solora"
    )

    assert reading.scopes[Fact.CHARGES] == ["focus:solora:a-9:2026-08"]
    assert charges(reading)["billing_currency"].to_list() == ["EUR"]


def test_tags_are_kept_by_allow_list_only(tmp_path: Path) -> None:
    tags = '{"user:team": "ml", " env": "spaced", "env": "prod", "owner": "a@b.example"}'

    reading = read_rows(tmp_path, row(Tags=tags), row(Tags="{not json"), tag_keys=("team", "env"))

    assert charges(reading)["tags"].to_list() == ['{"env":"prod","team":"ml"}', None]
    assert (reading.counters["tags_invalid"], reading.counters["tag_key_spaces"]) == (1, 1)


def test_tag_values_become_text_whatever_their_json_type(tmp_path: Path) -> None:
    reading = read_rows(
        tmp_path, row(Tags='{"a": true, "b": 1.50, "c": null}'), tag_keys=("a", "b")
    )

    assert charges(reading)["tags"].to_list() == ['{"a":"true","b":"1.50"}']


def test_labels_of_google_are_tags_and_the_first_of_equal_keys_wins(tmp_path: Path) -> None:
    labels = [{"Key": "env", "Value": "prod"}, {"Key": "env", "Value": "later"}]
    google = {"x_Labels": json.dumps(labels), "x_Tags": '[{"Key": "env"}, {"Key": "a"}]'}

    broken = {"x_Labels": "[1]", "x_Tags": None}

    reading = read_rows(tmp_path, row() | google, row() | broken, tag_keys=("env", "a"))

    assert charges(reading)["tags"].to_list() == ['{"env":"prod"}', None]
    assert reading.counters["tags_invalid"] == 1


def test_a_quantity_in_blocks_becomes_single_tokens(tmp_path: Path) -> None:
    blocks = row(ConsumedQuantity="0.5", ConsumedUnit="1M tokens")
    priced_only = row(ConsumedQuantity=None, ConsumedUnit=None)

    frame = charges(read_rows(tmp_path, row(), blocks, priced_only))

    assert frame["consumed_quantity"].to_list() == [500_000] * 3
    assert frame["repairs"].to_list() == [None, "unit_spelling", "consumed_from_pricing"]


def test_parquet_with_doubles_reads_like_the_csv_and_counts_its_noise(tmp_path: Path) -> None:
    cells = row()
    table = {name: pa.array([value, value]) for name, value in cells.items()}
    table["BilledCost"] = pa.array([1.5, 0.1 + 0.2 - 0.3])
    table["ChargePeriodStart"] = pa.array([datetime(2026, 8, 3, tzinfo=UTC)] * 2)
    pq.write_table(pa.table(table), tmp_path / "bill.snappy.parquet")

    reading = read_only_delivery(SOURCE, tmp_path)

    frame = charges(reading)
    assert frame["billed_cost"].to_list() == [Decimal("1.5"), Decimal("0.000000000000000056")]
    assert frame["charge_period_start"][0] == datetime(2026, 8, 3, tzinfo=UTC)
    assert reading.counters == {"focus_1.1": 1, "no_manifest": 1, "amount_quantised": 1}


def test_keys_depend_on_content_alone(tmp_path: Path) -> None:
    rows = [row(), row(), row(BilledCost="7"), row(SkuMeter="Output Tokens"), row(InvoiceId="I-1")]

    first = charges(
        read_rows(tmp_path / "a", *[r | {"InvoiceId": r.get("InvoiceId")} for r in rows])
    )
    second = charges(
        read_rows(tmp_path / "b", *[r | {"InvoiceId": r.get("InvoiceId")} for r in rows[::-1]])
    )

    content = ["charge_key", "sku_meter", "billed_cost", "invoice_id"]
    assert sorted(map(str, first.select(content).rows())) == sorted(
        map(str, second.select(content).rows())
    )
    assert first["charge_key"].n_unique() == 5


def test_an_export_without_rows_covers_its_period_with_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "exports/BILLING_PERIOD=2026-08"
    folder.mkdir(parents=True)
    (folder / "bill.csv").write_text(",".join(row()) + "\n")

    reading = read_only_delivery(SOURCE, tmp_path, issuer="aws", billing_account_id="42")

    assert charges(reading).height == 0
    assert reading.scopes == {Fact.CHARGES: ["focus:aws:42:2026-08"]}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text.replace("BilledCost", "Cost"), "no column BilledCost"),
        (lambda text: text.replace("ListCost", "BilledCost"), "repeats a column"),
        (lambda text: text[:-30], "damaged or cut off"),
        (lambda text: text.replace("Solora API", '"Solora'), "damaged or cut off"),
        (lambda text: "PK\x03\x04" + text, "no column BilledCost"),
        (lambda text: "", "is empty"),
    ],
    ids=["other file", "repeated column", "cut row", "broken quote", "other container", "empty"],
)
def test_a_file_that_is_not_whole_or_not_focus_is_refused(
    tmp_path: Path, damage: Callable[[str], str], said: str
) -> None:
    read_rows(tmp_path, row())
    path = tmp_path / "bill.csv"
    path.write_text(damage(path.read_text()))

    with pytest.raises(SourceError, match=said):
        read_only_delivery(SOURCE, tmp_path)


@pytest.mark.parametrize(
    ("text", "expected", "repair"),
    [
        ("2026-08-01T00:00:00Z", datetime(2026, 8, 1, tzinfo=UTC), None),
        ("2026-08-01T00:00:00.000Z", datetime(2026, 8, 1, tzinfo=UTC), None),
        ("2026-08-01 00:00:00", datetime(2026, 8, 1, tzinfo=UTC), "timestamp_form"),
        ("2026-08-01T00:00", datetime(2026, 8, 1, tzinfo=UTC), "timestamp_form"),
        ("2026-08-01T02:00:00+02:00", datetime(2026, 8, 1, tzinfo=UTC), "timestamp_form"),
        ("2026-08-01", datetime(2026, 8, 1, tzinfo=UTC), "timestamp_form"),
        ("4/1/25", datetime(2025, 4, 1, tzinfo=UTC), "us_date"),
        ("13/1/25", None, None),
        ("0000-00-00", None, None),
        ("1/4", None, None),
    ],
)
def test_an_instant_is_read_in_every_spelling_seen(
    text: str, expected: datetime | None, repair: str | None
) -> None:
    assert read_instant(text) == (expected, repair)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tokens", ("Tokens", 1, "Tokens", False)),
        ("tokens", ("Tokens", 1, "Tokens", True)),
        ("1000000 Tokens", ("1000000 Tokens", 1_000_000, "Tokens", False)),
        ("1K tokens", ("1000 Tokens", 1_000, "Tokens", True)),
        ("MTok", ("1000000 Tokens", 1_000_000, "Tokens", True)),
        ("1000 Requests", ("1000 Requests", 1_000, "Requests", False)),
        ("GB/Month", ("GB-Months", 1, "GB-Months", True)),
        ("Token", ("Token", 1, "Token", False)),
        ("Token-Hours", ("Token-Hours", 1, "Token-Hours", False)),
        (None, (None, 1, None, False)),
    ],
)
def test_a_unit_is_read_in_every_spelling_seen(text: str | None, expected: object) -> None:
    assert read_unit(text) == expected


@pytest.mark.parametrize(
    ("columns", "version"),
    [
        ({"BilledCost", "ProviderName"}, "1.0"),
        ({"ProviderName", "SkuMeter"}, "1.1"),
        ({"ProviderName", "SkuMeter", "InvoiceId"}, "1.2"),
        ({"ProviderName", "InvoiceId", "HostProviderName"}, "1.3"),
        ({"InvoiceId", "HostProviderName", "ServiceProviderName"}, "1.4"),
        ({"ProviderName", "InvoiceDetailId"}, "1.4"),
        ({"ServiceProviderName", "CredentialId"}, "1.5-draft"),
    ],
)
def test_the_version_is_told_by_the_columns(columns: set[str], version: str) -> None:
    assert version_of(columns) == version


@pytest.mark.parametrize(
    ("meter_text", "details", "expected"),
    [
        ("Input Tokens", None, "input_uncached"),
        ("Uncached Input Tokens", None, "input_uncached"),
        ("Cached Input Tokens", None, "cache_read"),
        ("Cache Write Input Tokens", None, "cache_write"),
        ("Cache Write 1h Input Tokens", None, "cache_write_1h"),
        ("Context Cache Storage", None, "cache_storage"),
        ("Audio Output Tokens", None, "output_audio"),
        (None, '{"x_TokenDirection": "Input", "x_TokenCacheAction": "Read"}', "cache_read"),
        ("gpt-4o-mini-0718-Inp-glbl Tokens", None, "input_uncached"),
        ("gpt-5-codex-ccchd-inp-glbl Tokens", None, "cache_read"),
        ("5.4 mini cd Inp Gl 1M Tokens", None, "cache_read"),
        ("5.6 sol ShortCo Cd Wr Std Gl 1M Tokens", None, "cache_write"),
        ("5.4 mini Opt Gl 1M Tokens", None, "output"),
        ("Provisioned Managed Global Unit", None, "provisioned_throughput"),
        ("Agent Hours", None, "unclassified"),
        (None, None, None),
    ],
)
def test_a_meter_is_told_by_its_name_or_its_details(
    meter_text: str | None, details: str | None, expected: str | None
) -> None:
    assert read_sku(meter_text, details, None, "Solora API")[1] == expected


@pytest.mark.parametrize(
    ("meter_text", "tier"),
    [
        ("Batch Input Tokens", "batch"),
        ("5.1 pp cd inp Dz 1M Tokens", "priority"),
        ("Input Tokens", None),
    ],
)
def test_a_service_tier_is_only_what_the_meter_says(meter_text: str, tier: str | None) -> None:
    assert read_sku(meter_text, None, None, "Solora API")[2] == tier


def test_a_bedrock_row_of_an_aws_export_is_read_by_its_usage_type() -> None:
    sku = read_sku(None, None, "USE1-Claude4.6Sonnet-output-tokens", "Amazon Bedrock")

    assert sku == ("claude-sonnet-4-6", "output", "standard")


def test_names_become_ids() -> None:
    assert slug("Amazon Web Services, Inc.") == "amazon-web-services-inc"
    assert [provider_id(n) for n in ("AWS", "Microsoft", "Solora AI", None)] == [
        "aws",
        "azure",
        "solora-ai",
        None,
    ]
    assert [provider_id(n) for n in ("xAI LLC", "Mistral AI SAS", "EMEA Google Ltd", "GitHub")] == [
        "x-ai",
        "mistral",
        "google",
        "github",
    ]
    assert provider_id("Vertex, Inc.") == "vertex-inc"
