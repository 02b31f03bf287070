"""What a bucket holds comes here whole, once, and under the names that its keys allow."""

import gzip
import os

import pytest

from tests.places.copying import Copy, rules


@pytest.fixture
def copy(bucket, tmp_path) -> Copy:
    return Copy(bucket, tmp_path / "place")


def gets(bucket) -> int:
    return sum(line.startswith("GET ") for line in bucket.requests)


def test_objects_become_files_of_the_same_shape(copy, bucket):
    bucket.put("logs/2026/10/01/a.jsonl", "one")
    bucket.put("logs/b.jsonl", "")
    bucket.put("logs/2026/", "")
    bucket.put("logsmore/c.jsonl", "of another folder")
    fetched = copy.fetch()

    assert fetched.problems == ()
    assert copy.files() == {"2026/10/01/a.jsonl": b"one", "b.jsonl": b""}


def test_a_whole_bucket_can_be_a_place(bucket, tmp_path):
    copy = Copy(bucket, tmp_path, folder="")
    bucket.put("deep/a.json", "one")
    bucket.put("b.json", "two")
    copy.fetch()

    assert copy.files() == {"b.json": b"two", "deep/a.json": b"one"}


def test_a_listing_of_many_pages_is_read_to_its_end(bucket, tmp_path):
    copy = Copy(bucket, tmp_path, page_size=7)
    for number in range(50):
        bucket.put(f"logs/{number:03}.json", str(number))
    copy.fetch()

    assert len(copy.files()) == 50


def test_what_is_here_already_is_not_read_again(copy, bucket):
    bucket.put("logs/a.json", "one")
    bucket.put("logs/b.json", "two")
    copy.fetch()
    bucket.requests.clear()
    bucket.put("logs/b.json", "new")
    copy.fetch()

    assert gets(bucket) == 1
    assert copy.files() == {"a.json": b"one", "b.json": b"new"}


def test_what_the_source_does_not_take_is_not_read(copy, bucket):
    bucket.put("logs/a.json", "one")
    bucket.put("logs/huge.bin", "no")
    bucket.put("logs/folder/", "")
    fetched = copy.fetch(wanted=lambda name: name.endswith(".json"))

    assert copy.files() == {"a.json": b"one"}
    assert gets(bucket) == 1
    assert fetched.not_read == ("huge.bin",)


def test_what_is_deleted_in_the_bucket_stays_here(copy, bucket):
    bucket.put("logs/a.json", "one")
    bucket.put("logs/b.json", "two")
    copy.fetch()
    bucket.delete("logs/a.json")
    fetched = copy.fetch()

    assert fetched.problems == ()
    assert copy.files() == {"a.json": b"one", "b.json": b"two"}


def test_the_copy_of_another_place_is_replaced(copy, bucket):
    bucket.put("logs/a.json", "one")
    bucket.put("other/b.json", "two")
    copy.fetch()
    copy.folder = "other"
    copy.fetch()

    assert copy.files() == {"b.json": b"two"}


def test_equal_contents_are_stored_once_and_old_ones_not_at_all(copy, bucket):
    bucket.put("logs/a.json", "same")
    bucket.put("logs/b.json", "same")
    bucket.put("logs/c.json", "old")
    copy.fetch()
    bucket.put("logs/c.json", "new")
    copy.fetch()

    assert len(list((copy.root / "objects").iterdir())) == 2


def test_files_are_links_and_nobody_else_may_enter(copy, bucket):
    bucket.put("logs/a.json", "one")
    copy.fetch()
    (content,) = (copy.root / "objects").iterdir()

    assert content.samefile(copy.root / "files" / "a.json")
    assert copy.root.stat().st_mode & 0o077 == 0


def test_without_hard_links_files_are_copies(copy, bucket, monkeypatch):
    def refuse(*args):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    bucket.put("logs/a.json", "one")
    copy.fetch()
    before = (copy.root / "files" / "a.json").stat()
    copy.fetch()

    assert copy.files() == {"a.json": b"one"}
    assert (copy.root / "files" / "a.json").stat().st_ino == before.st_ino


@pytest.mark.parametrize("lost", ["index.json", "files/a.json", "objects"])
def test_a_damaged_copy_is_mended(copy, bucket, lost):
    bucket.put("logs/a.json", "one")
    copy.fetch()
    path = copy.root / lost
    for file in path.iterdir() if path.is_dir() else [path]:
        file.unlink()
    (copy.root / "objects" / ".tmp-left").write_bytes(b"by a crash")
    (copy.root / "files" / "stray").mkdir()
    (copy.root / "files" / "stray" / "b.json").write_bytes(b"not of the bucket")
    copy.fetch()

    assert copy.files() == {"a.json": b"one"}
    assert not list((copy.root / "objects").glob(".tmp-*"))


