"""Feeds of kind mapped for tests: a mapping, files, and what landed."""

from dataclasses import dataclass, field
from pathlib import Path

from models.settings import SourceSettings
from pipelines.landing.land import land
from pipelines.sources.mapped import SOURCE
from tests.landing.room import Room, pseudonym

FEED = {"source": "own", "kind": "mapped", "location": "inbox"}
ACCOUNT = {"issuer": "nimbus", "billing_account_id": "a-1", "billing_currency": "EUR"}
CHARGE_COLUMNS = {
    "charge_date": "day",
    "billing_period": "month",
    "charge_category": "'Usage'",
    "billed_cost": "amount",
}
CALL_COLUMNS = {"call_id": "id", "started_at": "utc(at)"}


def feed(fact, columns, *, delivery=None, file_format="csv", **changes):
    """Settings of a feed that reads one fact; `changes` go into the mapping, or the feed."""
    usual = {"charges": "append", "usage": "append"}.get(fact, "events")
    mapping = {"fact": fact, "format": file_format, "delivery": delivery or usual}
    own = {k: changes.pop(k) for k in ("tag_keys", "task_key") if k in changes}
    account = ACCOUNT if fact in ("charges", "usage") else {}
    return SourceSettings.model_validate(
        {**FEED, **account, **own, "mapping": {**mapping, "columns": columns, **changes}}
    )


@dataclass
class MappedRoom:
    """A folder that files of a feed arrive in, and the lake that they land in."""

    root: Path
    settings: SourceSettings
    room: Room = field(init=False)

    def __post_init__(self):
        self.room = Room(self.root, SOURCE)

    def land(self, name, content):
        """Land one file; returns the result."""
        self.room.put(name, content)
        return land(self.settings, SOURCE, self.room.inbox, self.room.lake, pseudonym=pseudonym)

    def rows(self):
        """Every row of the feed's fact."""
        return self.room.rows(self.settings.mapping.fact)
