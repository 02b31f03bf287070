"""Bring your own: the two sample feeds, every fact and format, and rows that are set aside."""

import gzip
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from models.facts import Fact
from pipelines.landing.land import land
from pipelines.sources.mapped import SOURCE
from pipelines.workspace import open_workspace
from tests.landing.room import Room, pseudonym
from tests.sources.deliveries import SAMPLES
from tests.sources.mappings import CALL_COLUMNS, CHARGE_COLUMNS, MappedRoom, feed

KEY = {
    "EVERYCENT_PSEUDONYM_KEY": "0f8b1c57a2d94e6380f1b6d2c4a7e95310c8f2d6b4a19e7755c3d8e2f0b6a491"
}


def sample(number, tmp_path):
    """Result and rows of one feed of the samples."""
    workspace, problems = open_workspace(SAMPLES / "mapped", KEY)
    assert not problems
    settings = workspace.settings.sources[number]
    room = Room(tmp_path, SOURCE)
    result = land(settings, SOURCE, workspace.inbox(settings), room.lake, pseudonym=pseudonym)
    return result, room.rows(settings.mapping.fact)


def rejected(result):
    return [(r.source_row, r.rule, r.column) for rec in result.landed for r in rec.quarantine]


def test_a_bill_in_cents_and_thousands_becomes_charges_to_the_last_digit(tmp_path):
    result, rows = sample(0, tmp_path)
    (landed,) = result.landed

    assert landed.amounts == {"EUR": "8.727250000000000000"}
    assert [row["billed_cost"] for row in rows] == [
        Decimal(cost) for cost in ("3.12625", "1.5", "0.101", "5", "-1")
    ]
    assert [row["consumed_quantity"] for row in rows] == [
        1_250_500,
        200_000,
        10_000_000,
        None,
        None,
    ]
    assert [row["charge_category"] for row in rows] == ["Usage"] * 3 + ["Purchase", "Credit"]
    assert [row["meter"] for row in rows][:4] == [
        "input_uncached",
        "output",
        "input_uncached",
        None,
    ]
    assert {(row["issuer"], row["billing_currency"], row["scope"]) for row in rows} == {
        ("nimbus", "EUR", "2026-10")
    }
    assert len({row["charge_key"] for row in rows}) == 5
    assert [scope.scope for scope in landed.scopes] == ["2026-10"]


def test_a_gateway_log_becomes_calls_with_disjoint_tokens(tmp_path):
    result, rows = sample(1, tmp_path)
    first, failed, last = rows

    assert not rejected(result)
    assert first["started_at"] == datetime(2026, 10, 1, 0, 0, 0, 123_000, tzinfo=UTC)
    assert (first["input_uncached_tokens"], first["cache_read_tokens"]) == (900, 100)
    assert (first["output_text_tokens"], first["output_reasoning_tokens"]) == (30, 20)
    assert first["logged_cost_usd"] == Decimal("0.00275")
    assert (first["user_id"], first["task_id"]) == (pseudonym("ann@acme.example"), "T-1")
    assert first["tags"] == '{"app": "assistant"}'
    assert (first["provider"], first["token_semantics"]) == ("openai", "exclusive")
    assert (failed["status"], failed["output_text_tokens"]) == ("error", None)
    assert (last["charge_date"], last["tags"]) == (date(2026, 10, 1), None)


def test_nothing_that_the_mapping_does_not_name_is_written(tmp_path):
    sample(1, tmp_path)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert written
    assert b"PLANTED" not in written
    assert b"ann@" not in written


