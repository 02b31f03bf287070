"""The four facts every source becomes: charge, usage, call, outcome. One shape each.

Lineage columns (`source`, `file_id`, `source_row`) stay in the lake: published tables never hold
them, so renaming, splitting or re-compressing a file changes no published byte.
"""

from enum import StrEnum

from models.columns import Column

TEXT = "VARCHAR"
MONEY = "DECIMAL(38,18)"
QUANTITY = "DECIMAL(38,9)"
INSTANT = "TIMESTAMP WITH TIME ZONE"


class Fact(StrEnum):
    """The facts a source can yield."""

    CHARGES = "charges"
    USAGE = "usage"
    CALLS = "calls"
    OUTCOMES = "outcomes"


_LINEAGE = (
    Column("source", TEXT, "Source id, as the workspace names it.", nullable=False),
    Column("file_id", TEXT, "First 16 hex digits of the file's SHA-256.", nullable=False),
    Column("source_row", "BIGINT", "1-based record in the file."),
)
_SNAPSHOT = (
    Column("scope", TEXT, "What a later delivery replaces: a day or a billing period of a report."),
    Column("delivery", TEXT, "Sortable name of the delivery; the greatest per scope counts."),
)

CHARGE = (
    *_LINEAGE,
    *_SNAPSHOT,
    Column(
        "charge_key",
        TEXT,
        "Natural key of the line inside its delivery, file-independent.",
        nullable=False,
    ),
    Column("charge_date", "DATE", "The provider's UTC day the charge belongs to.", nullable=False),
    Column("billing_period", "DATE", "First day of the provider's invoice month.", nullable=False),
    Column("charge_period_start", INSTANT, "FOCUS ChargePeriodStart, inclusive."),
    Column("charge_period_end", INSTANT, "FOCUS ChargePeriodEnd, exclusive."),
    Column(
        "issuer",
        TEXT,
        "Who sends the invoice: the lower-case id the workspace uses.",
        nullable=False,
    ),
    Column("service_provider_name", TEXT, "FOCUS ServiceProviderName."),
    Column("host_provider_name", TEXT, "FOCUS HostProviderName."),
    Column("invoice_issuer_name", TEXT, "FOCUS InvoiceIssuerName, as delivered."),
    Column("invoice_id", TEXT, "FOCUS InvoiceId; null until the charge is on an invoice."),
    Column(
        "billing_account_id", TEXT, "FOCUS BillingAccountId: the paying account.", nullable=False
    ),
    Column("sub_account_id", TEXT, "Provider project, workspace, usage account; null if unknown."),
    Column("api_key_id", TEXT, "Provider's id of the API key, where the bill tells it."),
    Column("resource_id", TEXT, "FOCUS ResourceId: deployment, endpoint, inference profile."),
    Column("region_id", TEXT, "FOCUS RegionId."),
    Column("charge_category", TEXT, "FOCUS ChargeCategory: see vocabulary.", nullable=False),
    Column("charge_class", TEXT, "FOCUS ChargeClass: Correction, or null."),
    Column("charge_frequency", TEXT, "FOCUS ChargeFrequency."),
    Column("charge_description", TEXT, "FOCUS ChargeDescription: the provider's line name, raw."),
    Column("service_category", TEXT, "FOCUS ServiceCategory."),
    Column("service_name", TEXT, "FOCUS ServiceName."),
    Column("sku_id", TEXT, "FOCUS SkuId."),
    Column("sku_price_id", TEXT, "FOCUS SkuPriceId."),
    Column("sku_meter", TEXT, "FOCUS SkuMeter, as delivered."),
    Column("provider", TEXT, "Provider whose price list applies: openai, anthropic, aws, ..."),
    Column("model_text", TEXT, "AI model as the line names it; null when the line names none."),
    Column("meter", TEXT, "Meter, see vocabulary; null when the line lumps all meters together."),
    Column("service_tier", TEXT, "ServiceTier; null when the bill does not say."),
    Column("inference_geo", TEXT, "As in calls; null when the bill does not say."),
    Column("pricing_category", TEXT, "FOCUS PricingCategory."),
    Column("pricing_quantity", QUANTITY, "FOCUS PricingQuantity, in priced blocks."),
    Column("pricing_unit", TEXT, "FOCUS PricingUnit."),
    Column(
        "consumed_quantity",
        QUANTITY,
        "In single units of the meter (tokens, requests); null = unknown.",
    ),
    Column("consumed_unit", TEXT, "FOCUS ConsumedUnit: Tokens, Requests, ..."),
    Column("commitment_discount_id", TEXT, "FOCUS CommitmentDiscountId."),
    Column("commitment_discount_status", TEXT, "FOCUS CommitmentDiscountStatus: Used or Unused."),
    Column("billing_currency", TEXT, "ISO 4217, upper case.", nullable=False),
    Column("billed_cost", MONEY, "FOCUS BilledCost, in billing_currency.", nullable=False),
    Column("effective_cost", MONEY, "FOCUS EffectiveCost; null if the source has none."),
    Column("contracted_cost", MONEY, "FOCUS ContractedCost; null if the source has none."),
    Column("list_cost", MONEY, "FOCUS ListCost; null if the source has none."),
    Column(
        "tags", TEXT, "Allow-listed provider-side tags: JSON object, keys sorted; null if none."
    ),
    Column("repairs", TEXT, "Comma-separated names of repairs the reader made; null if none."),
)

