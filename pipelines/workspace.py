"""One company's workspace: its settings, its places, and the key of its pseudonyms.

A workspace is a folder with `everycent.yaml`, `reference/` and an inbox per source. Whatever is
wrong with it is collected and reported together.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from models.currencies import CURRENCIES
from models.record import Record
from models.settings import CURRENCY_PATTERN, ID_PATTERN, SourceSettings, WorkspaceSettings
from pipelines.feeds import COLUMNS, unknown_names
from pipelines.known_key import KnownKey, key_problem, known_key
from pipelines.places.addresses import AddressError, is_remote, read_address
from pipelines.problems import Problem, WorkspaceError, did_you_mean, in_order
from pipelines.pseudonyms import pseudonymiser, read_key
from pipelines.sources import all_sources, find_source
from pipelines.sources.base import Source
from pipelines.yaml_text import YamlPath, YamlText, YamlValue, read_yaml, setting

__all__ = ["Problem", "Workspace", "WorkspaceError", "load_workspace", "open_workspace"]

SETTINGS_FILE = "everycent.yaml"
REFERENCE_DIR = "reference"
_MIRROR = ("publish", "mirror")

_FORMS = {
    ID_PATTERN: "Use lower-case letters, digits, '-' and '_', at most 64.",
    CURRENCY_PATTERN: "Use three capital letters, such as USD.",
}
_RULES = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "string_pattern_mismatch": "form",
    "too_short": "required",
}


@dataclass(frozen=True)
class Workspace:
    """A workspace whose settings hold. Reference tables are loaded by `pipelines.reference`."""

    root: Path
    settings: WorkspaceSettings
    pseudonym: Callable[[str], str] = field(repr=False)
    """Keyed pseudonym of a person's id."""
    key: KnownKey
    """What may be known of the key they are made with."""

    @property
    def state_dir(self) -> Path:
        """The lake, manifests and everything else that is ours to write."""
        return self.root / self.settings.state_dir

    @property
    def published_dir(self) -> Path:
        """Published versions."""
        return self.root / self.settings.published_dir

    @property
    def reference_dir(self) -> Path:
        """The reference files, which people write."""
        return self.root / REFERENCE_DIR

    def inbox(self, source: SourceSettings) -> Path:
        """The folder in which a source's files arrive, or into which a bucket's are copied."""
        if is_remote(source.location):
            return self.state_dir / "places" / source.source / "files"
        return self.root / source.location


def load_workspace(folder: Path, env: Mapping[str, str] | None = None) -> Workspace:
    """Open a workspace for work.

    Args:
        folder: The workspace.
        env: Environment that holds the pseudonym key; the process's own by default.

    Raises:
        WorkspaceError: Anything is wrong with the settings, the places or the key.
    """
    workspace, problems = open_workspace(folder, env)
    if workspace is None or problems:
        raise WorkspaceError(problems)
    return workspace


def open_workspace(
    folder: Path, env: Mapping[str, str] | None = None
) -> tuple[Workspace | None, list[Problem]]:
    """Open a workspace as far as it goes, for checking it.

    Returns:
        The workspace, if its settings can be read, and every problem. If the key is one of them,
        the pseudonyms are good for nothing but checking.
    """
    root = Path(folder).absolute()
    missing = _missing(root)
    if missing:
        return None, [missing]
    read = read_yaml(root / SETTINGS_FILE, SETTINGS_FILE)
    problems = list(read.problems)
    if read.value is None and problems:
        return None, problems
    settings, found = _settings(read)
    problems += found + _source_problems(root, read)
    problems += _place_problems(read) + _currency_problems(read)
    problems += _kind_problems(read, settings) if settings else []
    if settings is None:
        return None, in_order(problems)
    key, problem = read_key(root, settings.pseudonyms, os.environ if env is None else env)
    key, now = key or os.urandom(32), settings.pseudonyms
    known = known_key(key, now.tenant)
    problem = problem or key_problem(root / settings.state_dir, now, known)
    problems += [problem] if problem else []
    workspace = Workspace(root, settings, pseudonymiser(key, now.tenant), known)
    return workspace, in_order(problems)


def _missing(root: Path) -> Problem | None:
    fix = "Check the path, or make a workspace with `everycent init FOLDER`."
    if not root.is_dir():
        return Problem(str(root), None, None, "missing_folder", "There is no such folder.", fix)
    if not (root / SETTINGS_FILE).is_file():
        text = "The folder is not a workspace: this file is missing."
        return Problem(SETTINGS_FILE, None, None, "missing_file", text, fix)
    return None


