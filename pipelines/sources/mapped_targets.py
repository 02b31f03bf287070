"""What a mapping may fill in of each fact, what it must, and whether its expressions fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from models.facts import CHARGE, USAGE, Fact
from models.mapping import FeedMapping
from models.settings import SourceSettings
from models.vocabulary import (
    CallRole,
    CallStatus,
    ChargeCategory,
    Delivery,
    Meter,
    Operation,
    OutcomeResult,
    ServiceTier,
)
from pipelines.problems import did_you_mean
from pipelines.sources.base import SettingProblem
from pipelines.sources.mapped_expressions import Compiler, Expression, ExpressionError, Kind
from pipelines.sources.outcome_records import COLUMNS as OUTCOME_COLUMNS
from pipelines.sources.outcome_records import REQUIRED as OUTCOME_REQUIRED

Shape = Literal["text", "instant", "day", "number", "tags", "person"]

TOKEN_COLUMNS = {
    "input_tokens": "reported_input",
    "output_tokens": "reported_output",
    "total_tokens": "reported_total",
    "cache_read_tokens": "cache_read",
    "cache_write_tokens": "cache_write",
    "cache_write_5m_tokens": "cache_write_5m",
    "cache_write_1h_tokens": "cache_write_1h",
    "reasoning_tokens": "reasoning",
    "input_audio_tokens": "input_audio",
    "input_image_tokens": "input_image",
    "output_audio_tokens": "output_audio",
    "output_image_tokens": "output_image",
    "web_search_requests": "web_searches",
    "search_units": "search_units",
    "audio_seconds": "audio_seconds",
    "input_characters": "input_characters",
    "generated_images": "generated_images",
}
"""Counts of a call as a log reports them, and what the shared SQL calls them."""

VOCABULARIES: Mapping[str, frozenset[str]] = {
    "charge_category": frozenset(ChargeCategory),
    "meter": frozenset(Meter),
    "service_tier": frozenset(ServiceTier),
    "operation": frozenset(Operation),
    "role": frozenset(CallRole),
    "status": frozenset(CallStatus),
    "result": frozenset(OutcomeResult),
}

_OURS = ("source", "file_id", "source_row", "scope", "delivery", "repairs", "token_semantics")
_BY_TYPE: Mapping[str, Shape] = {
    "VARCHAR": "text",
    "DATE": "day",
    "TIMESTAMP WITH TIME ZONE": "instant",
    "BOOLEAN": "text",
}
_CALL_TEXTS = (
    "call_id",
    "trace_id",
    "parent_call_id",
    "session_id",
    "provider_request_id",
    "operation",
    "role",
    "provider",
    "requested_model",
    "served_model",
    "deployment_id",
    "region",
    "service_tier",
    "inference_geo",
    "api_key_id",
    "team_id",
    "org_id",
    "project_id",
    "status",
    "error_class",
    "is_streaming",
)
_SETTINGS = ("issuer", "billing_account_id", "billing_currency")
"""Columns that the feed's settings fill in where the mapping does not."""
_DELIVERIES = {
    Fact.CALLS: (Delivery.EVENTS,),
    Fact.OUTCOMES: (Delivery.EVENTS,),
    Fact.CHARGES: (Delivery.SNAPSHOT, Delivery.APPEND),
    Fact.USAGE: (Delivery.SNAPSHOT, Delivery.APPEND),
}


def _shapes_of(fact: Fact) -> dict[str, Shape]:
    if fact == Fact.CALLS:
        return {
            **dict.fromkeys(_CALL_TEXTS, "text"),
            **dict.fromkeys(("started_at", "ended_at", "first_token_at", "updated_at"), "instant"),
            **dict.fromkeys(("user_id", "end_user_id"), "person"),
            **dict.fromkeys(
                (*TOKEN_COLUMNS, "http_status", "attempt_no", "logged_cost_usd"), "number"
            ),
            "tags": "tags",
        }
    if fact == Fact.OUTCOMES:
        numbers = {"quantity", "value_amount", "quality_score", "attribution_window_s", "revision"}
        return {
            name: "number"
            if name in numbers
            else "instant"
            if name.endswith("_at")
            else "person"
            if name == "user_id"
            else "text"
            for name in sorted(OUTCOME_COLUMNS)
        }
    columns = CHARGE if fact == Fact.CHARGES else USAGE
    shapes: dict[str, Shape] = {
        c.name: _BY_TYPE.get(c.type, "number") for c in columns if c.name not in _OURS
    }
    return {**shapes, "tags": "tags"} if fact == Fact.CHARGES else shapes


