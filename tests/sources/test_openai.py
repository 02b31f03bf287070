"""OpenAI costs and usage: pages, dashboard downloads, and what is wrong with them."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.facts import Fact
from pipelines.sources import cells
from pipelines.sources.base import SourceError
from pipelines.sources.openai import SOURCE
from tests.sources.deliveries import (
    SAMPLES,
    arrow_bytes,
    deliveries,
    read_files,
    rows,
    sample_outcome,
)

FILES = SAMPLES / "openai" / "files"
EXPECTED = json.loads((SAMPLES / "openai" / "expected.json").read_text())
DAY = 86_400
OCTOBER = 1_790_812_800  # 2026-10-01T00:00Z
COST_HEADER = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,"
    "quantity_unit,line_item,user_id,api_key_id,project_id,organization_id,project_name,"
    "organization_name,user_email"
)


def bucket(*results, day=0):
    start = OCTOBER + day * DAY
    end = start + DAY
    return {"object": "bucket", "start_time": start, "end_time": end, "results": list(results)}


def page(*buckets, has_more=False):
    return {"object": "page", "data": list(buckets), "has_more": has_more, "next_page": None}


def cost(value="1", line_item=None, **fields):
    amount = {"value": value, "currency": "usd"}
    return {
        "object": "organization.costs.result",
        "amount": amount,
        "line_item": line_item,
        **fields,
    }


def completions(**fields):
    return {"object": "organization.usage.completions.result", **fields}


def cost_row(amount="1", currency="usd", line_item="", start=OCTOBER):
    return f"{start},{start + DAY},,,{amount},{currency},,,{line_item},,,,org-1,,,\n"


def charges(tmp_path, *results):
    return rows(read_files(SOURCE, tmp_path, {"costs.json": [bucket(*results)]}), Fact.CHARGES)


def quantities(reading):
    return {row["meter"]: int(row["quantity"]) for row in rows(reading, Fact.USAGE)}


@pytest.mark.parametrize("unit", deliveries(SOURCE, FILES), ids=lambda unit: unit.delivery)
def test_samples_read_as_expected(unit):
    assert sample_outcome(SOURCE, unit) == EXPECTED[unit.delivery]


def test_every_expected_sample_exists():
    assert {unit.delivery for unit in deliveries(SOURCE, FILES)} == set(EXPECTED)


def test_the_documented_completions_page_reads_as_disjoint_meters(tmp_path):
    """Documented alone with has_more, so here as the last page."""
    documented = json.loads((FILES / "usage_completions_page.json").read_text())

    reading = read_files(SOURCE, tmp_path, {"p.json": documented | {"has_more": False}})

    assert quantities(reading) == {
        "input_uncached": 400,
        "cache_read": 400,
        "cache_write": 100,
        "input_audio": 50,
        "input_image": 50,
        "output": 400,
        "output_audio": 50,
        "output_image": 50,
    }
    assert [row["request_count"] for row in rows(reading, Fact.USAGE)] == [5] + [None] * 7


def test_the_documented_identity_of_the_current_schema_holds(tmp_path):
    result = completions(
        input_tokens=5000,
        input_cached_tokens=1800,
        input_cache_write_tokens=200,
        input_uncached_tokens=3000,
        input_text_tokens=2500,
        input_audio_tokens=300,
        input_image_tokens=200,
        output_tokens=0,
    )

    assert quantities(read_files(SOURCE, tmp_path, {"p.json": [bucket(result)]})) == {
        "input_uncached": 2500,
        "cache_read": 1800,
        "cache_write": 200,
        "input_audio": 300,
        "input_image": 200,
    }


def test_a_real_cost_download_is_below_its_days_tokens_until_it_settles(tmp_path):
    """31,422 input and 29 output tokens are 0.0047307 at 0.15 and 0.60; the file says 0.0034."""
    day = "2026-08-30_2026-08-31.csv"
    tokens, cost = (
        read_files(
            SOURCE, tmp_path / name, {f"{name}_{day}": (FILES / f"{name}_{day}").read_text()}
        )
        for name in ("completions_usage", "cost")
    )

    (charge,) = rows(cost, Fact.CHARGES)
    assert charge["billed_cost"] == Decimal("0.0034")
    assert quantities(tokens) == {"input_uncached": 31_422, "output": 29}


def test_a_real_days_tokens_price_to_the_billed_amount(tmp_path):
    """gpt-4o-mini at 0.15, 0.075 and 0.60 a million: the dashboard charged 0.9153483."""
    result = completions(
        model="gpt-4o-mini",
        input_tokens=5_560_222 + 229_120,
        input_cached_tokens=229_120,
        input_uncached_tokens=5_560_222,
        output_tokens=106_885,
    )
    price = {"input_uncached": "0.15", "cache_read": "0.075", "output": "0.60"}

    metered = quantities(read_files(SOURCE, tmp_path, {"p.json": [bucket(result)]}))

    total = sum(Decimal(price[meter]) * n for meter, n in metered.items())
    assert total.scaleb(-6) == Decimal("0.9153483")


@pytest.mark.parametrize(
    "fields",
    [
        {"input_tokens": 10, "input_cached_tokens": 11, "output_tokens": 0},
        {"input_tokens": 10, "input_uncached_tokens": 9, "output_tokens": 0},
        {"input_tokens": 9, "input_uncached_tokens": 9, "input_text_tokens": 8, "output_tokens": 0},
        {
            "input_tokens": 0,
            "input_uncached_tokens": 0,
            "output_tokens": 5,
            "output_audio_tokens": 6,
        },
    ],
)
def test_tokens_that_do_not_add_up_are_refused(tmp_path, fields):
    good = completions(input_tokens=1, output_tokens=1)

    reading = read_files(SOURCE, tmp_path, {"p.json": [bucket(good, completions(**fields))]})

    assert [(r.source_row, r.rule) for r in reading.rejected] == [(2, "token_identity")]
    assert quantities(reading) == {"input_uncached": 1, "output": 1}


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (-1, "count_negative"),
        ("-3.0", "count_negative"),
        ("31422.5", "count_form"),
        ("1e3", "count_form"),
        (2**63, "count_form"),
        (True, "count_form"),
        (None, "no_quantities"),
    ],
)
def test_counts_that_are_no_counts_are_refused(tmp_path, value, rule):
    result = completions(input_tokens=value, output_tokens=0)

    reading = read_files(SOURCE, tmp_path, {"p.json": [bucket(result)]})

    assert [r.rule for r in reading.rejected] == [rule]
    assert reading.rows_read == {"d/p.json": 1}


def test_whole_numbers_printed_as_floats_are_counts(tmp_path):
    result = '{"object":"organization.usage.embeddings.result","input_tokens":31422.0}'
    text = json.dumps([bucket()]).replace("[]", f"[{result}]")

    assert quantities(read_files(SOURCE, tmp_path, {"p.json": text})) == {"input_uncached": 31422}


@pytest.mark.parametrize(
    ("fields", "tier", "unknown"),
    [
        ({"batch": True, "service_tier": "default"}, "batch", 0),
        ({"batch": False, "service_tier": "default"}, "standard", 0),
        ({"service_tier": "flex"}, "flex", 0),
        ({"batch": None, "service_tier": None}, None, 0),
        ({"service_tier": "incentivized-tier"}, None, 1),
    ],
)
def test_tiers_are_told_or_null(tmp_path, fields, tier, unknown):
    result = completions(input_tokens=1, output_tokens=0, **fields)

    reading = read_files(SOURCE, tmp_path, {"p.json": [bucket(result)]})

    assert [row["service_tier"] for row in rows(reading, Fact.USAGE)] == [tier]
    assert reading.counters.get("service_tier_unknown", 0) == unknown


def test_calls_without_tokens_keep_their_count(tmp_path):
    result = completions(input_tokens=0, output_tokens=0, num_model_requests=3)

    reading = read_files(SOURCE, tmp_path, {"p.json": [bucket(result)]})

    assert [(r["quantity"], r["request_count"]) for r in rows(reading, Fact.USAGE)] == [(0, 3)]


@pytest.mark.parametrize(
    ("line_item", "model_text", "meter", "tier"),
    [
        ("gpt-4o-2024-08-06, input", "gpt-4o-2024-08-06", "input_uncached", None),
        ("gpt-4o-2024-08-06, output", "gpt-4o-2024-08-06", "output", None),
        ("gpt-4o, cached input", "gpt-4o", "cache_read", None),
        ("gpt-5-nano, input_tokens", "gpt-5-nano", "input_uncached", None),
        ("gpt-6-astra, cached input_tokens", "gpt-6-astra", "cache_read", None),
        ("gpt-6-astra, cache write", "gpt-6-astra", "cache_write", None),
        ("gpt-4o, batch output", "gpt-4o", "output", "batch"),
        ("gpt-4o, batch, cached input", "gpt-4o", "cache_read", "batch"),
        ("dall-e 3, standard, 1024x1792, 1792x1024", None, "unclassified", None),
        ("a, b, input", None, "unclassified", None),
        (", input", None, "unclassified", None),
        ("assistants api | file search", None, "file_search", None),
        ("Web search tool calls", None, "web_search", None),
        ("Text tokens", None, "unclassified", None),
        ("Image models", None, "unclassified", None),
        (None, None, None, None),
        ("", None, None, None),
    ],
)
def test_line_items_are_split_only_where_the_tail_is_known(
    tmp_path, line_item, model_text, meter, tier
):
    (row,) = charges(tmp_path, cost(line_item=line_item))

    assert (row["model_text"], row["meter"], row["service_tier"]) == (model_text, meter, tier)
    assert row["charge_description"] == (line_item or None)
    assert row["charge_category"] == "Usage"


@pytest.mark.parametrize("line_item", ["Promotional credit", "Goodwill", None])
def test_negative_money_that_is_no_usage_is_a_credit(tmp_path, line_item):
    (row,) = charges(tmp_path, cost("-3.25", line_item))

    assert (row["charge_category"], row["billed_cost"]) == ("Credit", Decimal("-3.25"))
    assert (row["meter"], row["model_text"]) == (None, None)


def test_a_negative_usage_line_stays_usage(tmp_path):
    (row,) = charges(tmp_path, cost("-0.5", "gpt-4o, input"))

    assert (row["charge_category"], row["meter"]) == ("Usage", "input_uncached")


@pytest.mark.parametrize(
    ("line_item", "number", "unit", "consumed", "consumed_unit"),
    [
        ("gpt-4o, input", 1500, None, "1500", "Tokens"),
        ("gpt-4o, input", "1.5", "1000_tokens", "1500", "Tokens"),
        ("Web search tool calls", 3, None, "3", "Requests"),
        ("whisper", "1.5", "duration_minutes", "90", "Seconds"),
        ("gpt-4o, input", 3, "images", None, None),
        ("gpt-4o, input", 3, "fortnights", None, None),
        ("whisper", 3, None, None, None),
    ],
)
def test_quantities_are_told_in_single_units_or_null(
    tmp_path, line_item, number, unit, consumed, consumed_unit
):
    result = cost("1", line_item, quantity=number, quantity_unit=unit)

    (row,) = charges(tmp_path, result)

    expected = None if consumed is None else Decimal(consumed)
    assert (row["consumed_quantity"], row["consumed_unit"]) == (expected, consumed_unit)


def test_json_numbers_keep_every_digit(tmp_path):
    text = json.dumps([bucket(cost("@", "gpt-4o, output", quantity=1234567890123456789))])

    reading = read_files(
        SOURCE, tmp_path, {"costs.json": text.replace('"@"', "123.4567890123456789")}
    )

    (row,) = rows(reading, Fact.CHARGES)
    assert row["billed_cost"] == Decimal("123.4567890123456789")
    assert row["consumed_quantity"] == Decimal(1234567890123456789)


@pytest.mark.parametrize(
    ("amount", "stored", "residue"),
    [
        ("0.003400000000000000000000000000000000", "0.0034", None),
        ("1e-7", "0.0000001", None),
        ("0.1234567890123456789", "0.123456789012345679", -(10**17)),
    ],
)
def test_amounts_are_exact_or_their_residue_is_booked(tmp_path, amount, stored, residue):
    text = json.dumps([bucket(cost("@"))]).replace('"@"', amount)

    reading = read_files(SOURCE, tmp_path, {"costs.json": text})

    (row,) = rows(reading, Fact.CHARGES)
    assert row["billed_cost"] == Decimal(stored)
    assert row["repairs"] == ("amount_quantised" if residue else None)
    assert reading.counters.get("amount_residue_1e-36") == residue


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (cost_row('"1,234.5"'), "amount_form"),
        (cost_row("NaN"), "amount_form"),
        (cost_row("(1.00)"), "amount_form"),
        (cost_row("1" * 21), "amount_form"),
        (cost_row(""), "amount_missing"),
        (cost_row("1", "US Dollars"), "currency_form"),
        (cost_row("1", ""), "currency_form"),
        (cost_row("1").replace("\n", ",surplus\n"), "row_width"),
        ("," * 15 + "\n", "period_form"),
    ],
)
def test_a_bad_row_is_refused_and_the_others_count(tmp_path, row, rule):
    text = f"{COST_HEADER}\n{row}{cost_row('2.5')}"

    reading = read_files(SOURCE, tmp_path, {"cost.csv": text})

    assert [(r.source_row, r.rule) for r in reading.rejected] == [(1, rule)]
    assert [r["billed_cost"] for r in rows(reading, Fact.CHARGES)] == [Decimal("2.5")]
    assert reading.rows_read == {"d/cost.csv": 2}


def test_a_refusal_tells_the_shape_and_not_the_value(tmp_path):
    text = f"{COST_HEADER}\n{cost_row('secret 42')}"

    (rejected,) = read_files(SOURCE, tmp_path, {"cost.csv": text}).rejected

    assert (rejected.column, rejected.shape) == ("value", "aaaaaa 99")
    assert rejected.next_action in cells.NEXT_ACTIONS.values()


def test_blank_days_are_empty_and_still_replace(tmp_path):
    """Every empty day is a row with its four times only."""
    blank = f"{OCTOBER + DAY},{OCTOBER + 2 * DAY},," + "," * 12 + "\n"

    reading = read_files(SOURCE, tmp_path, {"cost.csv": f"{COST_HEADER}\n{blank}{cost_row('1')}"})

    assert reading.rows_empty == {"d/cost.csv": 1}
    assert reading.scopes[Fact.CHARGES] == ("costs:2026-10-01", "costs:2026-10-02")


@pytest.mark.parametrize(
    ("name", "fact", "scope"),
    [
        ("cost_2025.csv", Fact.CHARGES, "costs:2026-10-01"),
        ("completions_usage_2025.csv", Fact.USAGE, "usage.completions:2026-10-01"),
        ("embeddings_usage_2025.csv", Fact.USAGE, "usage.embeddings:2026-10-01"),
    ],
)
def test_a_four_column_file_is_known_by_its_name(tmp_path, name, fact, scope):
    text = f"start_time,end_time,start_time_iso,end_time_iso\n{OCTOBER},{OCTOBER + DAY},,\n"

    assert read_files(SOURCE, tmp_path, {name: text}).scopes == {fact: (scope,)}


def test_empty_buckets_are_scopes_of_the_report_their_neighbours_tell(tmp_path):
    pages = {"p1.json": page(bucket(cost()), has_more=True), "p2.json": page(bucket(day=1))}

    reading = read_files(SOURCE, tmp_path, pages)

    assert reading.scopes[Fact.CHARGES] == ("costs:2026-10-01", "costs:2026-10-02")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"c.json": page(bucket(cost()), has_more=True)}, "expected exactly one"),
        ({"c.json": page(bucket(cost())), "d.json": page(bucket(cost(), day=1))}, "exactly one"),
        (
            {"c.json": page(bucket(cost()), has_more=True), "e.json": page(bucket(cost(), day=2))},
            "missing",
        ),
        (
            {"c.json": page(bucket(cost())), "d.json": page(bucket(cost(), day=1), has_more=True)},
            "missing",
        ),
        ({"c.json": [bucket(cost()), bucket(cost())]}, "twice"),
        ({"c.json": [bucket(cost())], "cost.csv": f"{COST_HEADER}\n{cost_row()}"}, "twice"),
        (
            {"c.json": [bucket(cost())], "d.json": [bucket(cost("1", project_id="proj_a"))]},
            "the same usage twice",
        ),
        ({"c.json": [bucket()]}, "only its name"),
        ({"c.json": [bucket({"object": "organization.users.result"})]}, "no report"),
        ({"c.json": [bucket(cost(), completions())]}, "mixes"),
        ({"c.json": '{"object": "page", "data": ['}, "not whole JSON"),
        ({"c.json": '{"data": [], "data": [], "has_more": false}'}, "not whole JSON"),
        ({"c.json": '{"error": {"message": "no"}}'}, "neither a page"),
        ({"c.json": "[" * 200_000}, "not whole JSON"),
        ({"c.json": [{"start_time": OCTOBER, "end_time": OCTOBER + 2 * DAY}]}, "one UTC day"),
        ({"c.json": [{"start_time": OCTOBER, "end_time": OCTOBER + DAY}]}, "results"),
        ({"cost.csv": ""}, "header"),
        ({"cost.csv": "<html><body>Sign in</body></html>"}, "header"),
        ({"cost.csv": f"{COST_HEADER},user_id\n"}, "header"),
        ({"cost.csv": f"{COST_HEADER}\n{cost_row()}{cost_row()[:40]}"}, "cut off"),
        ({"cost.csv": f'{COST_HEADER}\n1,2,"cut'}, "quoting"),
    ],
)
def test_a_delivery_that_is_not_whole_is_refused_as_a_whole(tmp_path, files, message):
    with pytest.raises(SourceError, match=message) as refused:
        read_files(SOURCE, tmp_path, files)

    assert str(refused.value).startswith("d/")


def test_files_that_are_not_utf8_are_refused(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "cost.csv").write_bytes(b"\xff\xfe")

    with pytest.raises(SourceError, match="UTF-8"):
        read_files(SOURCE, tmp_path, {})


def test_without_a_paying_account_nothing_is_read(tmp_path):
    with pytest.raises(SourceError, match="Set billing_account_id of source openai"):
        read_files(SOURCE, tmp_path, {"c.json": [bucket(cost())]}, billing_account_id=None)


def test_the_organisation_on_the_line_is_the_paying_account(tmp_path):
    files = {"c.json": [bucket(cost(organization_id="org-1"))]}

    (row,) = rows(read_files(SOURCE, tmp_path, files, issuer="openai-eu"), Fact.CHARGES)

    assert (row["billing_account_id"], row["issuer"]) == ("org-1", "openai-eu")


def test_a_copy_of_a_file_counts_once(tmp_path):
    files = {"c.json": [bucket(cost())], "c (1).json": [bucket(cost())]}

    reading = read_files(SOURCE, tmp_path, files)

    assert len(rows(reading, Fact.CHARGES)) == 1
    assert reading.counters["duplicate_files"] == 1
    assert sorted(reading.rows_read.values()) == [0, 1]


def test_keys_do_not_depend_on_row_order_or_file_names(tmp_path):
    results = [cost("1", "x"), cost("2", "x"), cost("2", "x"), cost("3", "gpt-4o, input")]

    def keys(name, *lines):
        reading = read_files(SOURCE, tmp_path / name, {f"{name}.json": [bucket(*lines)]})
        return sorted((r["charge_key"], r["billed_cost"]) for r in rows(reading, Fact.CHARGES))

    assert keys("forwards", *results) == keys("backwards", *reversed(results))
    assert len(set(keys("again", *results))) == 4


def test_people_never_leave_the_reader(tmp_path):
    who = {"user_id": "user-jane", "user_email": "jane@example.com", "project_name": "Jane's"}
    files = {
        "c.json": [bucket(cost("1", "gpt-4o, input", **who), cost("x", **who))],
        "u.json": [bucket(completions(input_tokens=1, output_tokens=1, **who))],
    }

    reading = read_files(SOURCE, tmp_path, files)

    assert len(rows(reading, Fact.CHARGES)) == 1
    assert b"ane" not in arrow_bytes(reading) + repr(reading.rejected).encode()


counts = st.integers(min_value=0, max_value=10**12)


@given(text=counts, cached=counts, audio=counts, output=counts, output_audio=counts)
def test_both_schemas_tell_the_same_disjoint_meters(
    tmp_path_factory, text, cached, audio, output, output_audio
):
    older = completions(
        input_tokens=text + cached,
        input_cached_tokens=cached,
        input_audio_tokens=audio,
        output_tokens=output,
        output_audio_tokens=output_audio,
    )
    current = completions(
        input_tokens=text + audio + cached,
        input_uncached_tokens=text + audio,
        input_text_tokens=text,
        input_audio_tokens=audio,
        input_image_tokens=0,
        input_cached_tokens=cached,
        input_cached_text_tokens=cached,
        output_tokens=output + output_audio,
        output_text_tokens=output,
        output_audio_tokens=output_audio,
    )
    meters = ("input_uncached", "cache_read", "input_audio", "output", "output_audio")
    truth = dict(zip(meters, (text, cached, audio, output, output_audio), strict=True))
    folder = tmp_path_factory.mktemp("schemas")

    read = [
        quantities(read_files(SOURCE, folder / name, {"u.json": [bucket(result)]}))
        for name, result in (("older", older), ("current", current))
    ]

    assert read == [{meter: n for meter, n in truth.items() if n}] * 2
