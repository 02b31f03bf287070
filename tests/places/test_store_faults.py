"""Whatever a store does, a source's files are whole, or their absence has a name."""

import pytest

from pipelines.places.store import ATTEMPTS
from tests.places.copying import Copy, rules
from tests.places.store_server import (
    after,
    cut,
    flip,
    is_get,
    is_listing,
    refuse,
    rewrite,
    shorten,
    times,
    without_precondition,
)

ALWAYS = 10_000
BODIES = {"one.json": b"first content", "two.json": b"second content"}


@pytest.fixture
def copy(bucket, tmp_path) -> Copy:
    for name, body in BODIES.items():
        bucket.put(f"logs/{name}", body)
    return Copy(bucket, tmp_path / "place")


def is_second_page(environ) -> bool:
    return is_listing(environ) and "continuation-token" in environ["QUERY_STRING"]


@pytest.mark.parametrize("answer", [cut, shorten, flip, refuse(503, "SlowDown")])
def test_a_passing_fault_of_a_body_is_waited_out(copy, bucket, answer):
    with bucket.faults(times(ATTEMPTS - 1, lambda e: is_get(e, "one.json"), answer)):
        fetched = copy.fetch()

    assert fetched.problems == ()
    assert copy.files() == BODIES
    assert copy.waits == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (cut, "torn_object"),
        (shorten, "torn_object"),
        (flip, "torn_object"),
        (refuse(503, "SlowDown"), "store_unavailable"),
        (refuse(429, "TooManyRequests"), "store_unavailable"),
        (refuse(403, "AccessDenied"), "access_denied"),
        (refuse(403, "InvalidObjectState"), "archived"),
        (refuse(404, "NoSuchKey"), "vanished"),
    ],
)
def test_a_lasting_fault_of_one_object_is_named_and_loses_no_other(copy, bucket, answer, rule):
    with bucket.faults(times(ALWAYS, lambda e: is_get(e, "one.json"), answer)):
        fetched = copy.fetch()

    assert rules(fetched) == [rule]
    assert fetched.problems[0].file_name == "one.json"
    assert "secret-of-the-store" not in str(fetched.problems[0])
    assert copy.files() == {"two.json": BODIES["two.json"]}

    assert copy.fetch().problems == ()
    assert copy.files() == BODIES


@pytest.mark.parametrize(
    ("status", "code", "rule"),
    [
        (400, "ExpiredToken", "expired_credentials"),
        (403, "InvalidAccessKeyId", "wrong_credentials"),
        (403, "SignatureDoesNotMatch", "wrong_credentials"),
        (403, "RequestTimeTooSkewed", "clock_skew"),
        (403, "AccessDenied", "access_denied"),
        (404, "NoSuchBucket", "missing_bucket"),
        (400, "SomethingNew", "store_error"),
        (503, "SlowDown", "store_unavailable"),
    ],
)
def test_a_store_that_refuses_the_listing_is_named_and_nothing_is_handed_on(
    copy, bucket, status, code, rule
):
    with bucket.faults(times(ALWAYS, is_listing, refuse(status, code))):
        fetched = copy.fetch()

    assert fetched.folder is None
    assert rules(fetched) == [rule]
    assert fetched.problems[0].next_action
    assert "secret-of-the-store" not in str(fetched.problems[0])


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (refuse(500, "InternalError"), "store_unavailable"),
        (refuse(403, "AccessDenied"), "access_denied"),
        (cut, "store_unavailable"),
        (shorten, "store_unavailable"),
        (rewrite("<Contents>.*?</Contents>", ""), "partial_listing"),
        (rewrite("<IsTruncated>.*?</IsTruncated>", ""), "partial_listing"),
        (rewrite("<IsTruncated>false<", "<IsTruncated>true<"), "partial_listing"),
        (rewrite("<Key>logs/two.json<", "<Key>logs/one.json<"), "partial_listing"),
        (rewrite("<Key>logs/two.json<", "<Key>elsewhere/two.json<"), "partial_listing"),
        (rewrite("<ETag>.*?</ETag>", ""), "partial_listing"),
    ],
)
def test_of_a_listing_with_a_bad_page_nothing_is_used(copy, bucket, answer, rule):
    copy.page_size = 1
    with bucket.faults(times(ALWAYS, is_second_page, answer)):
        fetched = copy.fetch()

    assert fetched.folder is None
    assert rules(fetched) == [rule]
    assert copy.files() == {}
    assert not any(line.startswith("GET") for line in bucket.requests)


