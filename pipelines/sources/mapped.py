"""Bring your own: a feed whose files nobody wrote a reader for, described by its `mapping:`.

A mapping says which column of the file becomes which column of a fact, in a small language of safe
expressions; see `mapped_expressions`. Records are held to the same contract as those of any other
kind. Calls are streamed; charges, usage and outcomes are read file by file.
"""

from collections.abc import Iterable
from dataclasses import replace

from models.facts import Fact
from models.settings import SourceSettings
from models.vocabulary import Delivery
from pipelines.sources.base import SettingProblem, Source
from pipelines.sources.mapped_calls import stream_reader
from pipelines.sources.mapped_records import read
from pipelines.sources.mapped_targets import problems

_SUFFIXES = {
    "csv": (".csv", ".csv.gz"),
    "jsonl": (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz"),
    "parquet": (".parquet",),
}


def _check(settings: SourceSettings) -> Iterable[SettingProblem]:
    return problems(settings)


def _feed(settings: SourceSettings) -> Source:
    mapping = settings.mapping
    if mapping is None:
        return SOURCE
    return replace(
        SOURCE,
        facts=(mapping.fact,),
        delivery=mapping.delivery,
        suffixes=_SUFFIXES[mapping.format],
        stream=stream_reader(mapping) if mapping.fact == Fact.CALLS else None,
        feed=None,
    )


SOURCE = Source(
    name="mapped",
    summary="Bring your own: CSV, JSON lines or Parquet, read as your `mapping:` says.",
    facts=(Fact.CHARGES, Fact.USAGE, Fact.CALLS, Fact.OUTCOMES),
    delivery=Delivery.SNAPSHOT,
    money_unit="as the mapping says",
    token_rules=(),
    proof="constructed files",
    suffixes=tuple(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes),
    read=read,
    feed=_feed,
    check=_check,
)
