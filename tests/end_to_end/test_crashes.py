"""`kill -9` at any durable action, then run again: as if nothing had happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines import durable
from pipelines.known_key import KNOWN_KEY
from tests.end_to_end.company import Company
from tests.end_to_end.killing import (
    KILLED,
    everything_written,
    run_process,
    run_side_by_side,
)

pytestmark = pytest.mark.slow

PROCESSES = 2
WRITING = ("write", "rename", "renamed")
SOURCES = ("openai_bill", "gateway_eu")
"""A bill, which is read whole, and a log, which is streamed; the others land like these."""

Outcome = tuple[list[int], bool]
"""Exit codes of the runs, and whether the workspace is then that of a run never killed."""


@dataclass(frozen=True)
class Undisturbed:
    """A workspace before and after a run that nobody killed."""

    before: Company
    after: dict[str, str]
    steps: tuple[str, ...]
    """Names of the durable actions; the first has number 1."""

    def numbers(self, *beginnings: str) -> list[int]:
        """Numbers of the actions whose name begins with one of these."""
        return [n for n, name in enumerate(self.steps, 1) if name.startswith(beginnings)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Undisturbed:
    before = Company.simulated(tmp_path_factory.mktemp("tiny") / "acme", days=1, calls=60)
    company = before.copy(tmp_path_factory.mktemp("undisturbed") / "acme")
    names: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "step", names.append)
        company.run()
    return Undisturbed(before, everything_written(company), tuple(names))


def kill_and_go_on(
    before: Company, after: dict[str, str], folder: Path, kills: Sequence[tuple[int, ...]]
) -> list[Outcome]:
    """Per tuple: run once per kill, then once more, without cleaning up anything."""
    outcomes: list[Outcome] = []
    for place in range(0, len(kills), PROCESSES):
        batch = kills[place : place + PROCESSES]
        companies = [
            before.copy(folder / "-".join(map(str, numbers)), with_state=True) for numbers in batch
        ]
        runs = [
            run_side_by_side(companies, numbers)
            for numbers in (*zip(*batch, strict=True), [None] * len(batch))
        ]
        outcomes += [
            (list(codes), everything_written(company) == after)
            for codes, company in zip(zip(*runs, strict=True), companies, strict=True)
        ]
    return outcomes


def kill_at_each(
    undisturbed: Undisturbed, folder: Path, numbers: Sequence[int], start: Company | None = None
) -> dict[int, Outcome]:
    kills = [(number,) for number in numbers]
    before = start or undisturbed.before
    outcomes = kill_and_go_on(before, undisturbed.after, folder, kills)
    return dict(zip(numbers, outcomes, strict=True))


def wrong(outcomes: dict[int, Outcome]) -> dict[int, Outcome]:
    return {number: found for number, found in outcomes.items() if found != ([KILLED, 0], True)}


def test_the_actions_are_numbered_the_same_in_every_run(undisturbed, tmp_path, monkeypatch):
    company = undisturbed.before.copy(tmp_path / "acme")
    counted = tmp_path / "steps"
    monkeypatch.setenv(durable.COUNT_STEPS, str(counted))
    monkeypatch.setattr(durable, "_steps", 0)
    company.run()

    assert counted.read_text("utf-8") == f"{len(undisturbed.steps)} {undisturbed.steps[-1]}\n"
    assert undisturbed.steps[-1] == "swapped current"


def test_killed_while_landing_nothing_is_lost_or_doubled(undisturbed, tmp_path):
    # the fingerprint of the key comes before the first file
    written = (*(f"{source}." for source in SOURCES), KNOWN_KEY)
    numbers = undisturbed.numbers(*(f"{verb} {name}" for verb in WRITING for name in written))
    outcomes = kill_at_each(undisturbed, tmp_path, numbers)

    assert numbers[0] == 1
    assert len(numbers) >= 15
    assert wrong(outcomes) == {}


def test_killed_while_storing_what_was_computed(undisturbed, tmp_path):
    numbers = undisturbed.numbers("store parts", *(f"{verb} index.json" for verb in WRITING))
    outcomes = kill_at_each(undisturbed, tmp_path, numbers)

    assert len(numbers) == 4
    assert wrong(outcomes) == {}


@pytest.fixture
def stored(undisturbed, tmp_path) -> Company:
    """Killed when everything was computed and nothing published: the next run only publishes."""
    company = undisturbed.before.copy(tmp_path / "stored")
    [number] = undisturbed.numbers("renamed index.json")
    assert run_process(company, kill_at=number) == KILLED
    return company


def test_killed_at_any_kind_of_action_of_publishing(undisturbed, stored, tmp_path):
    [done] = undisturbed.numbers("renamed index.json")
    [database] = undisturbed.numbers("write marts.duckdb")[:1]
    last = len(undisturbed.steps) - done
    # the many files of one kind are written alike; what comes after them is not
    numbers = sorted({*range(1, last + 1, 3), *range(database - done, last + 1)})
    outcomes = kill_at_each(undisturbed, tmp_path, numbers, stored)

    assert len(numbers) > 30
    assert wrong(outcomes) == {}


def test_the_run_after_a_kill_may_be_killed_too(undisturbed, tmp_path):
    last = len(undisturbed.steps)
    pairs = [(1, 1), (5, 14), (30, 12), (last - 60, last - 45), (last - 1, 1)]
    outcomes = kill_and_go_on(undisturbed.before, undisturbed.after, tmp_path, pairs)

    assert [outcome[1] for outcome in outcomes] == [True] * len(pairs)
    assert all(codes[0] == KILLED and codes[-1] == 0 for codes, _ in outcomes)


def test_killed_again_and_again_it_gets_there_in_the_end(undisturbed, tmp_path):
    company = undisturbed.before.copy(tmp_path / "acme")
    codes = []
    while not codes or (codes[-1] == KILLED and len(codes) < 30):
        codes.append(run_process(company, kill_at=11 * (len(codes) + 1)))

    assert codes == [KILLED] * (len(codes) - 1) + [0]
    assert len(codes) > 5
    assert everything_written(company) == undisturbed.after


@pytest.mark.parametrize("number", [1, 4, 9, 16])
def test_a_table_torn_in_the_middle_of_writing_never_counts(undisturbed, tmp_path, number):
    company = undisturbed.before.copy(tmp_path / "acme")

    assert run_process(company, tear_table=number) == KILLED
    assert run_process(company) == 0
    assert everything_written(company) == undisturbed.after


def test_readers_of_a_killed_publish_see_the_version_before_it_or_after_it(undisturbed, tmp_path):
    company = undisturbed.before.copy(tmp_path / "acme")
    company.run()
    seen = [company.published_bytes()]
    register = company.root / "reference" / "cost_centers.csv"
    register.write_text(register.read_text("utf-8").replace("Legal", "Law"), "utf-8")
    codes = [KILLED]
    for number in range(1, 200, 9):
        codes.append(run_process(company, kill_at=number))
        seen.append(company.published_bytes())
        if codes[-1] == 0:
            break
    turn = next(place for place, version in enumerate(seen) if version != seen[0])

    assert codes == [KILLED] * (len(codes) - 1) + [0]
    assert turn > 5
    assert all(version == seen[-1] for version in seen[turn:])