def test_the_same_rows_read_alike_in_every_format(tmp_path):
    text = "id,at,n\nr-1,2026-10-01 00:00:00,7\nr-2,2026-10-01 00:00:01.5,8\n"
    frame = pl.read_csv(io.StringIO(text), infer_schema=False)
    parquet = io.BytesIO()
    frame.write_parquet(parquet)
    files = {
        "csv": ("a.csv", text),
        "jsonl": ("a.jsonl.gz", gzip.compress(frame.write_ndjson().encode(), mtime=0)),
        "parquet": ("a.parquet", parquet.getvalue()),
    }
    columns = {**CALL_COLUMNS, "input_tokens": "n"}
    landed = []
    for file_format, (name, content) in files.items():
        room = MappedRoom(tmp_path / file_format, feed("calls", columns, file_format=file_format))
        room.land(name, content)
        landed.append([{**row, "file_id": ""} for row in room.rows()])

    assert len(landed[0]) == 2
    assert landed[0] == landed[1] == landed[2]


def test_an_exclusive_and_an_inclusive_total_give_the_same_buckets(tmp_path):
    columns = {
        **CALL_COLUMNS,
        "input_tokens": "i",
        "cache_read_tokens": "r",
        "cache_write_tokens": "w",
        "output_tokens": "o",
        "reasoning_tokens": "z",
    }
    head = "id,at,i,r,w,o,z\nr-1,2026-10-01 00:00:00,"
    buckets = []
    for meaning, numbers in {
        "inclusive": "1000,600,100,50,20",
        "exclusive": "300,600,100,30,20",
    }.items():
        tokens = {"cache": meaning, "reasoning": meaning}
        room = MappedRoom(tmp_path / meaning, feed("calls", columns, tokens=tokens))
        room.land("a.csv", f"{head}{numbers}\n")
        (row,) = room.rows()
        names = "input_uncached cache_read cache_write output_text output_reasoning"
        buckets.append([row[f"{name}_tokens"] for name in names.split()])

    assert buckets[0] == buckets[1] == [300, 600, 100, 30, 20]


def test_calls_in_other_units_are_counted_in_them(tmp_path):
    columns = {
        **CALL_COLUMNS,
        "operation": "kind",
        "input_tokens": "n",
        "search_units": "searches",
        "audio_seconds": "seconds",
        "input_characters": "letters",
        "generated_images": "images",
    }
    names = ("search_units", "audio_seconds", "input_characters", "generated_images")
    room = MappedRoom(tmp_path, feed("calls", columns))
    result = room.land(
        "a.csv",
        "id,at,kind,n,searches,seconds,letters,images\n"
        "r-1,2026-10-01 00:00:00,rerank,,3,,,\n"
        "r-2,2026-10-01 00:00:00,audio_in,,,12.04,,\n"
        "r-3,2026-10-01 00:00:00,audio_out,,,,900,\n"
        "r-4,2026-10-01 00:00:00,image,40,,,,2\n"
        "r-5,2026-10-01 00:00:00,audio_in,,,long,,\n"
        "r-6,2026-10-01 00:00:00,rerank,,,,,\n",
    )

    assert [(r["call_id"], *(r[n] for n in names), r["token_source"]) for r in room.rows()] == [
        ("r-1", 3, None, None, None, "provider"),
        ("r-2", None, 13, None, None, "provider"),
        ("r-3", None, None, 900, None, "provider"),
        ("r-4", None, None, None, 2, "provider"),
        ("r-6", None, None, None, None, "unknown"),
    ]
    assert [(position, broken) for position, broken, _ in rejected(result)] == [(5, "bad_count")]


