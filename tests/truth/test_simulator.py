"""The simulator keeps its word: same seed same bytes, and the bills are the truth."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from models.reference import REFERENCE_TABLES
from pipelines.truth import Fault, SimulationSummary, simulate

LOSSLESS = (
    Fault.DUPLICATE_FILES,
    Fault.LATE_FILES,
    Fault.RESTATED_BILL,
    Fault.PLANTED_CANARIES,
)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> SimulationSummary:
    """A clean company over a month's end."""
    out = tmp_path_factory.mktemp("company") / "acme"
    return simulate(out, seed=3, days=4, calls=1500, start=date(2026, 9, 28))


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> SimulationSummary:
    """The same company with every fault."""
    out = tmp_path_factory.mktemp("troubled") / "acme"
    return simulate(out, seed=3, days=4, calls=6000, start=date(2026, 9, 28), faults=list(Fault))


def hashes(out: Path) -> dict[str, str]:
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def truth(company: SimulationSummary, name: str = "truth") -> pl.DataFrame:
    return pl.read_parquet(company.out / "truth" / f"{name}.parquet")


def payloads(out: Path) -> Iterator[dict]:
    for path in sorted((out / "inbox" / "gateway_eu").rglob("*.jsonl.gz")):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            yield json.loads(line)


def spend_logs(out: Path) -> Iterator[dict]:
    for path in sorted((out / "inbox" / "gateway_us").glob("*.csv.gz")):
        text = gzip.decompress(path.read_bytes()).decode("utf-8")
        yield from csv.DictReader(io.StringIO(text, newline=""))


def sums(frame: pl.DataFrame, *keys: str) -> dict[tuple, Decimal]:
    totals = frame.group_by(keys).agg(pl.col("cost").cast(pl.Decimal(38, 18)).sum())
    return {row[:-1]: row[-1] for row in totals.rows()}


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        simulate(tmp_path / name, seed=11, days=2, calls=300, faults=list(Fault))

    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")


def test_another_seed_gives_another_company(tmp_path):
    first = simulate(tmp_path / "one", seed=1, days=1, calls=200)
    second = simulate(tmp_path / "two", seed=2, days=1, calls=200)

    assert first.billed != second.billed


def test_the_logs_hold_exactly_the_calls_asked_for(company):
    eu, us = list(payloads(company.out)), list(spend_logs(company.out))

    assert len(eu) + len(us) == company.calls_logged == 1500


def test_the_bills_are_the_sum_of_all_calls_to_the_last_digit(company):
    usage = truth(company, "billed").filter(pl.col("charge_category") == "Usage")
    keys = ("charge_date", "issuer", "sub_account_id")

    assert sums(usage, *keys) == sums(truth(company), *keys)


def test_each_meter_of_a_bill_is_the_sum_of_its_calls(company):
    usage = truth(company, "billed").filter(pl.col("charge_category") == "Usage")
    calls = truth(company)
    for meter in ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "output"):
        billed = usage.filter(pl.col("meter") == meter)

        assert billed["cost"].sum() == calls[f"cost_{meter}"].sum()
        assert billed["quantity"].sum() == calls[f"{meter}_tokens"].sum()


def test_what_owners_own_adds_up_to_the_usage_billed(company):
    owned = truth(company, "owned_daily")["cost"].sum()

    assert owned == sum(company.billed.values())


def test_an_invoice_is_its_lines_rounded_once_and_the_tax_outside(company):
    with (company.out / "reference" / "invoices.csv").open() as file:
        totals = {r["invoice_id"]: Decimal(r["total_amount"]) for r in csv.DictReader(file)}
    with (company.out / "reference" / "reconciling_items.csv").open() as file:
        items = {r["invoice_id"]: Decimal(r["amount"]) for r in csv.DictReader(file)}
    lines = truth(company, "billed").group_by("issuer", "billing_period").agg(pl.col("cost").sum())

    assert len(totals) == lines.height == 6
    for issuer, month, cost in lines.rows():
        number = f"{issuer.upper()}-{month:%Y-%m}"
        left = totals[number] - items.get(number, Decimal(0)) - cost
        assert abs(left) <= Decimal("0.005")


def test_every_payload_is_a_litellm_payload_with_content(company):
    for payload in payloads(company.out):
        usage = payload["metadata"]["usage_object"] or {"total_tokens": 0}

        assert payload["total_tokens"] == usage["total_tokens"]
        assert payload["total_tokens"] == payload["prompt_tokens"] + payload["completion_tokens"]
        assert "CANARY" in json.dumps(payload["messages"])
        assert payload["model_id"].startswith("eu-")


def test_identities_in_the_logs_are_unique(company):
    eu = [
        (p["litellm_call_id"], p["id"], p["status"], p["startTime"]) for p in payloads(company.out)
    ]
    us = [row["request_id"] for row in spend_logs(company.out)]

    assert len(set(eu)) == len(eu)
    assert len(set(us)) == len(us)


def test_a_failure_or_a_cache_hit_costs_nothing_and_a_hit_repeats_an_answer(company):
    answers = {p["response"]["id"]: p for p in payloads(company.out) if p["cache_hit"] is False}
    hits = [p for p in payloads(company.out) if p["cache_hit"] is True]
    failures = [p for p in payloads(company.out) if p["status"] == "failure"]

    assert hits
    assert failures
    for payload in hits:
        source = answers[payload["id"].partition("_cache_hit")[0]]
        assert payload["total_tokens"] == source["total_tokens"] > 0
    assert {p["response_cost"] for p in hits + failures} == {0}