def test_a_page_that_comes_at_the_second_asking_is_as_good(copy, bucket):
    copy.page_size = 1
    with bucket.faults(times(2, is_second_page, refuse(503, "SlowDown"))):
        fetched = copy.fetch()

    assert fetched.problems == ()
    assert copy.files() == BODIES


def test_an_object_replaced_after_the_listing_is_read_anew(copy, bucket):
    change = after(lambda: bucket.put("logs/one.json", "newer"))
    with bucket.faults(times(1, lambda e: is_get(e, "one.json"), change)):
        fetched = copy.fetch()

    assert fetched.problems == ()
    assert copy.files() == {**BODIES, "one.json": b"newer"}

    bucket.requests.clear()
    copy.fetch()
    assert not any(line.startswith("GET") for line in bucket.requests)


def test_an_object_that_never_rests_is_named(copy, bucket):
    numbers = iter(range(100))
    change = after(lambda: bucket.put("logs/one.json", f"version {next(numbers)}"))
    with bucket.faults(times(ALWAYS, lambda e: is_get(e, "one.json"), change)):
        fetched = copy.fetch()

    assert rules(fetched) == ["kept_changing"]
    assert copy.files() == {"two.json": BODIES["two.json"]}


def test_a_store_without_conditional_reads_cannot_hand_over_another_version(copy, bucket):
    listed = copy.store().objects()[0]
    bucket.put(listed.key, "first kontent")
    change = times(1, lambda e: is_get(e, "one.json"), without_precondition)
    stale = rewrite("<ETag>.*?</ETag>", f"<ETag>{listed.etag}</ETag>")
    with bucket.faults(change, times(1, is_listing, stale)):
        copy.fetch()

    assert copy.files() == {**BODIES, "one.json": b"first kontent"}


def test_an_object_deleted_after_the_listing_was_never_there(copy, bucket):
    change = after(lambda: bucket.delete("logs/one.json"))
    with bucket.faults(times(1, lambda e: is_get(e, "one.json"), change)):
        fetched = copy.fetch()

    assert fetched.problems == ()
    assert copy.files() == {"two.json": BODIES["two.json"]}


def test_files_that_belong_together_are_of_one_moment(copy, bucket):
    def export_again():
        for name in BODIES:
            bucket.put(f"logs/{name}", f"of the second export: {name}")

    change = after(export_again)
    with bucket.faults(times(1, lambda e: is_get(e, "one.json"), change)):
        fetched = copy.fetch()

    assert fetched.problems == ()
    assert copy.files() == {name: f"of the second export: {name}".encode() for name in BODIES}


def test_old_content_does_not_stand_in_for_new_that_cannot_be_read(copy, bucket):
    copy.fetch()
    for name in BODIES:
        bucket.put(f"logs/{name}", f"new {name}")
    with bucket.faults(times(ALWAYS, lambda e: is_get(e, "one.json"), cut)):
        fetched = copy.fetch()

    assert rules(fetched) == ["torn_object"]
    assert copy.files() == {"two.json": b"new two.json"}

    copy.fetch()
    assert copy.files() == {name: f"new {name}".encode() for name in BODIES}


