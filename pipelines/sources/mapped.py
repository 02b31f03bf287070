"""Bring your own: a feed whose files nobody wrote a reader for, described by its `mapping:`.

A mapping says which column of the file becomes which column of a fact, in a small language of safe
expressions; see `mapped_expressions`. Records are held to the same contract as those of any other
kind. Calls are streamed; charges, usage and outcomes are read file by file.

Export:
    1. Save the files as your provider, gateway or own system writes them: CSV, JSON lines, JSON or
       Parquet. Put each into `location` under a name of its own.
    2. Write the mapping: `docs/guides/bring-your-own.md` has every form, `data_samples/mapped` two
       feeds to begin with.
    3. `everycent check` reads every expression and names the line of a mistake.
    4. Say in `delivery` how a later file changes an earlier one: `snapshot` (replaces what has the
       same `scope`), `append` (adds) or `events` (counts once by identity).

Settings:
    - source: nimbus
      kind: mapped
      location: inbox/nimbus
      issuer: nimbus
      billing_account_id: acme-main
      billing_currency: EUR
      mapping:
        fact: charges
        format: csv
        csv: {delimiter: ";", decimal: ","}
        delivery: snapshot
        scope: column('Invoice month')
        columns:
          billing_period: column('Invoice month')
          charge_date: column('Usage Date')
          charge_category: "map(Type, {'fee': 'Purchase', 'credit': 'Credit'}, 'Usage')"
          model_text: Model
          billed_cost: cents(column('Amount (EUR cents)'))

Reads:
    The columns that the mapping names.

Never read:
    Any other column. People are pseudonyms, whatever the mapping calls them.

Traps:
    - Say whether token totals include their details (`tokens:`): nothing crashes when it is said
      wrong.
    - Amounts are exact decimals from text; a number that was a float in the file may carry its
      noise.
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
