"""Manifests of bill exports: which files make one delivery, and what they promise.

Knows the manifests that cloud exports write: AWS Data Exports, legacy AWS reports and Azure Cost
Management.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.sources.base import DeliveryUnit, FoundFile, SourceError, each_file_alone

MANIFEST_SUFFIX = "manifest.json"

_RUN = re.compile(r"\d{8}T\d{6}Z(?:-[0-9A-Za-z-]+)?")
_PERIOD = re.compile(r"BILLING_PERIOD=(\d{4})-(\d{2})(?!\d)|(?:^|/)(\d{4})(\d{2})\d{2}-\d{8}/")


@dataclass(frozen=True)
class DataFile:
    """One data file as a manifest names it."""

    uri: str
    size: int | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Manifest:
    """What a manifest promises."""

    run: str
    """Sortable name of the run; empty if the manifest tells none."""
    data: tuple[DataFile, ...]
    columns: tuple[str, ...] = ()
    """Empty if the manifest does not list them."""
    kind: str = ""
    """What is exported, in Azure's words: `ActualCost`, `AmortizedCost`, `FocusCost`, ..."""
    period: str = ""
    """Its month, YYYY-MM; empty if the manifest tells none."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Type by column as the manifest words it; empty if it does not say."""

    def is_fraction(self, column: str) -> bool:
        """Whether the manifest says that a column's values may have a fraction."""
        return self.types.get(column, "").lower().endswith(("double", "decimal", "float"))


def manifest_layout(files: Sequence[FoundFile]) -> Iterable[DeliveryUnit]:
    """Deliveries of an export: what each manifest names, or each file alone without manifests.

    Files that no manifest names (leftovers of an overwritten export) are in no delivery. The copy
    of a run's manifest directly under its partition is the same delivery as the run.
    """
    manifests = sorted((f for f in files if is_manifest(f)), key=lambda f: f.name)
    if not manifests:
        yield from each_file_alone(files)
        return
    seen: set[tuple[str, ...]] = set()
    for found in manifests:
        try:
            manifest = read_manifest(found)
        except SourceError:
            # kept as a delivery, so that reading it reports the reason
            yield DeliveryUnit(found.name, (found,))
            continue
        uris = tuple(sorted(d.uri for d in manifest.data))
        if uris not in seen:
            seen.add(uris)
            data = (_find(found, d, files) for d in manifest.data)
            name = f"{manifest.run} {found.name.replace(f'{manifest.run}/', '')}".strip()
            yield DeliveryUnit(name, (found, *filter(None, data)))


def read_manifest(found: FoundFile) -> Manifest:
    """Parse a manifest.

    Raises:
        SourceError: Not JSON, or without a list of data files in a known spelling.
    """
    try:
        content = json.loads(found.path.read_bytes())
    except ValueError as error:
        raise SourceError(f"{found.name}: not JSON. Fetch the manifest again.") from error
    manifest = None
    if isinstance(content, dict) and isinstance(content.get("blobs"), list):
        manifest = _azure_manifest(found, content)
    elif isinstance(content, dict) and isinstance(content.get("dataFiles"), list):
        manifest = _aws_manifest(found, content, "dataFiles", "executionId")
    elif isinstance(content, dict) and isinstance(content.get("reportKeys"), list):
        # the columns of a legacy report are listed in another spelling than its files have
        legacy = {name: value for name, value in content.items() if name != "columns"}
        manifest = _aws_manifest(found, legacy, "reportKeys", "assemblyId")
    if manifest and manifest.data:
        return manifest
    raise SourceError(
        f"{found.name}: names no file under `dataFiles`, `reportKeys` or `blobs`. "
        "Fetch the manifest again, or report the new spelling."
    )


def period_in_path(unit: DeliveryUnit) -> str | None:
    """The billing period (YYYY-MM) that an export writes into its paths; None if it does not."""
    found = _PERIOD.search(unit.files[0].name)
    return "-".join(filter(None, found.groups())) if found else None


def is_manifest(found: FoundFile) -> bool:
    """Whether a file is a manifest, by its name."""
    return found.name.lower().endswith(MANIFEST_SUFFIX)


def _aws_manifest(
    found: FoundFile, content: dict[str, object], data_name: str, run_name: str
) -> Manifest:
    entries = content[data_name]
    data = tuple(_aws_data_file(found, e) for e in (entries if isinstance(entries, list) else ()))
    told = [str(content.get(run_name, "")), found.name, *(d.uri for d in data)]
    run = next((m[0] for m in map(_RUN.search, told) if m), "")
    listed = content.get("columns")
    columns = listed if isinstance(listed, list) else []
    named = [c for c in columns if isinstance(c, dict) and "name" in c]
    types = {str(c["name"]): str(c["type"]) for c in named if isinstance(c.get("type"), str)}
    return Manifest(run, data, tuple(str(c["name"]) for c in named), types=types)


def _aws_data_file(found: FoundFile, entry: object) -> DataFile:
    if isinstance(entry, str):
        return DataFile(entry)
    if isinstance(entry, dict) and isinstance(entry.get("s3Uri"), str):
        size = entry.get("size")
        return DataFile(entry["s3Uri"], size if isinstance(size, int) else None)
    raise SourceError(
        f"{found.name}: an entry of `dataFiles` is neither text nor has an `s3Uri`. "
        "Fetch the manifest again, or report the new spelling."
    )


def _azure_manifest(found: FoundFile, content: dict[str, object]) -> Manifest:
    blobs = content["blobs"]
    data = []
    for blob in blobs if isinstance(blobs, list) else ():
        if not isinstance(blob, dict) or not isinstance(blob.get("blobName"), str):
            raise SourceError(f"{found.name}: an entry of `blobs` has no `blobName`. Fetch again.")
        data.append(DataFile(blob["blobName"], blob.get("byteCount"), blob.get("dataRowCount")))
    run, config = (_members(content.get(name)) for name in ("runInfo", "exportConfig"))
    return Manifest(
        str(run.get("submittedTime") or ""),
        tuple(data),
        kind=str(config.get("type") or ""),
        period=str(run.get("startDate") or "")[:7],
    )


def _members(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _find(manifest: FoundFile, data: DataFile, files: Iterable[FoundFile]) -> FoundFile | None:
    """The local file a manifest's URI means: the longest path below the export's own folder."""
    root, below_metadata, _ = manifest.name.partition("metadata/")
    root = f"{root}data/" if below_metadata else manifest.name[: manifest.name.rfind("/") + 1]
    path = f"/{data.uri.partition('://')[2] or data.uri}"
    inside = (f for f in files if f.name.startswith(root) and path.endswith(f"/{f.name}"))
    return max(inside, key=lambda f: len(f.name), default=None)


def promised(manifest: FoundFile | None, data: DataFile, unit: DeliveryUnit) -> FoundFile:
    """The file a manifest promises, or a file that stands alone.

    Raises:
        SourceError: It is missing, empty, or of another size.
    """
    if manifest is None:
        found = next((f for f in unit.files if f.name == data.uri), None)
    else:
        found = _find(manifest, data, unit.files)
    if found is None:
        place = unit.delivery if manifest is None else manifest.name
        raise SourceError(
            f"{place}: names {data.uri.rsplit('/', 1)[-1]}, which is not here. "
            "Wait for the copy to finish, or copy the file below this location."
        )
    if found.size == 0:
        raise SourceError(f"{found.name}: is empty. Fetch it again.")
    if data.size is not None and data.size != found.size:
        raise SourceError(
            f"{found.name}: has {found.size} bytes, its manifest says {data.size}. Fetch it again."
        )
    return found
