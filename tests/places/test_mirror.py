"""A mirror shows whole versions or nothing; nothing in it is ever replaced but the pointer."""

import hashlib
import json
from pathlib import Path

import pytest

from pipelines.places.errors import StoreError
from pipelines.publishing.mirror import MirrorError, mirror
from pipelines.publishing.versions import Manifest, PublishedFile
from tests.places.copying import Copy
from tests.places.store_server import after, answered, is_put, refusal, refuse, times

FILES = {"parquet/fct_calls/2026-10-01.parquet": b"calls", "chargeback/cc-1.csv": b"a,b\n"}


def version(root: Path, name: str, company: str = "acme", files=FILES) -> Path:
    """A complete version on disk."""
    folder = root / f"v={name}"
    for path, content in {**files, "marts.duckdb": name.encode()}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    digest = hashlib.sha256(name.encode()).hexdigest()
    (folder / "marts.duckdb.sha256").write_text(f"{digest}  marts.duckdb\n")
    manifest = Manifest(
        version=name,
        company=company,
        written_by="tests",
        tables=(),
        files=tuple(
            PublishedFile(path=path, bytes=len(body), sha256=hashlib.sha256(body).hexdigest())
            for path, body in files.items()
        ),
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


@pytest.fixture
def store(bucket, tmp_path):
    return Copy(bucket, tmp_path, folder="mirror").store()


def shown(bucket) -> str:
    return json.loads(bucket.read("mirror/current.json"))["version"]


def puts(bucket) -> list[str]:
    return [line.split("mirror/")[1] for line in bucket.requests if line.startswith("PUT")]


def test_a_mirrored_version_is_what_was_published(bucket, store, tmp_path):
    folder = version(tmp_path, "one")

    assert mirror(store, folder, ["one"])
    mirrored = {
        key.removeprefix("mirror/v=one/"): bucket.read(key)
        for key in bucket.all_keys()
        if "v=one" in key
    }
    assert mirrored == {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    pointer = json.loads(bucket.read("mirror/current.json"))
    manifest = bucket.read(f"mirror/{pointer['manifest']}")
    assert hashlib.sha256(manifest).hexdigest() == pointer["manifest_sha256"]


def test_the_manifest_is_put_last_and_then_the_pointer(bucket, store, tmp_path):
    mirror(store, version(tmp_path, "one"), ["one"])

    assert puts(bucket)[-2:] == ["v=one/manifest.json", "current.json"]


def test_mirroring_again_puts_nothing(bucket, store, tmp_path):
    folder = version(tmp_path, "one")
    mirror(store, folder, ["one"])
    bucket.requests.clear()

    assert not mirror(store, folder, ["one"])
    assert puts(bucket) == []


def test_readers_see_one_version_until_the_next_is_whole(bucket, store, tmp_path):
    mirror(store, version(tmp_path, "one"), ["one"])
    two = version(tmp_path, "two")
    broken = times(99, lambda e: is_put(e, ".csv"), refuse(503, "SlowDown"))
    with bucket.faults(broken), pytest.raises(StoreError, match="store_unavailable"):
        mirror(store, two, ["one", "two"])

    assert shown(bucket) == "one"
    assert "mirror/v=two/manifest.json" not in bucket.all_keys()

    assert mirror(store, two, ["one", "two"])
    assert shown(bucket) == "two"


def test_a_lost_answer_to_a_put_that_succeeded_does_no_harm(bucket, store, tmp_path):
    def lost(environ, store):
        answered(environ, store)
        return refusal(500, "InternalError")

    with bucket.faults(times(3, is_put, lost), times(1, lambda e: is_put(e, ".json"), lost)):
        assert mirror(store, version(tmp_path, "one"), ["one"])

    assert shown(bucket) == "one"


def test_a_lost_race_for_the_first_pointer_is_seen(bucket, store, tmp_path):
    one, two = version(tmp_path, "one"), version(tmp_path, "two")
    other = after(lambda: mirror(store, two, ["two"]))
    pointer = times(1, lambda e: is_put(e, "current.json"), other)
    with bucket.faults(pointer), pytest.raises(MirrorError, match="published version two"):
        mirror(store, one, ["one"])

    assert shown(bucket) == "two"


def test_a_race_lost_to_an_older_version_of_ours_is_run_again(bucket, store, tmp_path):
    one, two = version(tmp_path, "one"), version(tmp_path, "two")
    other = after(lambda: mirror(store, one, ["one"]))
    with bucket.faults(times(1, lambda e: is_put(e, "current.json"), other)):
        assert mirror(store, two, ["one", "two"])

    assert shown(bucket) == "two"


def test_two_that_publish_the_same_version_agree(bucket, store, tmp_path):
    one = version(tmp_path, "one")
    other = after(lambda: mirror(store, one, ["one"]))
    with bucket.faults(times(1, lambda e: is_put(e, "current.json"), other)):
        assert mirror(store, one, ["one"])

    assert shown(bucket) == "one"


def test_a_version_with_other_bytes_there_is_never_replaced(bucket, store, tmp_path):
    bucket.put("mirror/v=one/chargeback/cc-1.csv", "other bytes")
    with pytest.raises(MirrorError, match="other bytes"):
        mirror(store, version(tmp_path, "one"), ["one"])

    assert bucket.read("mirror/v=one/chargeback/cc-1.csv") == b"other bytes"
    assert "mirror/current.json" not in bucket.all_keys()


def test_a_version_that_changed_on_disk_is_not_mirrored(bucket, store, tmp_path):
    folder = version(tmp_path, "one")
    (folder / "chargeback/cc-1.csv").write_bytes(b"a,c\n")
    with pytest.raises(MirrorError, match="content changed"):
        mirror(store, folder, ["one"])

    assert bucket.all_keys() == []


@pytest.mark.parametrize("content", ["{}", "not json", '{"company": "other"}'])
def test_a_pointer_that_is_not_ours_stays(bucket, store, tmp_path, content):
    bucket.put("mirror/current.json", content)
    with pytest.raises(MirrorError, match="own folder"):
        mirror(store, version(tmp_path, "one"), ["one"])

    assert bucket.read("mirror/current.json").decode() == content


def test_the_mirror_of_another_company_stays(bucket, store, tmp_path):
    mirror(store, version(tmp_path, "one"), ["one"])
    with pytest.raises(MirrorError, match="another company"):
        mirror(store, version(tmp_path, "two", company="umbrella"), ["two"])

    assert shown(bucket) == "one"


def test_going_back_moves_the_pointer_only(bucket, store, tmp_path):
    one, two = version(tmp_path, "one"), version(tmp_path, "two")
    mirror(store, one, ["one"])
    mirror(store, two, ["one", "two"])
    bucket.requests.clear()
    mirror(store, one, ["one", "two"])

    assert shown(bucket) == "one"
    assert puts(bucket) == ["current.json"]
