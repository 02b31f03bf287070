"""The gateways' logs: LiteLLM payloads by the hour in Europe, SpendLogs by the day in America."""

import json
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
from isal import isal_zlib

from pipelines.duck import connect
from pipelines.truth import gateway_sql
from pipelines.truth.catalogue import DEPLOYMENTS, METERS, Deployment
from pipelines.truth.company import KEYS, WORKLOADS, key_hash
from pipelines.truth.content import CHOICES, ERRORS, MESSAGES
from pipelines.truth.json_sql import MACROS
from pipelines.truth.ledger import price_per_million
from pipelines.truth.output import LEVEL
from pipelines.truth.register import user_ids

Pools = dict[str, list[str] | str]
Job = tuple[Path, str, str, pl.DataFrame]
PART_ROWS = 4096

_PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "aws": "bedrock"}
_API_BASES = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "aws": "https://bedrock-runtime.{region}.amazonaws.com",
}


def _price_map(deployment: Deployment) -> str:
    # binary floats, as LiteLLM prints its price list; nothing is computed from them
    def per_token(position: int) -> float | None:
        price = price_per_million(deployment, METERS[position], is_repriced=False)
        return None if price is None else float(price.scaleb(-6))

    served = deployment.served
    value = {
        "key": served.gateway_text,
        "max_tokens": 64000,
        "input_cost_per_token": per_token(0),
        "cache_read_input_token_cost": per_token(1),
        "cache_creation_input_token_cost": per_token(2),
        "cache_creation_input_token_cost_above_1hr": per_token(3),
        "output_cost_per_token": per_token(4),
        "input_cost_per_audio_token": None,
        "litellm_provider": _PROVIDERS[served.issuer],
        "mode": "chat",
        "supports_prompt_caching": True,
        "supported_openai_params": ["max_tokens", "stop", "stream", "tools", "top_p"],
    }
    return _json({"model_map_key": served.gateway_text, "model_map_value": value})


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _call_type(deployment: Deployment) -> str:
    return "aembedding" if deployment.model_key == "embed" else "acompletion"


def _response_prefix(deployment: Deployment) -> str:
    return "msg_01" if deployment.served.issuer == "anthropic" else "chatcmpl-"


def _pools() -> Pools:
    deployments = list(DEPLOYMENTS.values())
    served = [d.served for d in deployments]
    return {
        "call_types": [_call_type(d) for d in deployments],
        "providers": [_PROVIDERS[s.issuer] for s in served],
        "models": [s.gateway_text for s in served],
        "groups": [s.group for s in served],
        "deployment_ids": list(DEPLOYMENTS),
        "api_bases": [_API_BASES[d.served.issuer].format(region=d.region) for d in deployments],
        "maps": [_price_map(d) for d in deployments],
        "keys": [key_hash(name) for name in KEYS],
        "aliases": [_json(f"{name}-key") for name in KEYS],
        "teams": [_json(w.team or None) for w in WORKLOADS],
        "team_cells": [w.team for w in WORKLOADS],
        "organisations": ["acme-eu", "acme-us"],
        "users": list(user_ids()),
        "emails": [_json(f"person{n:04d}@acme.example") for n in range(1, 201)],
        "messages": list(MESSAGES),
        "choices": list(CHOICES),
        "errors": list(ERRORS),
    }


class GatewayWriter:
    """Writes the logs of both gateways, day by day.

    Args:
        inbox: The workspace's inbox.
        seed: Part of every made-up id.
    """

    def __init__(self, inbox: Path, seed: int) -> None:
        self._inbox = inbox
        self._seed = seed
        self._con = connect()
        self._con.execute(MACROS)
        self._pools = _pools()

    def close(self) -> None:
        """Let go of the database that renders the lines."""
        self._con.close()

    def identify(self, attempts: pl.DataFrame) -> pl.DataFrame:
        """Add the ids a gateway would give: of the call, its response, its trace and its task.

        `logged_id` is the record's own id in the log, `call_id` what its reader makes of it.
        """
        parameters: Pools = {
            "seed": str(self._seed),
            "prefixes": [_response_prefix(d) for d in DEPLOYMENTS.values()],
        }
        coded = attempts.select(gateway_sql.CODES)
        ids = self._query(self._con, gateway_sql.IDENTIFY, coded, parameters)
        return attempts.hstack(pl.DataFrame(ids))

    def write_day(self, day: date, attempts: pl.DataFrame) -> None:
        """Write one day of logs.

        Args:
            day: The UTC day, which names files and folders.
            attempts: Identified attempts of the day that are logged, in order of time, with
                `folder`: a place below the gateway's inbox, mostly empty.
        """
        jobs = list(self._europe(day, attempts.filter(pl.col("gateway") == 0)))
        america = attempts.filter(pl.col("gateway") == 1)
        if not america.is_empty():
            path = self._inbox / "gateway_us" / f"spend_logs_{day}.csv.gz"
            header = gateway_sql.SPEND_LOG_HEADER
            jobs.append((path, gateway_sql.SPEND_LOG, header, america))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda job: self._write_file(*job), jobs))

    def _europe(self, day: date, attempts: pl.DataFrame) -> Iterator[Job]:
        hours = attempts.with_columns((pl.col("started_us") // 3_600_000_000 % 24).alias("hour"))
        for (folder, hour), part in hours.partition_by(
            "folder", "hour", as_dict=True, maintain_order=True
        ).items():
            root = self._inbox / "gateway_eu" / str(folder) / day.isoformat() / f"{hour:02d}"
            name = f"batch_{hour:02d}-59-59_{_suffix(day, hour)}.jsonl.gz"
            yield root / name, gateway_sql.PAYLOAD, "", part

    def _write_file(self, path: Path, sql: str, header: str, attempts: pl.DataFrame) -> None:
        # in small parts: a day of logs never stands in memory as text
        packer = isal_zlib.compressobj(LEVEL, wbits=31)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._con.cursor() as con, path.open("wb") as file:
            file.write(packer.compress(header.encode("ascii")))
            for part in attempts.iter_slices(PART_ROWS):
                for content in _texts(self._query(con, sql, part, self._pools)["line"]):
                    file.write(packer.compress(content))
            file.write(packer.flush())

    def _query(
        self, con: duckdb.DuckDBPyConnection, sql: str, attempts: pl.DataFrame, pools: Pools
    ) -> pa.Table:
        con.register("attempts", attempts.to_arrow())
        bound = {name: value for name, value in pools.items() if f"${name}" in sql}
        table: pa.Table = con.sql(sql, params=bound).to_arrow_table()
        con.unregister("attempts")
        return table


def _texts(lines: pa.ChunkedArray) -> Iterator[memoryview]:
    """The characters of a column of text, one line after the other, without a copy."""
    for chunk in lines.chunks:
        offsets = np.frombuffer(chunk.buffers()[1], dtype=np.int32)
        first, last = offsets[chunk.offset], offsets[chunk.offset + len(chunk)]
        yield memoryview(chunk.buffers()[2])[first:last]


def _suffix(day: date, hour: int) -> str:
    return f"{zlib.crc32(f'{day}/{hour}'.encode()):08x}"