def _settings(read: YamlText) -> tuple[WorkspaceSettings | None, list[Problem]]:
    """Validate the settings; their scalars are texts, which the contract turns into its types."""
    try:
        return WorkspaceSettings.model_validate({} if read.value is None else read.value), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return None, [_from_pydantic(read, d) for d in details if not _is_echo(d, details)]


def _is_echo(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """Whether a list only counts as too short because its own items were refused."""
    path = detail["loc"]
    inner = (other["loc"] for other in details)
    return detail["type"] == "too_short" and any(
        len(loc) > len(path) and loc[: len(path)] == path for loc in inner
    )


def _from_pydantic(read: YamlText, detail: ErrorDetails) -> Problem:
    path = detail["loc"]
    record = _record_at(path[:-1])
    name = str(path[-1]) if path else ""
    rule = _RULES.get(detail["type"], "value")
    message = f"{detail['msg']}."
    known = record.model_fields.get(name)
    fix = (known.description if known else None) or "See the comments of a fresh everycent.yaml."
    if rule == "unknown_field":
        message = "There is no setting of this name."
        fix = did_you_mean(name, record.model_fields) or (
            f"Known here: {', '.join(record.model_fields)}."
        )
    elif rule == "required":
        message = "This setting is missing." if detail["type"] == "missing" else "It is empty."
    elif rule == "form":
        message = "The value does not have the right form."
        fix = _FORMS.get(detail.get("ctx", {}).get("pattern", ""), fix)
    return Problem(SETTINGS_FILE, read.line(path), setting(path), rule, message, fix)


def _record_at(path: Sequence[str | int]) -> type[Record]:
    """The settings class that a path leads to."""
    record: type[Record] = WorkspaceSettings
    for name in path:
        if isinstance(name, str) and name in record.model_fields:
            annotation: Any = record.model_fields[name].annotation
            for inner in (annotation, *get_args(annotation)):
                if isinstance(inner, type) and issubclass(inner, Record):
                    record = inner
    return record


def _source_problems(root: Path, read: YamlText) -> list[Problem]:
    """Check what the contract cannot know of sources: ids, kinds and folders.

    Works on the texts, so that these problems are told together with those of the contract.
    """
    problems: list[Problem] = []
    first: dict[str, YamlPath] = {}
    for path, source in _entries(read.value):
        if name := _text(source, "source"):
            earlier = first.setdefault(name, path)
            if earlier != path:
                text = f"The id is already used on line {read.line((*earlier, 'source'))}."
                fix = "Give each source its own id."
                problems.append(_at(read, (*path, "source"), "duplicate_source", text, fix))
        kind = _text(source, "kind")
        if kind and find_source(kind) is None:
            fix = did_you_mean(kind, all_sources()) or "List the kinds with `everycent sources`."
            text = "There is no source of this kind."
            problems.append(_at(read, (*path, "kind"), "unknown_kind", text, fix))
        location = _text(source, "location")
        if location and _is_inside(location) and not (root / location).is_dir():
            here = (*path, "location")
            fix = "Create it, or correct the path."
            problems.append(_at(read, here, "missing_folder", "There is no such folder.", fix))
    return problems


def _kind_problems(read: YamlText, settings: WorkspaceSettings) -> list[Problem]:
    """What each kind finds wrong with the settings of its own feeds."""
    problems = []
    for i, source in enumerate(settings.sources):
        kind = find_source(source.kind)
        known = (*source.tag_keys, *COLUMNS)
        for name in unknown_names(source):
            here = ("sources", i, "record_for", name)
            fix = did_you_mean(name, known) or f"Add it to tag_keys, or use: {', '.join(known)}."
            text = "This is no tag that the feed keeps."
            problems.append(_at(read, here, "unknown_tag", text, fix))
        if kind and kind.check:
            problems += [
                _at(read, ("sources", i, *found.path), found.rule, found.message, found.fix)
                for found in kind.check(source)
            ]
        elif kind and source.mapping:
            path, text = ("sources", i, "mapping"), "This kind knows what its columns mean."
            fix = "Remove the mapping, or make the source kind: mapped."
            problems.append(_at(read, path, "unused", text, fix))
    return problems


def _entries(value: YamlValue) -> Iterable[tuple[YamlPath, Mapping[str, YamlValue]]]:
    """Every source that has the shape of one, with its path."""
    sources = value.get("sources") if isinstance(value, Mapping) else None
    if isinstance(sources, Sequence) and not isinstance(sources, str):
        for i, source in enumerate(sources):
            if isinstance(source, Mapping):
                yield ("sources", i), source


def _text(source: Mapping[str, YamlValue], name: str) -> str | None:
    value = source.get(name)
    return value if isinstance(value, str) else None


def _at(read: YamlText, path: YamlPath, rule: str, message: str, fix: str) -> Problem:
    return Problem(SETTINGS_FILE, read.line(path), setting(path), rule, message, fix)


def _is_inside(place: str) -> bool:
    """Whether a path stays in the workspace and is not the workspace itself."""
    path = PurePosixPath(place)
    is_plain = not path.is_absolute() and ".." not in path.parts and "://" not in place
    return is_plain and bool(path.parts) and "\\" not in place and "\0" not in place


def _place_problems(read: YamlText) -> list[Problem]:
    """Check that no place is outside the workspace, and none is inside another.

    Files under two sources would be counted twice, unless one takes from the other's files what
    that leaves, as scores from traces. Output in an inbox would be read back.
    """
    problems = []
    kinds = {
        (*path, "location"): kind
        for path, source in _entries(read.value)
        if (kind := find_source(_text(source, "kind") or ""))
    }
    seen: list[tuple[YamlPath, PurePosixPath]] = [((REFERENCE_DIR,), PurePosixPath(REFERENCE_DIR))]
    for path, place in _places(read.value):
        is_bucket = path == _MIRROR or (is_remote(place) and path[-1] == "location")
        problem = _bucket_problem(read, path, place) if is_bucket else _outside(read, path, place)
        if problem:
            problems.append(problem)
            continue
        here = _bucket_path(place) if is_bucket else PurePosixPath(place)
        for other, there in seen:
            if here == there and _may_share(kinds.get(path), kinds.get(other)):
                continue
            if here.is_relative_to(there) or there.is_relative_to(here):
                text = f"The folder overlaps with {setting(other)}."
                problems.append(_at(read, path, "overlap", text, "Give each its own folder."))
                break
        seen.append((path, here))
    return problems


def _outside(read: YamlText, path: YamlPath, place: str) -> Problem | None:
    if _is_inside(place):
        return None
    text = "The folder is not inside the workspace."
    fix = "Give a relative path without '..'; link or mount folders from elsewhere."
    return _at(read, path, "outside", text, fix)


def _bucket_problem(read: YamlText, path: YamlPath, place: str) -> Problem | None:
    try:
        read_address(place)
    except AddressError as error:
        fix = "Write s3://bucket/folder."
        return _at(read, path, "bucket", f"This is no address of a bucket: {error}.", fix)
    return None


def _bucket_path(place: str) -> PurePosixPath:
    """A bucket's folder as a path that no folder of the workspace has."""
    address = read_address(place)
    return PurePosixPath("/", address.bucket, address.prefix)


def _may_share(one: Source | None, other: Source | None) -> bool:
    if one is None or other is None:
        return False
    return one.beside == other.name or other.beside == one.name


def _places(value: YamlValue) -> Iterable[tuple[YamlPath, str]]:
    """Every place the settings name, with the path of the setting; defaults included."""
    settings = value if isinstance(value, Mapping) else {}
    for name in ("state_dir", "published_dir"):
        yield (name,), _text(settings, name) or WorkspaceSettings.model_fields[name].default
    for path, source in _entries(value):
        if location := _text(source, "location"):
            yield (*path, "location"), location
    publishing = settings.get("publish")
    if isinstance(publishing, Mapping) and (place := _text(publishing, "mirror")):
        yield _MIRROR, place


def _currency_problems(read: YamlText) -> list[Problem]:
    """Check that currencies exist. Those of the wrong form are told by the contract."""
    settings = read.value if isinstance(read.value, Mapping) else {}
    named: list[tuple[YamlPath, str | None]] = [
        (("reporting_currency",), _text(settings, "reporting_currency")),
        *(
            ((*path, "billing_currency"), _text(source, "billing_currency"))
            for path, source in _entries(read.value)
        ),
    ]
    return [
        _at(read, path, "currency", "There is no such currency.", "Use an ISO 4217 code.")
        for path, code in named
        if code and re.fullmatch(CURRENCY_PATTERN, code) and code not in CURRENCIES
    ]