USAGE = (
    *_LINEAGE,
    *_SNAPSHOT,
    Column("usage_key", TEXT, "Natural key of the bucket inside its delivery.", nullable=False),
    Column("charge_date", "DATE", "The provider's UTC day.", nullable=False),
    Column("issuer", TEXT, "As in charges.", nullable=False),
    Column("billing_account_id", TEXT, "As in charges.", nullable=False),
    Column("sub_account_id", TEXT, "As in charges; null if not grouped by it."),
    Column("api_key_id", TEXT, "Provider's id of the API key; null if not grouped by it."),
    Column("provider", TEXT, "As in charges."),
    Column("model_text", TEXT, "AI model as the report names it; null if not grouped by it."),
    Column("meter", TEXT, "Meter, see vocabulary.", nullable=False),
    Column("service_tier", TEXT, "ServiceTier; null if not grouped by it."),
    Column("inference_geo", TEXT, "As in calls; null if not grouped by it."),
    Column(
        "quantity", QUANTITY, "In single units of the meter; meters are disjoint.", nullable=False
    ),
    Column(
        "request_count",
        "BIGINT",
        "Calls in the bucket, on its first meter row only; null if unknown.",
    ),
    Column("token_semantics", TEXT, "How the report's totals read: see vocabulary."),
)

_CALL_QUANTITIES = (
    Column("input_uncached_tokens", "BIGINT", "Text input neither read from nor written to cache."),
    Column("cache_read_tokens", "BIGINT", "Input read from the provider's prompt cache."),
    Column("cache_write_5m_tokens", "BIGINT", "Input written to the five-minute cache."),
    Column("cache_write_1h_tokens", "BIGINT", "Input written to the one-hour cache."),
    Column("cache_write_tokens", "BIGINT", "Input written to a cache of unknown lifetime."),
    Column("input_audio_tokens", "BIGINT", "Audio input."),
    Column("input_image_tokens", "BIGINT", "Image input."),
    Column("output_text_tokens", "BIGINT", "Visible text output."),
    Column("output_reasoning_tokens", "BIGINT", "Reasoning output, billed as output."),
    Column("output_audio_tokens", "BIGINT", "Audio output."),
    Column("output_image_tokens", "BIGINT", "Image output."),
    Column("web_search_requests", "BIGINT", "Server-side web searches."),
    Column("search_units", "BIGINT", "Search units of a rerank."),
    Column("audio_seconds", "BIGINT", "Audio billed by its length, in started seconds."),
    Column("input_characters", "BIGINT", "Input billed by the character, as for speech."),
    Column("generated_images", "BIGINT", "Images billed by the piece."),
)

