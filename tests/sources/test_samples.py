"""Every kind of feed has samples: whose they are, what they become, and that twice is once."""

import re
import shutil
from pathlib import Path

import duckdb
import pytest
import yaml

from models.facts import Fact
from models.settings import SourceSettings
from pipelines.lake import Lake
from pipelines.landing.land import land
from pipelines.sources import all_sources
from tests.landing.room import pseudonym
from tests.sources.deliveries import SAMPLES

KINDS = sorted(all_sources())
ORIGIN = re.compile(r"\borigin\b|constructed|own work", re.IGNORECASE)
LICENCE = re.compile(r"^Licence: .+", re.MULTILINE)

# where the feed is, if not in `files`
FEEDS = {
    "azure_cost": "azure_cost/openai",
    "mapped": "mapped/inbox/switchboard",
    "mlflow_assessments": "mlflow_traces/files",
}
JSON = {".json", ".jsonl", ".log"}
IDENTITIES = {
    Fact.CHARGES: "scope, charge_key",
    Fact.USAGE: "scope, usage_key",
    Fact.CALLS: "call_id",
    Fact.OUTCOMES: "event_id",
}


def settings_of(kind: str) -> SourceSettings:
    told = {"source": "feed", "kind": kind, "location": "inbox"}
    told |= {"issuer": "issuer", "billing_account_id": "acct", "billing_currency": "USD"}
    if kind == "mapped":
        feeds = yaml.safe_load((SAMPLES / "mapped/everycent.yaml").read_text())["sources"]
        told |= {"mapping": feeds[1]["mapping"]}
    return SourceSettings.model_validate(told)


def landed(kind: str, root: Path) -> dict[Fact, set[tuple[object, ...]]]:
    """What of each fact is in the lake once everything in the inbox has landed."""
    settings, lake = settings_of(kind), Lake(root / "lake")
    land(settings, all_sources()[kind].of(settings), root / "inbox", lake, pseudonym=pseudonym)
    parts = [part for record in lake.landed() for part in record.parts]
    found = {}
    for fact in {part.fact for part in parts}:
        paths = [str(lake.root / part.path) for part in parts if part.fact == fact]
        query = f"select {IDENTITIES[fact]} from read_parquet($paths)"
        found[fact] = set(duckdb.execute(query, {"paths": paths}).fetchall())
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_samples_say_where_they_are_from_and_under_which_licence(kind: str) -> None:
    told = (SAMPLES / kind / "README.md").read_text()

    assert ORIGIN.search(told), "say in its README.md where each file is from"
    assert LICENCE.search(told), "say in its README.md under which licence its files are"


@pytest.mark.parametrize("kind", KINDS)
def test_samples_hold_every_fact_of_their_kind_and_count_once_when_they_come_twice(
    tmp_path: Path, kind: str
) -> None:
    inbox = tmp_path / "inbox"
    shutil.copytree(SAMPLES / FEEDS.get(kind, f"{kind}/files"), inbox)
    once = landed(kind, tmp_path)
    for path in [p for p in inbox.rglob("*") if p.is_file()]:
        first, *rest = path.relative_to(inbox).parts
        # a log may be known by its file's name, a report by its folder's
        is_log = all_sources()[kind].facts == (Fact.CALLS,)
        named = ("again", first) if is_log else (f"again-{first}",)
        again = inbox.joinpath(*named, *rest)
        again.parent.mkdir(parents=True, exist_ok=True)
        # one byte more makes it another file with the same records
        again.write_bytes(path.read_bytes() + (b"\n" if path.suffix in JSON else b""))

    assert set(once) == ({Fact.CALLS} if kind == "mapped" else set(all_sources()[kind].facts))
    assert landed(kind, tmp_path) == once


@pytest.mark.parametrize(
    ("catalogue", "names"),
    [
        ("aws_cur/bedrock_usage_types.csv", 33),
        ("azure_cost/azure_openai_meters.csv", 36),
        ("gcp_billing/gemini_skus.csv", 40),
    ],
)
def test_catalogues_of_names_are_whole(catalogue: str, names: int) -> None:
    assert len((SAMPLES / catalogue).read_text().splitlines()) == 1 + names


def test_the_trace_of_real_requests_is_whole() -> None:
    path = str(SAMPLES / "request_traces/azure_llm_code_tokens.csv.gz")
    query = "select count(*), sum(ContextTokens), sum(GeneratedTokens) from read_csv($path)"

    assert duckdb.execute(query, {"path": path}).fetchone() == (8_819, 18_059_974, 245_896)
