"""What runs at acme: its streams of traffic, their keys and who owns them. Nothing is random."""

import hashlib
from dataclasses import dataclass, field

GATEWAYS = ("gateway_eu", "gateway_us")


@dataclass(frozen=True)
class Workload:
    """A stream of traffic of one kind: how its calls look and who is responsible for them."""

    name: str
    weight: int
    """Share of the calls, relative to the other workloads."""
    deployments: tuple[str, ...]
    gateway: str | None = None
    """Null: the traffic goes straight to the provider, so no log ever sees it."""
    fallback: str | None = None
    key: str = ""
    team: str = ""
    tag_application: str | None = None
    owners: tuple[tuple[str, str], ...] = ()
    """(application, share) of the rule that owns it; none: nobody does."""
    max_steps: int = 1
    input_pct: int = 100
    output_pct: int = 100
    cache: str = ""
    """Prompt caching: `read` (implicit), `5m` or `1h` (written, then read)."""
    reasoning_pct: int = 0
    max_searches: int = 0
    gateway_cache_pct: int = 0
    users: str = "employees"
    outcome_type: str | None = None
    features: tuple[str, ...] = field(default=("default",))


WORKLOADS: tuple[Workload, ...] = (
    Workload(
        "support",
        22,
        ("eu-sonnet-support",),
        "gateway_eu",
        fallback="eu-gpt-support",
        key="support",
        team="gw-care",
        tag_application="support-bot",
        owners=(("support-bot", "1"),),
        max_steps=6,
        input_pct=250,
        output_pct=300,
        cache="5m",
        users="customers",
        outcome_type="ticket_resolved",
        features=("answer", "triage"),
    ),
    Workload(
        "search-embed",
        20,
        ("eu-embed-search",),
        "gateway_eu",
        key="search",
        team="gw-search",
        owners=(("search-rag", "1"),),
        input_pct=60,
        output_pct=0,
        features=("index",),
    ),
    Workload(
        "search-chat",
        14,
        ("eu-gpt-mini-search",),
        "gateway_eu",
        key="search",
        team="gw-search",
        owners=(("search-rag", "1"),),
        max_steps=2,
        output_pct=500,
        cache="read",
        gateway_cache_pct=9,
        features=("answer", "summary"),
    ),
    Workload(
        "contracts",
        8,
        ("eu-bedrock-sonnet",),
        "gateway_eu",
        key="contracts",
        team="gw-contracts",
        owners=(("contract-review", "1"),),
        max_steps=8,
        input_pct=900,
        output_pct=600,
        cache="1h",
        features=("clauses",),
    ),
    Workload(
        "analytics",
        5,
        ("eu-gpt-data",),
        "gateway_eu",
        key="analytics",
        team="gw-data",
        owners=(("analytics", "1"),),
        max_steps=3,
        output_pct=400,
        cache="read",
        reasoning_pct=50,
        features=("report",),
    ),
    Workload(
        "code",
        16,
        ("us-opus-code",),
        "gateway_us",
        fallback="us-gpt-sales",
        key="code",
        team="gw-platform",
        owners=(("code-assistant", "1"),),
        max_steps=12,
        input_pct=2000,
        output_pct=800,
        cache="1h",
        reasoning_pct=30,
        outcome_type="pr_merged",
        features=("edit", "review"),
    ),
    Workload(
        "sales",
        8,
        ("us-gpt-sales",),
        "gateway_us",
        key="sales",
        team="gw-sales",
        owners=(("sales-copilot", "1"),),
        max_steps=3,
        output_pct=500,
        cache="read",
        reasoning_pct=70,
        features=("mail", "notes"),
    ),
    Workload(
        "research",
        3,
        ("us-haiku-sales",),
        "gateway_us",
        key="research",
        team="gw-research",
        tag_application="sales-copilot",
        owners=(("sales-copilot", "1"),),
        max_steps=4,
        output_pct=400,
        cache="5m",
        max_searches=3,
        features=("market",),
    ),
    Workload(
        "portal",
        9,
        ("us-nova-lite", "us-nova-pro"),
        "gateway_us",
        key="portal",
        team="gw-portal",
        owners=(("intranet-chat", "0.6"), ("hr-helper", "0.4")),
        max_steps=3,
        output_pct=500,
        cache="read",
        features=("chat",),
    ),
    Workload(
        "rogue",
        3,
        ("us-gpt-mini-sandbox",),
        "gateway_us",
        key="trial",
        max_steps=2,
        output_pct=300,
        features=("trial",),
    ),
    Workload("lab", 5, ("direct-gpt-lab",), owners=(("ml-lab", "1"),), output_pct=600),
    Workload("sandbox", 3, ("direct-gpt-mini-sandbox",), output_pct=300),
    Workload("batch", 3, ("direct-haiku-batch",), owners=(("analytics", "1"),), output_pct=300),
    Workload("portal-direct", 6, ("direct-nova-pro",), output_pct=300),
    Workload("lab-tagged", 2, ("direct-nova-pro-lab",), owners=(("ml-lab", "1"),), output_pct=300),
)

KEYS = (*dict.fromkeys(w.key for w in WORKLOADS if w.gateway), "unknown")
"""Virtual keys of the gateways. The last is known to nobody."""


def key_hash(name: str) -> str:
    """SHA-256 of a virtual key, as gateways log it. The key itself is `sk-` and its name."""
    return hashlib.sha256(f"sk-{name}".encode()).hexdigest()


MOVED_KEY, MOVED_KEY_TO = "analytics", "sales-copilot"
"""A key whose calls change their application at noon of a day."""
TAG_OVERRIDE_WORKLOAD, TAG_OVERRIDE_APPLICATION, TAG_OVERRIDE_PCT = "sales", "analytics", 10
"""Part of a workload's calls carries another application's tag: the tag rule ranks first."""
REORGANISED_APPLICATION, REORGANISED_TO = "contract-review", "cc-product"
"""An application that changes its cost centre at a midnight."""
CONSUMER_APPLICATION = "code-assistant"
"""Its users' cost centres pay, not its own."""
