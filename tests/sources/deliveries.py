"""Helpers of the source tests: files in a folder become deliveries, readings become plain rows."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from models.settings import SourceSettings
from pipelines.sources.base import (
    DeliveryUnit,
    FoundFile,
    ReadContext,
    Reading,
    Source,
    SourceError,
)

SAMPLES = Path(__file__).parents[2] / "data_samples"
# the same on every row, or told by the file alone
HIDDEN = {"source", "file_id", "delivery", "service_category", "charge_period_end"}
HIDDEN |= {"service_provider_name", "host_provider_name", "invoice_issuer_name", "service_name"}


def found_files(root: Path) -> list[FoundFile]:
    return [
        FoundFile(
            name=path.relative_to(root).as_posix(),
            path=path,
            size=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in root.rglob("*")
        if path.suffix in {".json", ".csv"}
    ]


def deliveries(source: Source, root: Path) -> list[DeliveryUnit]:
    return list(source.layout(found_files(root)))


def context(source: Source, **settings: object) -> ReadContext:
    base = {"source": source.name, "kind": source.name, "location": "inbox"}
    account = {"billing_account_id": "acct"}
    return ReadContext(
        SourceSettings.model_validate({**base, **account, **settings}),
        pseudonym=lambda identity: "u_" + hashlib.sha256(identity.encode()).hexdigest()[:8],
    )


def read_files(
    source: Source, folder: Path, files: Mapping[str, object], **settings: object
) -> Reading:
    """Write files (text, or anything to be JSON) and read them as one delivery `d`."""
    for name, content in files.items():
        path = folder / "d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        written = content if isinstance(content, str) else json.dumps(content, default=str)
        path.write_bytes(written.encode())
    found = tuple(sorted(found_files(folder), key=lambda f: f.name))
    assert source.read is not None
    return source.read(DeliveryUnit("d", found), context(source, **settings))


def rows(reading: Reading, fact: Fact) -> list[dict[str, object]]:
    assert reading.facts[fact].schema == arrow_schema(FACTS[fact])
    return reading.facts[fact].to_pylist()


def compact(reading: Reading) -> dict[str, list[dict[str, str]]]:
    """Facts as text, without nulls and constants, in key order."""
    return {
        str(fact): sorted(
            (
                {k: str(v) for k, v in row.items() if v is not None and k not in HIDDEN}
                for row in rows(reading, fact)
            ),
            key=lambda row: row.get("charge_key") or row["usage_key"],
        )
        for fact in reading.facts
        if reading.facts[fact].num_rows
    }


def sample_outcome(source: Source, unit: DeliveryUnit) -> object:
    """What the samples' `expected.json` says of one delivery: its facts, or why it is refused."""
    assert source.read is not None
    try:
        return compact(source.read(unit, context(source)))
    except SourceError as error:
        return {"refused": str(error)}


def arrow_bytes(reading: Reading) -> bytes:
    sink = pa.BufferOutputStream()
    for table in reading.facts.values():
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    return sink.getvalue().to_pybytes()
