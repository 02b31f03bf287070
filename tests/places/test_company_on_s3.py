"""A company whose log is in a bucket publishes the bytes it would publish from a folder."""

import shutil

import pytest

from tests.end_to_end.company import Company
from tests.places.store_server import cut, is_get, is_listing, is_put, refuse, times

pytestmark = pytest.mark.slow
FEED = "gateway_eu"


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Company:
    company = Company.simulated(tmp_path_factory.mktemp("local") / "acme", days=2, calls=300)
    company.run()
    return company


@pytest.fixture
def remote(local, bucket, tmp_path) -> Company:
    """The same company, not run yet, with one feed in a bucket."""
    company = local.copy(tmp_path / "acme")
    folder = company.root / "inbox" / FEED
    for path in company.inbox(FEED):
        name = path.relative_to(folder).as_posix()
        bucket.put(f"exports/gateway/{name}", path.read_bytes())
    shutil.rmtree(folder)
    settings = company.root / "everycent.yaml"
    text = settings.read_text("utf-8")
    old = f"location: inbox/{FEED}"

    assert text.count(f"{old}\n") == 1
    new = (
        f"location: s3://{bucket.name}/exports/gateway\n"
        f"    endpoint_url: {bucket.server.endpoint_url}"
    )
    settings.write_text(text.replace(old, new), "utf-8")
    return company


def test_a_feed_in_a_bucket_gives_the_same_published_bytes(local, remote):
    summary = remote.run()

    assert summary.problems == []
    assert remote.published_bytes() == local.published_bytes()


def test_running_again_reads_nothing_and_publishes_nothing(remote, bucket):
    remote.run()
    bucket.requests.clear()
    summary = remote.run()

    assert summary.computed.days == ()
    assert not summary.published.changed
    assert {line.split()[0] for line in bucket.requests} == {"LIST"}


def test_a_bucket_that_fails_stops_its_own_feed_only(local, remote, bucket):
    with bucket.faults(times(99, is_listing, refuse(403, "AccessDenied"))):
        summary = remote.run()

    assert len(summary.problems) == 1
    assert "access_denied" in summary.problems[0]
    assert [s.source for s in summary.landings if not s.files] == [FEED]

    assert remote.run().problems == []
    assert remote.published_bytes() == local.published_bytes()


def test_what_a_sensor_compares_changes_with_the_bucket(remote, bucket):
    from pipelines.run import new_files

    before = new_files(remote.workspace)
    assert before[FEED]
    assert new_files(remote.workspace) == before

    bucket.put("exports/gateway/more.jsonl", "{}\n")
    after = new_files(remote.workspace)
    assert {s for s in after if after[s] != before[s]} == {FEED}

    with bucket.faults(times(99, is_listing, refuse(403, "AccessDenied"))):
        assert new_files(remote.workspace)[FEED] == ["access_denied"]


def test_an_object_that_stays_torn_is_named_and_the_others_land(remote, bucket, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    key = next(key for key in bucket.all_keys() if key.endswith(".jsonl.gz"))
    with bucket.faults(times(99, lambda e: is_get(e, key), cut)):
        summary = remote.run()

    (problem,) = summary.problems
    assert "torn_object" in problem
    assert key.rsplit("/", 1)[-1] in problem
    assert all(s.files for s in summary.landings)


def test_a_mirror_shows_what_was_published_and_its_failure_is_a_problem(local, bucket, tmp_path):
    company = local.copy(tmp_path / "acme")
    settings = company.root / "everycent.yaml"
    text = settings.read_text("utf-8")
    mirror = f"s3://{bucket.name}/published"
    more = f"mirror: {mirror}, mirror_endpoint_url: '{bucket.server.endpoint_url}'"
    settings.write_text(f"{text}\npublish: {{{more}}}\n", "utf-8")
    with bucket.faults(times(99, is_put, refuse(403, "AccessDenied"))):
        summary = company.run()

    assert [p for p in summary.problems if "access_denied" in p and mirror in p]
    assert bucket.all_keys() == []

    assert company.run().problems == []
    start = f"published/{company.current.name}/"
    mirrored = {
        key.removeprefix(start): bucket.read(key)
        for key in bucket.all_keys()
        if key.startswith(start)
    }
    assert mirrored.items() >= local.published_bytes().items()
    assert mirrored["marts.duckdb"] == (company.current / "marts.duckdb").read_bytes()
