"""A feed that nobody wrote a reader for, described by its owner: `mapping:` in `everycent.yaml`."""

from typing import Literal

from pydantic import Field

from models.facts import Fact
from models.record import Record
from models.vocabulary import Delivery


class CsvDialect(Record):
    """How a CSV is written. Always UTF-8, with a header."""

    delimiter: str = Field(
        default=",", min_length=1, max_length=1, description="One character between cells."
    )
    quote: str = Field(
        default='"', min_length=1, max_length=1, description="One character around cells."
    )
    decimal: Literal[".", ","] = Field(
        default=".", description="Decimal separator, . or ,: the other one may not be in a number."
    )


PLAIN_CSV = CsvDialect()


class TokenMeaning(Record):
    """Whether token totals hold their details. Whoever wrote the log knows; nobody else can."""

    cache: Literal["inclusive", "exclusive"] | None = Field(
        default=None,
        description="inclusive: input_tokens holds cache reads and writes. exclusive: they add up.",
    )
    reasoning: Literal["inclusive", "exclusive"] | None = Field(
        default=None,
        description="inclusive: output_tokens holds reasoning. exclusive: they add up.",
    )


class FeedMapping(Record):
    """From the columns of a file to the columns of a fact."""

    fact: Fact = Field(description="What one row is: calls, charges, usage or outcomes.")
    format: Literal["csv", "jsonl", "parquet"] = Field(
        description="How the files are written: csv, jsonl or parquet."
    )
    csv: CsvDialect = PLAIN_CSV
    delivery: Delivery = Field(
        description="snapshot (the newest file of a scope counts), append (files add up) or "
        "events (a record counts once)."
    )
    scope: str | None = Field(
        default=None, description="Of a snapshot: an expression for what a later file replaces."
    )
    numbers: Literal["decimal", "float"] = Field(
        default="decimal",
        description="decimal: exact amounts. float: 1.5e-06 is allowed, digits below 1e-18 are "
        "rounded and counted.",
    )
    tokens: TokenMeaning = TokenMeaning()
    columns: dict[str, str] = Field(
        min_length=1, description="Column of the fact: expression over the columns of the file."
    )
