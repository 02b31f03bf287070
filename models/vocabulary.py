"""Closed vocabularies. A value outside its list is an error, never a null."""

from enum import StrEnum


class Meter(StrEnum):
    """What a provider meters and prices. A call has the first ten; a bill may have any."""

    INPUT_UNCACHED = "input_uncached"
    CACHE_READ = "cache_read"
    CACHE_WRITE_5M = "cache_write_5m"
    CACHE_WRITE_1H = "cache_write_1h"
    INPUT_AUDIO = "input_audio"
    INPUT_IMAGE = "input_image"
    OUTPUT = "output"
    OUTPUT_AUDIO = "output_audio"
    OUTPUT_IMAGE = "output_image"
    WEB_SEARCH = "web_search"
    # a bill that does not tell cache-write lifetimes apart
    CACHE_WRITE = "cache_write"
    # only bills and usage reports know these
    CACHE_STORAGE = "cache_storage"
    IMAGE_GENERATION = "image_generation"
    AUDIO_DURATION = "audio_duration"
    CHARACTERS = "characters"
    FILE_SEARCH = "file_search"
    CODE_EXECUTION = "code_execution"
    VECTOR_STORAGE = "vector_storage"
    PROVISIONED_THROUGHPUT = "provisioned_throughput"
    TRAINING = "training"
    GUARDRAIL = "guardrail"
    SEARCH_UNITS = "search_units"
    REQUESTS = "requests"
    # the name on the line was not understood: the money is kept, the meter is not guessed
    UNCLASSIFIED = "unclassified"


CALL_METERS: tuple[Meter, ...] = (
    Meter.INPUT_UNCACHED,
    Meter.CACHE_READ,
    Meter.CACHE_WRITE_5M,
    Meter.CACHE_WRITE_1H,
    Meter.INPUT_AUDIO,
    Meter.INPUT_IMAGE,
    Meter.OUTPUT,
    Meter.OUTPUT_AUDIO,
    Meter.OUTPUT_IMAGE,
    Meter.WEB_SEARCH,
)
"""The meters a call can have, in the order of the wide columns of `int_calls__weighed`."""


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
    """What came of it."""

    SUCCESS = "success"
    FAILURE = "failure"
    PARTIAL = "partial"
    UNKNOWN = "unknown"


UNALLOCATED = "__unallocated__"
SHARED = "__shared__"
IDLE = "__idle__"
ROUNDING = "__rounding__"
RESERVED_OWNERS = (UNALLOCATED, SHARED, IDLE, ROUNDING)
