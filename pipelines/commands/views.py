"""What `everycent explain` looks at: published tables, a day's own tables, the register, files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from pipelines.commands.lineage import Lineage
from pipelines.commands.published import PublishedData, Row, rows_of
from pipelines.commands.terminal import exact, safe, say
from pipelines.compute import Computation
from pipelines.duck import connect
from pipelines.engine.duckdb import Session
from pipelines.quoting import identifier
from pipelines.reference import load_reference
from pipelines.run import lake_of, warehouse_of
from pipelines.workspace import Workspace

GRADES = {
    "A": "matched with the bill by quantity",
    "B": "matched coarser, or by cost only",
    "C": "an estimate at contract price",
    "D": "its token count is estimated, or the lifetime of its cache writes is not told",
    "E": "no price is known",
}


_SIDES = {"bill": "the bill", "calls": "some of the calls"}


def coarseness(coarsened_by: str | None) -> str | None:
    """Why a pool is as coarse as it is: who leaves which dimension untold. Null if it is not."""
    if not coarsened_by:
        return None
    untold = [part.split(": ") for part in coarsened_by.split(", ")]
    words = ", and ".join(f"{_SIDES[side]} do not tell the {what}" for side, what in untold)
    return f"Coarser than it could be: {words.replace('the bill do not', 'the bill does not')}."


@dataclass(frozen=True)
class Ownership:
    """An application that owns by a rule, as rule and register were at the moment of use."""

    rule: Row
    """The row of `dim_ownership_rules`."""
    application: Row | None
    """The row of `dim_applications`; null if the register does not know it then."""


class Views:
    """One workspace, opened for explaining."""

    def __init__(self, workspace: Workspace, data: PublishedData) -> None:
        self.workspace = workspace
        self.data = data
        self.lineage = Lineage(workspace)

    def published_rows(self, table: str, column: str, value: str) -> list[Row]:
        """The rows of a value in a table stored by day, of the newest day that has any."""
        folder = self.data.folder / "parquet" / table
        with connect() as con:
            for path in sorted(folder.glob("*.parquet"), reverse=True):
                rows = rows_of(
                    con,
                    f"select * from read_parquet($path) where {identifier(column)} = $value",  # noqa: S608 - quoted
                    {"path": str(path), "value": value},
                )
                if rows:
                    return rows
        return []

    @contextmanager
    def day_tables(self, day: date, *tables: str) -> Iterator[Session]:
        """Some tables of a day, computed now from lake and reference tables."""
        with self._computation.day_tables(day, tables) as session:
            yield session

    def is_stale(self, day: date) -> bool:
        """Whether inputs of a day changed since it was computed."""
        stored = warehouse_of(self.workspace).fingerprints().get(day.isoformat())
        return self._computation.fingerprints([day])[day] != stored

    def owners(self, rule_id: str | None, moment: date | datetime) -> tuple[Ownership, ...]:
        """The applications a rule names at a moment."""
        as_of = "(valid_from is null or valid_from <= $moment)"
        as_of += " and (valid_to is null or valid_to > $moment)"
        rules = self.data.rows(
            f"select * from dim_ownership_rules where rule_id = $rule_id and {as_of}"  # noqa: S608
            " order by share desc, application_id",
            {"rule_id": rule_id, "moment": moment},
        )
        return tuple(
            Ownership(rule, next(iter(found), None))
            for rule in rules
            for found in [
                self.data.rows(
                    f"select * from dim_applications where application_id = $id and {as_of}",  # noqa: S608
                    {"id": rule["application_id"], "moment": moment},
                )
            ]
        )

    @cached_property
    def _computation(self) -> Computation:
        workspace = self.workspace
        return Computation(
            workspace, load_reference(workspace), lake_of(workspace), warehouse_of(workspace)
        )


def show_stale(*, is_stale: bool) -> None:
    """Say when what is shown and what is published may differ."""
    if is_stale:
        say(
            "[yellow]Its day changed since it was published[/]: amounts are as published, "
            "details as of now. Run `everycent run`."
        )


def show_ownership(owners: Sequence[Ownership], row: Row) -> None:
    """Say who owns a row, and by which rule."""
    who = safe(row["application_id"])
    paid = f", paid by cost centre {safe(row['cost_center_id'])}" if row["cost_center_id"] else ""
    say(f"Owner: [bold]{who}[/]{paid} ({safe(row['owner_state'])}).")
    for owner in owners:
        rule = owner.rule
        say(
            f"  by rule {safe(rule['rule_id'])}, rank {rule['rank']}: {_matches(rule)}"
            f"{_share(rule['share'])}, {_held(rule)}"
        )
        if owner.application:
            say(f"  register: {_register(owner.application)}, {_held(owner.application)}")
        else:
            say(f"  the register has no application {safe(rule['application_id'])} at that moment")
    if row["owner_state"] == "no_rule":
        say("  no ownership rule matched: add one to reference/ownership_rules.csv")


def _matches(rule: Row) -> str:
    key = f" {rule['match_key']}" if rule["match_key"] else ""
    value = rule["match_value"] or "(a person, by pseudonym)"
    return safe(f"{rule['match_on']}{key} = {value} is {rule['application_id']}")


def _share(share: Decimal) -> str:
    return "" if share == 1 else f" with a share of {exact(share)}"


def _held(row: Row) -> str:
    since = f"since {row['valid_from']:%Y-%m-%d %H:%M}" if row["valid_from"] else "since always"
    return f"{since} until {row['valid_to']:%Y-%m-%d %H:%M}" if row["valid_to"] else since


def _register(application: Row) -> str:
    names = ("team_id", "cost_center_id", "business_owner", "technical_owner", "charge_to")
    known = [f"{name} {application[name]}" for name in names if application[name]]
    return safe(", ".join([application["application_id"], *known]))
