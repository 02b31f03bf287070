"""Settings of one company: what `everycent.yaml` may say."""

from datetime import date
from decimal import Decimal

from pydantic import Field

from models.mapping import FeedMapping
from models.record import Record

ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
CURRENCY_PATTERN = r"^[A-Z]{3}$"
ENDPOINT_PATTERN = r"^https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~/-]*)?$"
"""Without a user name or password: those come from the environment."""
REGION_PATTERN = r"^[a-z0-9-]{1,64}$"


class SourceSettings(Record):
    """One feed of one kind: where its files are, and what they cannot say themselves."""

    source: str = Field(
        pattern=ID_PATTERN, description="Your name for this feed; forms file names."
    )
    kind: str = Field(pattern=ID_PATTERN, description="Source kind: see `everycent sources`.")
    location: str = Field(
        description="Folder the files arrive in, relative to the workspace; or s3://bucket/folder."
    )
    endpoint_url: str | None = Field(
        default=None,
        pattern=ENDPOINT_PATTERN,
        description="Address of an S3-compatible store; a bucket of AWS needs none.",
    )
    region: str | None = Field(
        default=None, pattern=REGION_PATTERN, description="Region of the bucket."
    )
    issuer: str | None = Field(
        default=None, pattern=ID_PATTERN, description="Invoice issuer its charges belong to."
    )
    billing_account_id: str | None = Field(
        default=None, description="Paying account, for exports that do not name it."
    )
    billing_currency: str | None = Field(
        default=None, pattern=CURRENCY_PATTERN, description="Currency, for exports that name none."
    )
    tag_keys: tuple[str, ...] = Field(
        default=(),
        description="Tag and metadata keys that may be kept. Everything else is dropped.",
    )
    task_key: str | None = Field(
        default=None, description="Metadata key holding the explicit business id of a task."
    )
    is_system_of_record: bool = Field(
        default=True, description="False: calls of this feed are compared, never counted."
    )
    record_for: dict[str, tuple[str, ...]] = Field(
        default={},
        description="Tags (or provider, deployment_id, project_id, team_id, org_id) and their "
        "values: only such calls of this feed count, the others are compared.",
    )
    max_set_aside_share: Decimal = Field(
        default=Decimal("0.5"),
        ge=0,
        le=1,
        description="Share of a file's records that may be set aside: with more, a log is refused "
        "whole, and of a bill or report the run says so until it is corrected.",
    )
    mapping: FeedMapping | None = Field(
        default=None, description="Of kind mapped: what the columns of its files mean."
    )
    first_day: date | None = Field(default=None, description="First day expected; gaps are shown.")


class PseudonymSettings(Record):
    """How people become keyed pseudonyms. The key itself is only ever in the environment."""

    key_env: str = Field(default="EVERYCENT_PSEUDONYM_KEY", pattern=r"^[A-Z][A-Z0-9_]*$")
    tenant: str = Field(default="default", pattern=ID_PATTERN)


class PublishSettings(Record):
    """What a published version looks like."""

    keep_versions: int = Field(default=3, ge=1)
    calls_table_max_rows: int = Field(
        default=500_000, ge=0, description="Above it `fct_calls` is a view over its Parquet files."
    )
    mirror: str | None = Field(
        default=None, description="s3://bucket/folder that receives a copy of each version."
    )
    mirror_endpoint_url: str | None = Field(
        default=None,
        pattern=ENDPOINT_PATTERN,
        description="Address of an S3-compatible store; a bucket of AWS needs none.",
    )
    mirror_region: str | None = Field(
        default=None, pattern=REGION_PATTERN, description="Region of the mirror's bucket."
    )


class WorkspaceSettings(Record):
    """The whole of `everycent.yaml`."""

    company: str = Field(pattern=ID_PATTERN)
    reporting_currency: str = Field(pattern=CURRENCY_PATTERN)
    metering_tolerance: Decimal = Field(
        default=Decimal("0.005"),
        ge=0,
        lt=1,
        description="Gap between billed and logged quantity that still counts as metering noise.",
    )
    required_tags: tuple[str, ...] = ()
    default_cost_center: str | None = Field(
        default=None,
        description="Cost centre that pays what has a name and no owner; nobody if left out.",
    )
    outcome_window_days: int = Field(default=7, ge=0, le=90)
    arrival_tolerance_days: int = Field(
        default=1,
        ge=0,
        le=36_500,
        description="Days after its file's arrival that a call or outcome may be dated; later ones "
        "are set aside.",
    )
    state_dir: str = ".everycent"
    published_dir: str = "published"
    pseudonyms: PseudonymSettings = PseudonymSettings()
    publish: PublishSettings = PublishSettings()
    sources: tuple[SourceSettings, ...] = Field(min_length=1)
