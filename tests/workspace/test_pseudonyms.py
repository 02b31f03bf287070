"""Pseudonyms of people, and the keys that are refused."""

import base64
import hashlib
import hmac
import re
import secrets
import stat
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.settings import PseudonymSettings
from pipelines.known_key import KNOWN_KEY, known_key, remember_key, stored_key, write_key
from pipelines.problems import WorkspaceError
from pipelines.pseudonyms import MAKE_A_KEY, holds_email, pseudonymiser, read_key
from pipelines.workspace import load_workspace, open_workspace

GOOD = hashlib.sha256(b"only for tests").digest()
NAME = "EVERYCENT_PSEUDONYM_KEY"
SETTINGS = PseudonymSettings()


def test_a_pseudonym_is_the_keyed_hash_of_tenant_and_id():
    expected = hmac.new(GOOD, b"acme\0jo@acme.example", "sha256").hexdigest()[:32]

    assert pseudonymiser(GOOD, "acme")("jo@acme.example") == f"u_{expected}"


@pytest.mark.parametrize("written", ["JO", " jo\n", "Jo"])
def test_case_and_outer_blanks_do_not_make_another_person(written):
    pseudonym = pseudonymiser(GOOD, "acme")

    assert pseudonym(written) == pseudonym("jo")


def test_composed_and_decomposed_letters_are_the_same_person():
    pseudonym = pseudonymiser(GOOD, "acme")

    assert pseudonym("Jose\u0301") == pseudonym("JOS\u00c9")


@given(st.text(max_size=20).filter(str.strip), st.text(max_size=20).filter(str.strip))
def test_any_id_has_a_pseudonym_and_no_two_people_share_one(one, other):
    pseudonym = pseudonymiser(GOOD, "acme")
    is_same_person = _normal(one) == _normal(other)

    assert re.fullmatch(r"u_[0-9a-f]{32}", pseudonym(one))
    assert (pseudonym(one) == pseudonym(other)) == is_same_person


def _normal(identity: str) -> str:
    return unicodedata.normalize("NFC", identity).strip().casefold()


def test_another_key_or_tenant_gives_another_pseudonym():
    other = hashlib.sha256(b"another").digest()
    made = {
        pseudonymiser(GOOD, "acme")("jo"),
        pseudonymiser(GOOD, "umbrella")("jo"),
        pseudonymiser(other, "acme")("jo"),
    }

    assert len(made) == 3


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("jo@acme.example", True),
        ("Jo <jo@acme.example>, sales", True),
        ("user:jo@mail.acme.example", True),
        ("gpt-4@2026.10", False),
        ("@acme", False),
        ("a@b", False),
        ("", False),
    ],
)
def test_e_mails_are_seen_wherever_they_stand(text, is_one):
    assert holds_email(text) is is_one


@pytest.mark.parametrize(
    "text",
    [
        GOOD.hex(),
        GOOD.hex().upper(),
        base64.b64encode(GOOD).decode(),
        base64.urlsafe_b64encode(GOOD).decode().rstrip("="),
        f" {GOOD.hex()}\n",
    ],
)
def test_a_key_in_hex_or_base64_is_its_bytes(tmp_path, text):
    assert read_key(tmp_path, SETTINGS, {NAME: text}) == (GOOD, None)


def test_a_key_in_other_text_is_that_text(tmp_path):
    text = "Vexing quick daft zebras jump; fog wall."

    assert read_key(tmp_path, SETTINGS, {NAME: text}) == (text.encode(), None)


@pytest.mark.parametrize(
    ("env", "rule"),
    [
        ({}, "key_missing"),
        ({NAME: ""}, "key_empty"),
        ({NAME: "   "}, "key_empty"),
        ({NAME: GOOD.hex()[:62]}, "key_short"),
        ({NAME: base64.b64encode(GOOD[:31]).decode()}, "key_short"),
        ({NAME: "thirty-one random bytes, or so?"}, "key_short"),
        ({NAME: "changeme"}, "key_weak"),
        ({NAME: "please-Change-Me-before-you-go-to-production-ok"}, "key_weak"),
        ({NAME: "an example key that is long enough to be taken"}, "key_weak"),
        ({NAME: "0" * 64}, "key_weak"),
        ({NAME: "ab" * 32}, "key_weak"),
        ({NAME: "0123456789abcdef" * 4}, "key_weak"),
        ({NAME: "00112233445566778899aabbccddeeff" * 2}, "key_weak"),
        ({NAME: bytes(range(32)).hex()}, "key_weak"),
        ({NAME: "x"}, "key_weak"),
    ],
)
def test_a_bad_key_is_refused_with_the_way_to_make_one(tmp_path, env, rule):
    key, problem = read_key(tmp_path, SETTINGS, env)

    assert key == b""
    assert problem is not None
    assert problem.rule == rule
    assert MAKE_A_KEY in problem.fix
    assert NAME in str(problem)
    assert not any(len(value.strip()) > 1 and value in str(problem) for value in env.values())


