"""Seeded plans of faults between a bucket and the lake: facts are right, or a problem says why not.

A seed that ever failed is kept in `KEPT`. `EVERYCENT_FAULT_PLANS` runs as many seeds as it says.
"""

import os
import random
from pathlib import Path

import pytest

from tests.landing.room import Room, lines, payload, zipped
from tests.places.copying import Copy
from tests.places.store_server import (
    Bucket,
    Fault,
    after,
    cut,
    flip,
    is_get,
    is_listing,
    refuse,
    rewrite,
    shorten,
    times,
)

KEPT = ()
SEEDS = sorted({*range(int(os.environ.get("EVERYCENT_FAULT_PLANS", "40"))), *KEPT})
REFUSALS = [
    (503, "SlowDown"),
    (500, "InternalError"),
    (429, "TooManyRequests"),
    (403, "AccessDenied"),
    (400, "ExpiredToken"),
    (403, "InvalidObjectState"),
    (400, "RequestTimeout"),
    (409, "OperationAborted"),
]
BAD_LISTINGS = [
    cut,
    shorten,
    rewrite("<Contents>.*?</Contents>", ""),
    rewrite("<IsTruncated>.*?</IsTruncated>", ""),
    rewrite("<NextContinuationToken>.*?</NextContinuationToken>", ""),
]


class Landing(Room):
    """Lands the copy of a bucket."""

    @property
    def inbox(self) -> Path:
        return self.root / "place" / "files"

    def calls(self) -> dict[str, int]:
        """What landed: tokens by the gateway's id of the call."""
        return {row["parent_call_id"]: row["input_uncached_tokens"] for row in self.rows()}


class Plan:
    """What is in a bucket and what goes wrong with it, all from one seed."""

    def __init__(self, seed: int, bucket: Bucket) -> None:
        self.dice = random.Random(seed)
        self.bucket = bucket
        self.contents: dict[str, range] = {}
        self.ever: dict[str, int] = {}
        for number in range(self.dice.randint(4, 10)):
            folder = self.dice.choice(["", "2026/10/01/", "2026/10/02/"])
            self.put(f"logs/{folder}{number}.jsonl.gz", 1000 * number, self.dice.randint(1, 3))

    def put(self, key: str, first: int, count: int) -> None:
        """Put a log of calls with numbers in a row: a call of a number has tokens of its own."""
        numbers = range(first, first + count)
        calls = (payload(n, usage={"prompt_tokens": 100 + n}) for n in numbers)
        self.contents[key] = numbers
        self.ever.update({f"call-{n}": 100 + n for n in numbers})
        self.bucket.put(key, zipped(lines(*calls)))

    def grow(self, key: str) -> None:
        """Replace a log by a longer one."""
        numbers = self.contents[key]
        self.put(key, numbers.start, len(numbers) + 1)

    def delete(self, key: str) -> None:
        self.contents.pop(key, None)
        self.bucket.delete(key)

    def expected(self) -> dict[str, int]:
        """The calls in the bucket, as they must land."""
        return {f"call-{n}": 100 + n for numbers in self.contents.values() for n in numbers}

    def faults(self) -> list[Fault]:
        return [self._fault() for _ in range(self.dice.randint(1, 4))]

    def _fault(self) -> Fault:
        count = self.dice.choice([1, 2, 4, 5, 1000])
        key = self.dice.choice(sorted(self.contents))
        kind = self.dice.choice(["body", "refusal", "listing", "page", "grow", "delete", "all"])
        refusal = refuse(*self.dice.choice(REFUSALS))
        if kind == "body":
            return times(count, lambda e: is_get(e, key), self.dice.choice([cut, shorten, flip]))
        if kind == "refusal":
            return times(count, lambda e: is_get(e, key), refusal)
        if kind == "all":
            return times(count, is_get, refusal)
        if kind == "listing":
            return times(count, is_listing, self.dice.choice([*BAD_LISTINGS, refusal]))
        if kind == "page":
            number = self.dice.randint(1, 3)
            return later(number, is_listing, self.dice.choice([*BAD_LISTINGS, refusal]))
        change = self.grow if kind == "grow" else self.delete
        alive = lambda e: is_get(e, key) and key in self.contents  # noqa: E731
        return times(min(count, 2), alive, after(lambda: change(key)))


def later(skipped: int, when, answer) -> Fault:
    """A fault of every matching request but the first few."""
    left = [skipped]

    def fault(environ, store):
        if not when(environ):
            return None
        left[0] -= 1
        return answer(environ, store) if left[0] < 0 else None

    return fault


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_facts_are_right_or_a_problem_says_why_not(bucket, tmp_path, seed):
    plan = Plan(seed, bucket)
    room = Landing(tmp_path)
    copy = Copy(bucket, tmp_path / "place", page_size=plan.dice.randint(1, 5))
    if plan.dice.random() < 0.4:
        copy.fetch()
        room.land()
        for key in plan.dice.sample(sorted(plan.contents), 2):
            plan.grow(key)

    before = room.calls()
    with bucket.faults(*plan.faults()):
        fetched = copy.fetch()
    found = room.land() if fetched.folder else None
    landed = room.calls()

    # nothing lost, nothing made up, and without a problem nothing missing
    assert before.items() <= landed.items() <= plan.ever.items()
    if found is None:
        assert fetched.problems
        assert landed == before
    elif not (fetched.problems or found.problems):
        assert landed == before | plan.expected()

    assert copy.fetch().problems == ()
    assert room.land().problems == ()
    assert room.calls() == landed | plan.expected()
    files = copy.files()
    assert {key: files[key.removeprefix("logs/")] for key in plan.contents} == {
        key: bucket.read(key) for key in plan.contents
    }
