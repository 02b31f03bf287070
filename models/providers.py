"""The vocabulary of providers: who serves an AI model and whose price list holds, by one id each.

Ids are those of the price list where it has the provider. Everything that names a provider is
resolved by these words: calls, bills, usage, prices, contract rows, routes and aliases.
"""

from collections.abc import Mapping
from types import MappingProxyType

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "openai": "openai_text text-completion-openai",
        "anthropic": "anthropic_text claude",
        "aws": (
            "bedrock bedrock_converse bedrock_mantle bedrock_runtime aws.bedrock amazon.bedrock"
            " aws.bedrock_runtime amazon bedrock_anthropic anthropic_bedrock sagemaker"
            " sagemaker_chat aws.sagemaker"
        ),
        "azure": (
            "azure_ai azure_text azure_openai azure.ai.openai az.ai.openai azure.ai.inference"
            " az.ai.inference azure_inference azure_ai_foundry azure_foundry azure_ai_studio"
            " microsoft microsoft.foundry microsoft.azure azure_anthropic anthropic_foundry"
        ),
        "google": (
            "gemini google_ai google_ai_studio google_gemini google_genai google_generative_ai"
            " google_gla google_cloud gcp gcp.gemini gcp.gen_ai gcp.vertex_ai gcp.vertex"
            " google_vertex google_vertex_ai vertex vertex_ai vertex_ai_beta vertex_anthropic"
            " google_vertex_anthropic google_anthropic_vertex anthropic_vertex"
        ),
        "mistral": "mistral_ai codestral text-completion-codestral text-completion-mistral",
        "cohere": "cohere_chat cohere_ai",
        "x-ai": "xai grok",
        "deepseek": "deepseek_ai",
        "groq": "groq_cloud",
        "together": "together_ai",
        "fireworks": "fireworks_ai",
        "perplexity": "perplexity_ai",
        "moonshotai": "moonshot kimi",
        "voyageai": "voyage",
        "openrouter": "",
        "github-copilot": "copilot",
        "databricks": "mosaicml",
        "vercel": "vercel_ai_gateway",
        "cerebras": "cerebras_ai",
        "cloudflare": "workers_ai cloudflare_workers_ai cloudflare.workers_ai",
        "cursor": "",
        "meta": "meta_llama meta_ai",
        "minimax": "minimax_ai",
        "novita": "novita_ai",
        "zai": "z_ai",
        "zhipuai": "zhipu",
        "elevenlabs": "",
        "ovhcloud": "ovh",
        "ibm": "ibm.watsonx.ai watsonx ibm_watsonx watsonx_text",
        "deepinfra": "",
        "ollama": "ollama_chat",
    }
)

FRAMEWORKS = frozenset(
    (
        "adk ag2 agentscope agno autogen aisdk browseruse camelai claudeagentsdk claudecode codex"
        " crewai dspy genai github githubmodels googleadk guardrails haystack helicone instructor"
        " kong laminar langchain langflow langfuse langgraph litellm litellmproxy livekit"
        " llamaindex mastra microsoft.agents"
        " microsoftagentframework n8n openaiagents openinference openllmetry pipecat portkey"
        " pydanticai semantickernel smolagents spring springai strands strandsagents traceloop"
        " vercelai voltagent"
    )
    .replace(".", "")
    .split()
)
"""Spelled names that tracers write as a provider: they run a call, and somebody else serves it."""

API_SUFFIXES = (
    "chat",
    "completion",
    "completions",
    "responses",
    "messages",
    "embedding",
    "embeddings",
    "image",
    "speech",
    "transcription",
)
"""APIs that the Vercel AI SDK appends to a provider with a point: `openai.responses`."""

DROPPED = "._- /"
"""Characters in which spellings of one provider differ."""

_DROP = str.maketrans("", "", DROPPED)


def spelled(name: str) -> str:
    """A name without case and without what spellings differ in: `AWS_Bedrock` is `awsbedrock`."""
    return name.lower().translate(_DROP)


PROVIDER_NAMES: Mapping[str, str] = MappingProxyType(
    {
        spelled(name): provider
        for provider, names in _NAMES.items()
        for name in (provider, *names.split())
    }
)
"""Spelled names to ids, the common ones first. Exact: a part would price one cloud as another."""


def known_provider(name: str | None) -> str | None:
    """The id of a provider by any of its names; null if the vocabulary has no such name."""
    text = (name or "").strip().lower()
    whole = PROVIDER_NAMES.get(spelled(text))
    if whole is not None:
        return whole
    before, _, suffix = text.rpartition(".")
    return PROVIDER_NAMES.get(spelled(before)) if suffix in API_SUFFIXES else None


def provider_id(name: str | None) -> str | None:
    """The id of a provider; a name that is not known stays as it is, in lower case."""
    return known_provider(name) or (name or "").strip().lower() or None


def is_framework(name: str | None) -> bool:
    """Whether a name is that of software which calls providers and is none itself."""
    return spelled(name or "") in FRAMEWORKS
