"""Whether a span's totals include their details: by instrumentation, generation and provider."""

from dataclasses import dataclass

from models.vocabulary import TokenSemantics
from pipelines.sources.base import TokenRule

_INCLUSIVE = TokenSemantics.INCLUSIVE
_EXCLUSIVE = TokenSemantics.EXCLUSIVE
_UNKNOWN = TokenSemantics.UNKNOWN


@dataclass(frozen=True)
class Semantics:
    """One row of the table: which spans it is about, and what their totals mean.

    Attributes:
        source_format: What such spans are called in `source_format`.
        generation: Of the attribute names, see `GENERATIONS`; empty for any.
        scopes: Names of the instrumentation scope; empty for any.
        versions: Of the scope, as `readings.in_versions` takes them; empty for any.
        record: Type of a record that a tracer writes beside its spans; empty for any.
        span: How the span's name begins.
        model_text: What the AI model's name contains.
        providers: Ours; empty for any.
        has_more_total: Whether the span's total is more than its input and output; false for any.
        input: Whether the input total includes cache reads, cache writes, audio and images.
        output: Whether the output total includes reasoning, audio and images.
        has_own_total: Whether the total comes from the provider, so that it is evidence.
        note: For the published table.
    """

    source_format: str
    note: str
    input: TokenSemantics = _INCLUSIVE
    output: TokenSemantics = _INCLUSIVE
    generation: str = ""
    scopes: tuple[str, ...] = ()
    versions: str = ""
    record: str = ""
    span: str = ""
    model_text: str = ""
    providers: tuple[str, ...] = ()
    has_more_total: bool = False
    has_own_total: bool = False

    def token_rules(self) -> tuple[TokenRule, ...]:
        """The row as it is published, one per provider."""
        return tuple(
            TokenRule(self.source_format, provider, self.input, self.output, self.note)
            for provider in self.providers or ("*",)
        )


GENERATIONS = {
    "otel_genai_1.40": "Conventions 1.40 and later: dotted detail names.",
    "otel_genai_1.27": "Conventions 1.27 to 1.39: input_tokens and output_tokens.",
    "otel_genai_early": "Conventions before 1.27, and Traceloop's own: prompt_tokens.",
    "openinference": "OpenInference: llm.token_count.",
    "ai_sdk_6": "Vercel AI SDK with details of its input: ai.usage.inputTokenDetails.",
    "ai_sdk": "Vercel AI SDK before: ai.usage.",
}
"""Generations of attribute names, by the newest name on the span."""

_NATIVE = "Follows the provider's own API; evidence on the span decides first."

_OLDER = tuple(
    Semantics(
        generation=generation,
        source_format=generation,
        input=input_totals,
        output=output_totals,
        providers=providers,
        note=_NATIVE,
    )
    for generation in ("otel_genai_1.27", "otel_genai_early", "openinference")
    for providers, input_totals, output_totals in (
        (("openai", "azure", "deepseek"), _INCLUSIVE, _INCLUSIVE),
        (("anthropic", "aws"), _UNKNOWN, _INCLUSIVE),
        (("google", "x-ai"), _INCLUSIVE, _UNKNOWN),
        ((), _UNKNOWN, _UNKNOWN),
    )
)