HOSTILE = {
    "logs/../a.json": "name_dots",
    "logs/./a.json": "name_dots",
    "logs//a.json": "name_empty_part",
    "logs//etc/passwd.json": "name_empty_part",
    "logs/a\tb.json": "name_not_printable",
    "logs/a\u202eb.json": "name_not_printable",
    f"logs/{'x' * 256}.json": "name_too_long",
    f"logs/{'ä' * 130}.json": "name_too_long",
}


@pytest.mark.parametrize("key", HOSTILE)
def test_a_key_is_never_used_as_a_path(copy, bucket, key):
    bucket.put("logs/good.json", "one")
    bucket.put(key, "bad")
    fetched = copy.fetch()

    assert rules(fetched) == [HOSTILE[key]]
    assert key.removeprefix("logs/") not in str(fetched.problems[0])
    assert copy.files() == {"good.json": b"one"}


@pytest.mark.parametrize(
    "keys",
    [
        ("Report.json", "report.json"),
        ("caf\u00e9.json", "cafe\u0301.json"),
    ],
)
def test_keys_that_some_file_systems_take_for_one_are_refused(copy, bucket, keys):
    for key in (*keys, "other.json"):
        bucket.put(f"logs/{key}", key)
    fetched = copy.fetch()

    assert rules(fetched) == ["name_collides"] * 2
    assert copy.files() == {"other.json": b"other.json"}


def test_a_key_that_is_also_a_folder_is_refused_alone(copy, bucket):
    bucket.put("logs/a", "file")
    bucket.put("logs/a/b.json", "in it")
    fetched = copy.fetch()

    assert rules(fetched) == ["name_collides"]
    assert copy.files() == {"a/b.json": b"in it"}


def test_a_deleted_object_makes_room_for_another_of_its_name(copy, bucket):
    bucket.put("logs/a", "file")
    bucket.put("logs/b/c.json", "in a folder")
    copy.fetch()
    bucket.delete("logs/a")
    bucket.delete("logs/b/c.json")
    bucket.put("logs/a/b.json", "in it")
    bucket.put("logs/b", "a file now")
    fetched = copy.fetch()

    assert fetched.problems == ()
    assert copy.files() == {"a/b.json": b"in it", "b": b"a file now"}


def test_thousands_of_small_objects_come_through_one_bounded_pool(copy, bucket):
    for number in range(300):
        bucket.put(f"logs/{number % 7}/{number:05}.json", str(number))
    fetched = copy.fetch()

    assert fetched.problems == ()
    assert {int(content) for content in copy.files().values()} == set(range(300))


def test_any_printable_key_arrives(copy, bucket):
    names = ["a b+c%2Fd&e=f.json", "日本/été ~'\"!().json", ".hidden/x.json", "deep/" * 40 + "x"]
    for name in names:
        bucket.put(f"logs/{name}", name)
    fetched = copy.fetch()

    assert fetched.problems == ()
    assert copy.files() == {name: name.encode() for name in names}


def test_a_body_is_kept_as_it_was_put_whatever_its_encoding_says(copy, bucket):
    body = gzip.compress(b"one", mtime=0)
    bucket.server.client.put_object(
        Bucket=bucket.name, Key="logs/a.gz", Body=body, ContentEncoding="gzip"
    )
    copy.fetch()

    assert copy.files() == {"a.gz": body}


def test_an_unreadable_index_is_made_anew(copy, bucket):
    bucket.put("logs/a.json", "one")
    copy.fetch()
    (copy.root / "index.json").write_text("{}")
    copy.fetch()

    assert copy.files() == {"a.json": b"one"}


def test_a_folder_that_is_not_there_is_told_like_one_of_the_workspace(copy, bucket):
    bucket.put("log/a.json", "one letter less")
    fetched = copy.fetch()

    assert rules(fetched) == ["missing_folder"]
    assert fetched.folder is None

    bucket.put("logs/", "")
    assert copy.fetch().problems == ()


def test_a_folder_whose_objects_have_all_expired_is_no_problem(copy, bucket):
    bucket.put("logs/a.json", "one")
    copy.fetch()
    bucket.delete("logs/a.json")

    assert copy.fetch().problems == ()
    assert copy.files() == {"a.json": b"one"}


def test_a_key_that_gets_a_double_is_not_handed_on_as_it_was(copy, bucket):
    bucket.put("logs/a.json", "old")
    copy.fetch()
    bucket.put("logs/a.json", "new")
    bucket.put("logs/A.json", "double")
    fetched = copy.fetch()

    assert rules(fetched) == ["name_collides"] * 2
    assert copy.files() == {}
