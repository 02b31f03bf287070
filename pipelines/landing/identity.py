"""How a file is read: with which settings, and by which code. Whatever changes that lands it again.

The identity is a short text, written down with every file that lands.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import timedelta

from models.settings import SourceSettings
from pipelines.code_version import code_version
from pipelines.sources.base import ReadContext

_DIGITS = 12
_PLACES = {"source", "location", "endpoint_url", "region"}
_COMPUTING = {"first_day", "is_system_of_record", "record_for"}
"""Settings that change no fact: where files are, and what is read from settings later."""
_WORDS = {"reader": "everycent reads this kind of file differently now"}
_WITHOUT = ("pipelines.lake", "pipelines.durable", "pipelines.duck", "pipelines.landing.result")
"""Modules that the readers need, and that change no fact."""


def read_as(settings: SourceSettings, arrival_tolerance: timedelta | None = None) -> str:
    """How the files of a feed are read now."""
    said = settings.model_dump(
        mode="json", exclude_defaults=True, exclude=_PLACES | _COMPUTING | {"tag_keys"}
    )
    mapping = said.pop("mapping", None)
    said["arrival_tolerance"] = str(arrival_tolerance)
    parts = {
        "settings": _digest(said),
        "mapping": _digest(mapping),
        "tag_keys": _digest(sorted(settings.tag_keys)),
        "reader": code_version(
            "pipelines.landing.streams",
            "pipelines.landing.documents",
            f"pipelines.sources.{settings.kind}",
            without=_WITHOUT,
        )[:_DIGITS],
    }
    return " ".join(f"{name}={digest}" for name, digest in parts.items())


def id_of_landing(context: ReadContext, made_of: Iterable[str]) -> str:
    """The id of a landing of some contents, read in this way."""
    text = "\n".join([*made_of, context.read_as, context.again])
    return f"{context.settings.source}.{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def what_changed(before: str, now: str) -> set[str]:
    """Why a file that was read one way would be read another way today, in words."""
    then, today = (set(text.split()) for text in (before, now))
    names = {part.partition("=")[0] for part in today - then}
    if not then:
        # landed before this was written down
        names = {"reader"}
    return {_WORDS.get(name, f"{name} changed") for name in names}


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
