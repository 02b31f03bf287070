"""Reference tables of a workspace: one contract per file in its `reference/` folder.

What a file may hold, what a blank means, what makes a row unique and what a value must point to
is written down here once; reading, checking, templates and docs are derived from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.columns import Column
from models.facts import INSTANT, MONEY, TEXT
from models.price_modifiers import PriceAttribute
from models.vocabulary import ChargeCategory, ChargeTo, MatchOn, Meter, ServiceTier, SharedMethod

SHARE = "DECIMAL(18,12)"


@dataclass(frozen=True)
class Key:
    """Columns that may not say the same twice at any one moment.

    With `blank_is_any` a blank matches every value, so two rows clash when some call or charge
    could match both.
    """

    columns: tuple[str, ...]
    blank_is_any: bool = False


@dataclass(frozen=True)
class ReferenceTable:
    """One reference file: its table, its columns and the rules that bind its rows."""

    name: str
    """Table in the engine."""
    file_name: str
    """File in the workspace's `reference/` folder; missing means no rows."""
    purpose: str
    """What one row is, in one line."""
    columns: tuple[Column, ...]
    keys: tuple[Key, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    """Column to the table whose first column must hold its value."""
    vocabulary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column to its closed list of values."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Column to what a blank means, where a blank has a meaning other than null."""
    parts: tuple[str, ...] = ()
    """Columns in which rows of one `rule_id` may differ; in all others they are equal."""
    added: tuple[str, ...] = ()
    """Columns for rare cases: a file may have them, and a fresh one has not."""

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that must be in the file and filled in every row."""
        return tuple(c.name for c in self.columns if not c.nullable and c.name not in self.defaults)

    @property
    def header(self) -> tuple[str, ...]:
        """The columns of a fresh file."""
        return tuple(c.name for c in self.columns if c.name not in self.added)

    @property
    def is_dated(self) -> bool:
        """Whether rows hold only inside `[valid_from, valid_to)`."""
        return any(c.name == "valid_from" for c in self.columns)


_VALIDITY = (
    Column("valid_from", INSTANT, "First moment it holds: a date or an instant; blank = always."),
    Column("valid_to", INSTANT, "First moment it no longer holds; blank = still holds."),
)

APPLICATIONS = (
    Column("application_id", TEXT, "Your id of the application: what owns cost.", nullable=False),
    Column("application_name", TEXT, "Name for people, never joined on.", nullable=False),
    Column("team_id", TEXT, "Team that builds it, from teams.csv."),
    Column("cost_center_id", TEXT, "Cost centre that pays, from cost_centers.csv.", nullable=False),
    Column("business_owner", TEXT, "Role or group that answers for the spend; no e-mail."),
    Column("technical_owner", TEXT, "Role or group that answers for the system; no e-mail."),
    Column("environment", TEXT, "production, staging, development, ..."),
    Column("use_case", TEXT, "What it does for the business."),
    Column("business_process", TEXT, "Process it is part of."),
    Column("model_tier", TEXT, "Class of AI models it is meant to use, such as small or frontier."),
    Column("data_class", TEXT, "Class of data it handles, such as internal."),
    Column("charge_to", TEXT, "Who pays: owner, or consumer (the user's unit).", nullable=False),
    *_VALIDITY,
)
COST_CENTERS = (
    Column("cost_center_id", TEXT, "Id as finance books it.", nullable=False),
    Column("cost_center_name", TEXT, "Name for people, never joined on.", nullable=False),
    Column("parent_cost_center_id", TEXT, "Cost centre it belongs to; blank at the top."),
)
TEAMS = (
    Column("team_id", TEXT, "Your id of the team.", nullable=False),
    Column("team_name", TEXT, "Name for people, never joined on.", nullable=False),
    Column("parent_team_id", TEXT, "Team it belongs to; blank at the top."),
)
OWNERSHIP_RULES = (
    Column("rule_id", TEXT, "Your id of the rule; stands on every row it owns.", nullable=False),
    Column("rank", "INTEGER", "Rules are tried in this order: lowest first.", nullable=False),
    Column("match_on", TEXT, "What the rule looks at.", nullable=False),
    Column("match_source", TEXT, "Only in this source (its id in everycent.yaml); blank = any."),
    Column(
        "match_key", TEXT, "Key of a tag; issuer of a key, account or resource; blank = any issuer."
    ),
    Column("match_value", TEXT, "The exact value that matches.", nullable=False),
    Column("application_id", TEXT, "Application that owns what matches.", nullable=False),
    Column(
        "share",
        SHARE,
        "Part it owns, such as 0.5 or 1/3; the rows of a rule add up to 1.",
        nullable=False,
    ),
    *_VALIDITY,
)
USERS = (
    Column("user_id", TEXT, "Id as it stands in the logs; kept as a pseudonym.", nullable=False),
    Column("cost_center_id", TEXT, "Cost centre of the person's unit.", nullable=False),
    *_VALIDITY,
)
ROUTES = (
    Column("route_id", TEXT, "Your id of the route.", nullable=False),
    Column("rank", "INTEGER", "Routes are tried in this order: lowest first.", nullable=False),
    Column("source", TEXT, "Gateway source (its id in everycent.yaml); blank = any."),
    Column("provider", TEXT, "Provider of the call; blank = any."),
    Column("deployment_id", TEXT, "Gateway deployment; blank = any."),
    Column("project_id", TEXT, "Gateway project; blank = any."),
    Column("issuer", TEXT, "Who invoices such calls.", nullable=False),
    Column("billing_account_id", TEXT, "Paying account they are billed to.", nullable=False),
    Column("sub_account_id", TEXT, "Provider project or workspace; blank = not known."),
    *_VALIDITY,
    Column("tag_key", TEXT, "Only for calls with this tag, such as service.name; blank = any."),
    Column("tag_value", TEXT, "Value of that tag; blank = any."),
)
CONTRACT_PRICES = (
    Column("issuer", TEXT, "Who invoices at this price.", nullable=False),
    Column("provider", TEXT, "Provider whose price list it replaces.", nullable=False),
    Column("model_id", TEXT, "AI model, by the id of the price list.", nullable=False),
    Column("meter", TEXT, "What is metered.", nullable=False),
    Column("service_tier", TEXT, "Price level; blank = standard.", nullable=False),
    Column("currency", TEXT, "ISO 4217, upper case.", nullable=False),
    Column("price_per_million", "DECIMAL(18,6)", "Price of 1,000,000 units.", nullable=False),
    *_VALIDITY,
    Column(
        "min_input_tokens",
        "INTEGER",
        "Only for calls with more input tokens of all kinds than this; blank = all.",
        nullable=False,
    ),
    Column("inference_geo", TEXT, "Only for calls in this geography, such as us; blank = any."),
)
PRICE_MODIFIERS = (
    Column("rank", "INTEGER", "Modifiers are tried in this order: lowest first.", nullable=False),
    Column("issuer", TEXT, "Who invoices at the changed price.", nullable=False),
    Column("provider", TEXT, "Provider whose prices it changes.", nullable=False),
    Column("model_id", TEXT, "AI models, by the id of the price list; * is anything, blank all."),
    Column("meter", TEXT, "Meter; blank = every meter of tokens."),
    Column("attribute", TEXT, "What it looks at; blank = nothing: it changes list prices always."),
    Column("value", TEXT, "Value of the attribute: us, batch, 200000; * is any geography."),
    Column("factor", "DECIMAL(18,9)", "What the price is multiplied by.", nullable=False),
    *_VALIDITY,
)
MODEL_ALIASES = (
    Column("provider", TEXT, "Provider as calls and bills name it.", nullable=False),
    Column("model_text", TEXT, "AI model as calls or bills name it.", nullable=False),
    Column("model_id", TEXT, "Its id in the price list.", nullable=False),
)
FX_RATES = (
    Column("rate_date", "DATE", "Day the rate holds for.", nullable=False),
    Column("from_currency", TEXT, "ISO 4217, upper case.", nullable=False),
    Column("to_currency", TEXT, "ISO 4217, upper case.", nullable=False),
    Column("rate", "DECIMAL(18,9)", "Units of to_currency for one from_currency.", nullable=False),
)
INVOICES = (
    Column("invoice_id", TEXT, "Number on the invoice.", nullable=False),
    Column("issuer", TEXT, "Who sent it.", nullable=False),
    Column("billing_account_id", TEXT, "Paying account.", nullable=False),
    Column("billing_period", "DATE", "First day of the month it covers.", nullable=False),
    Column("currency", TEXT, "ISO 4217, upper case.", nullable=False),
    Column("total_amount", MONEY, "Total to pay, tax included; a credit note < 0.", nullable=False),
    Column("issued_on", "DATE", "Date on the invoice."),
)
RECONCILING_ITEMS = (
    Column("invoice_id", TEXT, "Invoice it explains a difference of.", nullable=False),
    Column("item", TEXT, "Short name of the difference.", nullable=False),
    Column("amount", MONEY, "Invoice minus bill lines, in its currency.", nullable=False),
    Column("evidence", TEXT, "Where the proof is: a ticket or document number.", nullable=False),
)
SHARED_COST_RULES = (
    Column("rule_id", TEXT, "Your id of the rule.", nullable=False),
    Column("rank", "INTEGER", "Rules are tried in this order: lowest first.", nullable=False),
    Column("issuer", TEXT, "Only charges of this issuer; blank = any."),
    Column("charge_category", TEXT, "FOCUS ChargeCategory; blank = any."),
    Column("meter", TEXT, "Meter of the charge; blank = any."),
    Column("charge_description", TEXT, "The provider's line name, exactly; blank = any."),
    Column("method", TEXT, "How the cost is split.", nullable=False),
    Column("cost_center_id", TEXT, "Who gets a part; blank = all with direct cost."),
    Column("share", SHARE, "Part of this row, for fixed, such as 0.5 or 1/3; a rule adds up to 1."),
    Column("driver", TEXT, "What usage is measured in, for usage."),
    *_VALIDITY,
)
BUDGETS = (
    Column("cost_center_id", TEXT, "Cost centre that has the budget.", nullable=False),
    Column("billing_period", "DATE", "First day of the month.", nullable=False),
    Column("currency", TEXT, "ISO 4217, upper case.", nullable=False),
    Column("amount", MONEY, "Budget of the month.", nullable=False),
)
OUTCOME_DEFINITIONS = (
    Column("outcome_type", TEXT, "Type as the outcome events name it.", nullable=False),
    Column("application_id", TEXT, "Application it counts for; blank = the one of its calls."),
    Column("outcome_name", TEXT, "Name for people.", nullable=False),
    Column("is_confirmed_only", "BOOLEAN", "Only confirmed outcomes count.", nullable=False),
)

_TABLES = (
    ReferenceTable(
        "ref_applications",
        "applications.csv",
        "One row per application and period: who owns it and who pays for it in that time.",
        APPLICATIONS,
        keys=(Key(("application_id",)),),
        references={"team_id": "ref_teams", "cost_center_id": "ref_cost_centers"},
        vocabulary={"charge_to": tuple(ChargeTo)},
        defaults={"charge_to": ChargeTo.OWNER},
    ),
    ReferenceTable(
        "ref_cost_centers",
        "cost_centers.csv",
        "One row per cost centre.",
        COST_CENTERS,
        keys=(Key(("cost_center_id",)),),
        references={"parent_cost_center_id": "ref_cost_centers"},
    ),
    ReferenceTable(
        "ref_teams",
        "teams.csv",
        "One row per team.",
        TEAMS,
        keys=(Key(("team_id",)),),
        references={"parent_team_id": "ref_teams"},
    ),
    ReferenceTable(
        "ref_ownership_rules",
        "ownership_rules.csv",
        "One row per rule and application: what matches belongs to it; the lowest rank wins.",
        OWNERSHIP_RULES,
        keys=(
            Key(("rank", "match_on", "match_source", "match_key", "match_value"), True),
            Key(("rule_id", "application_id")),
        ),
        references={"application_id": "ref_applications"},
        vocabulary={"match_on": tuple(MatchOn)},
        defaults={"share": "1"},
        parts=("application_id", "share"),
    ),
    ReferenceTable(
        "ref_users",
        "users.csv",
        "One row per person and period: the cost centre that consumes what they use.",
        USERS,
        keys=(Key(("user_id",)),),
        references={"cost_center_id": "ref_cost_centers"},
    ),
    ReferenceTable(
        "ref_routes",
        "routes.csv",
        "One row per route: the provider account that is billed for matching gateway calls.",
        ROUTES,
        added=("tag_key", "tag_value"),
        keys=(
            Key(
                (
                    "rank",
                    "source",
                    "provider",
                    "deployment_id",
                    "project_id",
                    "tag_key",
                    "tag_value",
                ),
                True,
            ),
            Key(("route_id",)),
        ),
    ),
    ReferenceTable(
        "ref_contract_prices",
        "contract_prices.csv",
        "One row per negotiated unit price and period; it wins over the list price.",
        CONTRACT_PRICES,
        keys=(
            Key(
                (
                    "issuer",
                    "provider",
                    "model_id",
                    "meter",
                    "service_tier",
                    "currency",
                    "min_input_tokens",
                    "inference_geo",
                )
            ),
        ),
        vocabulary={"meter": tuple(Meter), "service_tier": tuple(ServiceTier)},
        defaults={"service_tier": ServiceTier.STANDARD, "min_input_tokens": "0"},
        added=("min_input_tokens", "inference_geo"),
    ),
    ReferenceTable(
        "ref_price_modifiers",
        "price_modifiers.csv",
        "One row per agreed change of prices and period: a discount, or a factor for an attribute.",
        PRICE_MODIFIERS,
        keys=(Key(("rank",)),),
        vocabulary={"meter": tuple(Meter), "attribute": tuple(PriceAttribute)},
    ),
    ReferenceTable(
        "ref_model_aliases",
        "model_aliases.csv",
        "One row per name the price list does not know, and the id to price it by.",
        MODEL_ALIASES,
        keys=(Key(("provider", "model_text")),),
    ),
    ReferenceTable(
        "ref_fx_rates",
        "fx_rates.csv",
        "One row per day and pair of currencies.",
        FX_RATES,
        keys=(Key(("rate_date", "from_currency", "to_currency")),),
    ),
    ReferenceTable(
        "ref_invoices",
        "invoices.csv",
        "One row per invoice: the total that the charges of its month must tie out to.",
        INVOICES,
        keys=(Key(("invoice_id",)),),
    ),
    ReferenceTable(
        "ref_reconciling_items",
        "reconciling_items.csv",
        "One row per explained difference between an invoice and its bill lines.",
        RECONCILING_ITEMS,
        keys=(Key(("invoice_id", "item")),),
        references={"invoice_id": "ref_invoices"},
    ),
    ReferenceTable(
        "ref_shared_cost_rules",
        "shared_cost_rules.csv",
        "One row per rule and target: how cost that no call caused is split.",
        SHARED_COST_RULES,
        keys=(
            Key(("rank", "issuer", "charge_category", "meter", "charge_description"), True),
            Key(("rule_id", "cost_center_id")),
        ),
        references={"cost_center_id": "ref_cost_centers"},
        vocabulary={
            "charge_category": tuple(ChargeCategory),
            "meter": tuple(Meter),
            "method": tuple(SharedMethod),
            "driver": ("calls", "tokens"),
        },
        parts=("cost_center_id", "share"),
    ),
    ReferenceTable(
        "ref_budgets",
        "budgets.csv",
        "One row per cost centre and month.",
        BUDGETS,
        keys=(Key(("cost_center_id", "billing_period", "currency")),),
        references={"cost_center_id": "ref_cost_centers"},
    ),
    ReferenceTable(
        "ref_outcome_definitions",
        "outcome_definitions.yaml",
        "One entry per type of business outcome, and the application it counts for.",
        OUTCOME_DEFINITIONS,
        keys=(Key(("outcome_type", "application_id")),),
        references={"application_id": "ref_applications"},
        defaults={"is_confirmed_only": "false"},
    ),
)

REFERENCE_TABLES: dict[str, ReferenceTable] = {table.name: table for table in _TABLES}
"""Every reference table by its name in the engine."""
