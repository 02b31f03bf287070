"""Bills of which every record stands for itself: samples, and the laws all of them keep."""

import hashlib
import importlib
import json
from decimal import Decimal

import pytest

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from pipelines.sources.base import SourceError
from tests.sources.deliveries import HIDDEN, SAMPLES, context, deliveries, read_files

KINDS = (
    "anthropic_analytics",
    "databricks_billing",
    "opencost_allocation",
    "cursor_usage",
    "github_copilot",
    "openrouter_activity",
    "vercel_ai_gateway_report",
)
SOURCES = {kind: importlib.import_module(f"pipelines.sources.{kind}").SOURCE for kind in KINDS}
KEYS = {Fact.CHARGES: "charge_key", Fact.USAGE: "usage_key", Fact.OUTCOMES: "event_id"}
SETTINGS = {"opencost_allocation": {"billing_currency": "USD"}}
SAMPLE_UNITS = [
    pytest.param(kind, unit, id=f"{kind}/{unit.delivery}")
    for kind in KINDS
    for unit in deliveries(SOURCES[kind], SAMPLES / kind / "files")
]
REFUSED = ("by_tag", "by_group", "failed", "alone")
WHOLE_UNITS = [unit for unit in SAMPLE_UNITS if not any(word in unit.id for word in REFUSED)]


def read_unit(kind, unit, **settings):
    source = SOURCES[kind]
    return source.read(unit, context(source, **SETTINGS.get(kind, {}), **settings))


def rows(reading, fact):
    assert reading.facts[fact].schema == arrow_schema(FACTS[fact])
    return reading.facts[fact].to_pylist()