def test_an_older_version_that_comes_back_does_not_replace_the_newer(copy, bucket):
    client = bucket.server.client
    client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    bucket.put("logs/one.json", "version 2")
    newer = client.head_object(Bucket=bucket.name, Key="logs/one.json")["VersionId"]
    copy.fetch()
    client.delete_object(Bucket=bucket.name, Key="logs/one.json", VersionId=newer)
    old = rewrite("<LastModified>....", "<LastModified>2001")
    with bucket.faults(times(ALWAYS, is_listing, old)):
        fetched = copy.fetch()

    assert rules(fetched) == ["older_version"]
    assert copy.files() == {**BODIES, "one.json": b"version 2"}


def test_a_multipart_upload_is_known_by_its_own_hash(copy, bucket):
    client, part = bucket.server.client, b"x" * (5 << 20)
    target = {"Bucket": bucket.name, "Key": "logs/one.json"}
    upload = client.create_multipart_upload(**target)["UploadId"]
    parts = [
        {
            "PartNumber": number,
            "ETag": client.upload_part(**target, UploadId=upload, PartNumber=number, Body=body)[
                "ETag"
            ],
        }
        for number, body in ((1, part), (2, b"the end"))
    ]
    client.complete_multipart_upload(**target, UploadId=upload, MultipartUpload={"Parts": parts})
    fetched = copy.fetch()

    assert fetched.problems == ()
    assert copy.files()["one.json"] == part + b"the end"


def test_a_store_that_stays_silent_is_given_up_and_the_rest_is_read_later(copy, bucket):
    for number in range(200):
        bucket.put(f"logs/{number:03}.json", str(number))
    with bucket.faults(times(ALWAYS, lambda e: is_get(e, "5.json"), refuse(503, "SlowDown"))):
        # 20 of them: as many as are tried
        fetched = copy.fetch()

    assert fetched.folder is None
    assert rules(fetched) == ["store_unavailable"]
    assert len(copy.waits) < 2 * 20 * ATTEMPTS

    bucket.requests.clear()
    assert copy.fetch().problems == ()
    assert len(copy.files()) == 202
    assert sum(line.startswith("GET") for line in bucket.requests) < 100


def test_expired_credentials_end_the_reading_at_once(copy, bucket):
    for number in range(100):
        bucket.put(f"logs/{number:03}.json", str(number))
    with bucket.faults(times(ALWAYS, is_get, refuse(400, "ExpiredToken"))):
        fetched = copy.fetch()

    assert rules(fetched) == ["expired_credentials"]
    assert fetched.folder is None
    assert sum(line.startswith("GET") for line in bucket.requests) < 50


def test_many_problems_of_one_kind_are_counted(copy, bucket):
    for number in range(40):
        bucket.put(f"logs/{number:03}.json", str(number))
    with bucket.faults(times(ALWAYS, is_get, refuse(403, "AccessDenied"))):
        fetched = copy.fetch()

    assert len(fetched.problems) == 21
    assert "22 more" in str(fetched.problems[-1])


def test_a_full_disk_is_told_before_anything_is_read(copy, bucket, monkeypatch):
    monkeypatch.setattr("pipelines.places.cache.Cache.free_bytes", lambda self: 20)
    fetched = copy.fetch()

    assert rules(fetched) == ["disk_full"]
    assert not any(line.startswith("GET") for line in bucket.requests)


def test_without_credentials_the_next_action_says_where_to_put_them(copy, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    fetched = copy.fetch()

    assert rules(fetched) == ["no_credentials"]
    assert "AWS_ACCESS_KEY_ID" in fetched.problems[0].next_action


def test_a_store_that_is_not_there_is_named(copy, bucket, monkeypatch):
    monkeypatch.setattr(bucket.server, "endpoint_url", "http://127.0.0.1:1")

    assert rules(copy.fetch()) == ["store_unavailable"]
    assert copy.waits == [1, 2, 3, 4]


def test_a_bucket_that_is_not_there_is_named(copy):
    copy.bucket.name = "nobodys-bucket"

    assert rules(copy.fetch()) == ["missing_bucket"]
