"""Google's billing export: what adds, what replaces, what a credit is, and what a SKU means."""

import csv
import gzip
import json
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from pipelines.sources.base import Reading, SourceError
from pipelines.sources.gcp_billing import SOURCE
from pipelines.sources.gcp_cells import PRICE_CREDITS
from pipelines.sources.gemini_skus import read_sku
from tests.sources.bill_delivery import (
    SAMPLES,
    charges,
    compact,
    read_folder,
    read_only_delivery,
    total,
)

FOLDER = SAMPLES / "gcp_billing"
EXPORT = FOLDER / "files/detailed_export_constructed.jsonl"
TABLE = FOLDER / "files/console_cost_table.csv"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
SKUS = list(csv.DictReader((FOLDER / "gemini_skus.csv").read_text().splitlines()))
SETTINGS = {
    "tag_keys": ("team", "cost_center"),
    "billing_account_id": "acct",
    "billing_currency": "USD",
}
LINES = EXPORT.read_text().splitlines()

Record = dict[str, object]


def records() -> list[Record]:
    return [json.loads(line) for line in LINES]


def changed(**members: object) -> Record:
    """The plain Vertex AI row, with some members changed."""
    return {**records()[2], **members}


def write(path: Path, rows: list[Record]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read_rows(tmp_path: Path, *rows: Record, name: str = "rows.jsonl") -> Reading:
    write(tmp_path / name, list(rows))
    return read_only_delivery(SOURCE, tmp_path, tag_keys=("team", "cost_center"))


def read_table(tmp_path: Path, text: str) -> Reading:
    (tmp_path / "table.csv").write_text(text)
    return read_only_delivery(SOURCE, tmp_path, **SETTINGS)


@pytest.mark.parametrize("name", EXPECTED["files"])
def test_every_sample_row_becomes_the_expected_charge(name: str) -> None:
    reading = read_folder(SOURCE, FOLDER / "files", **SETTINGS)[name]

    assert compact(charges(reading), EXPECTED["columns"]) == EXPECTED["files"][name]


@pytest.mark.parametrize("name", EXPECTED["files"])
def test_charges_are_exactly_the_contract(name: str) -> None:
    table = read_folder(SOURCE, FOLDER / "files", **SETTINGS)[name].facts[Fact.CHARGES]

    assert table.schema == arrow_schema(FACTS[Fact.CHARGES])


def test_charges_are_cost_plus_all_credits_per_currency() -> None:
    frame = charges(read_folder(SOURCE, FOLDER / "files", **SETTINGS)[EXPORT.name])

    rows = [json.loads(line, parse_float=Decimal) for line in LINES]
    for currency in ("USD", "TWD"):
        cost = sum(
            (
                r["cost"] + sum(c["amount"] for c in r["credits"])
                for r in rows
                if r["currency"] == currency
            ),
            Decimal(0),
        )
        assert total(frame.filter(billing_currency=currency)) == cost


@pytest.mark.parametrize(("row", "rate", "per_million"), [(0, "31.708", "1.50"), (2, "1", "2.50")])
def test_tokens_and_money_make_the_listed_price(row: int, rate: str, per_million: str) -> None:
    """34,356 tokens for 1.6338 TWD at 31.708, and 461,280 for 1.153197 USD."""
    frame = charges(read_folder(SOURCE, FOLDER / "files", **SETTINGS)[EXPORT.name])
    tokens, cost = frame.select("consumed_quantity", "billed_cost").row(row)

    assert round(cost / Decimal(rate) / tokens * 1_000_000, 2) == Decimal(per_million)


def test_the_invoice_month_is_its_own_and_not_that_of_the_usage() -> None:
    frame = charges(read_folder(SOURCE, FOLDER / "files", **SETTINGS)[EXPORT.name])
    late = frame.filter(pl.col("billed_cost") == Decimal("-0.003"))

    told = late.select("charge_date", "billing_period", "charge_period_end").row(0)
    assert [str(value) for value in told] == [
        "2026-09-30",
        "2026-10-01",
        "2026-10-01 00:00:00+00:00",
    ]


def test_a_promotion_is_money_given_and_a_charge_of_its_own(tmp_path: Path) -> None:
    frame = charges(read_rows(tmp_path, records()[3]))

    columns = ["charge_category", "model_text", "meter", "sub_account_id", "billed_cost"]
    assert compact(frame, columns) == [
        ["Usage", "gemini-2.5-flash", "input_uncached", "ml-prod", "0.59519"],
        ["Credit", "gemini-2.5-flash", "input_uncached", "ml-prod", "-0.5"],
    ]
    assert frame["source_row"].to_list() == [1, 1]
    assert frame["consumed_quantity"].to_list() == [1983966, None]


@pytest.mark.parametrize("kind", sorted(PRICE_CREDITS))
def test_a_credit_that_lowers_the_price_is_part_of_the_cost(tmp_path: Path, kind: str) -> None:
    credit = {"type": kind, "name": "x", "amount": -0.153197}

    frame = charges(read_rows(tmp_path, changed(credits=[credit, credit])))

    assert (frame.height, total(frame), total(frame, "list_cost")) == (
        1,
        Decimal("0.846803"),
        Decimal("1.153197"),
    )


def test_two_equal_credits_are_two_charges(tmp_path: Path) -> None:
    credit = {"type": "SOMETHING_NEW", "name": "x", "amount": "-0.1"}

    frame = charges(read_rows(tmp_path, changed(credits=[credit, credit])))

    assert (total(frame), frame["charge_key"].n_unique()) == (Decimal("0.953197"), 3)


@pytest.mark.parametrize(
    ("kind", "category", "charge_class"),
    [
        ("USAGE_CORRECTION", "Usage", "Correction"),
        ("PRICE_CORRECTION", "Usage", "Correction"),
        ("GOODWILL", "Adjustment", None),
        (None, "Adjustment", None),
    ],
)
def test_only_corrections_of_usage_meet_usage(
    tmp_path: Path, kind: str | None, category: str, charge_class: str | None
) -> None:
    row = changed(cost_type="adjustment", cost=-1, adjustment_info={"type": kind})

    frame = charges(read_rows(tmp_path, row))

    assert frame.select("charge_category", "charge_class").rows() == [(category, charge_class)]


@pytest.mark.parametrize(
    ("members", "category"),
    [
        ({"cost_type": "tax"}, "Tax"),
        ({"cost_type": "rounding_error"}, "Adjustment"),
        ({"cost_type": "something_new"}, "Adjustment"),
        ({"sku": {"id": "x", "description": "Commitment - dollar based v1"}}, "Purchase"),
    ],
)
def test_cost_types_have_a_category(tmp_path: Path, members: Record, category: str) -> None:
    reading = read_rows(tmp_path, changed(**members))

    assert charges(reading)["charge_category"].to_list() == [category]
    assert ("unknown_cost_type" in reading.counters) == (
        members.get("cost_type") == "something_new"
    )


def test_the_first_of_equal_labels_wins_and_others_are_dropped(tmp_path: Path) -> None:
    row = changed(
        labels=[{"key": "team", "value": "row"}, {"key": "mail", "value": "a person"}],
        project={"id": "p", "labels": [{"key": "team", "value": "project"}]},
        tags=[{"key": "cost_center", "value": "tag"}],
    )

    assert charges(read_rows(tmp_path, row))["tags"].to_list() == [
        '{"cost_center":"tag","team":"row"}'
    ]


@pytest.mark.parametrize("known", SKUS, ids=lambda row: row["sku_description"])
def test_every_known_sku_is_understood(known: dict[str, str]) -> None:
    sku = read_sku(known["sku_description"])

    told = (sku.model_text or "", str(sku.meter), sku.service_tier or "")
    assert told == (known["model_text"], known["meter"], known["service_tier"])


def test_the_length_class_of_a_prompt_is_no_meter() -> None:
    sku = read_sku("Generate content output token count gemini 2.5 flash short input text")

    assert sku.meter == "output"


@pytest.mark.parametrize(
    ("description", "model_text"),
    [
        ("Claude Sonnet 4.5 - Input Tokens", "claude-sonnet-4-5"),
        ("Claude 3.5 Sonnet Output Tokens", "claude-3-5-sonnet"),
        ("Gemini 2.5 Flash Native Audio Live audio output", "gemini-2.5-flash-native-audio"),
    ],
)
def test_models_are_named_as_price_lists_do(description: str, model_text: str) -> None:
    assert read_sku(description).model_text == model_text


def test_a_sku_no_rule_knows_keeps_its_money(tmp_path: Path) -> None:
    reading = read_rows(tmp_path, changed(sku={"id": "x", "description": "Vertex Sparkle"}))

    assert charges(reading).select("meter", "model_text").rows() == [("unclassified", None)]
    assert total(charges(reading)) == Decimal("1.153197")
    assert reading.counters["unclassified_meter"] == 1


def test_other_services_are_kept_without_a_meter(tmp_path: Path) -> None:
    service = {"id": "6F81-5844-456A", "description": "Compute Engine"}

    frame = charges(read_rows(tmp_path, changed(service=service)))

    assert frame.select("meter", "service_category", "billed_cost").rows() == [
        (None, None, Decimal("1.153197"))
    ]


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({"cost": None}, "amount_missing"),
        ({"cost": "1,5"}, "amount_form"),
        ({"cost": float("nan")}, "amount_form"),
        ({"currency": None}, "currency_form"),
        ({"billing_account_id": ""}, "account_missing"),
        ({"usage_start_time": None}, "period_missing"),
        ({"usage_start_time": "10/02/2026"}, "instant_form"),
        ({"invoice": {"month": None}}, "period_missing"),
        ({"invoice": {"month": "2026-10"}}, "instant_form"),
        ({"invoice": {"month": "202613"}}, "instant_form"),
        ({"credits": [{"type": "PROMOTION"}]}, "credits_form"),
        ({"credits": "none"}, "credits_form"),
        ({"usage": {"amount": "many"}}, "quantity_form"),
    ],
)
def test_a_bad_row_is_rejected_alone_and_by_name(
    tmp_path: Path, members: Record, rule: str
) -> None:
    reading = read_rows(tmp_path, records()[0], changed(**members), records()[1])

    assert [(r.rule, r.source_row) for r in reading.rejected] == [(rule, 2)]
    assert charges(reading).height == 2


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-02T03:00:00Z",
        "2026-10-02 03:00:00 UTC",
        "2026-10-02 03:00:00+00",
        "2026-10-02T05:00:00+02:00",
        "2026-10-02T03:00:00",
    ],
)
def test_every_spelling_of_an_instant_is_the_same_instant(tmp_path: Path, text: str) -> None:
    frame = charges(read_rows(tmp_path, changed(usage_start_time=text)))

    assert str(frame["charge_period_start"][0]) == "2026-10-02 03:00:00+00:00"