@pytest.mark.parametrize(
    ("row", "rule", "column"),
    [
        ("2026-10-01,2026-10,,USD", "missing", "billed_cost"),
        ("2026-10-01,2026-10,1.0.0,USD", "number_form", "billed_cost"),
        ("2026-10-01,2026-10,1e-5,USD", "number_form", "billed_cost"),
        ("2026-10-01,2026-10,0.0000000000000000001,USD", "number_form", "billed_cost"),
        ("2026-10-01,2026-10,NaN,USD", "number_form", "billed_cost"),
        ("2026-10-01,2026-10,999999999999999999999,USD", "number_form", "billed_cost"),
        ("2026-13-01,2026-10,1,USD", "day_form", "charge_date"),
        ("1 Oct,2026-10,1,USD", "day_form", "charge_date"),
        (",2026-10,1,USD", "missing", "charge_date"),
        ("2026-10-01,October,1,USD", "day_form", "billing_period"),
        ("2026-10-01,2026-10,1,dollars", "currency_form", "billing_currency"),
    ],
)
def test_a_charge_that_breaks_a_rule_is_set_aside(tmp_path, row, rule, column):
    columns = {**CHARGE_COLUMNS, "billing_currency": "currency"}
    room = MappedRoom(tmp_path, feed("charges", columns))
    result = room.land(
        "bill.csv", f"day,month,amount,currency\n2026-10-01,2026-10,0.10,USD\n{row}\n"
    )

    assert rejected(result) == [(2, rule, column)]
    assert [r["billed_cost"] for r in room.rows()] == [Decimal("0.10")]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (",2026-10-01 00:00:00,1,ok,0.1", "missing_identity"),
        ("r,2026-10-01T00:00:00Z,1,ok,0.1", "bad_time"),
        ("r,soon,1,ok,0.1", "bad_time"),
        ("r,2026-10-01 00:00:00,-1,ok,0.1", "bad_count"),
        ("r,2026-10-01 00:00:00,1.5,ok,0.1", "bad_count"),
        ("r,2026-10-01 00:00:00,1,odd,0.1", "unmapped_value"),
        ("r,2026-10-01 00:00:00,1,bad,0.1", "not_in_vocabulary"),
        ("r,2026-10-01 00:00:00,1,ok,cheap", "bad_amount"),
        ("r,2026-10-01 00:00:00,1,ok,99999999999999", "bad_amount"),
    ],
)
def test_a_call_that_breaks_a_rule_is_set_aside(tmp_path, row, rule):
    columns = {
        **CALL_COLUMNS,
        "input_tokens": "n",
        "status": "map(state, {'ok': 'success', 'bad': 'broken'})",
        "logged_cost_usd": "times(cost, 100)",
    }
    room = MappedRoom(tmp_path, feed("calls", columns))
    result = room.land("a.csv", f"id,at,n,state,cost\nr-1,2026-10-01 00:00:00,1,ok,2\n{row}\n")

    assert [(position, broken) for position, broken, _ in rejected(result)] == [(2, rule)]
    assert [r["logged_cost_usd"] for r in room.rows()] == [200]


def test_floats_are_allowed_where_the_mapping_says_so_and_counted(tmp_path):
    room = MappedRoom(tmp_path, feed("charges", CHARGE_COLUMNS, numbers="float"))
    result = room.land(
        "bill.csv", "day,month,amount\n2026-10-01,2026-10,1.5e-06\n2026-10-01,2026-10,1e-19\n"
    )

    assert [r["billed_cost"] for r in room.rows()] == [Decimal("0.0000015"), 0]
    assert result.landed[0].counters["rounded_billed_cost"] == 1


def test_numbers_of_json_keep_every_digit(tmp_path):
    settings = feed("charges", CHARGE_COLUMNS, file_format="jsonl")
    room = MappedRoom(tmp_path, settings)
    room.land(
        "bill.jsonl",
        '{"day": "2026-10-01", "month": "2026-10", "amount": 12345678901.123456789012}\n',
    )

    assert room.rows()[0]["billed_cost"] == Decimal("12345678901.123456789012")


def test_a_number_with_the_other_separator_is_set_aside_never_guessed(tmp_path):
    dialect = {"delimiter": ";", "decimal": ","}
    room = MappedRoom(tmp_path, feed("charges", CHARGE_COLUMNS, csv=dialect))
    result = room.land(
        "bill.csv", "day;month;amount\n2026-10-01;2026-10;1,5\n2026-10-01;2026-10;1.234,5\n"
    )

    assert rejected(result) == [(2, "number_form", "billed_cost")]


