"""What really happened: traces of an agent's calls, and the calls of a project nobody logs."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from models.vocabulary import Meter
from pipelines.truth.globex.company import (
    APPLICATIONS,
    GOOGLE,
    LAB,
    METERS,
    MODELS,
    PRODUCTION,
    ServedModel,
)

_MAX_STEPS = 3
_STEP = timedelta(seconds=30)
_LAST_START = 86_400 - _MAX_STEPS * 30 - 60
"""No trace runs past midnight."""
_LOGGED_PER_UNLOGGED = 8


@dataclass(frozen=True)
class Call:
    """One call that a provider billed; unlogged where it has no trace."""

    served: ServedModel
    sub_account: str
    application_id: str | None
    started: datetime
    """UTC, whole seconds."""
    duration: timedelta
    response_id: str
    trace_id: str | None
    span_id: str | None
    tokens: dict[Meter, int]
    reasoning: int
    """Part of the output."""

    @property
    def call_id(self) -> str | None:
        """What the reader of traces calls it."""
        return f"{self.trace_id}:{self.span_id}" if self.trace_id else None

    @property
    def all_input(self) -> int:
        """Input with what came from a cache, as GenAI attributes tell it."""
        return self.tokens[Meter.INPUT_UNCACHED] + self.tokens[Meter.CACHE_READ]

    @property
    def output(self) -> int:
        """Output with reasoning."""
        return self.tokens[Meter.OUTPUT]

    @property
    def cost(self) -> int:
        """Pico-dollars."""
        return sum(self.served.cost(meter, self.tokens[meter]) for meter in METERS)


def draw_day(seed: int, day: date, calls: int) -> list[Call]:
    """Every call of one day in order of time, the unlogged ones among them.

    Args:
        seed: Of the run.
        day: UTC.
        calls: How many of them are logged.
    """
    rng = random.Random(f"globex/{seed}/{day}")  # noqa: S311 - repeatable, not secret
    unlogged = (_drawn(rng, day, LAB) for _ in range(-(-calls // _LOGGED_PER_UNLOGGED)))
    found = [*_traced(rng, day, calls), *unlogged]
    return sorted(found, key=lambda call: (call.started, call.response_id))


def _traced(rng: random.Random, day: date, calls: int) -> Iterator[Call]:
    left = calls
    while left:
        steps = min(left, rng.randint(1, _MAX_STEPS))
        left -= steps
        trace_id = f"{rng.getrandbits(128):032x}"
        application_id = rng.choice(list(APPLICATIONS))
        first = _second(rng, day)
        for step in range(steps):
            yield _drawn(rng, day, None, trace_id, application_id, first + step * _STEP)


def _second(rng: random.Random, day: date) -> datetime:
    midnight = datetime.combine(day, time(), UTC)
    return midnight + timedelta(seconds=rng.randint(1, _LAST_START))


def _drawn(
    rng: random.Random,
    day: date,
    sub_account: str | None,
    trace_id: str | None = None,
    application_id: str | None = None,
    started: datetime | None = None,
) -> Call:
    served = rng.choice([m for m in MODELS if m.issuer == GOOGLE or sub_account is None])
    output = rng.randint(50, 6000)
    cached = rng.choice((0, rng.randint(500, 40_000)))
    tokens = (rng.randint(200, 30_000), cached, output)
    return Call(
        served=served,
        sub_account=sub_account or PRODUCTION[served.issuer],
        application_id=application_id,
        started=started or _second(rng, day),
        duration=timedelta(milliseconds=rng.randint(400, 20_000)),
        response_id=f"resp-{rng.getrandbits(64):016x}",
        trace_id=trace_id,
        span_id=f"{rng.getrandbits(64):016x}" if trace_id else None,
        tokens=dict(zip(METERS, tokens, strict=True)),
        reasoning=rng.randint(0, output // 2),
    )