def test_the_last_hour_of_a_day_belongs_to_it(tmp_path: Path) -> None:
    rows = [changed(usage_start_time=f"2026-10-{start}:00Z") for start in ("02T23:59", "03T00:00")]

    days = charges(read_rows(tmp_path, *rows))["charge_date"].to_list()

    assert [str(day) for day in days] == ["2026-10-02", "2026-10-03"]


def test_numbers_printed_as_strings_are_the_same_numbers(tmp_path: Path) -> None:
    """BigQuery prints INT64 and NUMERIC as text."""
    usage = {"amount": "461280", "unit": "count"}

    frame = charges(read_rows(tmp_path, changed(cost="1.153197", usage=usage)))

    assert frame.select("billed_cost", "consumed_quantity").rows() == [
        (Decimal("1.153197"), Decimal(461280))
    ]


def test_no_digit_of_a_json_number_is_lost(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", [changed(cost="COST")])
    path.write_text(path.read_text().replace('"COST"', "123.4567890123456789"))

    assert total(charges(read_only_delivery(SOURCE, tmp_path))) == Decimal("123.4567890123456789")


def as_gzip(tmp_path: Path) -> None:
    (tmp_path / "x.json.gz").write_bytes(gzip.compress(EXPORT.read_bytes(), mtime=0))


def as_array(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[" + ",\n".join(LINES) + "]")


def as_parquet(tmp_path: Path) -> None:
    nested = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))
    credits = pa.list_(
        pa.struct([("type", pa.string()), ("full_name", pa.string()), ("amount", pa.float64())])
    )
    lists = {"credits": credits, "labels": nested, "tags": nested, "system_labels": nested}
    columns = {}
    for name in records()[0]:
        values = [row[name] for row in records()]
        if name == "project":
            # every list of project members is empty in the sample
            keep = ("id", "number", "name")
            values = [{k: v[k] for k in keep} if isinstance(v, dict) else None for v in values]
        # `resource.name` is never filled: a column of the type null
        columns[name] = pa.array(values, lists.get(name))
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")