def test_an_unmapped_category_is_set_aside_and_a_missing_one_is_missing(tmp_path):
    columns = {**CHARGE_COLUMNS, "charge_category": "map(kind, {'u': 'Usage'})"}
    room = MappedRoom(tmp_path, feed("charges", columns))
    result = room.land(
        "bill.csv",
        "day,month,amount,kind\n2026-10-01,2026-10,1,u\n2026-10-01,2026-10,1,x\n"
        "2026-10-01,2026-10,1,\n",
    )

    assert rejected(result) == [
        (2, "unmapped_value", "charge_category"),
        (3, "missing", "charge_category"),
    ]


def test_usage_is_one_meter_per_row_and_every_bucket_has_its_key(tmp_path):
    columns = {
        "charge_date": "utc(at)",
        "meter": "map(kind, {'in': 'input_uncached', 'out': 'output'})",
        "quantity": "times(kilo, 1000)",
        "model_text": "engine",
        "provider": "'nimbus'",
    }
    settings = feed("usage", columns, delivery="snapshot", scope="day")
    room = MappedRoom(tmp_path, settings)
    head = "day,at,kind,kilo,engine\n"
    line = "2026-10-01,2026-10-01 23:59:59,in,1.25,nimbus-large\n"
    result = room.land("u.csv", head + line + line + line.replace(",in,", ",out,"))

    assert [(r["quantity"], r["meter"]) for r in room.rows()] == [
        (1250, "input_uncached"),
        (1250, "input_uncached"),
        (1250, "output"),
    ]
    assert len({r["usage_key"] for r in room.rows()}) == 3
    assert {r["charge_date"] for r in room.rows()} == {date(2026, 10, 1)}
    assert [scope.scope for scope in result.landed[0].scopes] == ["2026-10-01"]


def test_outcomes_follow_the_rules_of_every_outcome(tmp_path):
    columns = {
        "outcome_id": "concat('deal-', id)",
        "outcome_type": "'deal_won'",
        "occurred_at": "epoch_s(closed)",
        "result": "map(stage, {'won': 'success', 'lost': 'failure'}, 'unknown')",
        "value_amount": "cents(value)",
        "value_currency": "'EUR'",
        "revision": "version",
        "user_id": "owner",
        "external_id": "id",
    }
    room = MappedRoom(tmp_path, feed("outcomes", columns))
    result = room.land(
        "deals.csv",
        "id,closed,stage,value,version,owner\n"
        "7,1790812800,won,1250,2,bob@acme.example\n8,never,won,1,0,\n9,1790812800,open,,0,\n",
    )
    won, open_ = room.rows()

    assert rejected(result) == [(2, "time_form", "occurred_at")]
    assert (won["outcome_id"], won["event_id"]) == ("deal-7", "mapped deal-7 2")
    assert (won["value_amount"], won["value_currency"]) == (Decimal("12.50"), "EUR")
    assert (won["result"], won["revision"]) == ("success", 2)
    assert won["ref_user_id"] == pseudonym("bob@acme.example")
    assert won["occurred_at"] == datetime(2026, 10, 1, tzinfo=UTC)
    assert (open_["result"], open_["value_amount"]) == ("unknown", None)


def test_people_and_addresses_are_pseudonyms_in_every_text(tmp_path):
    columns = {
        **CHARGE_COLUMNS,
        "sub_account_id": "pseudonym(who)",
        "resource_id": "who",
        "tags": "tag(who, team)",
    }
    room = MappedRoom(tmp_path, feed("charges", columns, tag_keys=["who"], task_key="team"))
    room.land("bill.csv", "day,month,amount,who,team\n2026-10-01,2026-10,1,eve@acme.example,t\n")
    (row,) = room.rows()

    hidden = pseudonym("eve@acme.example")
    assert (row["sub_account_id"], row["resource_id"]) == (hidden, hidden)
    assert row["tags"] == f'{{"who":"{hidden}"}}'


def test_a_file_without_a_mapped_column_is_refused_with_its_name(tmp_path):
    room = MappedRoom(tmp_path, feed("charges", CHARGE_COLUMNS))
    result = room.land("bill.csv", "day,month\n2026-10-01,2026-10\n")

    assert not result.landed
    assert "no column amount" in result.problems[0].message


