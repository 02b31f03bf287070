"""Legacy AWS Cost and Usage Reports: the columns of CUR 2.0 under older names.

Two spellings are in use, that of CSV reports (`lineItem/UsageType`, one `resourceTags/user:team`
per tag) and that of Athena (`line_item_usage_type`, `resource_tags_user_team`). Under the names of
CUR 2.0 both are read by `aws_cur`, with the same meaning and the same scope.

Export:
    1. Nothing new is to be set up: AWS keeps writing a report that exists. For a new one make a
       CUR 2.0 export and read it as `aws_cur`.
    2. Keep the tree as AWS writes it, `<report>/<YYYYMMDD-YYYYMMDD>/[<run>/]<report>-00001.csv.gz`
       with `<report>-Manifest.json`: point `location` at the bucket's folder, or sync it.
    3. Parquet made for Athena is read as well, in the same tree.

Settings:
    - source: aws_bill
      kind: aws_legacy_cur
      location: inbox/aws               # or s3://bucket/prefix/report
      issuer: aws
      tag_keys: [team, app]             # finds resourceTags/user:team and resource_tags_user_team

Reads:
    The columns that `aws_cur` reads, under their older names; of the tag columns those whose key
    is in `tag_keys`.

Never read:
    Any other column.

Traps:
    - Runs side by side count by the time in their folder's name. Of folders named by a GUID only
      that counts which the manifest directly under the period names.
    - A file with `bill_payer_account_name` is CUR 2.0 and refused.
    - Keep either CUR 2.0 or the legacy report of an account, not both.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

import polars as pl

from models.facts import Fact
from models.vocabulary import Delivery
from pipelines.sources.aws_cur import REQUIRED, WANTED, read_bill
from pipelines.sources.base import (
    DeliveryUnit,
    FoundFile,
    ReadContext,
    Reading,
    Source,
    SourceError,
)
from pipelines.sources.bill_files import SUFFIXES, Bill, load
from pipelines.sources.bill_manifests import is_manifest, manifest_layout
from pipelines.sources.bill_rows import TEXT, look_up

_PRODUCT_NAME = "product_product_name"
_ONLY_IN_CUR_2 = "bill_payer_account_name"
_TAG = "resourceTags/"
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PERIOD = re.compile(r"\d{8}-\d{8}")
_TIMED_RUN = re.compile(r"\d{8}T\d{6}Z.*")


def legacy_layout(files: Sequence[FoundFile]) -> Iterable[DeliveryUnit]:
    """Deliveries of a report. Older runs that are named by a GUID are left alone.

    Such names do not sort by time: only the manifest directly under the period tells the newest.
    """
    periods = {
        folder
        for folder in (PurePosixPath(f.name).parent for f in files if is_manifest(f))
        if _PERIOD.fullmatch(folder.name)
    }
    yield from manifest_layout([f for f in files if not _is_untimed_run(f, periods)])


def _is_untimed_run(found: FoundFile, periods: set[PurePosixPath]) -> bool:
    folder = PurePosixPath(found.name).parent
    return is_manifest(found) and folder.parent in periods and not _TIMED_RUN.match(folder.name)


def read_legacy_cur(unit: DeliveryUnit, context: ReadContext) -> Reading:
    """Read one run of a legacy report: all lines of one billing period.

    Args:
        unit: A manifest and its data files, or one data file without a manifest.
        context: As for `aws_cur`; of the tag columns only those that `tag_keys` names are read.

    Raises:
        SourceError: The delivery is not whole, or no legacy report.
    """
    tags = {
        spelling: key
        for key in context.settings.tag_keys
        for spelling in (f"{_TAG}{key}", f"{_TAG}user:{key}", f"resource_tags_user_{snake(key)}")
    }
    known = frozenset((*WANTED, _PRODUCT_NAME, _ONLY_IN_CUR_2))

    def naming(name: str) -> str:
        return snake(name) if snake(name) in known else name

    bill = load(unit, (*WANTED, _PRODUCT_NAME, *tags), REQUIRED, "legacy CUR", naming)
    newer = next((f for f in bill.files if _ONLY_IN_CUR_2 in f.columns), None)
    if newer:
        raise SourceError(
            f"{newer.found.name}: is CUR 2.0. Move it to the location of a source of the kind "
            "aws_cur."
        )
    return read_bill(replace(bill, rows=_as_cur_2(bill, tags)), unit, context)


def snake(name: str) -> str:
    """A legacy name as CUR 2.0 spells it: `lineItem/UsageType` is `line_item_usage_type`."""
    return re.sub(r"[^a-z0-9]+", "_", _WORD_STARTS.sub("_", name).lower())


def _as_cur_2(bill: Bill, tags: dict[str, str]) -> pl.DataFrame:
    """Gather what CUR 2.0 holds in maps: the name of the product, and tags."""

    def product(name: str | None) -> tuple[str | None]:
        return (json.dumps({"product_name": name}) if name else None,)

    def resource_tags(*values: str | None) -> tuple[str | None]:
        told = {key: v for key, v in zip(tags.values(), values, strict=True) if v}
        return (json.dumps(told) if told else None,)

    rows = bill.rows.drop("product", "resource_tags")
    rows = look_up(rows, [_PRODUCT_NAME], {"product": TEXT}, product)
    if not tags:
        return rows.with_columns(resource_tags=pl.lit(None, TEXT))
    return look_up(rows, list(tags), {"resource_tags": TEXT}, resource_tags)


SOURCE = Source(
    name="aws_legacy_cur",
    summary="AWS Cost and Usage Report before 2.0: every line of an account, Bedrock by model.",
    facts=(Fact.CHARGES,),
    delivery=Delivery.SNAPSHOT,
    money_unit="billing currency",
    token_rules=(),
    proof="constructed files",
    suffixes=SUFFIXES,
    layout=legacy_layout,
    read=read_legacy_cur,
)