def as_flat_csv(tmp_path: Path) -> None:
    names = {
        "sku.id": lambda r: r["sku"]["id"],
        "sku.description": lambda r: r["sku"]["description"],
        "service_id": lambda r: r["service"]["id"],
        "service_description": lambda r: r["service"]["description"],
        "project_id": lambda r: (r["project"] or {}).get("id"),
        "location_location": lambda r: r["location"]["location"],
        "usage_amount": lambda r: r["usage"]["amount"],
        "usage_unit": lambda r: r["usage"]["unit"],
        "usage_amount_in_pricing_units": lambda r: r["usage"]["amount_in_pricing_units"],
        "usage_pricing_unit": lambda r: r["usage"]["pricing_unit"],
        "invoice_month": lambda r: r["invoice"]["month"],
        "adjustment_info.type": lambda r: r["adjustment_info"]["type"],
        "credits": lambda r: json.dumps(r["credits"]),
        "labels": lambda r: json.dumps({o["key"]: o["value"] for o in r["labels"]}),
    }
    plain = "billing_account_id usage_start_time usage_end_time export_time cost currency cost_type"
    rows = [
        {
            **{n: r[n] for n in (*plain.split(), "cost_at_list")},
            **{n: f(r) for n, f in names.items()},
        }
        for r in map(json.loads, LINES)
    ]
    texts = [{n: None if v is None else str(v) for n, v in row.items()} for row in rows]
    (tmp_path / "x.csv").write_text(pl.DataFrame(texts).write_csv())


