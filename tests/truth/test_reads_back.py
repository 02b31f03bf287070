"""What the simulator writes, the real sources read back: call by call and cent by cent."""

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import yaml

from models.facts import Fact
from models.landing import Landed
from models.settings import WorkspaceSettings
from pipelines.lake import Lake
from pipelines.landing.land import land
from pipelines.sources import all_sources
from pipelines.truth import Fault, simulate

TOKENS = (
    "input_uncached_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "web_search_requests",
)
CHARGE_KEYS = (
    "charge_date",
    "billing_period",
    "issuer",
    "billing_account_id",
    "sub_account_id",
    "charge_category",
    "model_id",
    "meter",
    "service_tier",
)


@dataclass
class ReadBack:
    """A simulated company, and what landing made of it."""

    out: Path
    lake: Path
    landed: list[Landed]
    refused: list[str]

    def facts(self, fact: Fact) -> pl.DataFrame:
        parts = [p.path for one in self.landed for p in one.parts if p.fact == fact]
        return pl.concat([pl.read_parquet(self.lake / path) for path in sorted(parts)])

    def truth(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.out / "truth" / f"{name}.parquet")

    def with_model_id(self, frame: pl.DataFrame, text_column: str) -> pl.DataFrame:
        with (self.out / "reference" / "model_aliases.csv").open() as file:
            aliases = pl.DataFrame(list(csv.DictReader(file)))
        return frame.join(
            aliases,
            left_on=["provider", text_column],
            right_on=["provider", "model_text"],
            how="left",
        ).with_columns(pl.coalesce("model_id", text_column).alias("model_id"))


def read_back(folder: Path, calls: int, faults: tuple[Fault, ...]) -> ReadBack:
    out, lake = folder / "acme", folder / "lake"
    simulate(out, seed=5, days=4, calls=calls, start=date(2026, 9, 29), faults=faults)
    settings = WorkspaceSettings.model_validate(
        yaml.safe_load((out / "everycent.yaml").read_text())
    )
    done = ReadBack(out, lake, [], [])
    for source in settings.sources:
        result = land(
            source,
            all_sources()[source.kind],
            out / source.location,
            Lake(lake),
            pseudonym=lambda person: f"p{len(person)}",
        )
        done.landed += result.landed
        done.refused += [problem.file_name for problem in result.problems]
    return done


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> ReadBack:
    return read_back(tmp_path_factory.mktemp("clean"), 1500, ())


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> ReadBack:
    return read_back(tmp_path_factory.mktemp("troubled"), 4000, tuple(Fault))


def matched(company: ReadBack) -> pl.DataFrame:
    calls = company.facts(Fact.CALLS).unique(["source", "call_id"])
    truth = company.truth("truth").filter("is_logged")
    return truth.join(calls, on=["source", "call_id"], how="left", suffix="_read")


def test_nothing_is_refused_or_quarantined_in_a_clean_company(clean):
    assert clean.refused == []
    assert [rejected.rule for one in clean.landed for rejected in one.quarantine] == []


@pytest.mark.parametrize("company", ["clean", "troubled"])
def test_every_logged_call_is_found_by_its_id_with_its_tokens(company, request):
    both = matched(request.getfixturevalue(company))
    output = pl.col("output_text_tokens") + pl.col("output_reasoning_tokens")

    assert both["started_at_read"].null_count() == 0
    assert both.filter(pl.col("started_at") != pl.col("started_at_read")).is_empty()
    assert both.filter(pl.col("output_tokens") != output).is_empty()
    for tokens in TOKENS:
        assert both.filter(pl.col(tokens) != pl.col(f"{tokens}_read")).is_empty()


def test_a_gateway_with_the_right_prices_logs_what_is_billed(clean):
    both = matched(clean)

    assert both.filter(pl.col("cost") != pl.col("logged_cost_usd")).is_empty()


def test_calls_name_models_that_the_aliases_lead_to_the_price_list(clean):
    both = clean.with_model_id(matched(clean).drop("model_id"), "served_model")
    truth = matched(clean)

    assert both["model_id"].to_list() == truth["model_id"].to_list()


def test_the_bills_say_what_is_true(clean):
    charges = clean.with_model_id(clean.facts(Fact.CHARGES), "model_text")
    read = charges.group_by(CHARGE_KEYS).agg(pl.col("billed_cost").sum().alias("cost"))
    truth = clean.truth("billed").group_by(CHARGE_KEYS).agg(pl.col("cost").sum())

    assert read.sort(CHARGE_KEYS).equals(truth.sort(CHARGE_KEYS))


def test_the_usage_reports_count_what_is_billed(clean):
    keys = ("charge_date", "issuer", "sub_account_id", "meter")
    usage = clean.facts(Fact.USAGE).filter(pl.col("quantity") > 0)
    billed = clean.truth("billed").filter(pl.col("issuer") != "aws")
    read = usage.group_by(keys).agg(pl.col("quantity").sum().cast(pl.Int64))
    truth = billed.group_by(keys).agg(pl.col("quantity").sum())

    assert read.sort(keys).equals(truth.sort(keys))


def test_outcomes_end_as_they_ended(clean):
    events = clean.facts(Fact.OUTCOMES).sort("revision").unique("outcome_id", keep="last")
    both = clean.truth("outcomes").join(events, on="outcome_id", how="full", suffix="_read")

    assert both["outcome_id_read"].null_count() == both["outcome_id"].null_count() == 0
    for column in ("result", "is_withdrawn", "occurred_at"):
        assert both.filter(pl.col(column) != pl.col(f"{column}_read")).is_empty()


def test_faults_are_refused_and_quarantined_as_noted(troubled):
    rules = sorted(rejected.rule for one in troubled.landed for rejected in one.quarantine)

    assert [name.split("/")[1] for name in troubled.refused] == ["14"]
    assert rules == ["bad_time", "not_an_object", "not_json", "not_json"]


def test_no_canary_leaves_the_inbox(troubled):
    canaries = (b"CANARY", b"canary", b"@acme.example", b"@customer.example")
    leaks = []
    for path in sorted(troubled.lake.rglob("*")):
        if path.suffix == ".parquet":
            text = pl.read_parquet(path).write_csv().encode()
            leaks += [(path.name, word) for word in canaries if word in text]
        elif path.is_file():
            leaks += [(path.name, word) for word in canaries if word in path.read_bytes()]

    assert leaks == []