TABLE = (
    Semantics(
        scopes=("litellm",),
        source_format="litellm_otel",
        note="The gateway normalises every provider.",
    ),
    Semantics(
        scopes=("openinference.instrumentation.anthropic",),
        source_format="openinference_anthropic_python",
        note="Adds cache reads and writes to the prompt.",
    ),
    Semantics(
        scopes=("@arizeai/openinference-instrumentation-anthropic",),
        source_format="openinference_anthropic_js",
        input=_EXCLUSIVE,
        note="Does not record cache counts at all: they are unknown.",
    ),
    Semantics(
        scopes=("openinference.instrumentation.bedrock",),
        span="bedrock.invoke_model",
        model_text="claude",
        source_format="openinference_bedrock_invoke_anthropic",
        note="Meant to include cache; some versions do not, which cache beyond the prompt proves.",
    ),
    Semantics(
        scopes=("openinference.instrumentation.bedrock",),
        versions=">=0.1.60",
        source_format="openinference_bedrock_0.1.60",
        note="Since 0.1.60 the prompt holds the cache, for Converse too.",
    ),
    Semantics(
        scopes=("openinference.instrumentation.bedrock",),
        versions=">=0,<0.1.60",
        source_format="openinference_bedrock",
        input=_EXCLUSIVE,
        note="Converse and Nova as Bedrock reports them. A streamed total is made up: no evidence.",
    ),
    Semantics(
        scopes=("openinference.instrumentation.bedrock",),
        source_format="openinference_bedrock_unversioned",
        input=_EXCLUSIVE,
        has_own_total=True,
        note="Without the scope's version the span's own total tells first.",
    ),
    Semantics(
        scopes=("@arizeai/openinference-instrumentation-bedrock",),
        source_format="openinference_bedrock",
        input=_EXCLUSIVE,
        note="As Bedrock reports.",
    ),
    Semantics(
        scopes=(
            "opentelemetry.instrumentation.genai.bedrock",
            "opentelemetry.instrumentation.botocore.bedrock-runtime",
            "opentelemetry.instrumentation.bedrock",
        ),
        source_format="otel_bedrock",
        input=_EXCLUSIVE,
        note="Copies Bedrock's inputTokens, whatever the conventions say; its total is computed.",
    ),
    Semantics(
        scopes=(
            "openinference.instrumentation.langchain",
            "@arizeai/openinference-instrumentation-langchain",
            "openinference.instrumentation.litellm",
        ),
        source_format="openinference_langchain",
        note="LangChain and LiteLLM count input with cache for every provider.",
    ),
    Semantics(
        scopes=("openinference.instrumentation.agno",),
        providers=("anthropic", "aws"),
        source_format="openinference_agno",
        input=_EXCLUSIVE,
        note="Agno hands on what the provider counts.",
    ),
    Semantics(
        scopes=("logfire.openai", "logfire.anthropic"),
        record="log",
        source_format="logfire_stream",
        note="What a streamed call used, as a record of its own beside the call's span.",
    ),
    Semantics(
        scopes=("logfire.openai", "logfire.anthropic"),
        source_format="logfire",
        note="Adds cache to the input for every provider.",
    ),
    Semantics(
        scopes=("pydantic-ai",),
        source_format="pydantic_ai",
        note="Adds cache to the input and thoughts to the output for every provider.",
    ),
    Semantics(
        generation="ai_sdk_6",
        source_format="ai_sdk_6",
        note="The input holds the cache for every provider since it is told in parts.",
    ),
    Semantics(
        generation="ai_sdk",
        providers=("anthropic", "aws"),
        source_format="ai_sdk",
        input=_EXCLUSIVE,
        note="As the provider reports.",
    ),
    Semantics(
        generation="ai_sdk",
        providers=("google",),
        source_format="ai_sdk",
        output=_UNKNOWN,
        has_own_total=True,
        note="The output is the candidates only, unless the total proves that it holds thoughts.",
    ),
    Semantics(
        generation="ai_sdk",
        source_format="ai_sdk",
        note="As OpenAI reports.",
    ),
    Semantics(
        scopes=("openinference.instrumentation.google_genai",),
        source_format="openinference_google_genai",
        has_own_total=True,
        note="Adds thoughts to the completion.",
    ),
    Semantics(
        scopes=("openinference.instrumentation.vertexai",),
        source_format="openinference_vertexai",
        output=_EXCLUSIVE,
        has_own_total=True,
        note="The completion is the candidates only; thoughts come beside it.",
    ),
    Semantics(
        scopes=(
            "openinference.instrumentation.openai",
            "@arizeai/openinference-instrumentation-openai",
        ),
        source_format="openinference_openai",
        has_own_total=True,
        note="As OpenAI reports.",
    ),
    Semantics(
        scopes=("opentelemetry.instrumentation.anthropic", "@traceloop/instrumentation-anthropic"),
        source_format="openllmetry_anthropic",
        note="Adds cache reads and writes to the input; its total is computed.",
    ),
    Semantics(
        generation="otel_genai_1.40",
        providers=("google",),
        has_more_total=True,
        source_format="otel_genai_1.40",
        output=_EXCLUSIVE,
        has_own_total=True,
        note="A total beyond input and output is Gemini's own, and then so are they.",
    ),
    Semantics(
        generation="otel_genai_1.40",
        providers=("google", "x-ai"),
        source_format="otel_genai_1.40",
        has_own_total=True,
        note="The conventions, unless the provider's own total proves that reasoning is beside.",
    ),
    Semantics(
        generation="otel_genai_1.40",
        source_format="otel_genai_1.40",
        note="The conventions: totals include cached and reasoning tokens.",
    ),
    *_OLDER,
)
"""First match wins. Cache beyond the input total proves exclusive, whatever the table says."""

TOKEN_RULES = tuple(rule for semantics in TABLE for rule in semantics.token_rules())