def test_spend_log_cells_hold_json_where_the_table_has_json(company):
    for row in spend_logs(company.out):
        metadata = json.loads(row["metadata"])

        assert metadata["spend_logs_metadata"]["task_id"].startswith("T26")
        assert isinstance(json.loads(row["request_tags"]), list)
        assert json.loads(row["messages"])


def test_bypass_traffic_is_billed_and_in_no_log(company):
    calls = truth(company)
    bypass = calls.filter(pl.col("call_id").is_null())

    assert not bypass.is_empty()
    assert bypass["is_logged"].sum() == 0
    assert bypass["source"].null_count() == bypass.height
    assert {"wrkspc_batch", "proj_lab", "proj_sandbox"} <= set(bypass["sub_account_id"])


def test_a_key_changes_hands_at_noon(company):
    calls = truth(company).filter(pl.col("sub_account_id") == "proj_data")
    noon = pl.datetime(2026, 9, 29, 12, time_zone="UTC")
    before = calls.filter(pl.col("started_at") < noon)
    after = calls.filter(pl.col("started_at") >= noon)

    assert set(before["application_id"]) == {"analytics"}
    assert set(after["application_id"]) == {"sales-copilot"}


def test_an_application_and_a_price_change_at_midnight(company):
    calls = truth(company)
    contracts = calls.filter(pl.col("application_id") == "contract-review")
    centers = contracts.group_by("charge_date").agg(pl.col("cost_center_id").unique()).rows()
    sonnet = calls.filter(
        (pl.col("model_id") == "claude-sonnet-4-6") & (pl.col("output_tokens") > 0)
    )
    rates = {
        (day >= date(2026, 9, 30), cost * 1_000_000 / tokens)
        for day, cost, tokens in sonnet.select("charge_date", "cost_output", "output_tokens").rows()
    }

    assert {(day >= date(2026, 9, 30), *found) for day, found in centers} == {
        (False, "cc-legal"),
        (True, "cc-product"),
    }
    assert rates == {(False, Decimal(15)), (True, Decimal("13.5"))}


def test_shared_calls_have_two_owners_and_consumers_pay_for_themselves(company):
    calls = truth(company)
    owned = truth(company, "owned_daily")
    shared = calls.filter(pl.col("owner_shares") == "intranet-chat:0.6,hr-helper:0.4")
    parts = sums(owned, "application_id")
    users = owned.filter(pl.col("application_id") == "code-assistant")["cost_center_id"]

    assert shared["application_id"].null_count() == shared.height > 0
    assert parts[("intranet-chat",)] * 4 == parts[("hr-helper",)] * 6
    assert users.n_unique() > 1


def test_reference_files_have_the_columns_of_their_contracts(company):
    for table in REFERENCE_TABLES.values():
        path = company.out / "reference" / table.file_name
        if path.suffix == ".csv":
            with path.open() as file:
                assert next(csv.reader(file)) == list(table.header)


def test_outcomes_point_to_tasks_that_were_logged(company):
    events = [
        json.loads(line)
        for path in sorted((company.out / "inbox" / "outcomes").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    tasks = {p["metadata"]["spend_logs_metadata"]["task_id"] for p in payloads(company.out)}
    tasks |= {
        json.loads(r["metadata"])["spend_logs_metadata"]["task_id"] for r in spend_logs(company.out)
    }
    refs = {ref["value"] for e in events for ref in e["data"]["refs"] if ref["kind"] == "task_id"}

    assert len({(e["source"], e["id"]) for e in events}) == len(events) > 0
    assert refs <= tasks
    assert truth(company, "outcomes").height == len(refs)


def test_every_fault_leaves_its_trace(troubled):
    notes = json.loads((troubled.out / "truth" / "faults.json").read_text())

    assert {note["fault"] for note in notes} == set(Fault)
    for note in notes:
        assert note["calls"] or note["lines"] or note["files"] or Decimal(note["amount_usd"])


def test_faults_that_lose_nothing_change_no_truth(company, tmp_path):
    again = simulate(
        tmp_path / "again",
        seed=3,
        days=4,
        calls=1500,
        start=date(2026, 9, 28),
        faults=LOSSLESS,
    )

    assert again.billed == company.billed
    assert truth(again).equals(truth(company))


def test_lost_logs_become_bypass(troubled):
    notes = json.loads((troubled.out / "truth" / "faults.json").read_text())
    lost = {n["fault"]: n["calls"] for n in notes if n["fault"] in ("missing_logs", "torn_file")}
    unread = truth(troubled).filter(
        (pl.col("source") == "gateway_eu") & pl.col("call_id").is_null()
    )

    assert all(lost.values())
    # a lost record may be a failure, which nobody billed
    assert 0 < unread.height <= sum(lost.values())


def test_progress_counts_the_days(tmp_path):
    seen = []
    simulate(tmp_path / "acme", seed=1, days=3, calls=60, progress=lambda *told: seen.append(told))

    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    "wrong",
    [{"days": 0}, {"calls": 0}, {"days": 40}, {"faults": ["gremlins"]}],
    ids=lambda wrong: str(next(iter(wrong.items()))),
)
def test_an_impossible_plan_is_refused(tmp_path, wrong):
    asked = {"seed": 1, "days": 1, "calls": 10, "faults": ()} | wrong

    with pytest.raises(ValueError, match=r"at least 1|unknown faults"):
        simulate(tmp_path / "acme", **asked)


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("keep me")

    with pytest.raises(FileExistsError):
        simulate(tmp_path, seed=1, days=1, calls=10)
