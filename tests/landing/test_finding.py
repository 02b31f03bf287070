"""Which files there are: read once, and again as soon as anything about them changed."""

import hashlib
import os
from pathlib import Path

import pytest

from pipelines.landing import finding
from pipelines.landing.finding import find_files


@pytest.fixture
def inbox(tmp_path, monkeypatch):
    """A folder with one file, on a clock of endless precision."""
    monkeypatch.setattr(finding, "SETTLED_NS", 0)
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.json").write_text("one")
    return folder


@pytest.fixture
def hashed(monkeypatch):
    """Names of the files whose bytes were read."""
    names = []
    digest = hashlib.file_digest

    def noted(file, algorithm):
        names.append(Path(file.name).name)
        return digest(file, algorithm)

    monkeypatch.setattr(finding.hashlib, "file_digest", noted)
    return names


def found(folder):
    return {file.name: file.sha256 for file in find_files(folder, folder.parent / "seen.json")}


def test_a_file_that_did_not_change_is_not_read_again(inbox, hashed):
    first = found(inbox)
    (inbox / "b.json").write_text("two")
    second = found(inbox)

    assert hashed == ["a.json", "b.json"]
    assert first["a.json"] == second["a.json"] == hashlib.sha256(b"one").hexdigest()


def test_a_file_overwritten_with_as_many_bytes_and_an_old_date_is_read_again(inbox, hashed):
    found(inbox)
    path = inbox / "a.json"
    before = path.stat()
    # the system's clock may tick only every few milliseconds
    while path.stat().st_ctime_ns == before.st_ctime_ns:
        path.write_text("eno")
        os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))

    assert found(inbox) == {"a.json": hashlib.sha256(b"eno").hexdigest()}
    assert hashed == ["a.json", "a.json"]


def test_another_file_moved_over_it_is_read(inbox):
    found(inbox)
    (inbox.parent / "other").write_text("two")
    (inbox.parent / "other").replace(inbox / "a.json")

    assert found(inbox) == {"a.json": hashlib.sha256(b"two").hexdigest()}


def test_a_file_that_changed_a_moment_ago_is_not_trusted(inbox, hashed, monkeypatch):
    monkeypatch.setattr(finding, "SETTLED_NS", 10**18)
    found(inbox)
    found(inbox)

    assert hashed == ["a.json", "a.json"]


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_damaged_memory_costs_only_time(inbox, hashed, content):
    found(inbox)
    (inbox.parent / "seen.json").write_text(content)

    assert found(inbox) == {"a.json": hashlib.sha256(b"one").hexdigest()}
    assert hashed == ["a.json", "a.json"]
