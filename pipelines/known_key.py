"""Which key the people of a workspace were named with: another one is refused, never used.

With another key every person would be a second person, and calls that a person's cost centre pays
would go to somebody else. Of the key the state folder holds a keyed fingerprint only.
"""

import hmac
import os
import re
import secrets
from pathlib import Path

from models.record import Record
from models.settings import PseudonymSettings
from pipelines import durable
from pipelines.problems import Problem, WorkspaceError

ENV_FILE = ".env"
KNOWN_KEY = "pseudonym_key.json"
_FINGERPRINT_OF = b"everycent: which key is this"


class KnownKey(Record):
    """What the state folder knows of the key that landed files were read with."""

    tenant: str
    fingerprint: str


def known_key(key: bytes, tenant: str) -> KnownKey:
    """What may be kept of a key: from it neither the key nor a pseudonym can be made."""
    return KnownKey(tenant=tenant, fingerprint=hmac.digest(key, _FINGERPRINT_OF, "sha256").hex())


def stored_key(state_dir: Path) -> KnownKey | None:
    """What a workspace knows of its key; null before its first landing."""
    try:
        return KnownKey.model_validate_json((state_dir / KNOWN_KEY).read_bytes())
    except FileNotFoundError:
        return None


def key_problem(state_dir: Path, settings: PseudonymSettings, now: KnownKey) -> Problem | None:
    """What is wrong with a key, or a tenant, that is not the one of the files landed so far."""
    before = stored_key(state_dir)
    if before is None or before == now:
        return None
    if before.fingerprint != now.fingerprint:
        said = (
            f"The key of the pseudonyms, {settings.key_env}, is not the one this workspace's files "
            "were landed with: every person would become another, and cost would change hands."
        )
        fix = f"Put the earlier key back (in the environment, which wins, or in {ENV_FILE}). "
        place, name = ENV_FILE, settings.key_env
    else:
        said = (
            f"pseudonyms.tenant was {before.tenant} when this workspace's files were landed: with "
            "another one every person would become another."
        )
        fix = f"Set it back to {before.tenant}. "
        place, name = "everycent.yaml", "pseudonyms.tenant"
    fix += "If it is lost or to be replaced: `everycent new-key --rotate` says what that means."
    return Problem(place, None, name, "key_changed", said, fix)


def remember_key(state_dir: Path, settings: PseudonymSettings, now: KnownKey) -> None:
    """Keep the fingerprint of the first key; called by whoever holds the workspace's lock.

    Raises:
        WorkspaceError: Files were landed with another key meanwhile.
    """
    if problem := key_problem(state_dir, settings, now):
        raise WorkspaceError([problem])
    if stored_key(state_dir) is None:
        replace_known_key(state_dir, now)


def replace_known_key(state_dir: Path, now: KnownKey) -> None:
    """Make a key the one of this workspace."""
    durable.write_bytes(state_dir / KNOWN_KEY, now.model_dump_json().encode() + b"\n")


def new_key() -> str:
    """A key as text: 32 random bytes in hex."""
    return secrets.token_hex(32)


def write_key(root: Path, name: str, key: str) -> Path:
    """Put a key into the workspace's `.env`, in place of an earlier one; other lines stay.

    Returns:
        The file, which only its owner can read.
    """
    path = root / ENV_FILE
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    is_ours = re.compile(rf"\s*(?:export\s+)?{re.escape(name)}\s*=").match
    kept = [line for line in lines if not is_ours(line)]
    prepared = durable.temporary(path)
    prepared.unlink(missing_ok=True)
    # nobody else can read it from its first byte on
    descriptor = os.open(prepared, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write("\n".join([*kept, f"{name}={key}", ""]))
    durable.replace(prepared, path)
    return path
