"""Anthropic costs and usage: pages in cents, Console downloads in dollars."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.facts import Fact
from pipelines.sources.anthropic import SOURCE
from pipelines.sources.base import SourceError
from tests.sources.deliveries import (
    SAMPLES,
    arrow_bytes,
    deliveries,
    read_files,
    rows,
    sample_outcome,
)

FILES = SAMPLES / "anthropic" / "files"
EXPECTED = json.loads((SAMPLES / "anthropic" / "expected.json").read_text())
COST_HEADER = (
    "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,"
    "list_price_usd,cost_type,inference_geo,speed,api_key_id,api_key_status"
)
USAGE_HEADER = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,"
    "usage_input_tokens_cache_read,usage_output_tokens,web_search_count"
)


def bucket(*results, day=1):
    return {
        "starting_at": f"2026-10-{day:02}T00:00:00Z",
        "ending_at": f"2026-10-{day + 1:02}T00:00:00Z",
        "results": list(results),
    }


def page(*buckets, has_more=False):
    return {"data": list(buckets), "has_more": has_more, "next_page": None}


def cost(amount="100", **fields):
    return {"amount": amount, "currency": "USD", **fields}


def tokens(**fields):
    return cost(cost_type="tokens", description="line", **fields)


def console_cost(amount="1.00", list_price="", day="2026-10-01", model="Claude Opus 5"):
    cells = (day, model, "Default", "k", "message", "≤ 200k", "output")
    return (
        ",".join((*cells, amount, list_price, "token", "global", "", "apikey_1", "active")) + "\n"
    )


def charges(tmp_path, *results):
    return rows(read_files(SOURCE, tmp_path, {"c.json": [bucket(*results)]}), Fact.CHARGES)


def usage(tmp_path, *results):
    return rows(read_files(SOURCE, tmp_path, {"u.json": [bucket(*results)]}), Fact.USAGE)


@pytest.mark.parametrize("unit", deliveries(SOURCE, FILES), ids=lambda unit: unit.delivery)
def test_samples_read_as_expected(unit):
    assert sample_outcome(SOURCE, unit) == EXPECTED[unit.delivery]


def test_every_expected_sample_exists():
    assert {unit.delivery for unit in deliveries(SOURCE, FILES)} == set(EXPECTED)


def test_the_documented_cost_page_is_in_cents(tmp_path):
    """Documented alone with has_more, so here as the last page: 123.78912 cents."""
    documented = json.loads((FILES / "cost_report_page.json").read_text())

    reading = read_files(SOURCE, tmp_path, {"p.json": documented | {"has_more": False}})

    (row,) = rows(reading, Fact.CHARGES)
    assert row["billed_cost"] == row["effective_cost"] == Decimal("1.2378912")
    assert row["model_text"] == "claude-opus-4-6"
    assert row["charge_description"] == "Claude Sonnet 4 Usage - Input Tokens"
    assert (row["sub_account_id"], row["meter"], row["service_tier"]) == (
        "wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ",
        "input_uncached",
        "standard",
    )


@pytest.mark.parametrize(
    ("amount", "dollars"),
    [
        ("123.45", "1.2345"),
        ("-250", "-2.5"),
        ("0", "0"),
        ("0.0000000000000001", "0.000000000000000001"),
        ("123456789012345", "1234567890123.45"),
    ],
)
def test_cents_become_dollars_exactly(tmp_path, amount, dollars):
    (row,) = charges(tmp_path, cost(amount))

    assert row["billed_cost"] == Decimal(dollars)


def test_the_lowest_unit_of_yen_is_the_yen(tmp_path):
    (row,) = charges(tmp_path, {"amount": "123", "currency": "JPY"})

    assert (row["billed_cost"], row["billing_currency"]) == (Decimal(123), "JPY")


@pytest.mark.parametrize(
    ("result", "rule"),
    [
        (cost("1,234.5"), "amount_form"),
        (cost("1e3"), "amount_form"),
        (cost("NaN"), "amount_form"),
        (cost(123), "amount_form"),
        (cost("0.00000000000000001"), "amount_form"),
        (cost(""), "amount_missing"),
        (cost(None), "amount_missing"),
        (cost("1", currency=None), "currency_form"),
        (cost("1", currency="dollars"), "currency_form"),
        (cost("1", workspace_id=7), "text_form"),
        ({}, "report_kind"),
        ("text", "report_kind"),
    ],
)
def test_a_bad_result_is_refused_and_the_others_count(tmp_path, result, rule):
    reading = read_files(SOURCE, tmp_path, {"c.json": [bucket(cost(), result)]})

    assert [(r.source_row, r.rule) for r in reading.rejected] == [(2, rule)]
    assert [r["billed_cost"] for r in rows(reading, Fact.CHARGES)] == [1]
    assert reading.rows_read == {"d/c.json": 2}


@pytest.mark.parametrize(
    ("result", "meter"),
    [
        (tokens(token_type="uncached_input_tokens"), "input_uncached"),
        (tokens(token_type="cache_read_input_tokens"), "cache_read"),
        (tokens(token_type="cache_creation.ephemeral_5m_input_tokens"), "cache_write_5m"),
        (tokens(token_type="cache_creation.ephemeral_1h_input_tokens"), "cache_write_1h"),
        (tokens(token_type="output_tokens"), "output"),
        (tokens(token_type="dream_tokens"), "unclassified"),
        (tokens(), "unclassified"),
        (cost(cost_type="web_search", description="x"), "web_search"),
        (cost(cost_type="code_execution", description="x"), "code_execution"),
        (cost(cost_type="session_usage", description="x"), "unclassified"),
        (cost(), None),
    ],
)
def test_every_kind_of_cost_has_its_meter(tmp_path, result, meter):
    (row,) = charges(tmp_path, result)

    assert (row["meter"], row["charge_category"]) == (meter, "Usage")


@pytest.mark.parametrize("description", ["Developer promotional credit", "Goodwill", None])
def test_negative_money_without_a_cost_type_is_a_credit(tmp_path, description):
    credit = cost("-250", description=description)

    row = next(
        r for r in charges(tmp_path, credit, tokens(workspace_id="w")) if r["billed_cost"] < 0
    )

    assert (row["charge_category"], row["billed_cost"]) == ("Credit", Decimal("-2.5"))
    assert (row["sub_account_id"], row["meter"], row["model_text"]) == (None, None, None)


def test_a_negative_usage_line_stays_usage(tmp_path):
    (row,) = charges(tmp_path, tokens(token_type="output_tokens") | {"amount": "-1"})

    assert (row["charge_category"], row["meter"]) == ("Usage", "output")


def test_no_workspace_is_the_default_one_only_if_others_are_told(tmp_path):
    grouped = charges(tmp_path / "grouped", tokens(workspace_id="w"), tokens(workspace_id=None))
    ungrouped = charges(tmp_path / "ungrouped", tokens(workspace_id=None))

    assert {row["sub_account_id"] for row in grouped} == {"w", "default"}
    assert [row["sub_account_id"] for row in ungrouped] == [None]


def test_the_console_names_of_a_real_day_price_to_the_billed_amount(tmp_path):
    """Claude Opus 5 at 5, 6.25 and 25 a million: 1.440055."""
    row = "2026-10-01,claude-opus-5,k,Default,standard,109911,2528,0,0,34988,0\n"
    price = {"input_uncached": "5", "cache_write_5m": "6.25", "output": "25"}

    metered = rows(read_files(SOURCE, tmp_path, {"u.csv": f"{USAGE_HEADER}\n{row}"}), Fact.USAGE)

    total = sum(Decimal(price[r["meter"]]) * r["quantity"] for r in metered)
    assert total.scaleb(-6) == Decimal("1.440055")


@pytest.mark.parametrize(
    ("fields", "tier", "unknown"),
    [
        ({"service_tier": "standard"}, "standard", 0),
        ({"service_tier": "batch"}, "batch", 0),
        ({"service_tier": "priority"}, "priority", 0),
        ({"service_tier": "priority_on_demand"}, "priority", 0),
        ({"service_tier": "flex_discount"}, "flex", 0),
        ({"service_tier": "standard", "speed": "fast"}, "fast", 0),
        ({"service_tier": "batch", "speed": "fast"}, "batch", 0),
        ({"service_tier": None}, None, 0),
        ({"service_tier": "warp"}, None, 1),
    ],
)
def test_tiers_are_told_or_null(tmp_path, fields, tier, unknown):
    reading = read_files(SOURCE, tmp_path, {"u.json": [bucket({"output_tokens": 1, **fields})]})

    assert [row["service_tier"] for row in rows(reading, Fact.USAGE)] == [tier]
    assert reading.counters.get("service_tier_unknown", 0) == unknown


@pytest.mark.parametrize(
    ("result", "rule"),
    [
        ({"output_tokens": -1}, "count_negative"),
        ({"output_tokens": "many"}, "count_form"),
        ({"output_tokens": None}, "no_quantities"),
        ({"cache_creation": 5}, "count_form"),
        ({"server_tool_use": {"web_fetch_requests": 1}}, "no_quantities"),
    ],
)
def test_usage_without_sound_counts_is_refused(tmp_path, result, rule):
    reading = read_files(SOURCE, tmp_path, {"u.json": [bucket({"output_tokens": 1}, result)]})

    assert [(r.source_row, r.rule) for r in reading.rejected] == [(2, rule)]
    assert reading.facts[Fact.USAGE].num_rows == 1


def test_usage_of_nothing_is_empty(tmp_path):
    reading = read_files(SOURCE, tmp_path, {"u.json": [bucket({"output_tokens": 0})]})

    assert (reading.rows_empty, reading.facts[Fact.USAGE].num_rows) == ({"d/u.json": 1}, 0)


def test_console_costs_are_dollars_with_their_list_price(tmp_path):
    text = f"{COST_HEADER}\n{console_cost('0.19', '0.38', model='Claude Haiku 4.5')}"

    (row,) = rows(read_files(SOURCE, tmp_path, {"c.csv": text}), Fact.CHARGES)

    assert (row["billed_cost"], row["list_cost"]) == (Decimal("0.19"), Decimal("0.38"))
    assert (row["model_text"], row["meter"]) == ("claude-haiku-4-5", "output")
    assert (row["sub_account_id"], row["api_key_id"]) == ("default", "apikey_1")
    assert row["service_tier"] is None


def test_older_console_cost_files_have_no_list_price(tmp_path):
    header = "usage_date_utc,model,workspace,api_key,usage_type,token_type,cost_usd,cost_type"
    text = f"{header}\n2025-10-01,Claude Opus 4,Default,k,message,output,0.05,token\n"

    (row,) = rows(read_files(SOURCE, tmp_path, {"c.csv": text}), Fact.CHARGES)

    assert (row["billed_cost"], row["list_cost"]) == (Decimal("0.05"), None)


def test_console_file_and_cost_report_replace_each_other(tmp_path):
    """The same money twice: the same scope, so the later delivery counts."""
    csv = read_files(SOURCE, tmp_path / "a", {"c.csv": f"{COST_HEADER}\n{console_cost()}"})
    json_page = read_files(SOURCE, tmp_path / "b", {"c.json": page(bucket(cost()))})

    assert csv.scopes == json_page.scopes == {Fact.CHARGES: ("costs:2026-10-01",)}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"c.json": page(bucket(cost()), has_more=True)}, "expected exactly one"),
        ({"c.json": page(bucket(cost())), "d.json": page(bucket(cost(), day=2))}, "exactly one"),
        (
            {"c.json": page(bucket(cost())), "d.json": page(bucket(cost(), day=2), has_more=True)},
            "missing",
        ),
        (
            {"c.json": [bucket(cost())], "c.csv": f"{COST_HEADER}\n{console_cost()}"},
            "the same usage twice",
        ),
        (
            {"c.json": [bucket(cost())], "d.json": [bucket(cost("100", workspace_id="w"))]},
            "the same usage twice",
        ),
        ({"c.json": page(bucket({"list_amount": "1", "amount": "1"}))}, "no report"),
        ({"c.json": page({"date": "2026-10-01", "actor": {}})}, "without start and end"),
        ({"c.json": [bucket() | {"starting_at": "2026-10-01T00:00:00"}]}, "without start and end"),
        ({"c.json": [bucket() | {"ending_at": "2026-10-03T00:00:00Z"}]}, "without start and end"),
        ({"x.json": [bucket()]}, "only its name"),
        ({"x.json": [bucket(cost(), {"output_tokens": 1})]}, "mixes"),
        ({"x.json": [bucket(cost()), bucket(cost(), day=2)], "y.json": "[1, 2"}, "not whole JSON"),
        ({"c.csv": f"{COST_HEADER}\n{console_cost()}{console_cost()[:30]}"}, "cut off"),
        ({"c.csv": "date,cost\n"}, "header"),
    ],
)
def test_a_delivery_that_is_not_whole_is_refused_as_a_whole(tmp_path, files, message):
    with pytest.raises(SourceError, match=message):
        read_files(SOURCE, tmp_path, files)


def test_pages_of_one_folder_are_one_delivery(tmp_path):
    pages = {
        "p1.json": page(bucket(cost()), has_more=True),
        "p2.json": page(bucket(cost(), day=2)),
        "u.json": page(bucket({"output_tokens": 1})),
    }

    reading = read_files(SOURCE, tmp_path, pages)

    assert [unit.delivery for unit in deliveries(SOURCE, tmp_path)] == ["d"]
    assert reading.scopes == {
        Fact.CHARGES: ("costs:2026-10-01", "costs:2026-10-02"),
        Fact.USAGE: ("usage.messages:2026-10-01",),
    }


def test_an_empty_report_is_known_by_its_name(tmp_path):
    reading = read_files(SOURCE, tmp_path, {"cost_report.json": page(bucket())})

    assert reading.scopes == {Fact.CHARGES: ("costs:2026-10-01",)}


def test_a_bad_date_refuses_its_row(tmp_path):
    text = f"{COST_HEADER}\n{console_cost(day='01.10.2026')}{console_cost()}"

    reading = read_files(SOURCE, tmp_path, {"c.csv": text})

    assert [(r.source_row, r.rule) for r in reading.rejected] == [(1, "period_form")]
    assert reading.facts[Fact.CHARGES].num_rows == 1


def test_without_a_paying_account_nothing_is_read(tmp_path):
    with pytest.raises(SourceError, match="Set billing_account_id of source anthropic"):
        read_files(SOURCE, tmp_path, {"c.json": [bucket(cost())]}, billing_account_id=None)


def test_keys_do_not_depend_on_row_order_or_file_names(tmp_path):
    results = [tokens(token_type="output_tokens") | {"amount": a} for a in ("100", "200", "200")]

    def keys(name, *lines):
        reading = read_files(SOURCE, tmp_path / name, {f"{name}.json": [bucket(*lines)]})
        return sorted((r["charge_key"], r["billed_cost"]) for r in rows(reading, Fact.CHARGES))

    assert keys("forwards", *results) == keys("backwards", *reversed(results))
    assert len(set(keys("again", *results))) == 3


def test_people_never_leave_the_reader(tmp_path):
    files = {
        "u.json": [bucket({"output_tokens": 1, "account_id": "jane@example.com"})],
        "c.csv": COST_HEADER + "\n" + console_cost().replace(",k,", ",key of jane@example.com,"),
    }

    reading = read_files(SOURCE, tmp_path, files)

    assert {fact: table.num_rows for fact, table in reading.facts.items()} == {
        Fact.CHARGES: 1,
        Fact.USAGE: 1,
    }
    assert b"jane" not in arrow_bytes(reading)


counts = st.integers(min_value=0, max_value=10**12)
METERS = (
    "input_uncached",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "web_search",
)


@given(numbers=st.tuples(*[counts] * len(METERS)))
def test_report_and_console_tell_the_same_disjoint_meters(tmp_path_factory, numbers):
    uncached, read, write_5m, write_1h, output, searches = numbers
    result = {
        "uncached_input_tokens": uncached,
        "cache_read_input_tokens": read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": write_5m,
            "ephemeral_1h_input_tokens": write_1h,
        },
        "output_tokens": output,
        "server_tool_use": {"web_search_requests": searches},
    }
    row = f"2026-10-01,m,k,w,standard,{uncached},{write_5m},{write_1h},{read},{output},{searches}\n"
    folder = tmp_path_factory.mktemp("forms")

    forms = {"u.json": [bucket(result)], "u.csv": f"{USAGE_HEADER}\n{row}"}
    read_back = [
        {
            r["meter"]: int(r["quantity"])
            for r in rows(read_files(SOURCE, folder / name[2:], {name: form}), Fact.USAGE)
        }
        for name, form in forms.items()
    ]

    truth = {meter: n for meter, n in zip(METERS, numbers, strict=True) if n}
    assert read_back == [truth, truth]


@pytest.mark.parametrize(
    ("told", "expected"),
    [("us", "us"), ("global", "global"), ("not_available", None), (None, None)],
)
def test_bill_and_usage_tell_the_geography_that_has_a_price(tmp_path, told, expected):
    (charge,) = charges(tmp_path / "c", tokens(model="claude-opus-5", inference_geo=told))
    (bucket_of_usage,) = usage(
        tmp_path / "u", {"model": "claude-opus-5", "inference_geo": told, "output_tokens": 5}
    )

    assert charge["inference_geo"] == expected
    assert bucket_of_usage["inference_geo"] == expected
