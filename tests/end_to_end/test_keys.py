"""Another pseudonym key: refused, or everything is landed again under it."""

import hashlib

import pytest

from pipelines import run
from pipelines.problems import WorkspaceError
from pipelines.rotation import KeyRefusedError, rotate_key
from pipelines.workspace import load_workspace
from tests.end_to_end.company import ENVIRONMENT, Company

NAME = "EVERYCENT_PSEUDONYM_KEY"
OTHER = {NAME: hashlib.sha256(b"another").hexdigest()}


@pytest.fixture
def company(small, tmp_path) -> Company:
    return small.copy(tmp_path / "acme", with_state=True)


def charged(company: Company) -> list[tuple]:
    return company.rows(
        "select cost_center_id, sum(amount) from mart_chargeback_monthly group by all order by all"
    )


def test_another_key_moves_no_money_and_reads_nothing(company):
    before = charged(company)

    with pytest.raises(WorkspaceError, match="key_changed"):
        load_workspace(company.root, OTHER)

    assert not company.run().published.changed
    assert charged(company) == before


def test_a_key_that_changed_while_the_workspace_was_open_is_refused_at_the_lock(small, tmp_path):
    fresh = small.copy(tmp_path / "fresh")
    early = load_workspace(fresh.root, OTHER)
    fresh.run()

    with pytest.raises(WorkspaceError, match="key_changed"):
        run.land_sources(early)


def test_a_rotated_key_gives_what_a_fresh_workspace_gives(company, small, tmp_path):
    fresh = small.copy(tmp_path / "fresh")
    run.run(load_workspace(fresh.root, OTHER))

    done = rotate_key(company.root, OTHER)
    run.run(load_workspace(company.root, OTHER))

    assert (done.written, done.gone) == (None, ())
    assert done.files == sum(
        len(r.files) for r in run.lake_of(load_workspace(company.root, OTHER)).landed()
    )
    assert company.published_bytes() == fresh.published_bytes()
    with pytest.raises(WorkspaceError, match="key_changed"):
        load_workspace(company.root, ENVIRONMENT)


def test_rotating_makes_a_key_in_the_env_file_and_keeps_none_before(company):
    (company.root / ".env").write_text(f"{NAME}={ENVIRONMENT[NAME]}\n")

    done = rotate_key(company.root, {})

    assert done.written == company.root / ".env"
    assert ENVIRONMENT[NAME] not in done.written.read_text()
    assert run.run(load_workspace(company.root, {})).published.changed


def test_the_key_in_use_is_no_new_key(company):
    with pytest.raises(KeyRefusedError, match="is the key in use"):
        rotate_key(company.root, ENVIRONMENT)

    assert not company.run().published.changed


def test_files_that_are_gone_stop_a_rotation_until_one_says_so(company):
    gone = company.inbox("gateway_eu")[0]
    gone.unlink()

    with pytest.raises(KeyRefusedError, match=r"1 of \d+ landed files .*gateway_eu") as caught:
        rotate_key(company.root, OTHER)
    assert "--without-gone" in str(caught.value)
    assert not company.run().published.changed

    done = rotate_key(company.root, OTHER, without_gone=True)
    assert len(done.gone) == 1
    assert load_workspace(company.root, OTHER)


def test_a_rotation_that_was_interrupted_is_finished(company, monkeypatch):
    (company.root / ".env").write_text(f"{NAME}={ENVIRONMENT[NAME]}\n")
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.rotation.replace_known_key", _killed)
        with pytest.raises(KeyboardInterrupt):
            rotate_key(company.root, {})
    halfway = (company.root / ".env").read_text()

    with pytest.raises(WorkspaceError, match="key_changed"):
        load_workspace(company.root, {})
    assert rotate_key(company.root, {}).written is None
    assert (company.root / ".env").read_text() == halfway
    assert run.run(load_workspace(company.root, {})).published.changed


def _killed(*_: object) -> None:
    raise KeyboardInterrupt
