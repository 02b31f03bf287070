"""What SQL computes from, in a session: facts of some days, reference tables, settings, prices."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import pyarrow as pa

from models.columns import Column
from models.facts import FACTS, Fact
from models.prices import ResolvedBy
from models.vocabulary import MatchOn, Meter
from pipelines.engine.duckdb import Session
from pipelines.feeds import feeds_of, split_calls
from pipelines.lake import Lake
from pipelines.prices import is_known, modifier_book, price_table, resolve_models, with_nearest
from pipelines.reference import Reference
from pipelines.workspace import Workspace

ModelName = tuple[str | None, str | None]
"""Provider, and an AI model's name as a fact has it."""

METERS = pa.table(
    {
        "meter": pa.array([str(meter) for meter in Meter], pa.string()),
        "is_token": pa.array([meter.is_token for meter in Meter], pa.bool_()),
    }
)
"""What SQL looks up of meters: whether they may be added as tokens."""

_LINEAGE = {"file_id", "source_row"}
_PROFILE_KEY = Column("profile_key", "UBIGINT", "Hash over CALL_PROFILE.")


def fact_columns(fact: Fact) -> tuple[Column, ...]:
    """What transforms see of a fact: its contract without lineage, so that copies are equal."""
    columns = tuple(column for column in FACTS[fact] if column.name not in _LINEAGE)
    return (*columns, _PROFILE_KEY) if fact is Fact.CALLS else columns


class Inputs:
    """What the sessions of one run compute from."""

    def __init__(self, workspace: Workspace, reference: Reference, lake: Lake) -> None:
        self._state_dir = workspace.state_dir
        self._settings = workspace.settings
        self._reference = reference
        self._lake = lake
        self.names: set[ModelName] = set()
        """Every name of an AI model that a session has met."""

    def session(self, sessions: int = 1) -> Session:
        """A session with the reference tables, one of several side by side."""
        session = Session(self._state_dir / "tmp", sessions)
        for name, table in self._reference.tables.items():
            session.register(name, table)
        session.register("meters", METERS)
        return session

    def register_days(self, session: Session, from_date: date, to_date: date) -> None:
        """Give a session the facts of the days `from_date <= day < to_date`, with their prices."""
        self._register_facts(session, from_date, to_date)
        self._register_settings(session)
        self._register_names(session)

    def _register_facts(self, session: Session, from_date: date, to_date: date) -> None:
        window = timedelta(days=self._settings.outcome_window_days)
        for fact in Fact:
            # what is said of an outcome later, or was earlier, decides what stands
            around = window if fact is Fact.OUTCOMES else timedelta(0)
            parts = self._lake.parts(fact, from_date - around, to_date + around)
            paths = sorted({self._lake.sound(part) for part in parts})
            name = f"lake_{fact}"
            split = split_calls(f"all_{name}", self._settings.sources)
            if fact is Fact.CALLS and split:
                session.register_parts(f"all_{name}", fact_columns(fact), paths)
                session.con.execute(f"create view {name} as {split}")
            else:
                session.register_parts(name, fact_columns(fact), paths)
        winners = [
            self._lake.winners(fact).append_column("fact", pa.repeat(str(fact), count))
            for fact in (Fact.CHARGES, Fact.USAGE)
            for count in [self._lake.winners(fact).num_rows]
        ]
        session.register("lake_winners", pa.concat_tables(winners))
        session.register("days", _days_table(from_date, to_date))

    def _register_settings(self, session: Session) -> None:
        feeds = feeds_of(self._settings.sources)
        session.register(
            "sources",
            pa.table(
                {
                    "source": pa.array(feeds, pa.string()),
                    "source_rank": pa.array(range(len(feeds)), pa.int32()),
                    "is_system_of_record": pa.array(list(feeds.values()), pa.bool_()),
                }
            ),
        )
        session.register(
            "match_on_order",
            pa.table(
                {
                    "match_on": [str(m) for m in MatchOn],
                    "place": pa.array(range(len(MatchOn)), pa.int32()),
                }
            ),
        )
        session.register(
            "required_tags",
            pa.table({"tag_key": pa.array(list(self._settings.required_tags), pa.string())}),
        )

    def _register_names(self, session: Session) -> None:
        """The names of AI models that occur in these days, with their prices."""
        names = session.con.execute(
            """
            select distinct provider, coalesce(served_model, requested_model) from lake_calls
            union
            select distinct provider, model_text from lake_charges
            union
            select distinct provider, model_text from lake_usage
            union
            -- a bill may name only a product, and an alias may say which AI model that is
            select
                provider,
                product
            from (
                select distinct
                    provider,
                    unnest([service_name, sku_meter, charge_description]) as product
                from lake_charges
                where model_text is null
            )
            where lower(product) in (select lower(model_text) from ref_model_aliases)
            """
        ).fetchall()
        self.names.update(names)
        self.register_prices(session, names)

    def name_counters(self) -> pa.Table:
        """How many of the names met so far are known neither to the price book nor by an alias."""
        aliases = self._reference.tables["ref_model_aliases"]
        unknown = [
            row
            for row in resolve_models(self.names, aliases).to_pylist()
            if row["resolved_by"] == ResolvedBy.UNMATCHED and row["model_id"] is not None
        ]
        # who is not named at all is no unknown name
        providers = {row["price_provider"] for row in unknown} - {None}
        strangers = {provider for provider in providers if not is_known(provider)}
        counts = {
            "unknown_providers": len(strangers),
            "unknown_models": sum(row["price_provider"] not in strangers for row in unknown),
        }
        rows = [
            {"suite": "names", "partition": "all", "counter": counter, "value": value}
            for counter, value in counts.items()
        ]
        return pa.Table.from_pylist(rows)

    def register_prices(
        self, session: Session, names: Iterable[ModelName], *, is_nearest_told: bool = False
    ) -> None:
        """The price book of these names, each resolved once."""
        aliases = self._reference.tables["ref_model_aliases"]
        models = resolve_models(sorted(names, key=str), aliases)
        if is_nearest_told:
            models = with_nearest(models)
        session.register("model_map", models)
        tables = self._reference.tables
        modifiers = tables["ref_price_modifiers"]
        session.register(
            "price_book", price_table(tables["ref_contract_prices"], aliases, models, modifiers)
        )
        session.register("price_modifiers", modifier_book(modifiers))


def days_of(from_date: date, to_date: date) -> Iterator[date]:
    """The days `from_date <= day < to_date`."""
    return (from_date + timedelta(days=n) for n in range((to_date - from_date).days))


def _days_table(from_date: date, to_date: date) -> pa.Table:
    return pa.table({"charge_date": pa.array(list(days_of(from_date, to_date)), pa.date32())})
