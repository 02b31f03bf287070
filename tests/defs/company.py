"""The small company of these tests."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import dagster as dg

FIRST, LAST = "2026-09-01", "2026-09-02"
DAYS = MappingProxyType(
    {
        "dagster/asset_partition_range_start": FIRST,
        "dagster/asset_partition_range_end": LAST,
    }
)
KEY = hashlib.sha256(b"only for tests").hexdigest()
SETTINGS = """
company: acme
reporting_currency: USD
sources:
  - source: openai_bill
    kind: openai
    location: inbox/openai
    issuer: openai
    billing_account_id: org-acme
    billing_currency: USD
    first_day: 2026-09-01
  - source: gateway_eu
    kind: litellm
    location: inbox/gateway_eu
    tag_keys: [app]
    first_day: 2026-09-01
"""


@dataclass(frozen=True)
class Company:
    """A workspace folder, an instance that ran it, and the definitions it ran."""

    folder: Path
    late_file: Path
    """A gateway log of the last day, kept out of the inbox."""
    definitions: dg.Definitions
    instance: dg.DagsterInstance

    def run(self, job: str, **options) -> dg.ExecuteInProcessResult:
        found = self.definitions.resolve_job_def(job)
        return found.execute_in_process(instance=self.instance, raise_on_error=False, **options)