@pytest.mark.parametrize("as_other", [as_gzip, as_array, as_parquet, as_flat_csv])
def test_the_same_rows_in_another_container_are_the_same_charges(
    tmp_path: Path, as_other: Callable[[Path], None]
) -> None:
    as_other(tmp_path)

    frame = charges(read_only_delivery(SOURCE, tmp_path, **SETTINGS))

    lineage = ["file_id", "delivery", "scope"]
    original = charges(read_folder(SOURCE, FOLDER / "files", **SETTINGS)[EXPORT.name])
    assert frame.drop(lineage).rows() == original.drop(lineage).rows()


def test_files_add_and_a_file_that_comes_again_competes_with_itself_only(tmp_path: Path) -> None:
    lines = list(LINES)
    random.Random(7).shuffle(lines)
    (tmp_path / "a.jsonl").write_text("\n".join(LINES))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    write(tmp_path / "c.jsonl", [changed(export_time="2026-10-05T00:00:00Z")])

    deliveries = read_folder(SOURCE, tmp_path)

    scopes = {name: reading.scopes[Fact.CHARGES] for name, reading in deliveries.items()}
    assert scopes["a.jsonl"] == scopes["b.jsonl.gz"] != scopes["c.jsonl"]
    assert all(len(names) == 1 and names[0].startswith("append:") for names in scopes.values())


def test_a_window_in_the_path_is_replaced_by_its_next_extract(tmp_path: Path) -> None:
    first = tmp_path / "invoice_month=202610/20261004T0412"
    write(first / "0.json", records()[:3])
    write(first / "1.json", records()[3:])
    write(tmp_path / "invoice_month=202610/20261005T0412/0.json", [*records(), changed(cost=1)])

    deliveries = read_folder(SOURCE, tmp_path)

    assert [charges(deliveries[d]).height for d in sorted(deliveries)] == [8, 9]
    assert {s for r in deliveries.values() for s in r.scopes[Fact.CHARGES]} == {
        "gcp:01AAAA-BBBBBB-CCCCCC:invoice_month=202610"
    }