SHAPES: Mapping[Fact, Mapping[str, Shape]] = {fact: _shapes_of(fact) for fact in Fact}
"""What a mapping may fill in, and what must be there."""

REQUIRED: Mapping[Fact, tuple[str, ...]] = {
    Fact.CALLS: ("call_id", "started_at"),
    Fact.OUTCOMES: OUTCOME_REQUIRED,
    Fact.CHARGES: (
        "charge_date",
        "billing_period",
        "charge_category",
        "billed_cost",
        *_SETTINGS,
    ),
    Fact.USAGE: ("charge_date", "meter", "quantity", "issuer", "billing_account_id"),
}


@dataclass
class Compiled:
    """A mapping as SQL: one expression per column of the fact, and what they need."""

    columns: dict[str, Expression] = field(default_factory=dict)
    unmapped: dict[str, str] = field(default_factory=dict)
    """SQL conditions under which a `map` of a column has no entry for the value."""
    scope: Expression | None = None
    compiler: Compiler = field(default_factory=Compiler)


def compiled(mapping: FeedMapping) -> Compiled:
    """Compile a mapping that was checked.

    Raises:
        ExpressionError: It was not.
    """
    result = Compiled()
    for name, text in sorted(mapping.columns.items()):
        known = len(result.compiler.unmapped)
        result.columns[name] = result.compiler.compile(text)
        if conditions := result.compiler.unmapped[known:]:
            result.unmapped[name] = " or ".join(conditions)
    if mapping.scope:
        result.scope = result.compiler.compile(mapping.scope)
    return result


def problems(settings: SourceSettings) -> Iterator[SettingProblem]:
    """Everything that is wrong with the mapping of a feed."""
    mapping = settings.mapping
    if mapping is None:
        yield SettingProblem(
            ("mapping",),
            "required",
            "A feed of kind mapped says what its columns mean.",
            "Write a mapping: see docs/guides/bring-your-own.md.",
        )
        return
    yield from _delivery_problems(mapping)
    yield from _missing(mapping, settings)
    yield from _token_problems(mapping)
    for name, text in mapping.columns.items():
        yield from _column_problems(name, text, settings, mapping)
    if mapping.scope:
        yield from _expression_problems(("scope",), mapping.scope, "text", mapping)


def _delivery_problems(mapping: FeedMapping) -> Iterator[SettingProblem]:
    allowed = _DELIVERIES[mapping.fact]
    if mapping.delivery not in allowed:
        text = f"{mapping.fact.value} are not delivered so."
        fix = f"Use {' or '.join(allowed)}."
        yield SettingProblem(("mapping", "delivery"), "delivery", text, fix)
    if (mapping.scope is not None) != (mapping.delivery == Delivery.SNAPSHOT):
        yield SettingProblem(
            ("mapping", "scope"),
            "scope",
            "A snapshot needs a scope, and nothing else has one.",
            "Say what a later file replaces, such as scope: month; or leave it out.",
        )


def _missing(mapping: FeedMapping, settings: SourceSettings) -> Iterator[SettingProblem]:
    for name in REQUIRED[mapping.fact]:
        is_set = name in _SETTINGS and getattr(settings, name) is not None
        if name not in mapping.columns and not is_set:
            fix = f"Map {name} to an expression" + (
                f", or set {name} of this source." if name in _SETTINGS else "."
            )
            yield SettingProblem(
                ("mapping", "columns"), "required", f"The column {name} is missing.", fix
            )


