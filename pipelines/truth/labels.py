"""What a call says about itself: gateway, key, tags, people, and who bills it."""

import json
from datetime import date

import polars as pl

from pipelines.truth.catalogue import DEPLOYMENT_IDS, DEPLOYMENTS
from pipelines.truth.company import (
    GATEWAYS,
    KEYS,
    TAG_OVERRIDE_APPLICATION,
    TAG_OVERRIDE_PCT,
    TAG_OVERRIDE_WORKLOAD,
    WORKLOADS,
)
from pipelines.truth.content import HOSTILE_TAGS, PLANTED_TAGS
from pipelines.truth.plan import Fault, Plan
from pipelines.truth.traffic import SUCCESS

WORKLOAD_CODES = {w.name: code for code, w in enumerate(WORKLOADS)}
BYPASS = -1
"""Code of the column `gateway` for traffic no gateway saw."""

MISSING_HOUR, TORN_HOUR = 10, 14
LATE_FOLDER = "late"
"""Where the files of a late day arrive, below the gateway's inbox."""
_AGENT_TAGS = '"User-Agent: acme-agent","User-Agent: acme-agent/1.8"'


def _part(plan: Plan, fault: Fault, workload: str, pct: int) -> pl.Expr:
    """Some calls of a workload, if the fault is planted."""
    if not plan.has(fault):
        return pl.lit(value=False)
    return (pl.col("workload") == WORKLOAD_CODES[workload]) & (pl.col("roll") // 100 % 100 < pct)


def _hour(plan: Plan, fault: Fault, day: date, hour: int) -> pl.Expr:
    """The European gateway's calls of one hour of the fault day, if the fault is planted."""
    if not plan.has(fault) or day != plan.fault_day:
        return pl.lit(value=False)
    return (pl.col("gateway") == 0) & (pl.col("started_us") // 3_600_000_000 % 24 == hour)


def label(frame: pl.DataFrame, plan: Plan, day: date) -> pl.DataFrame:
    """Add to each attempt of a day what its workload and deployment say, and the planted faults.

    Returns:
        `frame` with codes (`gateway`, `key`), names (`issuer`, `model_id`, `tier`, `sub_account`,
        `feature_text`, `tags_json`) and flags: `is_billed`, `is_written` (in some log file),
        `is_logged` (in a file that can be read), `is_orphan`, `is_overridden`, `is_exclusive`.
    """
    gateways = [GATEWAYS.index(w.gateway) if w.gateway else BYPASS for w in WORKLOADS]
    is_tuned = _part(plan, Fault.UNKNOWN_PRICE, "analytics", 15)
    is_unbilled = _part(plan, Fault.OVERLOGGED, "contracts", 10 if day == plan.fault_day else 0)
    frame = frame.with_columns(
        pl.Series("gateway", gateways).gather(frame["workload"]),
        pl.when(is_tuned)
        .then(DEPLOYMENT_IDS.index("eu-tuned-data"))
        .otherwise(pl.col("deployment"))
        .alias("deployment"),
        (~is_unbilled).alias("is_billed"),
        _part(plan, Fault.UNKNOWN_OWNER, "support", 5).alias("is_orphan"),
        _part(plan, Fault.PLANTED_CANARIES, "support", 20).alias("is_planted"),
        _part(plan, Fault.HOSTILE_TAGS, "search-chat", 20).alias("is_hostile"),
        _overridden(),
        (
            _part(plan, Fault.CACHE_SEMANTICS, "support", 30)
            & (pl.col("status") == SUCCESS)
            & (pl.col("deployment") == pl.col("asked"))
            & (_cached() > pl.col("input_uncached"))
        ).alias("is_exclusive"),
    )
    is_missing = _hour(plan, Fault.MISSING_LOGS, day, MISSING_HOUR)
    is_torn = _hour(plan, Fault.TORN_FILE, day, TORN_HOUR)
    is_late = plan.has(Fault.LATE_FILES) and day == plan.late_day
    is_seen = (pl.col("gateway") != BYPASS) & ~is_missing
    frame = frame.with_columns(
        is_seen.alias("is_written"),
        (is_seen & ~is_torn).alias("is_logged"),
        pl.when(is_seen & (pl.col("gateway") == 0))
        .then(pl.lit(LATE_FOLDER if is_late else ""))
        .otherwise(pl.lit(""))
        .alias("folder"),
    )
    return frame.with_columns(*_of_deployment(frame), *_of_workload(frame)).with_columns(
        _tags().alias("tags_json")
    )


def _cached() -> pl.Expr:
    return pl.col("cache_read") + pl.col("cache_write_5m") + pl.col("cache_write_1h")


def _overridden() -> pl.Expr:
    is_chosen = pl.col("roll") // 100 % 100 < TAG_OVERRIDE_PCT
    is_there = pl.col("workload") == WORKLOAD_CODES[TAG_OVERRIDE_WORKLOAD]
    return (is_there & is_chosen).alias("is_overridden")


def _of_deployment(frame: pl.DataFrame) -> list[pl.Series]:
    deployments = list(DEPLOYMENTS.values())
    columns = {
        "issuer": [d.served.issuer for d in deployments],
        "model_id": [d.served.model_id for d in deployments],
        "tier": [d.tier for d in deployments],
        "sub_account": [d.sub_account for d in deployments],
    }
    return [pl.Series(name, v).gather(frame["deployment"]) for name, v in columns.items()]


def _of_workload(frame: pl.DataFrame) -> list[pl.Expr | pl.Series]:
    workload = frame["workload"]
    most = max(len(w.features) for w in WORKLOADS)
    features = [w.features[i % len(w.features)] for w in WORKLOADS for i in range(most)]
    keys = pl.Series([KEYS.index(w.key) if w.key else -1 for w in WORKLOADS]).gather(workload)
    unknown = KEYS.index("unknown")
    return [
        pl.when(pl.col("is_orphan")).then(unknown).otherwise(keys).alias("key"),
        pl.Series("is_customer", [w.users == "customers" for w in WORKLOADS]).gather(workload),
        pl.Series("feature_text", features).gather(workload * most + frame["feature"]),
        pl.Series("app_tag", [w.tag_application or "" for w in WORKLOADS]).gather(workload),
    ]


def _tags() -> pl.Expr:
    application = (
        pl.when(pl.col("is_orphan"))
        .then(pl.lit(""))
        .when(pl.col("is_overridden"))
        .then(pl.lit(f'"app:{TAG_OVERRIDE_APPLICATION}",'))
        .when(pl.col("app_tag") != "")
        .then(pl.concat_str(pl.lit('"app:'), "app_tag", pl.lit('",')))
        .otherwise(pl.lit(""))
    )
    hostile = _pick("is_hostile", HOSTILE_TAGS)
    planted = _pick("is_planted", PLANTED_TAGS)
    return pl.concat_str(
        pl.lit("["),
        application,
        hostile,
        planted,
        pl.lit('"feature:'),
        "feature_text",
        pl.lit(f'",{_AGENT_TAGS}]'),
    )


def _pick(flag: str, tags: tuple[str, ...]) -> pl.Expr:
    texts = {i: f"{json.dumps(tag, ensure_ascii=False)}," for i, tag in enumerate(tags)}
    chosen = (pl.col("roll") % len(tags)).replace_strict(texts, return_dtype=pl.String)
    return pl.when(flag).then(chosen).otherwise(pl.lit(""))
