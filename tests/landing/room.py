"""A folder that logs arrive in, and a lake that they land in."""

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from models.facts import Fact
from models.settings import SourceSettings
from pipelines.lake import Lake
from pipelines.landing.land import land
from pipelines.sources.base import Source
from pipelines.sources.litellm import SOURCE as LITELLM


def pseudonym(person):
    return "u_" + hashlib.sha256(f"key:{person}".encode()).hexdigest()[:32]


@dataclass
class Room:
    root: Path
    source: Source = LITELLM
    tag_keys: tuple[str, ...] = ("app", "cost_center")
    task_key: str | None = "task_id"
    billing_account_id: str | None = None
    settings: dict = field(default_factory=dict)

    @property
    def inbox(self):
        return self.root / "inbox"

    @property
    def lake(self):
        return Lake(self.root / "lake")

    def put(self, name, content):
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def land(self, **options):
        settings = SourceSettings(
            source="gateway",
            kind=self.source.name,
            location="inbox",
            tag_keys=self.tag_keys,
            task_key=self.task_key,
            billing_account_id=self.billing_account_id,
            **self.settings,
        )
        return land(settings, self.source, self.inbox, self.lake, pseudonym=pseudonym, **options)

    def rows(self, fact=Fact.CALLS):
        """Every committed row of a fact as a dictionary, in a fixed order."""
        lake = self.lake
        paths = [
            str(lake.root / part.path)
            for record in lake.landed()
            for part in record.parts
            if part.fact == fact
        ]
        if not paths:
            return []
        with duckdb.connect() as con:
            con.execute("set TimeZone = 'UTC'")
            table = con.sql(
                "select * from read_parquet($paths) order by file_id, source_row",
                params={"paths": paths},
            ).to_arrow_table()
        return table.to_pylist()


def payload(number=1, **changes):
    """A StandardLoggingPayload of a good call; `metadata` and `usage` are merged."""
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    usage.update(changes.pop("usage", {}))
    metadata = {
        "user_api_key_hash": "a" * 64,
        "user_api_key_team_id": "team-1",
        "user_api_key_user_id": "ann@acme.example",
        "spend_logs_metadata": {"task_id": f"task-{number}"},
        "usage_object": usage,
    }
    metadata.update(changes.pop("metadata", {}))
    start = 1_790_812_800 + number
    return {
        "id": f"chatcmpl-{number}",
        "trace_id": f"trace-{number}",
        "litellm_call_id": f"call-{number}",
        "call_type": "acompletion",
        "stream": True,
        "status": "success",
        "response_cost": 0.0012,
        "custom_llm_provider": "openai",
        "prompt_tokens": usage["prompt_tokens"],
        "completion_tokens": usage["completion_tokens"],
        "total_tokens": usage["total_tokens"],
        "startTime": start + 0.123456,
        "endTime": start + 2.5,
        "completionStartTime": start + 0.75,
        "model": "gpt-4o-2024-11-20",
        "model_id": "deployment-1",
        "model_group": "gpt-4o",
        "cache_hit": None,
        "saved_cache_cost": 0.0,
        "request_tags": [],
        "end_user": "customer-1",
        "metadata": metadata,
        **changes,
    }


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


def zipped(text):
    return gzip.compress(text if isinstance(text, bytes) else text.encode(), mtime=0)