def _token_problems(mapping: FeedMapping) -> Iterator[SettingProblem]:
    told = {"cache": "cache_", "reasoning": "reasoning_"}
    for name, prefix in told.items():
        has_details = any(column.startswith(prefix) for column in mapping.columns)
        if mapping.fact == Fact.CALLS and has_details and getattr(mapping.tokens, name) is None:
            yield SettingProblem(
                ("mapping", "tokens"),
                "required",
                f"The mapping does not say whether totals hold their {name} tokens.",
                f"Write tokens: {{{name}: inclusive}} or {{{name}: exclusive}}: whoever wrote the "
                "log knows.",
            )


def _column_problems(
    name: str, text: str, settings: SourceSettings, mapping: FeedMapping
) -> Iterator[SettingProblem]:
    shape = SHAPES[mapping.fact].get(name)
    path = ("columns", name)
    if shape is None:
        known = SHAPES[mapping.fact]
        fix = did_you_mean(name, known) or f"There are: {', '.join(known)}."
        message = f"There is no column of this name in {mapping.fact.value}."
        yield SettingProblem(("mapping", *path), "unknown_column", message, fix)
        return
    yield from _expression_problems(path, text, shape, mapping)
    if shape == "tags":
        yield from _tag_problems(path, text, settings)


def _expression_problems(
    path: tuple[str, ...], text: str, shape: Shape, mapping: FeedMapping
) -> Iterator[SettingProblem]:
    compiler = Compiler()
    try:
        expression = compiler.compile(text)
        _check_fit(expression, shape, mapping.fact)
        if mapping.format == "csv" and any(len(column) > 1 for column in compiler.columns):
            raise ExpressionError(
                "A CSV has no columns inside columns.", "Write column('a.b') for such a name."
            )
    except ExpressionError as error:
        yield SettingProblem(("mapping", *path), "expression", error.message, error.fix)
        return
    constant = None if compiler.columns else compiler.bound.get("m1")
    allowed = VOCABULARIES.get(path[-1])
    if allowed and constant is not None and constant not in allowed and len(compiler.bound) == 1:
        fix = did_you_mean(constant, allowed) or f"Use one of: {', '.join(sorted(allowed))}."
        yield SettingProblem(
            ("mapping", *path), "vocabulary", "The constant is not a value of this column.", fix
        )


def _check_fit(expression: Expression, shape: Shape, fact: Fact) -> None:
    """Raise if an expression yields something that its column cannot take."""
    is_number = shape == "number"
    if expression.factor != 1 and not is_number:
        raise ExpressionError("This column is no number, so it has no unit.", "Leave the unit out.")
    if (expression.kind == Kind.TAGS) != (shape == "tags"):
        raise ExpressionError(
            "Tags are made by tag(...), and go into the column tags only.",
            "Write tags: tag(team, app=application).",
        )
    if shape == "instant" and expression.kind != Kind.INSTANT:
        raise ExpressionError(
            "This column is an instant, and the expression does not say how to read it.",
            "Write utc(a) for times in UTC without a zone, instant(a) for times that name their "
            "zone, epoch_s(a) or epoch_ms(a) for numbers.",
        )
    if expression.kind == Kind.INSTANT and shape not in ("instant", "day"):
        raise ExpressionError("This column is no time.", "Leave the time function out.")
    if expression.is_person and (is_number or (fact == Fact.CALLS and shape != "person")):
        raise ExpressionError(
            "This column does not hold a person.", "People go into user_id and end_user_id."
        )


def _tag_problems(
    path: tuple[str, ...], text: str, settings: SourceSettings
) -> Iterator[SettingProblem]:
    try:
        keys = Compiler().compile(text).keys
    except ExpressionError:
        return
    for key in keys:
        if key not in settings.tag_keys and key != settings.task_key:
            yield SettingProblem(
                ("mapping", *path),
                "tag_key",
                "A tag is made that would be dropped: its key is not in tag_keys.",
                "Add the key to tag_keys of this source, or make it its task_key.",
            )
