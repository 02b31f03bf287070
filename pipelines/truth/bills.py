"""The providers' bills and usage reports, from the same truth: OpenAI and Anthropic pages."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from models.vocabulary import Meter
from pipelines.truth.catalogue import (
    ANTHROPIC,
    BILLING_ACCOUNTS,
    DEPLOYMENT_IDS,
    DEPLOYMENTS,
    METERS,
    OPENAI,
)
from pipelines.truth.output import Exact, Rows, dollars, json_text, rows_of, write

_LINE_KINDS = {
    Meter.INPUT_UNCACHED: "input",
    Meter.CACHE_READ: "cached input",
    Meter.OUTPUT: "output",
}
_TOKEN_TYPES = {
    Meter.INPUT_UNCACHED: ("uncached_input_tokens", "Input Tokens"),
    Meter.CACHE_READ: ("cache_read_input_tokens", "Input Tokens, Cache Hit"),
    Meter.CACHE_WRITE_5M: (
        "cache_creation.ephemeral_5m_input_tokens",
        "Input Tokens, Cache Write",
    ),
    Meter.CACHE_WRITE_1H: (
        "cache_creation.ephemeral_1h_input_tokens",
        "Input Tokens, Cache Write (1h)",
    ),
    Meter.OUTPUT: ("output_tokens", "Output Tokens"),
}


def _epoch(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _instant(day: date) -> str:
    return f"{day}T00:00:00Z"


def _rows(billed: pl.DataFrame, day: date, keys: Sequence[str]) -> Rows:
    return rows_of(billed.filter(pl.col("charge_date") == day), keys)


def _openai_costs(billed: pl.DataFrame, day: date) -> Rows:
    keys = ("sub_account", "bill_text", "meter")
    return [
        {
            "object": "organization.costs.result",
            "amount": {"value": Exact(dollars(row["cost_picos"])), "currency": "usd"},
            "line_item": f"{row['bill_text']}, {_LINE_KINDS[Meter(row['meter'])]}",
            "project_id": row["sub_account"],
            "api_key_id": None,
            "quantity": row["quantity"],
            "quantity_unit": "tokens",
            "organization_id": BILLING_ACCOUNTS[OPENAI],
        }
        for row in _rows(billed, day, keys)
    ]


def _meters(billed: pl.DataFrame, day: date, keys: Sequence[str]) -> Rows:
    """One row per key with a column per meter."""
    found: dict[tuple[object, ...], dict[str, Any]] = {}
    for row in _rows(billed, day, (*keys, "meter")):
        key = tuple(row[k] for k in keys)
        empty = dict.fromkeys(METERS, 0) | {k: row[k] for k in keys} | {"requests": 0}
        target = found.setdefault(key, empty)
        target[row["meter"]] = row["quantity"]
        target["requests"] = max(target["requests"], row["requests"])
    return list(found.values())


_OPENAI_KEYS = ("sub_account", "provider_key", "bill_text")


def _openai_embeddings(billed: pl.DataFrame, day: date) -> Rows:
    embeddings = billed.filter(pl.col("bill_text").str.starts_with("text-embedding"))
    return [
        {
            "object": "organization.usage.embeddings.result",
            "input_tokens": row[Meter.INPUT_UNCACHED],
            "num_model_requests": row["requests"],
            "project_id": row["sub_account"],
            "user_id": None,
            "api_key_id": row["provider_key"],
            "model": row["bill_text"],
        }
        for row in _meters(embeddings, day, _OPENAI_KEYS)
    ]


def _openai_completions(billed: pl.DataFrame, day: date) -> Rows:
    completions = billed.filter(~pl.col("bill_text").str.starts_with("text-embedding"))
    return [
        {
            "object": "organization.usage.completions.result",
            "input_tokens": row[Meter.INPUT_UNCACHED] + row[Meter.CACHE_READ],
            "input_cached_tokens": row[Meter.CACHE_READ],
            "input_cache_write_tokens": 0,
            "input_uncached_tokens": row[Meter.INPUT_UNCACHED],
            "output_tokens": row[Meter.OUTPUT],
            "input_text_tokens": row[Meter.INPUT_UNCACHED],
            "output_text_tokens": row[Meter.OUTPUT],
            "input_cached_text_tokens": row[Meter.CACHE_READ],
            "input_audio_tokens": 0,
            "input_cached_audio_tokens": 0,
            "output_audio_tokens": 0,
            "input_image_tokens": 0,
            "input_cached_image_tokens": 0,
            "output_image_tokens": 0,
            "num_model_requests": row["requests"],
            "project_id": row["sub_account"],
            "user_id": None,
            "api_key_id": row["provider_key"],
            "model": row["bill_text"],
            "batch": None,
            "service_tier": None,
        }
        for row in _meters(completions, day, _OPENAI_KEYS)
    ]


def _anthropic_costs(billed: pl.DataFrame, day: date) -> Rows:
    searches = pl.col("meter") == str(Meter.WEB_SEARCH)
    # a search has no model on the bill
    shown = billed.with_columns(
        pl.when(searches).then(None).otherwise(pl.col("bill_text")).alias("bill_text"),
        pl.when(searches).then(None).otherwise(pl.col("tier")).alias("tier"),
    )
    results = []
    for row in _rows(shown, day, ("sub_account", "bill_text", "tier", "meter")):
        is_tokens = row["bill_text"] is not None
        token_type, words = _TOKEN_TYPES[Meter(row["meter"])] if is_tokens else (None, "")
        results.append(
            {
                "amount": f"{dollars(row['cost_picos']) * 100:f}",
                "context_window": "0-200k" if is_tokens else None,
                "cost_type": "tokens" if is_tokens else "web_search",
                "currency": "USD",
                "description": f"{_claude_name(row['bill_text'])} Usage - {words}"
                if is_tokens
                else "Web Search Usage",
                "inference_geo": "global" if is_tokens else None,
                "model": row["bill_text"],
                "service_tier": row["tier"],
                "token_type": token_type,
                "workspace_id": row["sub_account"],
            }
        )
    return results


def _claude_name(model_text: str) -> str:
    family, major, minor = model_text.removeprefix("claude-").split("-")
    return f"Claude {family.title()} {major}.{minor}"


def _anthropic_usage(billed: pl.DataFrame, day: date) -> Rows:
    return [
        {
            "account_id": None,
            "api_key_id": row["provider_key"],
            "cache_creation": {
                "ephemeral_1h_input_tokens": row[Meter.CACHE_WRITE_1H],
                "ephemeral_5m_input_tokens": row[Meter.CACHE_WRITE_5M],
            },
            "cache_read_input_tokens": row[Meter.CACHE_READ],
            "context_window": "0-200k",
            "inference_geo": "global",
            "model": row["bill_text"],
            "output_tokens": row[Meter.OUTPUT],
            "server_tool_use": {"web_search_requests": row[Meter.WEB_SEARCH]},
            "service_account_id": None,
            "service_tier": row["tier"],
            "uncached_input_tokens": row[Meter.INPUT_UNCACHED],
            "workspace_id": row["sub_account"],
        }
        for row in _meters(billed, day, ("sub_account", "provider_key", "bill_text", "tier"))
    ]


def _named(billed: pl.DataFrame, issuer: str) -> pl.DataFrame:
    own = billed.filter(pl.col("issuer") == issuer)
    texts = pl.Series("bill_text", [DEPLOYMENTS[d].served.bill_text for d in DEPLOYMENT_IDS])
    keys = pl.Series("provider_key", [DEPLOYMENTS[d].provider_key for d in DEPLOYMENT_IDS])
    return own.with_columns(texts.gather(own["deployment"]), keys.gather(own["deployment"]))


def write_openai(folder: Path, billed: pl.DataFrame, days: Sequence[date]) -> None:
    """Write one delivery of OpenAI pages: costs, completions usage, embeddings usage.

    Args:
        folder: Where the pages go.
        billed: The truth, as `ledger.billed_daily` gives it.
        days: Covered days, without a gap.
    """
    own = _named(billed, OPENAI)
    reports = {
        "costs": _openai_costs,
        "usage_completions": _openai_completions,
        "usage_embeddings": _openai_embeddings,
    }
    for name, results in reports.items():
        buckets = [
            {
                "object": "bucket",
                "start_time": _epoch(day),
                "end_time": _epoch(day + timedelta(days=1)),
                "results": results(own, day),
            }
            for day in days
        ]
        _write_pages(folder, name, buckets, {"object": "page"})


def write_anthropic(folder: Path, billed: pl.DataFrame, days: Sequence[date]) -> None:
    """Write one delivery of Anthropic pages: cost report and messages usage report.

    Args:
        folder: Where the pages go.
        billed: The truth, as `ledger.billed_daily` gives it.
        days: Covered days, without a gap.
    """
    own = _named(billed, ANTHROPIC)
    reports = {"cost_report": _anthropic_costs, "usage_report_messages": _anthropic_usage}
    for name, results in reports.items():
        buckets = [
            {
                "starting_at": _instant(day),
                "ending_at": _instant(day + timedelta(days=1)),
                "results": results(own, day),
            }
            for day in days
        ]
        _write_pages(folder, name, buckets, {})


def _write_pages(folder: Path, name: str, buckets: Rows, envelope: dict[str, Any]) -> None:
    # two pages, so that nobody reads a delivery as one file
    half = (len(buckets) + 1) // 2
    pages = [page for page in (buckets[:half], buckets[half:]) if page]
    for number, page in enumerate(pages, start=1):
        has_more = number < len(pages)
        cursor = f"page_{name}_{number}" if has_more else None
        body = envelope | {"data": page, "has_more": has_more, "next_page": cursor}
        write(folder / f"{name}_{number}.json", json_text(body).encode("ascii"))