CALL = (
    *_LINEAGE,
    Column(
        "call_id",
        TEXT,
        "The source's own key of the attempt: unique inside the source.",
        nullable=False,
    ),
    Column("source_format", TEXT, "Format and version the row was read as.", nullable=False),
    Column("charge_date", "DATE", "UTC day of started_at.", nullable=False),
    Column("started_at", INSTANT, "When the call started.", nullable=False),
    Column("ended_at", INSTANT, "When it ended."),
    Column(
        "first_token_at", INSTANT, "When the first token came; null when not streamed or unknown."
    ),
    Column("task_id", TEXT, "Explicit business id of the task, where the caller sent one."),
    Column("trace_id", TEXT, "Trace the call belongs to."),
    Column("parent_call_id", TEXT, "Call or span that caused it."),
    Column("session_id", TEXT, "Conversation or session."),
    Column("step_index", "INTEGER", "Position in its task, where the source tells."),
    Column("provider_request_id", TEXT, "The provider's response id: joins sources."),
    Column("operation", TEXT, "Operation, see vocabulary.", nullable=False),
    Column("role", TEXT, "CallRole, see vocabulary.", nullable=False),
    Column("provider", TEXT, "openai, anthropic, aws, azure, google, ...; lower case."),
    Column("requested_model", TEXT, "AI model the caller asked for."),
    Column("served_model", TEXT, "AI model that answered."),
    Column("deployment_id", TEXT, "The gateway's deployment, which routes map to an account."),
    Column("region", TEXT, "Region, where known."),
    Column("service_tier", TEXT, "ServiceTier; null when the source does not say."),
    Column(
        "inference_geo",
        TEXT,
        "Geography the provider promised to stay in, where it has a price: us, eu; null if unsaid.",
    ),
    Column("api_key_id", TEXT, "Id (never the secret) of the gateway's virtual key."),
    Column("user_id", TEXT, "Keyed pseudonym of the internal user."),
    Column("end_user_id", TEXT, "Keyed pseudonym of the caller's end user."),
    Column("team_id", TEXT, "Gateway team."),
    Column("org_id", TEXT, "Gateway organisation."),
    Column("project_id", TEXT, "Gateway project."),
    Column("tags", TEXT, "Allow-listed call tags: JSON object, keys sorted; null if none."),
    Column("status", TEXT, "CallStatus, see vocabulary.", nullable=False),
    Column("error_class", TEXT, "Class of the error; never its message."),
    Column("http_status", "INTEGER", "HTTP status, where known."),
    Column("attempt_no", "INTEGER", "1 for the first attempt, where the source tells."),
    Column("is_streaming", "BOOLEAN", "Whether the answer was streamed."),
    *_CALL_QUANTITIES,
    Column("reported_input_tokens", "BIGINT", "Input total exactly as reported."),
    Column("reported_output_tokens", "BIGINT", "Output total exactly as reported."),
    Column("reported_total_tokens", "BIGINT", "Total exactly as reported."),
    Column("token_source", TEXT, "TokenSource, see vocabulary.", nullable=False),
    Column("token_semantics", TEXT, "TokenSemantics the row was read with.", nullable=False),
    Column(
        "is_token_conflict",
        "BOOLEAN",
        "The row contradicts its format's semantics.",
        nullable=False,
    ),
    Column(
        "logged_cost_usd", "DECIMAL(18,12)", "The source's own cost figure in dollars: never money."
    ),
    Column(
        "logged_cost_kind",
        TEXT,
        "provider_billed, gateway_estimate, marked_up, zero_unpriced, cache_hit.",
    ),
    Column(
        "saved_cost_usd", "DECIMAL(18,12)", "What a gateway cache hit saved, as the source says."
    ),
    Column("is_rollup", "BOOLEAN", "Sums of other rows: kept, never counted.", nullable=False),
    Column(
        "updated_at",
        INSTANT,
        "When the source last changed the record: of several versions the latest counts.",
    ),
)

OUTCOME = (
    *_LINEAGE,
    Column(
        "event_id", TEXT, "CloudEvents source and id: the identity of the event.", nullable=False
    ),
    Column("outcome_id", TEXT, "Stable id of the outcome; revisions share it.", nullable=False),
    Column("outcome_type", TEXT, "ticket_resolved, pr_merged, ...", nullable=False),
    Column("charge_date", "DATE", "UTC day of occurred_at.", nullable=False),
    Column("occurred_at", INSTANT, "When the outcome happened.", nullable=False),
    Column("recorded_at", INSTANT, "When the system of record knew it."),
    Column("revision", "INTEGER", "0, 1, 2, ...; the greatest counts.", nullable=False),
    Column("is_withdrawn", "BOOLEAN", "The outcome was taken back.", nullable=False),
    Column("result", TEXT, "OutcomeResult, see vocabulary.", nullable=False),
    Column("confidence", TEXT, "confirmed, assumed, judged or sampled."),
    Column("quantity", QUANTITY, "Units achieved.", nullable=False),
    Column("value_amount", MONEY, "Business value; null if not given."),
    Column("value_currency", TEXT, "ISO 4217 of value_amount."),
    Column("quality_score", QUANTITY, "Score, on quality_scale."),
    Column("quality_scale", TEXT, "Scale of the score, such as 0-1."),
    Column("reverses", TEXT, "Outcome id that this one undoes."),
    Column("ref_task_id", TEXT, "Join key: task."),
    Column("ref_trace_id", TEXT, "Join key: trace."),
    Column("ref_session_id", TEXT, "Join key: session."),
    Column("ref_request_id", TEXT, "Join key: provider request id or call id."),
    Column("ref_user_id", TEXT, "Join key: keyed pseudonym of the user (weak)."),
    Column("ref_external_id", TEXT, "Business object id, such as a ticket number."),
    Column(
        "attribution_window_s", "BIGINT", "Seconds before occurred_at in which weak keys may link."
    ),
    Column("application_hint", TEXT, "Application the source names, if any."),
)

FACTS: dict[Fact, tuple[Column, ...]] = {
    Fact.CHARGES: CHARGE,
    Fact.USAGE: USAGE,
    Fact.CALLS: CALL,
    Fact.OUTCOMES: OUTCOME,
}

CALL_PROFILE = (
    "source",
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
    "tags",
)
"""Few-valued columns of a call that decide its route, price and owner: resolved once per value.

Landing adds `profile_key UBIGINT`, a hash over these, to each call it writes.
"""
