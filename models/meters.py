"""Every meter once: what it counts, where a call says it, and what the price list calls it.

A meter that calls can have is one row here, its column in `models/facts.py` and in the tables that
people read; everything between reads this list. Columns of one meter are added before money is
split, because a share is rounded once per call and meter.
"""

from enum import StrEnum


class Unit(StrEnum):
    """What one of a meter is."""

    TOKENS = "tokens"
    REQUESTS = "requests"
    SECONDS = "seconds"
    CHARACTERS = "characters"
    IMAGES = "images"
    SEARCH_UNITS = "search units"
    OTHER = "other"


class Meter(StrEnum):
    """What a provider meters and prices. A bill may have any, a call those with a fact column.

    A row is the name, the unit, the columns of the call fact that hold it, and the unit of the
    price list that counts the same quantity.
    """

    unit: Unit
    call_columns: tuple[str, ...]
    price_unit: str | None

    INPUT_UNCACHED = "input_uncached", Unit.TOKENS, ("input_uncached_tokens",), "input_tokens"
    CACHE_READ = "cache_read", Unit.TOKENS, ("cache_read_tokens",), "cache_read_tokens"
    CACHE_WRITE_5M = (
        "cache_write_5m",
        Unit.TOKENS,
        ("cache_write_5m_tokens",),
        "cache_write_5m_tokens",
    )
    CACHE_WRITE_1H = (
        "cache_write_1h",
        Unit.TOKENS,
        ("cache_write_1h_tokens",),
        "cache_write_1h_tokens",
    )
    INPUT_AUDIO = "input_audio", Unit.TOKENS, ("input_audio_tokens",), "input_audio_tokens"
    INPUT_IMAGE = "input_image", Unit.TOKENS, ("input_image_tokens",), "input_image_tokens"
    OUTPUT = (
        "output",
        Unit.TOKENS,
        ("output_text_tokens", "output_reasoning_tokens"),
        "output_tokens",
    )
    OUTPUT_AUDIO = "output_audio", Unit.TOKENS, ("output_audio_tokens",), "output_audio_tokens"
    OUTPUT_IMAGE = "output_image", Unit.TOKENS, ("output_image_tokens",), "output_image_tokens"
    WEB_SEARCH = "web_search", Unit.REQUESTS, ("web_search_requests",), "web_searches"
    # of a lifetime that is not told: it costs at least as much as five minutes
    CACHE_WRITE = "cache_write", Unit.TOKENS, ("cache_write_tokens",), "cache_write_tokens"
    IMAGE_GENERATION = "image_generation", Unit.IMAGES, ("generated_images",)
    AUDIO_DURATION = "audio_duration", Unit.SECONDS, ("audio_seconds",), "input_audio_seconds"
    CHARACTERS = "characters", Unit.CHARACTERS, ("input_characters",), "input_characters"
    SEARCH_UNITS = "search_units", Unit.SEARCH_UNITS, ("search_units",), "rerank_searches"
    # only bills and usage reports know these
    CACHE_STORAGE = "cache_storage"
    FILE_SEARCH = "file_search", Unit.REQUESTS, (), "storage_searches"
    CODE_EXECUTION = "code_execution", Unit.REQUESTS, (), "code_executions"
    VECTOR_STORAGE = "vector_storage"
    PROVISIONED_THROUGHPUT = "provisioned_throughput"
    TRAINING = "training"
    GUARDRAIL = "guardrail"
    REQUESTS = "requests", Unit.REQUESTS, (), "requests"
    # the name on the line was not understood: the money is kept, the meter is not guessed
    UNCLASSIFIED = "unclassified"

    def __new__(
        cls,
        value: str,
        unit: Unit = Unit.OTHER,
        call_columns: tuple[str, ...] = (),
        price_unit: str | None = None,
    ) -> "Meter":
        """A member: the text itself, with what the row says beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.unit = unit
        member.call_columns = call_columns
        member.price_unit = price_unit
        return member

    @property
    def is_token(self) -> bool:
        """Whether it counts tokens, which may be added to other tokens."""
        return self.unit is Unit.TOKENS


CALL_METERS: tuple[Meter, ...] = tuple(meter for meter in Meter if meter.call_columns)
"""The meters a call can have."""
