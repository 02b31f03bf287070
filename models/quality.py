"""The gate's contracts: what a counter must be, and what was decided about it."""

from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from models.columns import Column
from models.record import Record

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,63}$"


class Severity(StrEnum):
    """What a broken expectation does: stop the publication, or show itself and let it pass."""

    BLOCK = "block"
    WARN = "warn"


class Expectation(Record):
    """What one counter must be, in every partition, and what to do when it is not.

    Limits are whole numbers and inclusive; the counter itself may be an exact decimal.
    """

    counter: str = Field(pattern=NAME_PATTERN)
    equals: int | None = None
    at_least: int | None = None
    at_most: int | None = None
    severity: Severity
    meaning: str = Field(min_length=1, description="What a broken expectation means.")
    next_action: str = Field(min_length=1, description="What a person does about it.")

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        bounds = (self.at_least, self.at_most)
        if (self.equals is None) == (bounds == (None, None)):
            raise ValueError("say either `equals`, or `at_least`, `at_most` or both of these")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("`at_least` is above `at_most`")
        return self

    @property
    def limits(self) -> tuple[int | None, int | None]:
        """Smallest and greatest good value, both inclusive; null is no limit."""
        if self.equals is not None:
            return self.equals, self.equals
        return self.at_least, self.at_most

    @property
    def text(self) -> str:
        """The rule as a person reads it."""
        if self.equals is not None:
            return f"equals {self.equals}"
        bounds = {"at least": self.at_least, "at most": self.at_most}
        return " and ".join(f"{word} {n}" for word, n in bounds.items() if n is not None)

    def holds(self, value: Decimal) -> bool:
        """Whether one value of the counter is good."""
        lowest, highest = self.limits
        return (lowest is None or value >= lowest) and (highest is None or value <= highest)


class SuiteFile(Record):
    """One file of expectations, shared by every suite it names."""

    version: int = Field(ge=1, description="Goes up whenever a rule of the file changes.")
    suites: tuple[str, ...] = Field(min_length=1)
    expectations: tuple[Expectation, ...] = Field(min_length=1)


class QualityResult(Record):
    """What was decided about one counter of one partition. Ids may be named, never row content."""

    suite: str
    suite_version: int
    partition: str
    counter: str
    value: str
    """The counter as text, exact."""
    expectation: str
    severity: Severity
    passed: bool
    message: str | None = None
    """What is wrong and what to do next; null when passed."""


TEXT = "VARCHAR"
QUALITY_RESULTS = (
    Column("suite", TEXT, "Fact, mart or control the counter belongs to.", nullable=False),
    Column("suite_version", "INTEGER", "Version of the suite that decided.", nullable=False),
    Column("partition", TEXT, "Day, month, source or invoice the value is of.", nullable=False),
    Column("counter", TEXT, "What was counted or summed.", nullable=False),
    Column("value", TEXT, "The value as exact decimal text.", nullable=False),
    Column("expectation", TEXT, "What the value had to be.", nullable=False),
    Column("severity", TEXT, "block: stops publication; warn: only shown.", nullable=False),
    Column("passed", "BOOLEAN", "Whether the value is as expected.", nullable=False),
    Column("message", TEXT, "What is wrong and what to do next; null when passed."),
)
"""Columns of the published table `quality_results`."""
