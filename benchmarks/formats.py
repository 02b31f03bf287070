"""The formats whose landing is measured: what sample each repeats, and what makes it slow."""

from dataclasses import dataclass

MAX_RATIO = 3.0
"""Landing over a plain read, in CPU time: above it a format needs a written reason."""


@dataclass(frozen=True)
class Format:
    """One format as it is measured.

    Attributes:
        kind: The source kind that reads it.
        sample: File below `data_samples` whose records are repeated.
        ids: Fields, at any depth, that identify a record or point at another one.
        suffix: The container the records are written in.
        lines: Lines written, if 128 MB do not come first.
        per_file: Lines of one file.
        form: What the format is called where a kind has several.
        reason: Why landing it takes more than `MAX_RATIO` times the plain read, if it does.
    """

    kind: str
    sample: str
    ids: tuple[str, ...]
    suffix: str = ".jsonl.gz"
    lines: int = 100_000
    per_file: int = 10_000
    form: str = ""
    reason: str = ""

    @property
    def name(self) -> str:
        """Kind and form: unique among the formats."""
        return f"{self.kind}{self.form and ':' + self.form}"


def _bill(kind: str, sample: str, *ids: str, suffix: str, reason: str = "") -> Format:
    """A bill: one file of fewer lines."""
    return Format(kind, sample, ids, suffix, lines=20_000, per_file=20_000, reason=reason)


_BEDROCK = (
    "bedrock_invocation_logs/files/AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/"
    "2026/08/03/12/bedrock_invocation_log.jsonl"
)

FORMATS = {
    one.name: one
    for one in (
        Format("litellm", "litellm/files/standard_logging_payload.json", ("id",), form="payloads"),
        Format(
            "litellm",
            "litellm/files/spend_logs_row.json",
            ("request_id",),
            suffix=".csv.gz",
            form="spend_logs",
        ),
        Format("bedrock_invocation_logs", _BEDROCK, ("requestId",), suffix=".json.gz"),
        Format("portkey", "portkey/files/constructed_export.jsonl", ("id", "trace_id")),
        Format(
            "helicone", "helicone/files/constructed_requests.jsonl", ("request_id", "response_id")
        ),
        Format("kong", "kong/files/constructed_log.jsonl", ("id",)),
        Format(
            "envoy_ai_gateway",
            "envoy_ai_gateway/files/constructed_access_log.jsonl",
            ("x-request-id",),
        ),
        Format(
            "cloudflare_ai_gateway",
            "cloudflare_ai_gateway/files/constructed_logpush.log",
            ("Id",),
            suffix=".log.gz",
        ),
        Format(
            "openrouter_generations",
            "openrouter_generations/files/constructed_generations.jsonl",
            ("id",),
        ),
        Format(
            "vercel_generations",
            "vercel_generations/files/constructed_generations.jsonl",
            ("id",),
            reason="Records of 440 bytes: typing and checking every column that a call has weighs "
            "more than reading them.",
        ),
        Format(
            "azure_apim",
            "azure_apim/files/constructed_diagnostic.json",
            ("correlationId", "requestId"),
            suffix=".json.gz",
        ),
        Format(
            "databricks_endpoint_usage",
            "databricks_endpoint_usage/files/constructed_usage.jsonl",
            ("client_request_id", "databricks_request_id"),
        ),
        Format(
            "otel_genai",
            "otel_genai/files/genai_tool_call_two_exports.jsonl",
            ("traceId", "spanId", "parentSpanId"),
            reason="Unfolding exports into spans takes a quarter of it; each attribute is then "
            "looked up in lists of keys and typed values, under every name that the conventions "
            "have given it. The plain read leaves all of it nested.",
        ),
        Format(
            "langfuse",
            "langfuse/files/llamaindex-2025-06-05.trace.json",
            ("id", "traceId", "parentObservationId"),
        ),
        Format(
            "mlflow_traces",
            "mlflow_traces/files/trace.json",
            ("trace_id", "span_id", "parent_span_id", "assessment_id"),
        ),
        Format(
            "claude_code",
            "claude_code/files/session.jsonl",
            ("uuid", "parentUuid", "sessionId", "requestId", "id"),
            suffix=".jsonl",
            reason="A session is read whole and line by line in Python, because what a line means "
            "depends on the lines around it: 34 microseconds a line. Sessions are small.",
        ),
        _bill(
            "aws_cur",
            "aws_cur/files/cur2_bedrock.csv",
            "identity_line_item_id",
            suffix=".csv.gz",
        ),
        _bill("azure_cost", "azure_cost/actual/EA_ActualCost_Small.csv", suffix=".csv.gz"),
        _bill(
            "gcp_billing",
            "gcp_billing/files/detailed_export_constructed.jsonl",
            suffix=".jsonl.gz",
            reason="Nested records are flattened in Python, some 60 names each, with the digits "
            "of every number as written: 70 microseconds a record. The plain read makes doubles.",
        ),
        _bill("focus", "focus/files/focus_sample_300.csv", "Id", suffix=".csv.gz"),
        _bill(
            "databricks_billing",
            "databricks_billing/files/databricks_billing_usage.csv",
            "record_id",
            suffix=".csv",
            reason="Each record is read, checked and keyed in Python, with exact decimals: 38 "
            "microseconds. The plain read checks nothing and makes doubles.",
        ),
    )
}