@pytest.mark.parametrize(
    ("window", "row"),
    [("invoice_month=202609", 0), ("usage_date=2026-10-03", 0), ("export_date=2026-10-02", 0)],
)
def test_a_row_outside_its_window_is_rejected(tmp_path: Path, window: str, row: int) -> None:
    write(tmp_path / window / "run/0.json", [records()[row]])

    (rejected,) = read_only_delivery(SOURCE, tmp_path).rejected

    assert rejected.rule == "outside_window"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LINES[0][:-20], "not whole JSON"),
        ('{"cost": 1, "cost": 2}', "names a member twice"),
        ("[1, 2]", "no JSON object"),
        ('{"cost": 1}', "it has no currency"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.json").write_text(text)

    with pytest.raises(SourceError, match=said):
        read_only_delivery(SOURCE, tmp_path)


def test_a_cost_table_adds_up_to_its_total_and_not_to_thrice_of_it() -> None:
    reading = read_folder(SOURCE, FOLDER / "files", **SETTINGS)[TABLE.name]

    assert total(charges(reading)) == Decimal("0.8625")
    assert (reading.rows_read, reading.rows_empty) == ({TABLE.name: 6}, {TABLE.name: 3})


def test_a_cost_table_without_settings_is_asked_for_them(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(TABLE.read_text())

    reading = read_only_delivery(SOURCE, tmp_path)

    assert {r.next_action for r in reading.rejected} == {"Set billing_account_id of this source."}


def test_the_tax_of_a_cost_table_is_a_line(tmp_path: Path) -> None:
    text = TABLE.read_text().replace("Tax,0.000000", "Tax,0.100000")
    reading = read_table(
        tmp_path, text.replace("Filtered total,0.862500", "Filtered total,0.962500")
    )

    tax = charges(reading).filter(charge_category="Tax")
    assert compact(tax, ["charge_date", "billed_cost"]) == [["2026-07-03", "0.1"]]
    assert total(charges(reading)) == Decimal("0.9625")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("0.750000,0.75", "0.760000,0.75", "do not add up"),
        ("total,0.862500", "total,0.962500", "do not add up"),
        ("Unrounded subtotal", "Nicht gerundet", "damaged or cut off"),
        ("SKU description", "SKU-Beschreibung", "has no column SKU description"),
        ("0.750000,0.75", '"0,75",0.75', "an amount is no decimal"),
        ("0.037500,0.04", "0.037500", "cut off"),
    ],
)
def test_a_cost_table_that_does_not_hold_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(SourceError, match=said):
        read_table(tmp_path, TABLE.read_text().replace(old, new))


SHORT = st.text(max_size=5)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | SHORT
    | st.sampled_from(["\ud800", "1e999", "-0", "NaN", "1" * 30, "0." + "1" * 30]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SHORT, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_spoilt_value_spoils_its_record_only(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    rows = records()
    spoilt = rows[data.draw(st.integers(0, 6))]
    inner = data.draw(st.sampled_from([k for k, v in spoilt.items() if isinstance(v, dict)]))
    target = data.draw(st.sampled_from([spoilt, spoilt[inner]]))
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(ANYTHING)
    folder = tmp_path_factory.mktemp("spoilt")

    reading = read_rows(folder, *rows)

    told = set(charges(reading)["source_row"]) | {r.source_row for r in reading.rejected}
    assert (told, len(reading.rejected) <= 1) == (set(range(1, 8)), True)


def test_one_extract_of_a_window_delivered_twice_side_by_side_counts_once(tmp_path: Path) -> None:
    folder = tmp_path / "export_date=2026-10-04/one"
    for name in ("rows.jsonl", "copy of rows.jsonl"):
        write(folder / name, [records()[2]])

    reading = read_only_delivery(SOURCE, tmp_path)

    assert charges(reading).height == 1
    assert reading.counters["duplicate_files"] == 1