def test_the_command_it_shows_makes_a_key_it_takes(tmp_path):
    assert "secrets.token_hex(32)" in MAKE_A_KEY

    assert read_key(tmp_path, SETTINGS, {NAME: secrets.token_hex(32)})[1] is None


@pytest.mark.parametrize("line", ["{}={}", "export {}={}", '{}="{}"', "{} = '{}'"])
def test_a_key_may_be_in_the_env_file(tmp_path, line):
    text = f"# keys\n\nOTHER=1\nnot a setting\n{line.format(NAME, GOOD.hex())}\n"
    (tmp_path / ".env").write_text(text)

    assert read_key(tmp_path, SETTINGS, {}) == (GOOD, None)


def test_the_environment_wins_over_the_env_file(tmp_path):
    (tmp_path / ".env").write_text(f"{NAME}=changeme\n")

    assert read_key(tmp_path, SETTINGS, {NAME: GOOD.hex()}) == (GOOD, None)


def test_the_settings_name_the_variable(tmp_path):
    settings = PseudonymSettings(key_env="OUR_KEY")

    assert read_key(tmp_path, settings, {"OUR_KEY": GOOD.hex()}) == (GOOD, None)


OTHER = hashlib.sha256(b"another").digest()


@pytest.fixture
def landed(bench):
    """A fresh workspace that has landed something under the tests' key."""
    workspace = load_workspace(bench.root, bench.env)
    remember_key(workspace.state_dir, workspace.settings.pseudonyms, workspace.key)
    return bench


def test_another_key_than_that_of_the_landed_files_is_refused(landed):
    with pytest.raises(WorkspaceError) as caught:
        load_workspace(landed.root, {NAME: OTHER.hex()})

    [problem] = caught.value.problems
    assert problem.rule == "key_changed"
    assert "every person would become another" in problem.message
    assert "earlier key back" in problem.fix
    assert "`everycent new-key --rotate`" in problem.fix
    assert OTHER.hex() not in str(problem)


def test_the_same_key_in_another_spelling_is_the_same_key(landed):
    spelled = base64.b64encode(bytes.fromhex(landed.env[NAME])).decode()

    assert load_workspace(landed.root, {NAME: spelled})


def test_another_tenant_is_refused_too(landed):
    settings = landed.root / "everycent.yaml"
    settings.write_text(settings.read_text() + "\npseudonyms:\n  tenant: other\n")

    _, [problem] = open_workspace(landed.root, landed.env)

    assert (problem.rule, problem.column) == ("key_changed", "pseudonyms.tenant")
    assert "Set it back to default" in problem.fix


def test_check_tells_of_another_key_beside_everything_else(landed):
    report = landed.check()
    (landed.root / ".env").write_text(f"{NAME}={OTHER.hex()}\n")
    _, problems = open_workspace(landed.root, {})

    assert report.is_good
    assert [problem.rule for problem in problems] == ["key_changed"]


def test_what_is_kept_of_a_key_is_not_the_key(landed):
    kept = (landed.root / ".everycent" / KNOWN_KEY).read_text()

    assert landed.env[NAME] not in kept
    assert stored_key(landed.root / ".everycent") == known_key(
        bytes.fromhex(landed.env[NAME]), "default"
    )


def test_a_key_is_written_for_its_owner_only_and_other_lines_stay(tmp_path):
    (tmp_path / ".env").write_text(f"OTHER=1\nexport {NAME}=old\n")
    (tmp_path / ".env").chmod(0o644)

    path = write_key(tmp_path, NAME, GOOD.hex())

    assert path.read_text() == f"OTHER=1\n{NAME}={GOOD.hex()}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(tmp_path, SETTINGS, {}) == (GOOD, None)