def shown(value):
    """Text of a value; decimals without trailing zeros."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def compact(reading):
    """All a delivery says: facts without nulls and constants, refusals and counters."""
    facts = {
        str(fact): sorted(
            (
                {k: shown(v) for k, v in row.items() if v is not None and k not in HIDDEN}
                for row in rows(reading, fact)
            ),
            key=lambda row: row[KEYS[fact]],
        )
        for fact in reading.facts
        if reading.facts[fact].num_rows
    }
    rejected = [f"{r.source_row}: {r.rule} {r.column}" for r in reading.rejected]
    told = {"rejected": rejected, "counters": dict(reading.counters)}
    return {**facts, **{name: value for name, value in told.items() if value}}


def outcome(kind, unit):
    try:
        return compact(read_unit(kind, unit))
    except SourceError as error:
        return {"refused": str(error)}


def expected(kind):
    return json.loads((SAMPLES / kind / "expected.json").read_text())


def read_text(kind, folder, name, content, **settings):
    return read_files(SOURCES[kind], folder, {name: content}, **settings)


@pytest.mark.parametrize(("kind", "unit"), SAMPLE_UNITS)
def test_samples_read_as_expected(kind, unit):
    assert outcome(kind, unit) == expected(kind)[unit.delivery]


@pytest.mark.parametrize("kind", KINDS)
def test_every_expected_sample_exists(kind):
    units = deliveries(SOURCES[kind], SAMPLES / kind / "files")
    assert {unit.delivery for unit in units} == set(expected(kind))


@pytest.mark.parametrize(("kind", "unit"), WHOLE_UNITS)
def test_every_record_is_a_fact_empty_or_rejected_and_keys_are_unique(kind, unit):
    reading = read_unit(kind, unit)

    told = {
        (row["file_id"], row["source_row"])
        for table in reading.facts.values()
        for row in table.to_pylist()
    }
    empty = sum(reading.rows_empty.values())
    assert sum(reading.rows_read.values()) == len(told) + len(reading.rejected) + empty
    for fact in reading.facts:
        keys = [(row.get("scope"), row[KEYS[fact]]) for row in rows(reading, fact)]
        assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(("kind", "unit"), SAMPLE_UNITS)
def test_no_fact_holds_an_address(kind, unit):
    assert "@" not in json.dumps(outcome(kind, unit).get("charges", []))
    assert "@" not in json.dumps(outcome(kind, unit).get("usage", []))
    assert "@" not in json.dumps(outcome(kind, unit).get("outcomes", []))


# OpenRouter


def test_the_upstream_cost_of_an_own_key_is_never_billed(tmp_path):
    row = {"date": "2026-10-01", "model": "m", "usage": 0.05, "byok_usage_inference": 1.0}

    reading = read_text("openrouter_activity", tmp_path, "a.json", {"data": [row]})

    (charge,) = rows(reading, Fact.CHARGES)
    assert charge["billed_cost"] == charge["effective_cost"] == Decimal("0.05")
    assert reading.counters["own_key_upstream_dollars_1e-18"] == 10**18


def test_activity_and_generations_replace_each_other_by_day(tmp_path):
    day = {"date": "2026-09-04", "model": "m", "usage": 1}
    generation = (SAMPLES / "openrouter_activity/files/openrouter_activity_export.csv").read_text()

    readings = [
        read_text("openrouter_activity", tmp_path / "a", "a.json", {"data": [day]}),
        read_text("openrouter_activity", tmp_path / "b", "b.csv", generation),
    ]

    assert [r.scopes[Fact.CHARGES] for r in readings] == [("activity:2026-09-04",)] * 2


@pytest.mark.parametrize(
    ("at", "day"),
    [("2026-09-04 23:59:59.999", "2026-09-04"), ("2026-09-05 00:00:00.000", "2026-09-05")],
)
def test_a_generation_belongs_to_its_utc_day(tmp_path, at, day):
    content = f"generation_id,created_at,cost_total,model_permaslug\ng,{at},1,m\n"

    (row,) = rows(read_text("openrouter_activity", tmp_path, "g.csv", content), Fact.CHARGES)

    assert str(row["charge_date"]) == day


def test_names_that_are_addresses_become_pseudonyms(tmp_path):
    content = (
        "generation_id,created_at,cost_total,model_permaslug,api_key_name,user\n"
        "g,2026-09-04 10:00:00,1,m,dev@example.com,other@example.com\n"
    )

    (row,) = rows(read_text("openrouter_activity", tmp_path, "g.csv", content), Fact.CHARGES)

    assert row["api_key_id"] == "u_" + hashlib.sha256(b"dev@example.com").hexdigest()[:8]
    assert "example.com" not in str(row)


# GitHub Copilot


def copilot_rows(name):
    (unit,) = (
        u
        for u in deliveries(SOURCES["github_copilot"], SAMPLES / "github_copilot/files")
        if u.delivery == name
    )
    return rows(read_unit("github_copilot", unit), Fact.CHARGES)


def test_premium_requests_are_billed_net_and_the_quota_covers_the_rest():
    billed, included = copilot_rows("github_copilot_premium_requests.csv")

    assert (billed["billed_cost"], billed["list_cost"]) == (Decimal("0.144"), Decimal("0.144"))
    assert (billed["consumed_quantity"], billed["pricing_category"]) == (Decimal("3.6"), "Standard")
    assert (included["billed_cost"], included["list_cost"]) == (0, Decimal("0.20"))
    assert included["consumed_quantity"] == 5
    assert (included["pricing_category"], included["commitment_discount_status"]) == (
        "Committed",
        "Used",
    )


def test_credits_inside_the_plan_cost_nothing_and_keep_their_value():
    _, real = copilot_rows("github_copilot_ai_credits.csv")

    assert real["billed_cost"] == 0
    assert real["effective_cost"] == real["list_cost"] == Decimal("0.09109908")
    assert (real["model_text"], real["consumed_unit"]) == ("Claude Haiku 4.5", "AI credits")


def test_a_line_half_inside_the_quota_is_billed_its_rest():
    half = copilot_rows("transitional_constructed.csv")[1]

    assert (half["billed_cost"], half["list_cost"]) == (Decimal("0.60"), Decimal("1.00"))
    assert half["commitment_discount_status"] is None


def test_cost_centre_and_repository_are_tags_only_where_allowed(tmp_path):
    content = (SAMPLES / "github_copilot/files/transitional_constructed.csv").read_text()

    reading = read_text(
        "github_copilot", tmp_path, "c.csv", content, tag_keys=("cost_center_name",)
    )

    assert {row["tags"] for row in rows(reading, Fact.CHARGES)} == {'{"cost_center_name":"CC-A"}'}


def test_tokens_are_read_under_either_set_of_names_and_unknown_ones_are_named(tmp_path):
    header = (
        "date,username,product,sku,model,quantity,unit_type,gross_amount,discount_amount,net_amount,"
        "total_input_tokens,total_output_tokens,total_cache_read_tokens,"
        "total_cache_creation_tokens,total_video_tokens\n"
    )
    row = "2026-10-20,dev,copilot,copilot_ai_credit,Sol,150,ai-credits,1.5,0.5,1.0,11,22,33,44,55\n"

    reading = read_text("github_copilot", tmp_path, "c.csv", header + row)

    used = {row["meter"]: row["quantity"] for row in rows(reading, Fact.USAGE)}
    assert used == {"input_uncached": 11, "cache_read": 33, "cache_write": 44, "output": 22}
    assert reading.counters["unread_token_columns"] == 1


# Cursor

CURSOR_HEADER = (
    "Date,User,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,"
    "Output Tokens,Total Tokens,Cost\n"
)


def cursor(folder, *, kind="On-Demand", tokens="0,20,0,5,25", cost="0.49", at="2026-10-01T10:00Z"):
    line = f'{at},dev@example.com,"{kind}",composer-2,No,{tokens},{cost}\n'
    return read_text("cursor_usage", folder, "c.csv", CURSOR_HEADER + line)


@pytest.mark.parametrize(
    ("kind", "cost", "billed", "effective", "status"),
    [
        ("On-Demand", "0.49", "0.49", "0.49", None),
        ("On-Demand", "$0.49", "0.49", "0.49", None),
        ("On-Demand", "-$0.49", "-0.49", "-0.49", None),
        ("Included", "0.49", "0", "0.49", "Used"),
        ("Included in Pro", "Included", "0", "0", "Used"),
        ("On-Demand", "Free", "0", "0", None),
        ("Errored, Not Charged", "-", "0", "0", None),
    ],
)
def test_the_state_of_an_event_says_what_it_costs(tmp_path, kind, cost, billed, effective, status):
    (row,) = rows(cursor(tmp_path, kind=kind, cost=cost), Fact.CHARGES)

    assert (row["billed_cost"], row["effective_cost"]) == (Decimal(billed), Decimal(effective))
    assert row["commitment_discount_status"] == status


@pytest.mark.parametrize(
    ("kind", "cost"), [("On-Demand", "-"), ("On-Demand", ""), ("User API Key", "0.02")]
)
def test_an_event_that_names_no_cost_has_tokens_and_no_charge(tmp_path, kind, cost):
    reading = cursor(tmp_path, kind=kind, cost=cost)

    assert rows(reading, Fact.CHARGES) == []
    assert {row["meter"] for row in rows(reading, Fact.USAGE)} == {"input_uncached", "output"}


@pytest.mark.parametrize(
    ("tokens", "uncached", "written"),
    [("100,200,300,50,650", 200, 100), ("160000,159990,578207,2055,740252", 159990, 10)],
)
def test_the_total_decides_how_cache_writes_are_counted(tmp_path, tokens, uncached, written):
    found = {
        row["meter"]: row["quantity"] for row in rows(cursor(tmp_path, tokens=tokens), Fact.USAGE)
    }

    assert (found["input_uncached"], found["cache_write"]) == (uncached, written)


def test_an_export_replaces_the_quarters_of_an_hour_it_holds(tmp_path):
    readings = [
        cursor(tmp_path / str(i), at=f"2026-10-01T10:{minute}:59Z")
        for i, minute in enumerate(("00", "14", "15"))
    ]

    assert [reading.scopes[Fact.CHARGES] for reading in readings] == [
        ("events:2026-10-01T10:00",),
        ("events:2026-10-01T10:00",),
        ("events:2026-10-01T10:15",),
    ]


# Vercel


def test_an_own_key_has_no_list_cost_on_the_gateways_bill(tmp_path):
    row = {"day": "2026-10-01", "total_cost": 0, "market_cost": 2.5, "credential_type": "byok"}

    reading = read_text("vercel_ai_gateway_report", tmp_path, "r.json", {"results": [row]})

    (charge,) = rows(reading, Fact.CHARGES)
    assert (charge["billed_cost"], charge["list_cost"]) == (0, None)


# Databricks


def databricks(delivery, fact):
    units = deliveries(SOURCES["databricks_billing"], SAMPLES / "databricks_billing/files")
    (unit,) = (u for u in units if u.delivery == delivery)
    return rows(read_unit("databricks_billing", unit), fact)


def test_without_prices_all_record_types_add_up_to_usage_and_nothing_is_charged():
    usage = databricks("databricks_billing_usage.csv", Fact.USAGE)

    assert sum(row["quantity"] for row in usage) == Decimal("250.0000")
    assert databricks("databricks_billing_usage.csv", Fact.CHARGES) == []


def test_records_are_priced_at_the_list_price_of_their_hour():
    charges = databricks("priced", Fact.CHARGES)

    by_day = {str(day): Decimal(0) for day in (row["charge_date"] for row in charges)}
    for row in charges:
        if row["resource_id"] == "chat-prod" and row["service_name"] == "MODEL_SERVING":
            by_day[str(row["charge_date"])] += row["billed_cost"]
    # 259.2958 x 0.08 before the price changed at midnight; 250 x 0.07 after it, once corrected
    assert by_day == {"2026-09-30": Decimal("20.743664"), "2026-10-01": Decimal("17.5")}
    assert {row["repairs"] for row in charges} == {"billed_at_list_price"}


def test_a_record_without_a_price_stays_usage():
    (row,) = databricks("priced", Fact.USAGE)

    assert (row["quantity"], row["meter"]) == (Decimal("12.5"), "unclassified")


def test_overlapping_extracts_count_every_record_once():
    newest = {}
    for delivery in ("extract-2026-08-10", "extract-2026-08-12"):
        for row in databricks(delivery, Fact.USAGE):
            newest.setdefault(row["scope"], {})[delivery] = (
                newest.get(row["scope"], {}).get(delivery, 0) + row["quantity"]
            )

    assert sum(by_delivery[max(by_delivery)] for by_delivery in newest.values()) == 250


# OpenCost


def opencost(name):
    units = deliveries(SOURCES["opencost_allocation"], SAMPLES / "opencost_allocation/files")
    (unit,) = (u for u in units if u.delivery == name)
    return rows(read_unit("opencost_allocation", unit), Fact.CHARGES)


def test_an_entry_and_its_adjustment_add_up_to_the_total():
    lines = [r for r in opencost("opencost_allocation.json") if r["resource_id"] == "inference"]

    assert {row["charge_class"]: row["billed_cost"] for row in lines} == {
        None: Decimal("129.07"),
        "Correction": Decimal(-12),
    }
    assert sum(row["billed_cost"] for row in lines) == Decimal("117.07")
    assert {row["sub_account_id"] for row in lines} == {"inference"}


def test_idle_capacity_is_a_line_of_its_own():
    (idle,) = (r for r in opencost("opencost_allocation.json") if r["commitment_discount_status"])

    assert (idle["billed_cost"], idle["commitment_discount_status"]) == (60, "Unused")
    assert sum(r["billed_cost"] for r in opencost("opencost_allocation.json")) == Decimal("177.07")


def test_entries_with_gpus_are_ai_usage_and_the_others_are_not():
    assert {
        (row["resource_id"], row["service_category"]) for row in opencost("hourly_constructed.json")
    } == {
        ("vllm", "AI and Machine Learning"),
        ("gpu-2/__idle__", "AI and Machine Learning"),
        ("__unmounted__", "Compute"),
        ("__unallocated__", "Compute"),
    }


def test_an_entry_without_currency_is_set_aside(tmp_path):
    content = (SAMPLES / "opencost_allocation/files/opencost_allocation.json").read_text()

    reading = read_text("opencost_allocation", tmp_path, "a.json", content)

    assert {row.rule for row in reading.rejected} == {"currency_form"}


# Claude Code and Enterprise analytics


def analytics(delivery):
    units = deliveries(SOURCES["anthropic_analytics"], SAMPLES / "anthropic_analytics/files")
    (unit,) = (u for u in units if u.delivery == delivery)
    return read_unit("anthropic_analytics", unit)


def test_an_estimate_of_claude_code_is_no_charge():
    reading = analytics("claude_code_usage_page.json")

    assert Fact.CHARGES not in reading.facts
    assert reading.counters["estimated_api_usd_1e-18"] == 10_250_000_000_000_000_000
    usage = rows(reading, Fact.USAGE)
    assert {row["meter"]: row["quantity"] for row in usage} == {
        "input_uncached": 100_000,
        "output": 35_000,
        "cache_read": 10_000,
        "cache_write": 5_000,
    }
    # apart from the account whose messages report has the same tokens
    assert {row["billing_account_id"] for row in usage} == {"acct/claude_code/api"}


def test_commits_and_pull_requests_are_outcomes_of_a_pseudonym():
    reading = analytics("claude_code_usage_page.json")

    found = {row["outcome_type"]: row for row in rows(reading, Fact.OUTCOMES)}
    assert {name: row["quantity"] for name, row in found.items()} == {
        "commit_created": 12,
        "pr_opened": 2,
    }
    person = "u_" + hashlib.sha256(b"dev@example.com").hexdigest()[:8]
    assert {row["ref_user_id"] for row in found.values()} == {person}
    assert "dev@example.com" not in str(found)


def test_a_restated_count_is_a_later_revision_of_the_same_outcome(tmp_path):
    page = json.loads(
        (SAMPLES / "anthropic_analytics/files/claude_code_usage_page.json").read_text()
    )
    page["data"][0]["core_metrics"]["commits_by_claude_code"] = 15

    later = read_text("anthropic_analytics", tmp_path, "p.json", page)

    before, after = (
        next(r for r in rows(reading, Fact.OUTCOMES) if r["outcome_type"] == "commit_created")
        for reading in (analytics("claude_code_usage_page.json"), later)
    )
    assert before["outcome_id"] == after["outcome_id"]
    assert (before["revision"], after["revision"]) == (12, 15)
    assert before["event_id"] != after["event_id"]


def test_what_a_subscription_uses_is_told_apart_and_not_billed():
    reading = analytics("claude_code_two_pages")

    accounts = {row["billing_account_id"] for row in rows(reading, Fact.USAGE)}
    assert accounts == {"acct/claude_code/api", "acct/claude_code/subscription"}
    assert reading.counters["estimated_subscription_usd_1e-18"] == 4_130_000_000_000_000_000
    assert reading.counters["estimated_api_usd_1e-18"] == 75_000_000_000_000_000
    assert {r.rule for r in reading.rejected} == {
        "duplicate_record",
        "customer_type",
        "count_negative",
    }


def test_analytics_cost_is_in_fractional_cents_after_discount():
    reading = analytics("analytics_cost_report_page.json")

    costs = {row["resource_id"]: row for row in rows(reading, Fact.CHARGES)}
    assert costs["claude_code"]["billed_cost"] == Decimal("10.5025")
    assert costs["claude_code"]["list_cost"] == Decimal("11.67")
    assert costs[None]["billed_cost"] == Decimal("0.125")


def test_analytics_cost_replaces_the_days_of_the_cost_report():
    reading = analytics("cost_report_by_type_constructed.json")

    assert reading.scopes[Fact.CHARGES] == ("costs:2026-10-01", "costs:2026-10-02")


# what is no bill at all


@pytest.mark.parametrize(
    ("kind", "suffix"), [(kind, suffix) for kind in KINDS for suffix in SOURCES[kind].suffixes]
)
@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "{", "[]", '{"data": 1}', '{"results": {}}'])
def test_anything_else_is_refused_as_a_whole(tmp_path, kind, content, suffix):
    with pytest.raises(SourceError, match="d/x"):
        read_text(kind, tmp_path, f"x{suffix}", content)
