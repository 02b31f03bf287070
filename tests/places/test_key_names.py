"""Whatever a key is, it never leads out of its folder."""

import tempfile
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.places.names import Names, broken_rule, key_hash

PARTS = st.sampled_from(["..", ".", "", "a", "A", "a\0b", "~", "\\", "C:", "\ud800", "ｅ", "é"])
KEYS = st.one_of(st.text(max_size=60), st.lists(PARTS | st.text(max_size=5)).map("/".join))


@given(KEYS)
@example("a/../../b")
@example("/etc/passwd")
@example("\ud800")
def test_a_name_that_is_not_refused_is_a_file_below_its_folder(name):
    if broken_rule(name):
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content")

        assert path.resolve().is_relative_to(Path(folder).resolve())
        assert [
            p.relative_to(folder).as_posix() for p in Path(folder).rglob("*") if p.is_file()
        ] == [name]


@given(KEYS)
def test_every_key_has_a_hash_to_be_spoken_of(key):
    assert len(key_hash(key)) == 16


@given(st.lists(KEYS.filter(lambda name: not broken_rule(name)), max_size=8, unique=True))
def test_names_that_do_not_collide_lie_beside_each_other(names):
    together = Names(names)
    alone = [name for name in names if not together.collides(name)]
    folded = {name.casefold() for name in alone}

    assert len(folded) == len(alone)
    assert not any(f"{other}".startswith(f"{name}/") for name in folded for other in folded)