def test_a_file_of_another_kind_is_refused_after_a_thousand_bad_rows(tmp_path):
    room = MappedRoom(tmp_path, feed("charges", CHARGE_COLUMNS))
    result = room.land("bill.csv", "day,month,amount\n" + "x,y,z\n" * 1_001)

    assert not result.landed
    assert "more than 1000 of its rows" in result.problems[0].message


def test_names_with_quotes_and_dots_are_only_names(tmp_path):
    columns = {**CHARGE_COLUMNS, "resource_id": """column('a"; drop table rows; --')"""}
    columns["region_id"] = "column('r.x')"
    room = MappedRoom(tmp_path, feed("charges", columns))
    room.land(
        "bill.csv",
        'day,month,amount,"a""; drop table rows; --",r.x\n2026-10-01,2026-10,1,it\'s,north\n',
    )
    (row,) = room.rows()

    assert (row["resource_id"], row["region_id"]) == ("it's", "north")


def test_names_with_capitals_are_found_in_every_format(tmp_path):
    columns = {**CHARGE_COLUMNS, "billed_cost": "Cost.InEUR", "resource_id": "ResourceId"}
    settings = feed("charges", columns, file_format="jsonl")
    room = MappedRoom(tmp_path / "bill", settings)
    room.land(
        "b.jsonl",
        '{"day": "2026-10-01", "month": "2026-10", "Cost": {"InEUR": "0.5"}, "ResourceId": "R"}\n',
    )
    log = MappedRoom(tmp_path / "log", feed("calls", {"call_id": "ID", "started_at": "utc(At)"}))
    log.land("a.csv", "id,At\nr-1,2026-10-01 00:00:00\n")

    assert [(r["billed_cost"], r["resource_id"]) for r in room.rows()] == [(Decimal("0.5"), "R")]
    assert [r["call_id"] for r in log.rows()] == ["r-1"]


def test_a_call_names_its_parent(tmp_path):
    room = MappedRoom(tmp_path, feed("calls", {**CALL_COLUMNS, "parent_call_id": "parent"}))
    room.land("a.csv", "id,at,parent\nr-2,2026-10-01 00:00:00,r-1\n")

    assert [row["parent_call_id"] for row in room.rows()] == ["r-1"]


def test_a_newer_snapshot_of_a_scope_replaces_and_another_scope_stays(tmp_path):
    settings = feed("charges", CHARGE_COLUMNS, delivery="snapshot", scope="month")
    room = MappedRoom(tmp_path, settings)
    head = "day,month,amount\n"
    room.land("1.csv", f"{head}2026-09-01,2026-09,5\n2026-10-01,2026-10,1\n")
    room.land("2.csv", f"{head}2026-10-01,2026-10,2\n")

    assert room.room.lake.winners(Fact.CHARGES).to_pylist() == [
        {"source": "own", "scope": "2026-09", "delivery": "1.csv"},
        {"source": "own", "scope": "2026-10", "delivery": "2.csv"},
    ]


@pytest.mark.parametrize("count", ["-1", "9223372036854775808", "1.5", "many"])
def test_a_count_that_cannot_be_is_set_aside(tmp_path, count):
    columns = {"charge_date": "day", "meter": "'output'", "quantity": "n", "request_count": "r"}
    room = MappedRoom(tmp_path, feed("usage", columns))
    result = room.land("u.csv", f"day,n,r\n2026-10-01,5,1\n2026-10-01,5,{count}\n")

    assert rejected(result) == [(2, "number_form", "request_count")]


def test_an_amount_that_grows_too_large_by_its_unit_is_set_aside(tmp_path):
    columns = {**CHARGE_COLUMNS, "billed_cost": "times(amount, 1000000)"}
    room = MappedRoom(tmp_path, feed("charges", columns))
    result = room.land("b.csv", "day,month,amount\n2026-10-01,2026-10,9999999999999999999\n")

    assert rejected(result) == [(1, "number_form", "billed_cost")]
