"""Words of gateways as ours: providers, operations by request path, roles."""

PROVIDERS = {
    "openai": "openai",
    "azure": "azure",
    "azureai": "azure",
    "azureopenai": "azure",
    "anthropic": "anthropic",
    "aws": "aws",
    "awsbedrock": "aws",
    "amazonbedrock": "aws",
    "bedrock": "aws",
    "sagemaker": "aws",
    "google": "google",
    "googleaistudio": "google",
    "googlevertex": "google",
    "googlevertexai": "google",
    "gemini": "google",
    "vertex": "google",
    "vertexai": "google",
    "vertexanthropic": "google",
    "mistral": "mistral",
    "mistralai": "mistral",
    "cohere": "cohere",
    "xai": "xai",
    "grok": "xai",
    "deepseek": "deepseek",
    "groq": "groq",
    "together": "together",
    "togetherai": "together",
    "fireworks": "fireworks",
    "fireworksai": "fireworks",
    "perplexity": "perplexity",
    "perplexityai": "perplexity",
    "openrouter": "openrouter",
    "databricks": "databricks",
    "vercel": "vercel",
}
"""Provider names, letters and digits in lower case, as ours; another is kept, in lower case."""

OPERATION_PATHS = {
    "embed": "embedding",
    "rerank": "rerank",
    "moderation": "moderation",
    "/images?/": "image",
    "/audio/(transcription|translation)": "audio_in",
    "/audio/speech": "audio_out",
    "/realtime": "realtime",
    "/batches": "batch",
    "chat.?completions|/responses|/messages|/converse|generatecontent|/invoke|/v1/chat": "chat",
    "/completions": "completion",
}
"""Operations by a pattern in the path of the request, in lower case; the first counts."""

LOOK_UPS = "(?i)/(responses/resp_|chat/completions/[^/?]|batches/[^/?])|count_?tokens|/input_tokens"
"""Paths of requests about a use that is counted elsewhere, or about one that is none."""

ROLES = {
    "embedding": "embedding",
    "rerank": "rerank",
    "moderation": "guardrail",
    "batch": "management",
    "other": "unknown",
}
"""What a call was for, by its operation; else it is a primary call."""
