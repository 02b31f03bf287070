"""Helpers of the bill tests: a folder of files as landing would hand it to a reader."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import polars as pl

from models.facts import Fact
from models.settings import SourceSettings
from pipelines.sources.base import FoundFile, ReadContext, Reading, Source

SAMPLES = Path(__file__).parents[2] / "data_samples"


def found_files(folder: Path) -> list[FoundFile]:
    return [
        FoundFile(
            path.relative_to(folder).as_posix(),
            path,
            path.stat().st_size,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]


def context(kind: str, **settings: object) -> ReadContext:
    values = {"source": "bill", "kind": kind, "location": "bills", **settings}
    return ReadContext(SourceSettings.model_validate(values), pseudonym=lambda person: person)


def read_folder(source: Source, folder: Path, **settings: object) -> dict[str, Reading]:
    """Every delivery of a folder, by its name."""
    assert source.read is not None
    units = source.layout(found_files(folder))
    return {u.delivery: source.read(u, context(source.name, **settings)) for u in units}


def read_only_delivery(source: Source, folder: Path, **settings: object) -> Reading:
    (reading,) = read_folder(source, folder, **settings).values()
    return reading


def charges(reading: Reading) -> pl.DataFrame:
    return pl.DataFrame(reading.facts[Fact.CHARGES])


def total(frame: pl.DataFrame, column: str = "billed_cost") -> Decimal:
    return sum((v for v in frame[column].to_list() if v is not None), Decimal(0))


def compact(
    frame: pl.DataFrame, columns: Mapping[str, object] | list[str]
) -> list[list[str | None]]:
    """Rows of some columns as text, trailing zeros of decimals cut."""
    return [
        [
            f"{v.normalize():f}" if isinstance(v, Decimal) else None if v is None else str(v)
            for v in row
        ]
        for row in frame.select(list(columns)).iter_rows()
    ]
