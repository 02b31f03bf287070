"""Closed vocabularies. A value outside its list is an error, never a null."""

from enum import StrEnum

from models.meters import CALL_METERS, Meter, Unit

__all__ = [
    "CALL_METERS",
    "IDLE",
    "RESERVED_OWNERS",
    "ROUNDING",
    "SHARED",
    "UNALLOCATED",
    "CallRole",
    "CallStatus",
    "Cause",
    "ChargeCategory",
    "ChargeTo",
    "CostBasis",
    "Delivery",
    "MatchOn",
    "Meter",
    "Operation",
    "OutcomeResult",
    "OwnerState",
    "ServiceTier",
    "SharedMethod",
    "TokenSemantics",
    "TokenSource",
    "Unit",
]


class ServiceTier(StrEnum):
    """How fast, and at which price level, the provider served. Null is unknown."""

    STANDARD = "standard"
    BATCH = "batch"
    FLEX = "flex"
    PRIORITY = "priority"
    FAST = "fast"


class ChargeCategory(StrEnum):
    """FOCUS ChargeCategory."""

    USAGE = "Usage"
    PURCHASE = "Purchase"
    TAX = "Tax"
    CREDIT = "Credit"
    ADJUSTMENT = "Adjustment"


class Delivery(StrEnum):
    """How a source delivers, which says how a later file changes an earlier one."""

    SNAPSHOT = "snapshot"
    APPEND = "append"
    EVENTS = "events"


class TokenSemantics(StrEnum):
    """Whether the reported input and output totals include their details."""

    INCLUSIVE = "inclusive"
    EXCLUSIVE = "exclusive"
    MIXED = "mixed"
    UNKNOWN = "unknown"


class TokenSource(StrEnum):
    """Who counted the tokens of a call. Estimated also is a count of which a part is unknown."""

    PROVIDER = "provider"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


class CallStatus(StrEnum):
    """How a call ended. A cache hit was answered by the gateway's own cache: nothing is billed."""

    SUCCESS = "success"
    ERROR = "error"
    CANCELLED = "cancelled"
    CACHE_HIT = "cache_hit"


class CallRole(StrEnum):
    """What a call was for inside its task."""

    PRIMARY = "primary"
    RETRY = "retry"
    FALLBACK = "fallback"
    GUARDRAIL = "guardrail"
    JUDGE = "judge"
    ROUTER = "router"
    EMBEDDING = "embedding"
    RERANK = "rerank"
    TOOL = "tool"
    SHADOW = "shadow"
    MANAGEMENT = "management"
    UNKNOWN = "unknown"


class Operation(StrEnum):
    """What a call asked for."""

    CHAT = "chat"
    COMPLETION = "completion"
    EMBEDDING = "embedding"
    RERANK = "rerank"
    IMAGE = "image"
    AUDIO_IN = "audio_in"
    AUDIO_OUT = "audio_out"
    MODERATION = "moderation"
    BATCH = "batch"
    TOOL = "tool"
    REALTIME = "realtime"
    OTHER = "other"


class CostBasis(StrEnum):
    """Where the cost of a row comes from."""

    BILLED = "billed"
    ESTIMATED = "estimated"
    INCLUDED = "included"
    UNPRICED = "unpriced"


class Cause(StrEnum):
    """Why a cost line exists. Everything but `attributed` is a residual: a named line."""

    ATTRIBUTED = "attributed"
    UNLOGGED_USAGE = "unlogged_usage"
    SHARED = "shared"
    IDLE = "idle"
    ROUNDING = "rounding"
    UNALLOCATED = "unallocated"


class OwnerState(StrEnum):
    """Whether a row has an owner, and if not, why."""

    OWNED = "owned"
    NO_RULE = "no_rule"
    NOT_REGISTERED = "not_registered"
    SHARED = "shared"
    ROUNDING = "rounding"


class SharedMethod(StrEnum):
    """How a shared-cost rule splits, in the FinOps Foundation's words."""

    EVEN = "even"
    FIXED = "fixed"
    PROPORTIONAL = "proportional"
    USAGE = "usage"
    DIRECT = "direct"
    CENTRAL = "central"


class MatchOn(StrEnum):
    """What an ownership rule looks at, in the order in which equal ranks are read."""

    CALL_TAG = "call_tag"
    API_KEY = "api_key"
    GATEWAY_TEAM = "gateway_team"
    SUB_ACCOUNT = "sub_account"
    BILLING_ACCOUNT = "billing_account"
    RESOURCE = "resource"
    RESOURCE_TAG = "resource_tag"
    USER = "user"


class ChargeTo(StrEnum):
    """Which cost centre pays for an application."""

    OWNER = "owner"
    CONSUMER = "consumer"


class OutcomeResult(StrEnum):
    """What came of it. Open is work that has not ended: an attempt so far, and nothing more."""

    SUCCESS = "success"
    FAILURE = "failure"
    OPEN = "open"
    PARTIAL = "partial"
    UNKNOWN = "unknown"


UNALLOCATED = "__unallocated__"
SHARED = "__shared__"
IDLE = "__idle__"
ROUNDING = "__rounding__"
RESERVED_OWNERS = (UNALLOCATED, SHARED, IDLE, ROUNDING)
