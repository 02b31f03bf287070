"""Samples of every kind of source, planted with people, keys and prompts where ids are."""

import json
import re
from pathlib import Path

import pytest

from models.facts import Fact
from pipelines.identities import KINDS
from pipelines.sources import all_sources
from tests.landing.room import Room

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "data_samples"
TEXTS = {".json", ".jsonl", ".ndjson", ".log", ".csv"}
MARKS = (
    "jane{0}.canary@acme.example",
    "sk-canary-{0}abcdef",
    "Canary {0}: please summarise my medical file",
    "does canary {0} know me?",
)
FORBIDDEN = re.compile(r"canary|jane", re.IGNORECASE)
KIND_NAMES = [
    name
    for name, source in all_sources().items()
    if set(source.facts) <= {Fact.CALLS, Fact.OUTCOMES}
    and name != "mapped"
    and any(p.suffix in TEXTS for p in (SAMPLES / name).rglob("files/*"))
]


def samples(kind):
    folder = SAMPLES / kind
    paths = [p for p in folder.rglob("*") if p.is_file() and p.suffix in TEXTS]
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8", errors="replace")
        for path in paths
        if path.name != "expected.json" and "/" in path.relative_to(folder).as_posix()
    }


def landed(folder, kind, files):
    room = Room(folder, all_sources()[kind], tag_keys=(), billing_account_id="acct")
    for name, text in files.items():
        room.put(name, text)
    room.land()
    return room


def told(room, facts):
    """Texts that facts took from their files, as they stand there."""
    return sorted(
        {
            row[column]
            for fact in facts
            for row in room.rows(fact)
            for column in KINDS[fact]
            if row[column] and len(row[column]) > 5 and not row[column].isdigit()
        },
        key=len,
        reverse=True,
    )


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_nothing_planted_in_ids_and_names_is_kept(tmp_path, kind):
    files = samples(kind)
    facts = all_sources()[kind].facts
    words = told(landed(tmp_path / "plain", kind, files), facts)
    planted = 0
    for turn in range(len(MARKS)):
        changed = files
        for number, word in enumerate(words):
            mark = MARKS[(number + turn) % len(MARKS)].format(number)
            old, new = json.dumps(word)[1:-1], json.dumps(mark)[1:-1]
            # whole values only
            pattern = re.compile(rf'(?<=["=,]){re.escape(old)}(?=["\\,\n])')
            replaced = {name: pattern.sub(new, text) for name, text in changed.items()}
            planted += replaced != changed
            changed = replaced
        room = landed(tmp_path / str(turn), kind, changed)
        written = [p.read_text() for p in room.lake.root.rglob("landed/**/*.json")]
        kept = [repr(row) for fact in facts for row in room.rows(fact)]

        assert [
            text[max(0, m.start() - 60) : m.end() + 40]
            for text in [*written, *kept]
            for m in FORBIDDEN.finditer(text)
        ][:3] == []
    # their ids are made of numbers
    assert planted or kind in {"github_pull_requests", "zendesk"}
