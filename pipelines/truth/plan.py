"""What a run of the simulator is asked for, and the dates that follow from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import numpy as np

_WEEKDAY_WEIGHTS = (100, 104, 106, 102, 92, 35, 28)


class Fault(StrEnum):
    """What can be planted on top of a clean company."""

    DUPLICATE_FILES = "duplicate_files"
    DUPLICATE_LINES = "duplicate_lines"
    LATE_FILES = "late_files"
    RESTATED_BILL = "restated_bill"
    MISSING_LOGS = "missing_logs"
    TORN_FILE = "torn_file"
    MALFORMED_LINES = "malformed_lines"
    WRONG_GATEWAY_COST = "wrong_gateway_cost"
    CACHE_SEMANTICS = "cache_semantics"
    UNKNOWN_OWNER = "unknown_owner"
    UNKNOWN_PRICE = "unknown_price"
    OVERLOGGED = "overlogged"
    PLANTED_CANARIES = "planted_canaries"
    HOSTILE_TAGS = "hostile_tags"


def shares_of(total: int, weights: Sequence[int]) -> list[int]:
    """Whole parts of `total` in proportion to whole weights, by largest remainder, in order."""
    parts, remainders = zip(*(divmod(total * w, sum(weights)) for w in weights), strict=True)
    ranked = sorted(range(len(weights)), key=lambda i: (-remainders[i], i))
    extra = set(ranked[: total - sum(parts)])
    return [part + (i in extra) for i, part in enumerate(parts)]


@dataclass(frozen=True)
class Plan:
    """A company's simulated days. Same plan, same bytes."""

    seed: int
    start: date
    days: int
    calls: int
    """Records the gateways log in all. Traffic that bypasses them comes on top."""
    faults: frozenset[Fault]

    @property
    def dates(self) -> tuple[date, ...]:
        """The simulated UTC days."""
        return tuple(self.start + timedelta(days=n) for n in range(self.days))

    @property
    def end(self) -> date:
        """The day after the last."""
        return self.start + timedelta(days=self.days)

    @property
    def middle(self) -> date:
        """The midnight at which the contract price and the register change."""
        return self.start + timedelta(days=max(1, self.days // 2))

    @property
    def key_moves_at(self) -> datetime:
        """The noon at which a key changes hands, UTC."""
        day = self.start + timedelta(days=self.days // 3)
        return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)

    @property
    def calls_by_day(self) -> dict[date, int]:
        """Logged calls per day: fewer at weekends."""
        weights = [_WEEKDAY_WEIGHTS[day.weekday()] for day in self.dates]
        return dict(zip(self.dates, shares_of(self.calls, weights), strict=True))

    @property
    def fault_day(self) -> date:
        """The day on which faults of the logs happen."""
        return self.start + timedelta(days=self.days // 4)

    @property
    def late_day(self) -> date:
        """The day whose log arrives late: the fault day has faults of its own."""
        return min(self.fault_day + timedelta(days=1), self.dates[-1])

    def has(self, fault: Fault) -> bool:
        """Whether the fault is to be planted."""
        return fault in self.faults

    def random(self, day: date, workload: int) -> np.random.Generator:
        """Random numbers of one workload on one day: days can be drawn in any order."""
        return np.random.default_rng([self.seed, day.toordinal(), workload])


def midnight_us(day: date) -> int:
    """Microseconds since 1970 of a UTC day's first instant."""
    return (day - date(1970, 1, 1)).days * 86_400_000_000
