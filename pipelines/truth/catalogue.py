"""What acme buys: AI models, their prices and names, and the deployments that serve them.

Prices are dollars per million units as text, at most six decimals, so that every unit price is a
whole number of pico-dollars (1e-12) and every bill can be exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from models.vocabulary import Meter

METERS: tuple[Meter, ...] = (
    Meter.INPUT_UNCACHED,
    Meter.CACHE_READ,
    Meter.CACHE_WRITE_5M,
    Meter.CACHE_WRITE_1H,
    Meter.OUTPUT,
    Meter.WEB_SEARCH,
)
"""What acme's providers meter, in the order of every per-meter array of the simulator."""

OPENAI, ANTHROPIC, AWS = "openai", "anthropic", "aws"
BILLING_ACCOUNTS = {OPENAI: "org-acme", ANTHROPIC: "org-acme-claude", AWS: "111122223333"}


@dataclass(frozen=True)
class ServedModel:
    """An AI model at one provider: its names on the gateway and on the bill, and its price."""

    issuer: str
    model_id: str
    group: str
    gateway_text: str
    bill_text: str
    prices: Mapping[Meter, str]
    is_contracted: bool = True
    """Whether `contract_prices.csv` says the price; else the list price is what is billed."""


def _tokens(
    uncached: str, read: str | None, output: str | None, writes: tuple[str, str] | None = None
) -> dict[Meter, str]:
    prices = {Meter.INPUT_UNCACHED: uncached}
    if read:
        prices[Meter.CACHE_READ] = read
    if writes:
        prices[Meter.CACHE_WRITE_5M], prices[Meter.CACHE_WRITE_1H] = writes
    if output:
        prices[Meter.OUTPUT] = output
    return prices


MODELS: Mapping[str, ServedModel] = {
    "gpt": ServedModel(
        OPENAI,
        "gpt-5.1",
        "gpt-5.1",
        "gpt-5.1-2025-11-13",
        "gpt-5.1-2025-11-13",
        _tokens("1.15", "0.115", "9.2"),
    ),
    "gpt-mini": ServedModel(
        OPENAI,
        "gpt-5-mini",
        "gpt-5-mini",
        "gpt-5-mini-2025-08-07",
        "gpt-5-mini-2025-08-07",
        _tokens("0.24", "0.024", "1.9"),
    ),
    "embed": ServedModel(
        OPENAI,
        "text-embedding-3-small",
        "text-embedding-3-small",
        "text-embedding-3-small",
        "text-embedding-3-small",
        _tokens("0.02", None, None),
        is_contracted=False,
    ),
    "sonnet": ServedModel(
        ANTHROPIC,
        "claude-sonnet-4-6",
        "claude-sonnet",
        "claude-sonnet-4-6",
        "claude-sonnet-4-6",
        _tokens("3", "0.3", "15", ("3.75", "6")),
    ),
    "opus": ServedModel(
        ANTHROPIC,
        "claude-opus-4-6",
        "claude-opus",
        "claude-opus-4-6",
        "claude-opus-4-6",
        _tokens("4.6", "0.46", "23", ("5.75", "9.2")),
    ),
    "haiku": ServedModel(
        ANTHROPIC,
        "claude-haiku-4-5",
        "claude-haiku",
        "claude-haiku-4-5",
        "claude-haiku-4-5",
        _tokens("1", "0.1", "5", ("1.25", "2")) | {Meter.WEB_SEARCH: "10000"},
    ),
    "bedrock-sonnet": ServedModel(
        AWS,
        "regional.anthropic.claude-sonnet-4-6-v1:0",
        "claude-sonnet-eu",
        "bedrock/eu.anthropic.claude-sonnet-4-6-v1:0",
        "claude-sonnet-4-6",
        _tokens("3.3", "0.33", "16.5", ("4.125", "6.6")),
    ),
    "nova-lite": ServedModel(
        AWS,
        "amazon.nova-lite-v1:0",
        "nova-lite",
        "bedrock/us.amazon.nova-lite-v1:0",
        "amazon.nova-lite",
        _tokens("0.06", "0.015", "0.24"),
    ),
    "nova-pro": ServedModel(
        AWS,
        "amazon.nova-pro-v1:0",
        "nova-pro",
        "bedrock/us.amazon.nova-pro-v1:0",
        "amazon.nova-pro",
        _tokens("0.8", "0.2", "3.2"),
    ),
    "tuned": ServedModel(
        OPENAI,
        "ft:gpt-5-mini:acme:intents",
        "acme-intents",
        "ft:gpt-5-mini:acme:intents",
        "ft:gpt-5-mini:acme:intents",
        _tokens("0.77", None, "3.3"),
        is_contracted=False,
    ),
}

REPRICED_MODEL = "sonnet"
"""Gets 10 % cheaper at a midnight inside the simulated days."""
REPRICED_FACTOR = Decimal("0.9")
BATCH_FACTOR = Decimal("0.5")


@dataclass(frozen=True)
class Deployment:
    """A place where an AI model is served: what the gateway calls it and which account pays."""

    model_key: str
    sub_account: str
    provider_key: str
    """The provider's id of the API key used, as its usage report names it."""
    region: str = "global"
    tier: str = "standard"
    resource_team: str | None = None
    """Team tag of the inference profile, on the AWS bill."""

    @property
    def served(self) -> ServedModel:
        """The AI model served."""
        return MODELS[self.model_key]


DEPLOYMENTS: Mapping[str, Deployment] = {
    "eu-sonnet-support": Deployment("sonnet", "wrkspc_support", "apikey_gateway_eu"),
    "eu-gpt-support": Deployment("gpt", "proj_support", "key_gateway_eu"),
    "eu-embed-search": Deployment("embed", "proj_search", "key_gateway_eu"),
    "eu-gpt-mini-search": Deployment("gpt-mini", "proj_search", "key_gateway_eu"),
    "eu-gpt-data": Deployment("gpt", "proj_data", "key_gateway_eu"),
    "eu-bedrock-sonnet": Deployment("bedrock-sonnet", "222233334444", "", "eu-central-1"),
    "us-opus-code": Deployment("opus", "wrkspc_code", "apikey_gateway_us"),
    "us-gpt-sales": Deployment("gpt", "proj_sales", "key_gateway_us"),
    "us-haiku-sales": Deployment("haiku", "wrkspc_sales", "apikey_gateway_us"),
    "us-nova-lite": Deployment("nova-lite", "333344445555", "", "us-east-1"),
    "us-nova-pro": Deployment("nova-pro", "333344445555", "", "us-east-1"),
    "us-gpt-mini-sandbox": Deployment("gpt-mini", "proj_sandbox", "key_gateway_us"),
    "eu-tuned-data": Deployment("tuned", "proj_data", "key_gateway_eu"),
    "direct-gpt-lab": Deployment("gpt", "proj_lab", "key_lab_notebook"),
    "direct-gpt-mini-sandbox": Deployment("gpt-mini", "proj_sandbox", "key_sandbox"),
    "direct-haiku-batch": Deployment("haiku", "wrkspc_batch", "apikey_batch", tier="batch"),
    "direct-nova-pro": Deployment("nova-pro", "333344445555", "", "us-east-1"),
    "direct-nova-pro-lab": Deployment(
        "nova-pro", "222233334444", "", "eu-central-1", resource_team="ml-lab"
    ),
}
DEPLOYMENT_IDS = tuple(DEPLOYMENTS)
