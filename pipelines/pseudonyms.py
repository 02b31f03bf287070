"""Keyed pseudonyms: the only form in which a person leaves a reader.

The key comes from the environment, or from the `.env` file in the workspace, which `everycent init`
writes and keeps out of version control. Nothing that the pipeline writes holds it.
"""

import base64
import binascii
import hmac
import re
import unicodedata
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

from models.settings import PseudonymSettings
from pipelines.problems import Problem

MIN_KEY_BYTES = 32
MAKE_A_KEY = 'python -c "import secrets; print(secrets.token_hex(32))"'

_ENV_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
_EMAIL = re.compile(r"[^\s@]@[^\s@]+\.[A-Za-z]{2,}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_PLACEHOLDERS = ("changeme", "example", "password", "placeholder", "replaceme", "insertkey")
# 32 random bytes hold fewer different ones less than once in 10^12 keys
_MIN_DIFFERENT = 16


def pseudonymiser(key: bytes, tenant: str) -> Callable[[str], str]:
    """Make the function that turns a person's id into `u_` and 32 hex digits.

    Ids that differ only in case, in outer blanks or in Unicode composition are the same person.
    A blank id means nobody: callers keep it null and do not ask for its pseudonym.
    """
    prefix = tenant.encode() + b"\0"

    def pseudonym(identity: str) -> str:
        name = unicodedata.normalize("NFC", identity).strip().casefold()
        # a lone surrogate cannot be encoded strictly, and must not stop a run
        message = prefix + name.encode("utf-8", "surrogatepass")
        return "u_" + hmac.digest(key, message, "sha256").hex()[:32]

    return pseudonym


def holds_email(text: str) -> bool:
    """Whether a text holds what looks like an e-mail address: then it is the id of a person."""
    return _EMAIL.search(text) is not None


def read_key(
    root: Path, settings: PseudonymSettings, env: Mapping[str, str]
) -> tuple[bytes, Problem | None]:
    """Find the key of a workspace: in the environment, else in the workspace's `.env` file.

    Args:
        root: The workspace.
        settings: They name the variable.
        env: The environment.

    Returns:
        The key, and None; or no bytes, and what is wrong with it.
    """
    name = settings.key_env
    text, place = env.get(name), "the environment"
    if text is None:
        text, place = _env_file(root / ".env").get(name), ".env"
    if text is None:
        return b"", _problem(name, "key_missing", "is neither in the environment nor in .env.")
    key = _decoded(text.strip())
    if not key:
        return b"", _problem(name, "key_empty", f"is empty in {place}.")
    if _is_guessable(key, text):
        return b"", _problem(name, "key_weak", f"in {place} can be guessed: it is not random.")
    if len(key) < MIN_KEY_BYTES:
        said = f"in {place} holds {len(key)} bytes; at least {MIN_KEY_BYTES} are needed."
        return b"", _problem(name, "key_short", said)
    return key, None


def _problem(name: str, rule: str, said: str) -> Problem:
    message = f"The key of the pseudonyms, {name}, {said}"
    fix = (
        f"`everycent new-key` writes one into .env; or make one with `{MAKE_A_KEY}`, set {name} to "
        "it, and keep it safe."
    )
    return Problem(".env", None, name, rule, message, fix)


def _env_file(path: Path) -> dict[str, str]:
    """The settings of a `.env` file: KEY=VALUE lines, values quoted or not. Others are skipped."""
    try:
        text = path.read_text("utf-8-sig", errors="replace")
    except OSError:
        return {}
    found = {}
    for line in text.splitlines():
        if match := _ENV_LINE.fullmatch(line):
            value = match[2].strip()
            is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            found[match[1]] = value[1:-1] if is_quoted else value
    return found


def _decoded(text: str) -> bytes:
    """The bytes of a key written in hex, in base64, or as plain text."""
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if _BASE64.fullmatch(text):
        plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
        try:
            return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        except binascii.Error:
            pass
    return text.encode()


def _is_guessable(key: bytes, text: str) -> bool:
    """Whether a key is a placeholder, a repetition or a count."""
    letters = re.sub(r"[^a-z]", "", text.casefold())
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    is_monotonous = len(key) >= MIN_KEY_BYTES and len(set(key)) < _MIN_DIFFERENT
    is_repetition = key in (key + key)[1:-1]
    is_placeholder = any(word in letters for word in _PLACEHOLDERS)
    return is_placeholder or is_monotonous or is_repetition or len(steps) <= 1
