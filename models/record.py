"""The base of every settings and record class."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Frozen, and strict about names: an unknown field is an error, not a silent no-op."""

    model_config = ConfigDict(frozen=True, extra="forbid")
